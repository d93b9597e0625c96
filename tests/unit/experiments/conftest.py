"""Small parameters and corpora for the tests of the experiments."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from sedlib import annotations, audio, features
from sedlib.config import Params, Split
from sedlib.corpus import Corpus

PARAMS = Path(__file__).parents[3] / "params.yaml"
RATE = 8000
SPLIT = {"train": ["a", "b"], "validation": ["c"], "test": ["d"]}


def small_params(**train):
    """Two classes, four episodes, one epoch; `train` changes fields of ``params.train``."""
    raw = yaml.safe_load(PARAMS.read_text())
    raw["classes"] = ["low", "high"]
    raw["split"] = SPLIT
    raw["stft"] = {
        "sample_rate": RATE, "n_fft": 256, "hop_length": 800, "win_length": 200,
    }  # fmt: skip
    raw["train"] |= {"epochs": 1, "batch_size": 16} | train
    raw["experiments"]["seeds"] = [4, 5]
    return Params.model_validate(raw)


def make_corpus(folder, params, name="synthetic", seed=0):
    """Episodes of 24 s in which tones of 300 and 3000 Hz start and stop on whole seconds."""
    corpus = Corpus(name, folder / "episodes", folder / "features", Split(**SPLIT))
    corpus.episodes.mkdir(parents=True)
    corpus.features.mkdir()
    rng = np.random.default_rng(seed)
    for episode in "abcd":
        on = rng.random((24, 2)) < 0.4
        tones = np.sin(2 * np.pi * np.outer([300, 3000], np.arange(24 * RATE) / RATE))
        sound = 0.2 * (tones * np.repeat(on, RATE, axis=0).T).sum(axis=0)
        sound = (sound + 0.01 * rng.normal(size=len(sound))).astype(np.float32)
        audio.write_flac(corpus.episodes / f"{episode}.flac", sound, RATE)
        rows = [
            (episode, float(s), s + 1.0, params.classes[c]) for s, c in np.argwhere(on).tolist()
        ]
        annotations.write(annotations.event_table(rows), corpus.episodes / f"{episode}.json")
        segments = features.split_segments(sound, params.stft)
        features.write_features(
            corpus.features / f"{episode}.npy", features.spectrogram(segments, params.stft)
        )
    return corpus


@pytest.fixture(scope="session")
def make_params():
    return small_params


@pytest.fixture(scope="session")
def params():
    return small_params()


@pytest.fixture(scope="session")
def corpora(tmp_path_factory, params):
    folder = tmp_path_factory.mktemp("corpora")
    return [
        make_corpus(folder / "synthetic", params),
        make_corpus(folder / "other", params, "other", seed=1),
    ]
