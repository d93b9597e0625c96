"""Every command that writes, on inputs so small that it can be run a hundred times."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nbformat
import numpy as np
import soundfile
import yaml

from sedlib.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ["low", "high"]
RATE = 8000
STFT = {"sample_rate": RATE, "n_fft": 256, "hop_length": 256, "win_length": 256, "loudness": None}


@dataclass(frozen=True)
class Scenario:
    """A command and what it needs.

    Attributes
    ----------
    name : str
    prepare : callable
        Takes an empty folder and puts the inputs there.
    command : callable
        Runs in a copy of that folder.
    growing : tuple of str
        Files that are replaced several times, as a checkpoint is.
    failing : int
        The exit code when a file cannot be written.
    once : bool
        Whether it refuses to do again what is done, because that belongs to the user.
    """

    name: str
    prepare: Callable
    command: Callable
    growing: tuple[str, ...] = ()
    failing: int = 1
    once: bool = False


def tones(seconds, seed=0):
    """Two tones in noise, float32 in [-1, 1]."""
    times = np.arange(round(seconds * RATE)) / RATE
    pitch = np.where(times % 2 < 1, 300 + seed, 3000)
    noise = np.random.default_rng(seed).normal(0, 0.02, len(times))
    return (0.3 * np.sin(2 * np.pi * pitch * times) + noise).astype(np.float32)


def write_model(folder):
    """Save a network with random weights."""
    from sedlib import models, training
    from sedlib.config import STFTParams

    training.make_reproducible(0)
    network = models.build_model("compact", CLASSES, STFTParams(**STFT))
    thresholds = dict.fromkeys(CLASSES, 0.5)
    description = {"preset": "compact", "classes": CLASSES, "stft": STFT, "thresholds": thresholds}
    frames = {"smoothing": 0.5, "thresholds": thresholds}
    models.save_model(folder, network, description | {"frames": frames})


def write_params(folder, source="folder", **changes):
    """Write a params.yaml with three short episodes."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["episodes"] |= {
        "source": source,
        "duration": 10,
        "evaluation_duration": 10,
        "folder": "in",
        "aliases": {},
    }
    raw["split"] = {"train": ["a"], "validation": ["b"], "test": ["c"]}
    (folder / "params.yaml").write_text(yaml.safe_dump(raw | changes))


def _write_recordings(folder):
    folder.mkdir()
    for seed, name in enumerate(("a.wav", "b.flac", "c.ogg")):
        soundfile.write(folder / name, tones(2.5, seed), RATE)
        # a misspelt label and a reversed event, which are corrected
        (folder / name).with_suffix(".txt").write_text("0\t1\tlow\n2\t1\thigh\n1\t2\tLow\n")


def _prepare_detect(folder):
    _write_recordings(folder / "in")
    write_model(folder / "model")


_DETECT = ["detect", "in", "--output", "out", "--model", "model", "--scores", "--jobs"]


def _prepare_detect_again(folder):
    _prepare_detect(folder)
    try:
        main([*_DETECT, "1", "--threshold", "0.1"])
    except SystemExit:
        pass


def _prepare_episodes(folder, source):
    write_params(folder, source, **({"classes": CLASSES} if source == "folder" else {}))
    _write_recordings(folder / "in")


def _features(folder):
    """Write features as notebook 2 does."""
    from sedlib import features
    from sedlib.config import STFTParams

    stft = STFTParams(**STFT)
    folder.mkdir(exist_ok=True)
    for seed in range(3):
        magnitude = features.spectrogram(features.split_segments(tones(6, seed), stft), stft)
        features.write_features(folder / f"{seed}.npy", magnitude)


def _train():
    """Train and save a model as notebook 3 does."""
    from sedlib import features, models, training
    from sedlib.config import STFTParams, load_params

    options = load_params(ROOT / "params.yaml").train.model_copy(
        update={"epochs": 2, "batch_size": 4, "frame_weight": 0.0}
    )
    stft = STFTParams(**STFT)
    magnitudes = [features.open_features(Path(f"features/{seed}.npy"), stft) for seed in range(2)]
    labels = np.tile(np.eye(2, dtype=bool), (6, 1))
    frame_labels = np.repeat(labels[:, np.newaxis], magnitudes[0].shape[1], axis=1)
    training.make_reproducible(7)
    network = models.build_model("compact", CLASSES, stft)
    batches = partial(training.Batches, magnitudes, labels, frame_labels, options, 7)
    checkpoint = Path("checkpoint.npz")
    validation = magnitudes[:1], labels[:6]
    training.train(network, batches, validation, options, checkpoint, "key")
    thresholds = dict.fromkeys(CLASSES, 0.5)
    description = {"preset": "compact", "classes": CLASSES, "stft": STFT, "thresholds": thresholds}
    models.save_model("model", network, description)


