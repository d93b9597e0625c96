"""The long studies: what each change since 2018 brings, and what recordings teach.

A study trains recipes, each from several seeds, and keeps what they answer on the validation
and test episodes. Judging is left to notebooks 6 and 7, which need no training. A *corpus* is
a set of episodes split by ``params.split``: the default ones, or others of the same names.

Files
-----
``NAME.npz``, arrays by name: ``RECIPE/SEED/SIDE/CORPUS``, scores (n_segments, n_classes) as
float16, of the validation episodes of the corpora the recipe was trained on and of the test
episodes of all; ``truth/RULE/SIDE/CORPUS``, labels as bool, by the rule that all were trained
with and by that of 2018.

``NAME.json``: the recipes, seeds, classes, rule of the labels, ``lengths`` (clips of each episode
by side and corpus), how many minutes each run took since it was last started, on what, with
which packages.
"""

import hashlib
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from sedlib import annotations, audio, features, models, sources, training
from sedlib.config import Augment, ConfigError, repository
from sedlib.files import write_arrays, write_json
from sedlib.labels import label_frames, label_segments
from sedlib.synthesis.soundbank import open_soundbank

RULE_OF_2018 = "whole"
CODE = ("features.py", "labels.py", "models", "training")  # what a run depends on
NOT_VARIED = Augment(mix=0, gain=0, timbre=0, mask_bins=0, mask_frames=0)


@dataclass(frozen=True)
class Recipe:
    """One way to train a network.

    Attributes
    ----------
    name : str
        What is changed against the recipe before.
    says : str
        The same in a sentence.
    network : {"2018", "2018 log mel", "compact"}
        `sedlib.models.reference` on magnitudes or on log mel bands, or `sedlib.models.compact`.
    examples : {"crops", "seconds"}
        `sedlib.training.Crops` or `sedlib.training.Batches`.
    changes : dict
        Fields of `sedlib.config.Train` that are not those of ``params.train``.
    corpora : tuple of str
        What it is trained on; all there are if it names none. An epoch of two shows half of
        the examples of each, so that all recipes see equally many of corpora of one size.
    """

    name: str
    says: str
    network: str = "compact"
    examples: str = "seconds"
    changes: Mapping = field(default_factory=dict)
    corpora: tuple = ()


def comparison(train):
    """List the recipes from that of 2018 to ours, one change at a time.

    Parameters
    ----------
    train : sedlib.config.Train
        Ours.

    Returns
    -------
    list of Recipe
        The first has all of 2018 but the width of its network, what `sedlib.models.reference`
        says, the number of steps, stretches cut on whole seconds by the rule of our labels,
        and the best epoch on the validation episode in place of the last.

    Raises
    ------
    ConfigError
        If ours is not the network and the training that the recipes lead to.
    """
    for key, value, good in (
        ("preset", train.preset, train.preset == "compact"),
        ("frame_weight", train.frame_weight, train.frame_weight > 0),
        ("augment.mix", train.augment.mix, train.augment.mix > 0),
    ):
        if not good:
            raise ConfigError(
                f"params.yaml: train.{key} is {value}; the comparison leads from 2018 to the "
                "compact network with mixing and labels of frames: set it as it was"
            )
    slow = {"batch_size": 32, "learning_rate": 1e-4, "schedule": "constant"}
    plain = {"augment": NOT_VARIED, "frame_weight": 0.0}
    mixed = {"augment": NOT_VARIED.model_copy(update={"mix": train.augment.mix})}
    return [
        Recipe(
            "recipe of 2018",
            "raw magnitudes, the old network, random seconds that take all labels of their clip, "
            f"Adam at {slow['learning_rate']:g} with {slow['batch_size']} a batch",
            "2018",
            "crops",
            slow | plain,
        ),
        Recipe(
            "labels of the second",
            "every second of the episodes with its own labels, also those without any",
            "2018",
            changes=slow | plain,
        ),
        Recipe(
            "log mel bands",
            f"the logarithm of {models.MEL_BANDS} mel bands in place of magnitudes",
            "2018 log mel",
            changes=slow | plain,
        ),
        Recipe(
            "network",
            "other widths, batch norm after every convolution, a tanh GRU of half the size, "
            "dropout, a score for every frame and their linear softmax",
            changes=slow | plain,
        ),
        Recipe(
            "learning rate",
            f"Adam at {train.learning_rate:g} with a warm-up and a cosine, "
            f"{train.batch_size} a batch",
            changes=plain,
        ),
        Recipe(
            "mixing",
            f"a share of {train.augment.mix:g} of the clips gets a second one laid over it, drawn "
            "evenly over the classes",
            changes=plain | mixed,
        ),
        Recipe(
            "variation",
            "level and timbre change, a band and a stretch are silenced",
            changes={"frame_weight": 0.0},
        ),
        Recipe("labels of the frame", "every single frame is told what sounds in it"),
    ]


