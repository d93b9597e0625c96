"""The benchmarks run, and the page on scale shows what follows from them."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import psutil
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
    assert written["work"]["seconds of each file"] == 4
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
    stages = json.loads((ROOT / "reports" / "stages.json").read_text())
    block = cost_block(report, stages, load_params(ROOT / "params.yaml"))
    assert replace_block(page, "cost", block) == page


def test_the_cost_is_the_measured_time_of_each_second_times_the_seconds(cost_block):
    seconds = {
        "detect m4a, model loaded": 3.0,  # for 600 s of sound
        "training epoch": 11.52,  # for 5,760 segments
    }
    tasks = [{"task": task, "seconds": {"median": s}} for task, s in seconds.items()]
    machine = {"processor": "P", "cores": 2}
    stages = {"minutes": {"1000": {"preprocess": {"seconds": 60.0}}}}
    params = load_params(ROOT / "params.yaml")
    block = cost_block({"machine": machine, "tasks": tasks}, stages, params)
    cells = [[cell.strip() for cell in line.split("|")[2:4]] for line in block.splitlines()[2:]]
    # 36 million seconds: at 16 kB, 0.005 s, 88.2 kB, 0.001 s and 44 x 1025 floats, and 0.002 s
    assert cells == [["", "0.6"], ["50", ""], ["", "3.2"], ["10", "6.5"], ["20", ""]]


@pytest.fixture
def stages_script(monkeypatch):
    """Load the script that measures the stages."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return runpy.run_path(str(ROOT / "benchmarks" / "stages.py"))


def test_the_page_shows_the_last_measurement_of_the_stages(stages_script):
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    report = json.loads((ROOT / "reports" / "stages.json").read_text())
    assert replace_block(page, "stages", stages_script["stages_block"](report)) == page


def test_no_stage_needs_more_than_2500_megabytes_at_1000_minutes(stages_script):
    report = json.loads((ROOT / "reports" / "stages.json").read_text())
    memory = {stage: found["memory"] for stage, found in report["minutes"]["1000"].items()}
    assert set(memory) == set(stages_script["STAGES"])
    assert max(memory.values()) < 2.5e9, memory


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_is_that_of_all_processes_without_pages_of_files(stages_script, tmp_path):
    (tmp_path / "file").write_bytes(bytes(300_000_000))
    child = "x = bytearray(b'a') * 200_000_000; print('ready', flush=True); input()"
    parent = (
        "import mmap, subprocess, sys\n"
        "file = open('file', 'rb')\n"
        "pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)\n"
        "sum(pages[::4096])\n"
        f"subprocess.run([sys.executable, '-c', {child!r}])\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with psutil.Popen([sys.executable, "-c", parent], cwd=tmp_path, **pipes) as process:
        process.stdout.readline()
        memory = stages_script["anonymous_memory"](process)
        process.stdin.close()
    assert 200e6 < memory < 290e6
