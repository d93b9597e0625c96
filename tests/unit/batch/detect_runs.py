"""Small media files, a model that needs no training, and the command on them."""

import av
import numpy as np
import pytest
import soundfile

from sedlib import annotations
from sedlib.__main__ import main

RATE = 8000
CLASSES = ["low", "high"]
FEATURES = {"sample_rate": RATE, "n_fft": 256, "hop_length": 256, "win_length": 256}
FORMATS = [name for name, form in annotations.FORMATS.items() if form.write]


class Ear:
    """Stands for a network: detects low and high tones, and counts the segments it scores."""

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
    """Run `sedlib detect`; return its exit code."""
    with pytest.raises(SystemExit) as stop:
        main(["detect", *map(str, arguments)])
    return stop.value.code


def found(path):
    return annotations.read(path)[["onset", "offset", "event_label"]].to_numpy().tolist()


TWO = [[1.0, 2.0, "low"], [2.0, 4.0, "high"]]
