"""The benchmarks run, and the page on scale shows what follows from them."""

import json
import runpy
from pathlib import Path

import pytest

from sedlib.config import load_params
from sedlib.reports.tables import replace_block

ROOT = Path(__file__).resolve().parents[2]


def test_a_quick_run_measures_every_task_beside_its_peer(tmp_path, capsys):
    script = runpy.run_path(str(ROOT / "benchmarks" / "run.py"))
    script["main"](["--quick", "--output", str(tmp_path / "benchmarks.json")])
    written = json.loads((tmp_path / "benchmarks.json").read_text())
    tasks = {found["task"] for found in written["tasks"]}
    assert {"features, batched", "training step", "training epoch", "scoring"} <= tasks
    assert {"detect wav, model loaded", "detect m4a, model loaded"} <= tasks
    for found in written["tasks"]:
        for key in ("seconds", "peer_seconds", "ratio"):
            assert 0 < found[key]["least"] <= found[key]["median"] <= found[key]["most"]
    assert written["machine"]["cores"] >= 1 and "tensorflow" in written["machine"]["versions"]
    assert capsys.readouterr().out.count(" times as long as ") == len(written["tasks"])


@pytest.fixture
def cost_block(monkeypatch):
    """Load the function of the script, which finds the other script beside it."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return runpy.run_path(str(ROOT / "benchmarks" / "cost.py"))["cost_block"]


def test_the_page_shows_what_follows_from_the_last_benchmarks(cost_block):
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    report = json.loads((ROOT / "reports" / "benchmarks.json").read_text())
    block = cost_block(report, load_params(ROOT / "params.yaml"))
    assert replace_block(page, "cost", block) == page


def test_the_cost_is_the_measured_time_of_each_second_times_the_seconds(cost_block):
    seconds = {
        "detect m4a, model loaded": 3.0,  # for 600 s of sound
        "features, batched": 0.064,  # for 64 segments
        "training epoch": 1.152,  # for 576 segments
    }
    tasks = [{"task": task, "seconds": {"median": s}} for task, s in seconds.items()]
    machine = {"processor": "P", "cores": 2}
    block = cost_block({"machine": machine, "tasks": tasks}, load_params(ROOT / "params.yaml"))
    cells = [[cell.strip() for cell in line.split("|")[2:4]] for line in block.splitlines()[2:]]
    # 36 million seconds: at 16 kB, 0.005 s, 88.2 kB, 0.001 s and 44 x 1025 floats, and 0.002 s
    assert cells == [["", "0.6"], ["50", ""], ["", "3.2"], ["10", "6.5"], ["20", ""]]
