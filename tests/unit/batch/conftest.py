"""A working directory for `sedlib detect`."""

import pytest
from detect_runs import CLASSES, FEATURES, Ear, FrameEar

from sedlib.models import save_model


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with a model in data/model, the default, and an empty folder `in`."""
    description = {"preset": "ear", "classes": CLASSES, "stft": FEATURES}
    description["thresholds"] = {"low": 0.5, "high": 0.5}
    description["frames"] = {"smoothing": 0.01, "thresholds": {"low": 0.5, "high": 0.5}}
    save_model(tmp_path / "data" / "model", Ear(), description)
    monkeypatch.setattr("sedlib.cli.RELEASED", tmp_path / "data" / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEDLIB_WORKSPACE", raising=False)
    monkeypatch.setattr("sedlib.batch.run.load_model", lambda folder: (Ear(), description))
    monkeypatch.setattr("sedlib.detection.recording.with_frames", lambda network: FrameEar())
    (tmp_path / "in").mkdir()
    return tmp_path
