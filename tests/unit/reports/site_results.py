"""What the stages before the site would have made, small: one test episode and one notebook."""

import base64
import io
import json
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml

from sedlib import annotations, audio
from sedlib.__main__ import main
from sedlib.config import Params
from sedlib.detection import score_table, write_scores
from sedlib.episodes import write_remarks
from sedlib.reports import plots

ROOT = Path(__file__).resolve().parents[3]
EVIL = "<script>document.title = 'taken over'</script>"
CLASSES = ["tone", EVIL]
RATE, DURATION = 44_100, 20
REFERENCE = [("c", 2.0, 6.0, "tone"), ("c", 8.0, 9.0, EVIL), ("c", 15.0, 16.0, EVIL)]
FOUND = [("c", 2.0, 7.0, "tone"), ("c", 12.0, 13.0, "tone"), ("c", 17.0, 19.0, "tone")]
BENCHMARKS = {
    "machine": {
        "processor": "a <processor>",
        "cores": 2,
        "system": "Linux",
        "python": "3.13.0",
        "versions": {"numpy": "2.4"},
    },
    "work": {
        "seconds of each file": 600,
        "segments of features": 64,
        "segments of a step": 32,
        "segments of scoring": 576,
        "segments of an epoch": 5760,
    },
    "tasks": [
        {
            "task": "decoding mp3",
            "peer": "ffmpeg",
            "seconds": {"median": 1.5, "least": 1.0, "most": 2.0},
            "ratio": {"median": 2.0, "least": 1.75, "most": 2.5},
        }
    ],
}
ALT = 'Figure with 1 panel. "Level" & <b>.'


def make_results(folder):
    """Fill ``data`` and ``reports`` in a folder, and write its ``params.yaml``."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["classes"] = CLASSES
    raw["split"] = {"train": ["a"], "validation": ["b"], "test": ["c"]}
    (folder / "params.yaml").write_text(yaml.safe_dump(raw))
    params = Params.model_validate(raw)
    data, reports = folder / "data", folder / "reports"
    for path in ("data/episodes", "data/scores", "data/events", "data/model", "reports/plots"):
        (folder / path).mkdir(parents=True)
    noise = np.random.default_rng(0).normal(0, 0.1, RATE * DURATION).astype(np.float32)
    for name, rows in {"a": [], "b": [], "c": REFERENCE}.items():
        audio.write_flac(data / "episodes" / f"{name}.flac", noise, RATE)
        annotations.write(annotations.event_table(rows), data / "episodes" / f"{name}.json")
    nothing = annotations.correct_events(annotations.event_table())[1]
    write_remarks(data / "episodes", nothing, pd.DataFrame(columns=["name", "reason"]))
    scores = np.tile([0.2, 0.3], (DURATION, 1))
    scores[2:7, 0], scores[12, 0], scores[17, 0], scores[8, 1] = 0.9, 0.6, 0.8, 0.1
    write_scores(score_table(scores, CLASSES), data / "scores" / "c.tsv")
    annotations.write(annotations.event_table(FOUND), data / "events" / "c.json")
    description = {"preset": "compact", "classes": CLASSES, "stft": params.stft.model_dump()}
    description |= {"thresholds": dict.fromkeys(CLASSES, 0.5), "trained_on": ["a"]}
    description |= {"validated_on": ["b"], "seed": 1, "versions": {"keras": "3"}}
    (data / "model" / "model.json").write_text(json.dumps(description))
    names = ["precision", "recall", "f1", "iou", "accuracy", "average_precision"]
    values = dict.fromkeys(names, 0.5)
    table = {"classes": {label: values | {"support": 5} for label in CLASSES}, "macro": values}
    bounds = {label: {"f1": [0.4, 0.6]} for label in [*CLASSES, "macro"]}
    metrics = {"test": table | {"intervals": bounds}, "baseline": table}
    metrics |= {"literature": {}, "literature_intervals": {}}
    metrics |= {"bootstrap": {"resamples": 2000, "block": 60}}
    (reports / "metrics.json").write_text(json.dumps(metrics))
    (reports / "benchmarks.json").write_text(json.dumps(BENCHMARKS))
    rows = [
        (m, label, x, 1 - x) for m in ("baseline", "network") for label in CLASSES for x in (0, 1)
    ]
    columns = ["model", "event_label", "recall", "precision"]
    path = reports / "plots" / "precision_recall.csv"
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    training = reports / "training" / "plots" / "metrics"
    training.mkdir(parents=True)
    for name in ("loss", "val_loss", "val_average_precision"):
        (training / f"{name}.tsv").write_text(f"step\t{name}\n1\t0.5\n2\t0.25\n")
    write_notebooks(reports / "notebooks")


def write_notebooks(folder):
    """Write two executed notebooks, the first with all that a notebook may show."""
    folder.mkdir()
    figure, ax = plt.subplots(figsize=(12, 4))
    ax.plot([0, 1], [1, 0])
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    plt.close(figure)
    picture = base64.b64encode(file.getvalue()).decode("ascii") + "\n"
    table = pd.DataFrame(np.ones((2, 30)), [EVIL, "b"]).rename(columns=lambda n: f"{EVIL} {n}")
    table["remark"] = "a sentence that is too long for a line, " * 5
    shown = [
        ("display_data", {"image/png": picture}, {"image/png": {"alt": ALT}}),
        ("display_data", {"image/png": picture}, {}),
        ("execute_result", {"text/html": table._repr_html_(), "text/plain": "a table"}, {}),
        ("display_data", {"text/html": plots.players({EVIL: np.zeros(800)}, 8000).data}, {}),
        ("execute_result", {"text/plain": repr(EVIL)}, {}),
    ]
    texts = [
        "# 1. First\n\n**Question.** A remark. What is it?\n\nSee [two](02_second.ipynb), "
        "[a file](../data/README.md) and [elsewhere](https://example.org/).",
        "## Twice\n\n`code`",
        "## Twice",
    ]
    cells = [nbformat.v4.new_markdown_cell(text) for text in texts]
    code = nbformat.v4.new_code_cell(
        f"x = 1  # {EVIL}\nprint('text' + f'{{x}}', 0.5)", execution_count=1
    )
    code.outputs = [nbformat.v4.new_output("stream", text=f"{EVIL} {'wide ' * 60}\n")]
    code.outputs += [nbformat.v4.new_output(kind, d, metadata=m) for kind, d, m in shown]
    for name, own in (("01_first", [*cells, code]), ("02_second", [])):
        notebook = nbformat.v4.new_notebook(
            cells=own or [nbformat.v4.new_markdown_cell("# 2. Second")]
        )
        nbformat.write(notebook, folder / f"{name}.ipynb")


def make_site(folder):
    """Fill a folder with results and run `sedlib site` in it."""
    make_results(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("SEDLIB_WORKSPACE", raising=False)
        main(["site"])
    return folder / "reports"
