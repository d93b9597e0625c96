"""The corpora of the experiments: episodes with their features, synthesised or mixed."""

import numpy as np

from sedlib import audio, features, sources
from sedlib.config import ConfigError, repository
from sedlib.corpus import Corpus
from sedlib.synthesis.soundbank import open_soundbank


def open_recordings(params):
    """Open the sound bank of the experiments.

    Parameters
    ----------
    params : sedlib.config.Params

    Returns
    -------
    sedlib.synthesis.soundbank.SoundBank

    Raises
    ------
    sedlib.errors.SedlibError
        If the folder is missing, a class has too few recordings, or one cannot be used.
    """
    options = params.experiments
    if not (repository() / options.soundbank).is_dir():
        raise ConfigError(
            f"{options.soundbank}: no such folder; put a folder of recordings for each class "
            "there, or correct experiments.soundbank in params.yaml"
        )
    folder, bad = repository() / options.soundbank, params.episodes.bad
    return open_soundbank(folder, params.classes, options.aliases, params.seed, bad)


def make_corpus(params, target, processes=1, soundbank=None):
    """Synthesise episodes, or mix them from a sound bank by the same script.

    Parameters
    ----------
    params : sedlib.config.Params
        Its split names the episodes.
    target : pathlib.Path
        Folder; receives the folders ``episodes`` and ``features``.
    processes : int
        Number of episodes that are made at a time.
    soundbank : sedlib.synthesis.soundbank.SoundBank, optional

    Returns
    -------
    Corpus
        Named ``recordings`` if there is a sound bank, else ``synthetic``.

    Raises
    ------
    sedlib.errors.SedlibError
        If there is no sound for a class, or a recording cannot be read any more.
    """
    name = "recordings" if soundbank else "synthetic"
    source = {"source": "soundbank" if soundbank else "synthetic"}
    options = params.episodes.model_copy(update=source)
    changed = params.model_copy(update={"episodes": options})
    corpus = Corpus(name, target / "episodes", target / "features", params.split)
    sources.prepare_episodes(changed, None, corpus.episodes, processes, soundbank)
    corpus.features.mkdir(parents=True, exist_ok=True)
    for episode in params.split.episodes:
        sound = audio.read_audio(corpus.episodes / f"{episode}.flac", params.stft.sample_rate)
        sound = features.normalise(sound, params.stft)
        x = features.spectrogram(features.split_segments(sound, params.stft), params.stft)
        features.write_features(corpus.features / f"{episode}.npy", x)
    return corpus


def join_examples(corpora, subset, params):
    """Join the examples of several corpora; see `sedlib.corpus.Corpus.examples`."""
    parts = [corpus.examples(subset, params) for corpus in corpora]
    magnitudes = [x for part in parts for x in part[0]]
    return magnitudes, *(np.concatenate([part[i] for part in parts]) for i in (1, 2))


def count_recordings(soundbank, params):
    """Count the recordings of a sound bank, and the groups that are independent of each other.

    Parameters
    ----------
    soundbank : sedlib.synthesis.soundbank.SoundBank
    params : sedlib.config.Params

    Returns
    -------
    dict of str to dict of str to list of int
        For each class and subset the number of recordings and the number of groups.
    """
    counts = {}
    for label in params.classes:
        for subset, _ in params.split:
            groups = [
                r.group for r in soundbank.recordings if (r.label, r.subset) == (label, subset)
            ]
            counts.setdefault(label, {})[subset] = [len(groups), len(set(groups))]
    return counts