def _write_results():
    """Write events in every format, scores and arrays as notebooks 4 to 7 do."""
    import pandas as pd

    from sedlib import annotations, detection
    from sedlib.files import write_arrays, write_json

    events = annotations.event_table([("a", 0.0, 1.5, "low"), ("a", 1.0, 2.25, "high")])
    for name, form in annotations.FORMATS.items():
        if form.to_text:
            annotations.write(events, f"a.{name}{form.suffix}", name, hop=0.25, duration=3.0)
    scores = pd.DataFrame({"onset": [0.0, 1.0], "offset": [1.0, 2.0], "low": [0.25, 0.75]})
    detection.write_scores(scores, Path("a.scores.tsv"))
    write_arrays("scores.npz", compressed=True, scores=scores.to_numpy())
    write_json({"f1": 0.5}, "metrics.json")


def _prepare_notebook(folder):
    write_params(folder)
    (folder / "notebooks").mkdir()
    text = "# %% [markdown]\n# # A\n\n# %%\nprint(6 * 7)\n"
    (folder / "notebooks" / "01_a.py").write_text(text)


def _prepare_publish(folder):
    from sedlib.reports.notebooks import clean

    _prepare_notebook(folder)
    _prepare_episodes(folder, "folder")
    main(["episodes"])
    reports = folder / "reports"
    (reports / "experiments").mkdir(parents=True)
    (reports / "notebooks" / "figures" / "01").mkdir(parents=True)
    (reports / "notebooks" / "figures" / "01" / "a.png").write_bytes(b"a picture")
    cells = [nbformat.v4.new_markdown_cell("# A"), nbformat.v4.new_code_cell("print(6 * 7)")]
    executed = nbformat.writes(clean(nbformat.v4.new_notebook(cells=cells)))
    (reports / "notebooks" / "01_a.ipynb").write_text(executed)
    names = "metrics", "summary", "experiments/ablation_metrics", "experiments/transfer_metrics"
    for name in names:
        shutil.copy(ROOT / "reports" / f"{name}.json", reports / f"{name}.json")
    (folder / "README.md").write_text("<!-- results -->\nold\n<!-- /results -->\n")
    (folder / "docs").mkdir()
    (folder / "docs" / "detection.md").write_text("<!-- formats -->\nold\n<!-- /formats -->\n")
    stft = yaml.safe_load((ROOT / "params.yaml").read_text())["stft"]
    description = {"preset": "compact", "classes": ["speaking"], "stft": stft, "seed": 1}
    description |= {"thresholds": {"speaking": 0.25}, "trained_on": ["a"], "validated_on": ["b"]}
    (folder / "data" / "model").mkdir()
    text = json.dumps(description | {"versions": {"keras": "3"}})
    (folder / "data" / "model" / "model.json").write_text(text)
    (folder / "data" / "model" / "model.weights.h5").write_bytes(b"weights")


def _prepare_site(folder):
    from site_results import make_results

    make_results(folder)


_CHECK = ["check", "in", "--classes", *CLASSES, "--write-corrected", "corrected"]
SAMPLE = ("check", "episodes")  # what `make test` tries
SCENARIOS = [  # the slow ones last
    Scenario("results", lambda folder: None, _write_results),
    Scenario("features", lambda folder: None, partial(_features, Path("features"))),
    Scenario(
        "check",
        lambda folder: _write_recordings(folder / "in"),
        partial(main, _CHECK),
        failing=2,
        once=True,
    ),
    Scenario("publish", _prepare_publish, partial(main, ["publish"])),
    Scenario("site", _prepare_site, partial(main, ["site"])),
    Scenario("episodes", partial(_prepare_episodes, source="folder"), partial(main, ["episodes"])),
    Scenario("detect", _prepare_detect, partial(main, [*_DETECT, "1"])),
    Scenario("detect again", _prepare_detect_again, partial(main, [*_DETECT, "1"])),
    Scenario("detect, two at a time", _prepare_detect, partial(main, [*_DETECT, "2"])),
    Scenario(
        "run-notebook",
        _prepare_notebook,
        partial(main, ["run-notebook", "notebooks/01_a.py"]),
    ),
    Scenario(
        "training",
        lambda folder: _features(folder / "features"),
        _train,
        growing=("checkpoint.npz",),
    ),
    Scenario(
        "synthetic episodes",
        partial(_prepare_episodes, source="synthetic"),
        partial(main, ["episodes"]),
    ),
]
