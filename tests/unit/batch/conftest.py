"""A working directory for `sedlib detect`."""

import multiprocessing

import pytest
from detect_runs import DESCRIPTION, Ear, FrameEar, QuickWork

from sedlib.models import save_model


@pytest.fixture
def bare_place(tmp_path, monkeypatch):
    """A working directory with a model in data/model, the default, and an empty folder `in`."""
    save_model(tmp_path / "data" / "model", Ear(), DESCRIPTION)
    monkeypatch.setattr("sedlib.cli.RELEASED", tmp_path / "data" / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEDLIB_WORKSPACE", raising=False)
    (tmp_path / "in").mkdir()
    return tmp_path


@pytest.fixture
def place(bare_place, monkeypatch):
    """The same; the model can be used."""
    monkeypatch.setattr("sedlib.batch.run.load_model", lambda folder: (Ear(), DESCRIPTION))
    monkeypatch.setattr("sedlib.detection.recording.with_frames", lambda network: FrameEar())
    return bare_place


@pytest.fixture
def quick(bare_place, monkeypatch):
    """The same with ten files, a.wav to j.wav, and without detection: see `QuickWork`."""
    monkeypatch.setattr("sedlib.batch.run.Work", QuickWork)
    quick_start = multiprocessing.get_context("forkserver")
    quick_start.set_forkserver_preload(["detect_runs"])
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: quick_start)
    for name in "abcdefghij":
        (bare_place / "in" / f"{name}.wav").write_text("good")
    return bare_place