def recordings(made, recorded):
    """List the recipes that differ by what they are trained on.

    Parameters
    ----------
    made, recorded : Corpus
        The default episodes, and those mixed from recordings.

    Returns
    -------
    list of Recipe
    """
    return [
        Recipe(made.name, "the default episodes", corpora=(made.name,)),
        Recipe(recorded.name, "episodes mixed from recordings", corpora=(recorded.name,)),
        Recipe("both", "half of the examples from each", corpora=(made.name, recorded.name)),
    ]


@dataclass(frozen=True)
class Corpus:
    """Episodes with their features.

    Attributes
    ----------
    name : str
    episodes, features : pathlib.Path
        Folders, as stages ``episodes`` and ``preprocess`` fill them.
    split : sedlib.config.Split
    """

    name: str
    episodes: Path
    features: Path
    split: object

    def magnitudes(self, side, recipe):
        """Open the features of a side; list of (n_segments, frames, bins) arrays."""
        names = getattr(self.split, side)
        return [features.open_features(self.features / f"{name}.npy", recipe) for name in names]

    def waveforms(self, side, rate):
        """Read the sound of a side; list of (n_samples,) arrays."""
        names = getattr(self.split, side)
        return [audio.read_audio(self.episodes / f"{name}.flac", rate) for name in names]

    def labels(self, side, params, rule):
        """Label the clips of a side; list of (n_segments, n_classes) arrays of bool."""
        return [label_segments(e, n, params.classes, rule) for e, n in self._events(side, params)]

    def frame_labels(self, side, params):
        """Label the frames of a side; list of (n_segments, frames, n_classes) arrays of bool."""
        classes, recipe = params.classes, params.stft
        return [label_frames(e, n, classes, recipe) for e, n in self._events(side, params)]

    def _events(self, side, params):
        """Yield the events and the number of clips of each episode of a side."""
        magnitudes = self.magnitudes(side, params.stft)
        for name, x in zip(getattr(self.split, side), magnitudes, strict=True):
            yield annotations.read_json(self.episodes / f"{name}.json"), len(x)


def mix_recordings(params, target, processes=1):
    """Mix episodes from real recordings, by the script of the synthetic ones.

    Parameters
    ----------
    params : sedlib.config.Params
        Uses ``study.recordings`` and ``study.aliases`` in place of those of ``episodes``.
    target : pathlib.Path
        Folder; gets ``episodes`` and ``features``.
    processes : int
        Episodes at a time.

    Returns
    -------
    corpus : Corpus
    dealt : dict of str to dict of str to list of int
        Of each class and side, how many recordings there are to be drawn from, and how many
        groups of them that belong together.

    Raises
    ------
    sedlib.config.SedlibError
        If the folder is missing, a class has too few recordings, or one cannot be used.
    """
    folder, aliases = params.experiments.soundbank, params.experiments.aliases
    if not (repository() / folder).is_dir():
        raise ConfigError(
            f"{folder}: no such folder; put a folder of recordings for each class there, or "
            "correct study.recordings in params.yaml"
        )
    changes = {"source": "soundbank", "folder": folder, "aliases": aliases}
    options = params.episodes.model_copy(update=changes)
    changed = params.model_copy(update={"episodes": options})
    bank = open_soundbank(repository() / folder, params.classes, aliases, params.seed, options.bad)
    corpus = Corpus("recordings", target / "episodes", target / "features", params.split)
    sources.prepare(changed, repository() / folder, corpus.episodes, processes)
    corpus.features.mkdir(parents=True, exist_ok=True)
    for name in params.split.episodes:
        sound = audio.read_audio(corpus.episodes / f"{name}.flac", params.stft.sample_rate)
        x = features.spectrogram(features.split_segments(sound, params.stft), params.stft)
        features.write_features(corpus.features / f"{name}.npy", x)
    dealt = {}
    for label in params.classes:
        for side, _ in params.split:
            own = [r.group for r in bank.recordings if (r.label, r.side) == (label, side)]
            dealt.setdefault(label, {})[side] = [len(own), len(set(own))]
    return corpus, dealt


