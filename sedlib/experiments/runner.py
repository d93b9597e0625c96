"""Train every variant of an experiment from several seeds and keep the scores.

An experiment keeps the scores on the validation and test episodes. They are evaluated in
notebooks 6 and 7, which need no training.

Files
-----
``NAME.npz``, arrays by name:

- ``VARIANT/SEED/SUBSET/CORPUS``: scores (n_segments, n_classes) as float16, for the
  validation episodes of the corpora that the variant was trained on and for the test
  episodes of all corpora;
- ``reference/RULE/SUBSET/CORPUS``: labels (n_segments, n_classes) as bool, by the rule that
  all variants were trained with and by the rule of 2018.

``NAME.json``: descriptions of the variants, seeds, classes, label rule, ``lengths`` (number of
segments of each episode by corpus and subset), epochs, examples per epoch, the minutes that
each run took since it was last started, processor and package versions.
"""

import hashlib
import multiprocessing
import os
import platform
import time
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from sedlib import features, models, training
from sedlib.experiments.corpora import join_examples
from sedlib.files import write_arrays, write_json
from sedlib.workers import worker_pool

VTT2018_RULE = "whole"  # see `sedlib.labels.label_segments`
EVALUATED = ("validation", "test")  # the subsets


def run_experiment(name, variants, corpora, params, scratch, target, processes=0, facts=None):
    """Train every variant from every seed and keep the scores of all.

    A finished run is kept in `scratch` and reused as long as nothing it depends on changes.

    Parameters
    ----------
    name : str
        Of the experiment; names the files.
    variants : sequence of Variant
    corpora : sequence of Corpus
    params : sedlib.config.Params
    scratch, target : pathlib.Path
        Folders for the runs, and for ``NAME.npz`` and ``NAME.json``; made if missing.
    processes : int
        Number of runs at a time, each on one thread; it changes the speed only. With 0 the
        runs follow one after the other in this process and use all there is, as for a GPU.
    facts : dict, optional
        Further entries of ``NAME.json``.

    Yields
    ------
    str
        One line for each finished run.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    jobs = [(variant, seed) for variant in variants for seed in params.experiments.seeds]
    work = partial(_run, corpora, params, scratch)
    if processes:
        spawn = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
        with worker_pool(min(processes, len(jobs)), spawn, _use_one_thread) as pool:
            yield from pool.map(work, jobs)
    else:
        yield from map(work, jobs)
    scores, minutes = _collect_runs(scratch, jobs)
    reference, lengths = _collect_reference(corpora, params)
    description = {
        "variants": {variant.name: variant.description for variant in variants},
        "seeds": list(params.experiments.seeds),
        "classes": list(params.classes),
        "rule": params.labels.rule,
        "lengths": lengths,
        "vtt2018_width": params.experiments.width,
        "epochs": params.train.epochs,
        "examples_per_epoch": sum(map(len, corpora[0].magnitudes("train", params.stft))),
        "minutes": minutes,
        "processor": _processor(),
        "versions": {m.__name__: m.__version__ for m in (keras, np, tf)},
        **(facts or {}),
    }
    target.mkdir(parents=True, exist_ok=True)
    write_arrays(target / f"{name}.npz", compressed=True, **scores, **reference)
    write_json(description, target / f"{name}.json")


def _use_one_thread():
    """Give a process one thread: two runs side by side are faster than one on two threads."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _run(corpora, params, scratch, job):
    """Train one variant from one seed and store its scores; return a line about it."""
    variant, seed = job
    never_stop_early = {"patience": params.train.epochs}  # stopping would favour fast learners
    options = params.train.model_copy(update=never_stop_early | dict(variant.changes))
    key = _run_key(variant, seed, options, corpora, params)
    file = _run_file(scratch, variant, seed)
    if _is_finished(file, key):
        return f"{variant.name}, seed {seed}: finished before"
    start = time.monotonic()
    own = [c for c in corpora if not variant.corpora or c.name in variant.corpora]
    training.make_reproducible(seed)
    network = _network(variant.network, params)
    batches = _examples(variant, own, options, seed, params)
    validation = join_examples(own, "validation", params)[:2]
    checkpoint = file.with_suffix(".checkpoint.npz")
    history = training.train(network, batches, validation, options, checkpoint, key)
    scores = {}
    for corpus in corpora:
        for subset in EVALUATED:
            if subset == "test" or corpus in own:
                x = corpus.magnitudes(subset, params.stft)
                estimated = np.concatenate([models.predict_scores(network, m) for m in x])
                scores[f"{subset}/{corpus.name}"] = estimated.astype(np.float16)
    minutes = (time.monotonic() - start) / 60
    arrays = scores | {"key": np.array(key), "minutes": np.round(minutes, 1)}
    write_arrays(file, compressed=True, **arrays)
    best = history["val_average_precision"].max()
    return f"{variant.name}, seed {seed}: {minutes:.1f} min, validation mAP {best:.3f}"


