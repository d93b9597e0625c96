"""Claims about the models in git: the level of a recording does not matter to them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedlib.config import load_params
from sedlib.detection import FRAMES, HOPS, detect
from sedlib.labels import label_segments
from sedlib.models import load_model
from sedlib.synthesis import synthesise

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted(path.parent for path in (ROOT / "models").glob("*/model.json"))
DURATION = 180  # s; in less, one segment may change F1 by more than the claim
LEVELS = -30, 10  # dB, relative to the episode as it was made


@pytest.fixture(scope="module")
def episodes(tmp_path_factory):
    """A test episode at several levels, and its events."""
    params = load_params(ROOT / "params.yaml")
    short = params.episodes.model_copy(update={"evaluation_duration": DURATION})
    name, rate = params.split.test[0], params.stft.sample_rate
    waveform, events = synthesise(name, params.model_copy(update={"episodes": short}))
    folder, files = tmp_path_factory.mktemp("levels"), {}
    for level in (0, *LEVELS):
        files[level] = folder / f"{level}.wav"
        soundfile.write(files[level], waveform * 10 ** (level / 20), rate, subtype="FLOAT")
    return files, events, params.classes


@pytest.fixture(scope="module", params=MODELS, ids=lambda path: path.name)
def model(request):
    """A network and its description."""
    return load_model(request.param)


@pytest.mark.parametrize("hop", [*HOPS, FRAMES])
def test_the_level_of_an_episode_changes_no_f1_by_more_than_two_hundredths(model, hop, episodes):
    files, events, classes = episodes
    network, description = model
    reference = label_segments(events, DURATION, classes)
    f1 = {}
    for level, file in files.items():
        found = label_segments(
            detect(file, network, description, hop=hop).events, DURATION, classes
        )
        hits = (found & reference).sum(axis=0)
        f1[level] = 2 * hits / np.maximum(found.sum(axis=0) + reference.sum(axis=0), 1)
    assert f1[0].max() > 0.8  # there is something to lose
    for level in LEVELS:
        np.testing.assert_allclose(f1[level], f1[0], atol=0.02)
