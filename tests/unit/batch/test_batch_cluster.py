"""`sedlib detect --scheduler`: files on a Dask cluster of two worker processes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from detect_runs import QuickWork, contents, run

from sedlib.batch import Outcome

pytest.importorskip("distributed")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def scheduler(cluster):
    """Return the address of the scheduler."""
    return cluster.scheduler_address


def test_a_cluster_writes_and_says_what_one_process_does_byte_for_byte(quick, capsys, scheduler):
    # The workers have another working directory. What a network gives in several processes is
    # compared in test_batch_processes.
    (quick / "in" / "b.wav").write_text("bad")
    assert run("in", "--output", "out") == 1
    said, written = capsys.readouterr(), contents(quick / "out")
    (quick / "out").rename(quick / "of one process")
    assert run("in", "--output", "out", "--scheduler", scheduler) == 1
    assert capsys.readouterr() == said
    assert contents(quick / "out") == written and len(written) == 2 * 9


def test_a_second_run_does_nothing(quick, capsys, scheduler):
    assert run("in", "--scheduler", scheduler) == 0
    before = contents(quick / "detected")
    assert run("in", "--scheduler", "tcp://127.0.0.1:1") == 0  # no scheduler is asked
    assert capsys.readouterr().out.count("already done") == 10
    assert contents(quick / "detected") == before


def test_workers_that_are_killed_at_random_lose_nothing(quick, monkeypatch, capsys, cluster):
    # By default 3, after which a file fails: one that waits may be at a worker that others kill.
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 5)
    rng = np.random.default_rng()
    for name in rng.choice(list("abcdefghij"), 5, replace=False):
        (quick / "in" / f"{name}.wav").write_text(f"killed at {rng.integers(5)}")
    assert run("in", "--scheduler", cluster.scheduler_address) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and "10 of 10 files done" in printed.out
    assert len(list((quick / "in").glob("*.killed"))) == 5  # so many workers have died
    disturbed = contents(quick / "detected")
    assert not [name for name in disturbed if ".partial" in name]
    assert run("in", "--output", "whole") == 0
    assert disturbed == contents(quick / "whole")


def test_a_file_that_fails_stops_no_other_and_the_order_is_that_of_the_files(
    quick, monkeypatch, capsys, cluster
):
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 1)  # by default 3
    (quick / "in" / "b.wav").write_text("bad")
    (quick / "in" / "d.wav").write_text("killed always")
    assert run("in", "--scheduler", cluster.scheduler_address) == 1
    printed = capsys.readouterr()
    lines = [line for line in printed.out.splitlines() if line.endswith((" event", " done"))]
    assert [line[3] for line in lines] == list("abcdefghij")
    faults = printed.err.splitlines()
    assert faults[0] == "sedlib: in/b.wav: cannot be processed (ValueError: this is bad)"
    assert "sedlib: in/d.wav: 2 workers died while they worked on it" in faults[1]
    assert len(faults) == 2 and "8 of 10 files done" in printed.out


def test_a_fault_of_the_cluster_is_one_sentence(quick, monkeypatch, scheduler):
    monkeypatch.setattr("sedlib.cluster._PATIENCE", 0.5)
    said = run("in", "--scheduler", "tcp://127.0.0.1:1")
    assert said.startswith("sedlib: --scheduler tcp://127.0.0.1:1: no Dask scheduler answers")
    monkeypatch.setattr("sedlib.batch.run.Work", Unknown)
    said = run("in", "--scheduler", scheduler)
    assert "the cluster cannot do the work (RuntimeError: there is no sedlib here); see" in said


class Unknown(QuickWork):
    def __call__(self, task, progress):
        raise RuntimeError("there is no sedlib here")


def test_a_result_that_only_the_worker_has_is_not_called_done(
    quick, monkeypatch, capsys, scheduler
):
    assert run("in/a.wav", "--scheduler", scheduler) == 0
    (quick / "in" / "a.wav").write_text("good again")  # so that the result here is an old one
    monkeypatch.setattr("sedlib.batch.run.Work", Elsewhere)
    capsys.readouterr()
    assert run("in", "--scheduler", scheduler) == 1
    said = capsys.readouterr()
    assert "detected/a.json: was written where the worker runs and is not here; give" in said.err
    assert "0 of 10 files done" in said.out


class Elsewhere(QuickWork):
    """Says that all is done, as a worker does that has an output folder of its own."""

    def __call__(self, task, progress):
        return Outcome(task.path, self.output / task.outputs[0], 9.0, {"low": 1}), True


def test_an_address_that_cannot_be_one_is_refused(capsys):
    assert run("in", "--scheduler", "nonsense") == 2
    assert "'nonsense' is not an address such as tcp://10.0.0.1:8786" in capsys.readouterr().err


def test_without_dask_a_sentence_says_how_to_install_it(quick, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "sedlib.batch.cluster", raising=False)
    assert "needs the package 'distributed', which is not" in run("in", "--scheduler", "a:1")


def test_dask_is_not_imported_unless_it_is_asked_for():
    code = (
        "import sys, sedlib.cli, sedlib.batch, sedlib.batch.processes\n"
        "print({'dask', 'distributed'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
