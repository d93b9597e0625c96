import hashlib

import pytest

from sedlib.config import load_params


@pytest.fixture(scope="session")
def params_for():
    """Parameters with another duration of the episodes, and other changes."""

    def change(duration, **changes):
        params = load_params()
        both = {"duration": duration, "evaluation_duration": duration}
        episodes = params.episodes.model_copy(update=both)
        return params.model_copy(update={"episodes": episodes, **changes})

    return change


@pytest.fixture(scope="session")
def digest():
    """Hash of a waveform."""
    return lambda waveform: hashlib.sha256(waveform.tobytes()).hexdigest()