def conduct(name, recipes, corpora, params, scratch, target, processes=0, facts=None):
    """Train every recipe from every seed and keep what all answer.

    A run that is done is kept in `scratch` and not done again.

    Parameters
    ----------
    name : str
        Of the study.
    recipes : sequence of Recipe
    corpora : sequence of Corpus
    params : sedlib.config.Params
    scratch, target : pathlib.Path
        Folders for the runs, and for ``NAME.npz`` and ``NAME.json``; made if missing.
    processes : int
        Runs at a time, each on one thread; changes the speed only. 0 runs one after the
        other in this process, on all it has: for a GPU.
    facts : dict, optional
        What else the description is to say, as JSON.

    Yields
    ------
    str
        One line a run that is done.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    jobs = [(recipe, seed) for recipe in recipes for seed in params.experiments.seeds]
    work = partial(_run, corpora, params, scratch)
    if processes:
        spawn = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
        with ProcessPoolExecutor(processes, spawn, _use_one_thread) as pool:
            yield from pool.map(work, jobs)
    else:
        yield from map(work, jobs)
    arrays, minutes = {}, {}
    for recipe, seed in jobs:
        run = f"{recipe.name}/{seed}"
        with np.load(_file(scratch, recipe, seed)) as stored:
            minutes[run] = float(stored["minutes"])
            scores = {key: stored[key] for key in stored.files if "/" in key}
        arrays |= {f"{run}/{key}": value for key, value in scores.items()}
    lengths = {}
    for corpus in corpora:
        for side in ("validation", "test"):
            for rule in dict.fromkeys((params.labels.rule, RULE_OF_2018)):
                labels = corpus.labels(side, params, rule)
                arrays[f"truth/{rule}/{side}/{corpus.name}"] = np.concatenate(labels)
            names = getattr(corpus.split, side)
            sizes = dict(zip(names, map(len, labels), strict=True))
            lengths.setdefault(corpus.name, {})[side] = sizes
    described = {
        "recipes": {recipe.name: recipe.says for recipe in recipes},
        "seeds": list(params.experiments.seeds),
        "classes": list(params.classes),
        "rule": params.labels.rule,
        "lengths": lengths,
        "width of the network of 2018": params.experiments.width,
        "epochs": params.train.epochs,
        "examples an epoch": sum(map(len, corpora[0].magnitudes("train", params.stft))),
        "minutes": minutes,
        "processor": _processor(),
        "versions": {m.__name__: m.__version__ for m in (keras, np, tf)},
        **(facts or {}),
    }
    target.mkdir(parents=True, exist_ok=True)
    write_arrays(target / f"{name}.npz", compressed=True, **arrays)
    write_json(described, target / f"{name}.json")


def _use_one_thread():
    """Give a process one thread: two runs side by side are faster than one on two threads."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _run(corpora, params, scratch, job):
    """Train one recipe from one seed and store its scores; return a line that says so."""
    recipe, seed = job
    never_early = {"patience": params.train.epochs}  # which would favour the fast learners
    options = params.train.model_copy(update=never_early | dict(recipe.changes))
    own = [c for c in corpora if not recipe.corpora or c.name in recipe.corpora]
    key = _key(recipe, seed, options, corpora, params)
    file = _file(scratch, recipe, seed)
    if _is_done(file, key):
        return f"{recipe.name}, seed {seed}: done before"
    start = time.monotonic()
    training.make_reproducible(seed)
    network = _network(recipe.network, params)
    batches = _examples(recipe, own, options, seed, params)
    magnitudes = [x for corpus in own for x in corpus.magnitudes("validation", params.stft)]
    labels = [y for corpus in own for y in corpus.labels("validation", params, params.labels.rule)]
    validation = magnitudes, np.concatenate(labels)
    history = training.train(
        network, batches, validation, options, file.with_suffix(".checkpoint.npz"), key
    )
    scores = {}
    for corpus in corpora:
        for side in ("validation", "test"):
            if side == "test" or corpus in own:
                x = corpus.magnitudes(side, params.stft)
                answers = np.concatenate([models.predict_scores(network, m) for m in x])
                scores[f"{side}/{corpus.name}"] = answers.astype(np.float16)
    minutes = (time.monotonic() - start) / 60
    arrays = scores | {"key": np.array(key), "minutes": np.round(minutes, 1)}
    write_arrays(file, compressed=True, **arrays)
    best = history["val_average_precision"].max()
    return f"{recipe.name}, seed {seed}: {minutes:.1f} min, validation {best:.3f}"


