"""The benchmarks run: `make bench` takes minutes, so that a fault in them would be found late."""

import json
import runpy
from pathlib import Path

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
