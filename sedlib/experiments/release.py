"""The model that comes with the repository: trained on synthetic episodes and on recordings.

It is trained like the default model, on more episodes: half of them are synthetic, half mixed
from recordings whose licence allows it. The training episodes vary the recordings. The results
are measured on test episodes of both kinds; no recording in the test episodes is heard in
training, nor is any copy of one.
"""

import dataclasses
import re
from functools import partial
from importlib import import_module

import numpy as np

from sedlib import detection, metrics, models, training
from sedlib.config import ConfigError
from sedlib.experiments.corpora import count_recordings, join_examples, make_corpus, open_recordings
from sedlib.synthesis.soundbank_groups import read_credits

# A licence by its name or address, with or without version; after it, any remark.
_FREE = re.compile(
    r"(CC[ -]?0|CC[ -]BY(-SA)?|Creative Commons (0|Zero|Attribution([ -]Share[ -]?Alike)?)"
    r"|https?://(?:www\.)?creativecommons\.org/(licenses/by(-sa)?|publicdomain/(zero|mark))"
    r"|public domain|Apache|BSD([ -]\d[ -]Clause)?|MIT|CMU ARCTIC)([ /-]v?\d[\d.]*)?/?([ ,/(].*)?",
    re.IGNORECASE | re.DOTALL,
)
_NARROW = re.compile(
    r"\b(N\.?[CD]\b|non|not?\b|no-?deriv)|only|personal|private|research|educat|academi"
    r"|permission|prohibit|forbid|restrict|except|without|commons clause|sampling|reserved|unknown"
    r"|unsure|maybe|\?",
    re.IGNORECASE,
)
LIBRARIES = "keras", "librosa", "numpy", "tensorflow"


def permits_release(licence):
    """Tell whether a licence allows anybody to use what is derived from a recording.

    Parameters
    ----------
    licence : str
        As in the column ``licence`` of ``sources.csv``. What follows a semicolon is about the
        collection that the recording was found in and does not matter.

    Returns
    -------
    bool
        True if the text begins with CC0, CC BY, CC BY-SA, their addresses, the public domain, or
        the Apache, BSD, MIT or CMU ARCTIC licence, and nothing after it limits the use. False for
        everything else, also for an empty text, and for terms that forbid commercial use (NC) or
        changes (ND).

    Examples
    --------
    >>> permits_release("CC BY 4.0"), permits_release("CC BY-NC 3.0")
    (True, False)
    """
    own = licence.partition(";")[0].strip()
    return bool(_FREE.fullmatch(own)) and not _NARROW.search(own)


def make_release(params, scratch, target, processes=1):
    """Train the model that comes with the repository, and measure it.

    Parameters
    ----------
    params : sedlib.config.Params
        Their section ``experiments`` says how many episodes there are and where the sound bank is.
    scratch : pathlib.Path
        Folder for the episodes and the checkpoint; made if missing.
    target : pathlib.Path
        Folder of the model; see `sedlib.models.save_model`.
    processes : int
        Number of episodes that are made at a time.

    Returns
    -------
    results : dict of str to dict
        Name of each corpus to its results: for each class, and ``macro``, the F1 on the test
        segments as ``estimate``, ``low`` and ``high``, and for a class ``support``, the number of
        positive segments.
    counts : dict
        Of recordings and groups; see `sedlib.experiments.count_recordings`.
    credits : dict of str to dict of str to str
        The recordings heard in training and validation, by name, with their sources; see
        `sedlib.synthesis.soundbank_groups.read_credits`.

    Raises
    ------
    sedlib.errors.SedlibError
        If the sound bank is missing or cannot be used.
    """
    soundbank, credits = _permitted(open_recordings(params))
    more = tuple(
        f"more_ep{number:02d}" for number in range(1, params.experiments.release_episodes + 1)
    )
    split = params.split.model_copy(update={"train": params.split.train + more})
    params = params.model_copy(update={"split": split})
    corpora = [
        make_corpus(params, scratch / "synthetic", processes),
        make_corpus(params, scratch / "recordings", processes, soundbank),
    ]
    network, description = _train(params, corpora, scratch / "checkpoint.npz")
    models.save_model(target, network, description)
    results = {corpus.name: _measure(params, corpus, network, description) for corpus in corpora}
    heard = [r.name for r in soundbank.recordings if r.subset != "test"]
    counts = count_recordings(soundbank, params)
    return results, counts, {name: credits[name] for name in sorted(heard)}