def _network(name, params):
    """Build the network of a recipe."""
    if name == "compact":
        return models.build_model(name, params.classes, params.stft)
    return models.reference(
        *features.segment_shape(params.stft),
        len(params.classes),
        params.stft.sample_rate,
        width=params.experiments.width,
        log_mel=name == "2018 log mel",
    )


def _examples(recipe, corpora, options, seed, params):
    """Return what gives the batches of an epoch."""
    labels = [y for corpus in corpora for y in corpus.labels("train", params, params.labels.rule)]
    if recipe.examples == "crops":
        rate = params.stft.sample_rate
        sounds = [w for corpus in corpora for w in corpus.waveforms("train", rate)]
        return partial(training.Crops, sounds, labels, params.stft, options, seed)
    magnitudes = [x for corpus in corpora for x in corpus.magnitudes("train", params.stft)]
    frames = [f for corpus in corpora for f in corpus.frame_labels("train", params)]
    every = magnitudes, np.concatenate(labels), np.concatenate(frames)
    return partial(training.Batches, *every, options, seed, share=1 / len(corpora))


def _key(recipe, seed, options, corpora, params):
    """Say what a run comes from, by content."""
    described = {
        "recipe": asdict(recipe) | {"changes": None, "says": None, "name": None},
        "options": options.model_dump(),
        "seed": seed,
        "width": params.experiments.width,
        "features": params.stft.model_dump(),
        "classes": params.classes,
        "labels": params.labels.rule,
        "corpora": {corpus.name: _content(corpus) for corpus in corpora},
        "code": _code(),
        "versions": [m.__version__ for m in (keras, tf)],
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _code():
    """Hash each module that a run depends on."""
    package = Path(features.__file__).parent
    files = [f for name in CODE for f in sorted([package / name, *(package / name).glob("*.py")])]
    return [hashlib.md5(f.read_bytes()).hexdigest() for f in files if f.is_file()]


def _content(corpus):
    """Hash the files of each episode."""
    files = [corpus.episodes / f"{n}.{s}" for n in corpus.split.episodes for s in ("flac", "json")]
    return [hashlib.md5(file.read_bytes()).hexdigest() for file in files]


def _file(scratch, recipe, seed):
    return scratch / f"{recipe.name.replace(' ', '_')}_{seed}.npz"


def _is_done(file, key):
    if not file.is_file():
        return False
    with np.load(file) as stored:
        return str(stored["key"]) == key


def _processor():
    """Name the device that trains."""
    cards = tf.config.list_physical_devices("GPU")
    if cards:
        return tf.config.experimental.get_device_details(cards[0]).get("device_name", "a GPU")
    return f"{platform.machine()}, {os.cpu_count()} cores"
