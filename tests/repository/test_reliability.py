"""A sample of `make torture`, and that `docs/reliability.md` names tests that exist."""

import ast
import json
import re
import subprocess
import sys

import pytest
from dependencies import ROOT
from summary import stress_test_block

from sedlib.reports.tables import replace_block

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
PROMISED = re.findall(r"\| `(tests/\S+)::(test_\w+)` \|$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The report of a small stress test; its process must never have run TensorFlow."""
    path = tmp_path_factory.mktemp("torture") / "reliability.json"
    command = [sys.executable, str(ROOT / "tests" / "torture" / "run.py"), "--sample"]
    done = subprocess.run([*command, "--output", str(path)], capture_output=True, text=True)
    assert path.exists(), done.stdout + done.stderr[-3000:]
    return json.loads(path.read_text())


def test_a_command_that_is_killed_is_completed_by_the_next_run(sample):
    assert sample["kills"]["failures"] == []
    assert sample["kills"]["killed before"] + sample["kills"]["killed after"] > 0


def test_a_mutated_file_is_read_or_refused(sample):
    assert sample["mutations"]["failures"] == []
    assert sample["mutations"]["inputs"] >= 100
    assert all(counts["inputs"] for counts in sample["mutations"]["readers"].values())


def test_odd_recordings_are_processed_or_named(sample):
    assert sample["odd inputs"]["failures"] == []
    assert sample["odd inputs"]["runs"] > 0


def test_a_full_disk_is_one_sentence_and_the_next_run_completes_the_work(sample):
    assert sample["disks"]["failures"] == []
    assert sample["disks"]["file size limited"] > 0


def test_every_claim_has_a_test_that_exists():
    assert len(PROMISED) == PAGE.count("`tests/")
    for path, name in PROMISED:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


def test_the_page_shows_the_counts_of_the_last_stress_test():
    report = json.loads((ROOT / "reports" / "reliability.json").read_text())
    assert replace_block(PAGE, "stress-test", stress_test_block(report)) == PAGE


def test_the_last_stress_test_found_no_failure():
    report = json.loads((ROOT / "reports" / "reliability.json").read_text())
    assert report["failures"] == 0