def _permitted(soundbank):
    """Leave out the recordings whose licence is too narrow; return the sources of the others."""
    credits = read_credits(soundbank.folder)
    kept = []
    for recording in soundbank.recordings:
        if recording.name not in credits:
            raise ConfigError(
                f"{soundbank.folder / recording.name}: sources.csv does not say where it comes "
                "from; add a row with its licence, or remove the file"
            )
        if permits_release(credits[recording.name]["licence"]):
            kept.append(recording)
    left = {(recording.label, recording.subset) for recording in kept}
    lost = {(recording.label, recording.subset) for recording in soundbank.recordings} - left
    if lost:
        label, subset = min(lost)
        raise ConfigError(
            f"{soundbank.folder}: there is no recording of '{label}' for {subset} whose licence "
            "permits the release; add some"
        )
    return dataclasses.replace(soundbank, recordings=tuple(kept), varied=True), credits


def _train(params, corpora, checkpoint):
    """Train the network on all corpora; return it with its description."""
    epochs = params.experiments.release_epochs
    options = params.train.model_copy(update={"epochs": epochs, "patience": epochs})
    seed, stft = params.seed, params.stft
    train, validation = (
        join_examples(corpora, subset, params) for subset in ("train", "validation")
    )
    training.make_reproducible(seed)
    network = models.build_model(options.preset, params.classes, stft)
    key = training.training_key(options, seed, params.classes, stft, [train, validation])
    batches = partial(training.Batches, *train, options, seed)
    training.train(network, batches, validation[:2], options, checkpoint, key)
    magnitudes, labels, _ = validation
    scores = np.concatenate([models.predict_scores(network, x) for x in magnitudes])
    sounds = (w for c in corpora for w in c.waveforms("validation", stft.sample_rate))
    frame_labels = [y for c in corpora for y in c.frame_labels("validation", params)]
    smoothing = params.detection.frame_smoothing
    chosen = [
        detection.choose_thresholds(labels, scores),
        detection.choose_frame_thresholds(
            network, sounds, frame_labels, stft, params.classes, smoothing
        ),
    ]
    thresholds = [dict(zip(params.classes, values.tolist(), strict=True)) for values in chosen]
    description = {
        "preset": options.preset,
        "classes": list(params.classes),
        "stft": stft.model_dump(),
        "thresholds": thresholds[0],
        "frames": {"smoothing": smoothing, "thresholds": thresholds[1]},
        "seed": seed,
        "training": options.model_dump(),
        "trained_on": [f"{c.name}/{name}" for c in corpora for name in c.split.train],
        "validated_on": [f"{c.name}/{name}" for c in corpora for name in c.split.validation],
        "versions": {name: import_module(name).__version__ for name in LIBRARIES},
    }
    return network, description


def _measure(params, corpus, network, description):
    """Measure F1 with its interval on the test episodes of a corpus."""
    classes = list(params.classes)
    magnitudes, labels, _ = corpus.examples("test", params)
    scores = np.concatenate([models.predict_scores(network, x) for x in magnitudes])
    detected = scores >= np.array([description["thresholds"][label] for label in classes])
    weights = metrics.block_bootstrap(list(map(len, magnitudes)), params.seed)
    samples = metrics.resampled_metrics(labels, detected, weights, classes, scores)
    intervals = metrics.confidence_intervals(samples)[["estimate", "low", "high"]]
    f1 = intervals.xs("f1", level="metric").loc[[*classes, "macro"]]
    results = f1.to_dict("index")
    for label, support in zip(classes, labels.sum(axis=0).tolist(), strict=True):
        results[label]["support"] = support
    return results
