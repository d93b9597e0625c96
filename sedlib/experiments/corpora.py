"""The corpus that is mixed from a sound bank, for the transfer experiment."""

from sedlib import audio, features, sources
from sedlib.config import ConfigError, repository
from sedlib.corpus import Corpus
from sedlib.synthesis.soundbank import open_soundbank


def mix_soundbank_episodes(params, target, processes=1):
    """Mix episodes from a sound bank, by the script of the synthetic episodes.

    Parameters
    ----------
    params : sedlib.config.Params
        ``experiments.soundbank`` and ``experiments.aliases`` take the place of those of
        ``episodes``.
    target : pathlib.Path
        Folder; receives the folders ``episodes`` and ``features``.
    processes : int
        Number of episodes that are mixed at a time.

    Returns
    -------
    corpus : Corpus
    counts : dict of str to dict of str to list of int
        For each class and subset the number of recordings, and the number of groups of
        recordings that are independent of each other.

    Raises
    ------
    sedlib.config.SedlibError
        If the folder is missing, a class has too few recordings, or one cannot be used.
    """
    folder, aliases = params.experiments.soundbank, params.experiments.aliases
    if not (repository() / folder).is_dir():
        raise ConfigError(
            f"{folder}: no such folder; put a folder of recordings for each class there, or "
            "correct experiments.soundbank in params.yaml"
        )
    changes = {"source": "soundbank", "folder": folder, "aliases": aliases}
    options = params.episodes.model_copy(update=changes)
    changed = params.model_copy(update={"episodes": options})
    soundbank = open_soundbank(
        repository() / folder, params.classes, aliases, params.seed, options.bad
    )
    corpus = Corpus("recordings", target / "episodes", target / "features", params.split)
    sources.prepare_episodes(changed, repository() / folder, corpus.episodes, processes)
    corpus.features.mkdir(parents=True, exist_ok=True)
    for name in params.split.episodes:
        sound = audio.read_audio(corpus.episodes / f"{name}.flac", params.stft.sample_rate)
        sound = features.normalise(sound, params.stft)
        x = features.spectrogram(features.split_segments(sound, params.stft), params.stft)
        features.write_features(corpus.features / f"{name}.npy", x)
    counts = {}
    for label in params.classes:
        for subset, _ in params.split:
            groups = [
                r.group for r in soundbank.recordings if (r.label, r.subset) == (label, subset)
            ]
            counts.setdefault(label, {})[subset] = [len(groups), len(set(groups))]
    return corpus, counts
