"""Small media files, a model that needs no training, and the command on them."""

import os
import signal
import time
from functools import cached_property
from types import SimpleNamespace

import av
import fsspec
import numpy as np
import pytest
import soundfile
import upath
from fsspec.implementations.local import LocalFileSystem
from upath import UPath

from sedlib import annotations
from sedlib.__main__ import main
from sedlib.batch.run import Work

RATE = 8000
CLASSES = ["low", "high"]
FEATURES = {"sample_rate": RATE, "n_fft": 256, "hop_length": 256, "win_length": 256}
DESCRIPTION = {"preset": "ear", "classes": CLASSES, "stft": FEATURES}
DESCRIPTION["thresholds"] = {"low": 0.5, "high": 0.5}
DESCRIPTION["frames"] = {"smoothing": 0.01, "thresholds": {"low": 0.5, "high": 0.5}}
FORMATS = [name for name, form in annotations.FORMATS.items() if form.to_text]


class Shelf(LocalFileSystem):
    """Stands for an object store that several processes reach: shelf:///folder/a.wav."""

    protocol = "shelf"

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(str(path).removeprefix("shelf://"))


class ShelfPath(UPath):
    """A path in it."""


fsspec.register_implementation("shelf", Shelf)
upath.registry.register_implementation("shelf", ShelfPath)


class Ear:
    """Stands for a network: detects low and high tones, and counts the segments it scores."""

    layers = ()  # `save_model` hashes their names
    scored = 0

    def predict_on_batch(self, magnitude):
        Ear.scored += len(magnitude)
        power = np.square(magnitude[..., 0]).mean(axis=1)
        bands = np.stack([power[:, :32].sum(axis=1), power[:, 32:].sum(axis=1)], axis=1)
        return np.minimum(bands / 100, 1).astype(np.float32)

    def save_weights(self, path):
        path.write_bytes(b"none")


class FrameEar(Ear):
    """The same, frame by frame."""

    def predict_on_batch(self, magnitude):
        power = np.square(magnitude[..., 0])
        bands = np.stack([power[..., :32].sum(axis=2), power[..., 32:].sum(axis=2)], axis=2)
        return {"frames": np.minimum(bands / 100, 1).astype(np.float32)}


def tone(seconds, spans):
    """Silence with tones: (onset, offset, Hz)."""
    times = np.arange(round(seconds * RATE)) / RATE
    x = np.zeros(len(times), np.float32)
    for onset, offset, pitch in spans:
        x += 0.4 * np.sin(2 * np.pi * pitch * times) * ((times >= onset) & (times < offset))
    return x


def write(path, seconds=4.0, spans=((1, 2, 300), (2, 4, 3000))):
    soundfile.write(path, tone(seconds, spans), RATE)
    return path


def write_mp4(path, seconds=4.0):
    """Encode silence as AAC in MP4."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        silence = np.zeros((1, 1024), np.float32)
        for i in range(int(seconds * RATE) // 1024):
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, i * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def run(*arguments):
    """Run `sedlib detect` in this process, or as the options say; return its exit code."""
    with pytest.raises(SystemExit) as stop:
        main(["detect", "--jobs", "1", *map(str, arguments)])
    return stop.value.code


def contents(folder):
    """Read the files below a folder, by their names in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class QuickWork(Work):
    """Does what a file says, without sound and without TensorFlow, for tests of processes.

    A file says what happens: ``bad``, ``slow``, ``killed always``, or ``killed at N``, which kills
    the process once, when it begins (0) or before or after a replacement of a file (1 to 4).
    """

    @cached_property
    def _detector(self):
        return SimpleNamespace(detect=quick_detect, write=quick_write, engine="none")


def quick_detect(task, progress):
    text = task.path.read_text()
    progress(1.0)
    if text == "bad":
        raise ValueError("this is bad")
    if text == "slow":
        os.write(1, b"slow\n")  # in one piece: two processes write to one pipe
        time.sleep(300)
    if text == "killed always":
        os.kill(os.getpid(), signal.SIGKILL)
    done = task.path.with_suffix(".killed")
    if text.startswith("killed at") and not done.exists():
        done.touch()
        kill_at(int(text.split()[-1]))
    events = annotations.event_table([(task.path.stem, 0.0, float(len(task.path.stem)), "low")])
    remarks = (f"{task.path}: is a remark",)
    return SimpleNamespace(duration=9.0, events=events, scores=None, remarks=remarks), None, {}


def quick_write(found, events, scores):
    annotations.write(found.events, events)


def kill_at(moment):
    """Kill this process now, or when it replaces files."""
    count, replace = iter(range(moment + 1)), os.replace

    def step():
        if next(count) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(*paths):
        step()
        replace(*paths)
        step()

    step()
    os.replace = counted


def found(path):
    return annotations.read(path)[["onset", "offset", "event_label"]].to_numpy().tolist()


TWO = [[1.0, 2.0, "low"], [2.0, 4.0, "high"]]
