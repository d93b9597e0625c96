"""`sedlib detect --jobs`: several files at a time, each in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from detect_runs import QuickWork, contents, run, write
from scenarios import write_model

from sedlib.batch.pool import DONE
from sedlib.batch.processes import ProcessPool

ROOT = Path(__file__).resolve().parents[3]


def test_two_processes_write_and_say_what_one_does_byte_for_byte(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "in").mkdir()
    for seconds, name in enumerate("cab", start=3):
        write(tmp_path / "in" / f"{name}.wav", seconds)
    (tmp_path / "in" / "bad.wav").write_text("this is not sound")
    write_model(tmp_path / "model")
    said, written = {}, {}
    for jobs in (1, 2):
        options = "--model", "model", "--scores", "--output", "out", "--jobs", jobs
        assert run("in", *options) == 1
        said[jobs], written[jobs] = capsys.readouterr(), contents(tmp_path / "out")
        (tmp_path / "out").rename(tmp_path / f"out {jobs}")
    assert said[1] == said[2]
    assert written[1] == written[2] and len(written[1]) == 2 * 2 * 3


def test_a_file_that_fails_stops_no_other_and_the_order_is_that_of_the_files(quick, capsys):
    (quick / "in" / "b.wav").write_text("bad")
    (quick / "in" / "d.wav").write_text("killed always")
    assert run("in", "--jobs", "2") == 1
    printed = capsys.readouterr()
    lines = [
        line for line in printed.out.splitlines() if line.startswith("in/") and "low" not in line
    ]
    assert [line[3] for line in lines if "remark" not in line] == [*"abcdefghij", *"acefghij"]
    faults = [line for line in printed.err.splitlines() if line.startswith("sedlib: ")]
    assert faults[0] == "sedlib: in/b.wav: cannot be processed (ValueError: this is bad)"
    assert "sedlib: in/d.wav: the process that worked on it was ended by SIGKILL" in faults[1]
    assert len(faults) == 2 and "8 of 10 files done" in printed.out
    assert not list(quick.rglob(".partial*"))


def test_workers_that_are_killed_at_random_lose_nothing(quick, capsys):
    assert run("in", "--output", "whole") == 0
    rng = np.random.default_rng()
    for name in rng.choice(list("abcdefghij"), 5, replace=False):
        (quick / "in" / f"{name}.wav").write_text(f"killed at {rng.integers(5)}")
    capsys.readouterr()
    assert run("in", "--output", "out", "--jobs", "3") == 1
    printed = capsys.readouterr()
    assert printed.err.count("was ended by SIGKILL") == 5 and "5 of 10 files done" in printed.out
    assert not list(quick.rglob(".partial*"))
    assert run("in", "--output", "out", "--jobs", "2") == 0
    assert names_and_events(quick / "out") == names_and_events(quick / "whole")
    assert "10 of 10 files done" in capsys.readouterr().out


def names_and_events(output):
    """The results; the record differs because it names the state of the changed recordings."""
    return {name: text for name, text in contents(output).items() if ".sedlib" not in name}


def test_a_second_run_starts_no_process(quick, monkeypatch, capsys):
    assert run("in", "--jobs", "2") == 0
    before = contents(quick / "detected")
    monkeypatch.setattr(ProcessPool, "_start_process", lambda _: pytest.fail("started"))
    assert run("in", "--jobs", "2") == 0
    assert capsys.readouterr().out.count("already done") == 10
    assert contents(quick / "detected") == before


def test_a_disk_that_is_full_is_one_sentence_and_ends_the_batch(quick, monkeypatch, capsys):
    monkeypatch.setattr("sedlib.batch.run.Work", FullDisk)
    assert run("in", "--jobs", "2") == 1
    printed = capsys.readouterr()
    assert printed.err.count("sedlib: ") == 1
    assert "a.json: cannot be written (No space left on device)" in printed.err
    assert "0 of 10 files done" in printed.out


class FullDisk(QuickWork):
    @property
    def _detector(self):
        detector = super()._detector
        detector.write = no_room
        return detector


def no_room(*_):
    raise OSError(28, "No space left on device")


def test_a_fault_of_the_model_is_told_once(quick, monkeypatch):
    monkeypatch.setattr("sedlib.batch.run.Work", NoModel)
    assert run("in", "--jobs", "2") == "sedlib: the model is of another kind"


class NoModel(QuickWork):
    def __call__(self, task, progress):
        from sedlib.models import ModelError

        raise ModelError("the model is of another kind")


@pytest.mark.parametrize(("by", "code"), [("SIGINT", 130), ("SIGKILL", -9)])
def test_workers_end_with_the_command(quick, by, code):
    for path in (quick / "in").iterdir():
        path.write_text("slow")
    (quick / "detect.py").write_text(f"""
import signal, sys
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(ROOT)!r}]
import detect_runs, sedlib.batch.run
from sedlib.__main__ import main

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    sedlib.batch.run.Work = detect_runs.QuickWork
    main(["detect", "in", "--jobs", "2", "--model", "data/model"])
""")
    command = [sys.executable, "detect.py"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdout.readline().startswith("model: ")
        assert [process.stdout.readline() for _ in range(2)] == ["slow\n", "slow\n"]
        if by == "SIGINT":  # as a terminal does: to the workers as well
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.kill()
        # The workers have the output open as well: it ends when the last of them has ended.
        printed = process.communicate(timeout=60)
    assert process.returncode == code
    said = "sedlib: interrupted; run the same command to continue\n" if code == 130 else ""
    assert printed == ("", said)


def say_threads(task, progress):
    return os.environ["OMP_NUM_THREADS"]


@pytest.mark.parametrize(
    "jobs, limit, threads",
    [(2, "", "4"), (3, "", "2"), (8, "", "1"), (20, "", "1"), (2, "1", "1"), (2, "16", "4")],
)
def test_processes_share_the_processors(monkeypatch, jobs, limit, threads):
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    with ProcessPool(say_threads, jobs) as pool:
        pool.start(0, None)
        while not (said := pool.wait()):
            pass
    assert said == [(0, DONE, threads)]


def test_the_default_is_one_process_for_each_processor_and_file(quick, monkeypatch):
    started = []
    monkeypatch.setattr("joblib.cpu_count", lambda: 3)
    monkeypatch.setattr(
        "sedlib.batch.processes.ProcessPool", lambda work, jobs: started.append(jobs)
    )
    from sedlib.cli import _choose_pool, build_parser

    arguments = build_parser().parse_args(["detect", "in"])
    assert _choose_pool(arguments, 1) is None
    for files, jobs in ((2, 2), (3, 3), (100, 3)):
        _choose_pool(arguments, files)(None)
        assert started.pop() == jobs
