import keras
import numpy as np
import pytest

from sedlib.config import STFTParams
from sedlib.models import build_model


@pytest.fixture(scope="session")
def stft():
    return STFTParams(sample_rate=44100, n_fft=2048, hop_length=1024, win_length=1536)


@pytest.fixture(scope="session")
def classes():
    return ["music", "speech", "bell"]


@pytest.fixture(scope="session")
def magnitude():
    return np.random.default_rng(0).gamma(0.5, 1, (5, 44, 1025)).astype(np.float32)


@pytest.fixture(scope="session")
def network(classes, stft):
    keras.utils.set_random_seed(0)
    return build_model("compact", classes, stft)