def _network(name, params):
    """Build the network of a variant."""
    vtt2018 = partial(models.vtt2018, width=params.experiments.width)
    networks = {
        "vtt2018": vtt2018,
        "vtt2018 log-mel": partial(vtt2018, log_mel=True),
        "compact": models.compact,
        "compact without MixStyle": partial(models.compact, mixstyle=0.0),
    }
    shape = features.segment_shape(params.stft)
    return networks[name](*shape, len(params.classes), params.stft.sample_rate)


def _examples(variant, corpora, options, seed, params):
    """Return the function that gives the batches of an epoch."""
    stft = params.stft
    if variant.examples == "crops":
        labels = [y for corpus in corpora for y in corpus.labels("train", params)]
        sounds = (w for corpus in corpora for w in corpus.waveforms("train", stft.sample_rate))
        waveforms = [features.normalise(sound, stft) for sound in sounds]
        return partial(training.Crops, waveforms, labels, stft, options, seed)
    examples = join_examples(corpora, "train", params)
    return partial(training.Batches, *examples, options, seed, share=1 / len(corpora))


def _run_key(variant, seed, options, corpora, params):
    """Identify a run by everything that its result depends on."""
    return training.training_key(
        options,
        seed,
        params.classes,
        params.stft,
        {corpus.name: _hash_subsets(corpus) for corpus in corpora},
        network=variant.network,
        examples=variant.examples,
        trained_on=variant.corpora,
        width=params.experiments.width,
        rule=params.labels.rule,
    )


def _hash_subsets(corpus):
    """MD5 of the sound, the annotations and the features of each episode, by its subset."""
    hashes = {subset: [] for subset, _ in corpus.split}
    for subset, names in corpus.split:
        for name in names:
            sound, events = (corpus.episodes / f"{name}.{suffix}" for suffix in ("flac", "json"))
            for path in (sound, events, corpus.features / f"{name}.npy"):
                with path.open("rb") as file:
                    hashes[subset].append(hashlib.file_digest(file, "md5").hexdigest())
    return hashes


def _run_file(scratch, variant, seed):
    return scratch / f"{variant.name.replace(' ', '_')}_{seed}.npz"


def _is_finished(file, key):
    try:
        with np.load(file) as stored:
            return str({**stored}["key"]) == key  # reads all arrays, any of which may be damaged
    except Exception:  # there is none, or it is damaged
        return False


def _collect_runs(scratch, jobs):
    """Read the scores of all runs by their names, and the minutes that each run took."""
    scores, minutes = {}, {}
    for variant, seed in jobs:
        run = f"{variant.name}/{seed}"
        with np.load(_run_file(scratch, variant, seed)) as stored:
            minutes[run] = float(stored["minutes"])
            scores |= {f"{run}/{key}": stored[key] for key in stored.files if "/" in key}
    return scores, minutes


def _collect_reference(corpora, params):
    """Label all evaluated episodes by both rules, and count their segments."""
    reference, lengths = {}, {}
    for corpus in corpora:
        for subset in EVALUATED:
            for rule in dict.fromkeys((params.labels.rule, VTT2018_RULE)):
                labels = corpus.labels(subset, params, rule)
                reference[f"reference/{rule}/{subset}/{corpus.name}"] = np.concatenate(labels)
            names = getattr(corpus.split, subset)
            sizes = dict(zip(names, map(len, labels), strict=True))
            lengths.setdefault(corpus.name, {})[subset] = sizes
    return reference, lengths


def _processor():
    """Name the device that trains."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "a GPU")
    return f"{platform.machine()}, {os.cpu_count()} cores"
