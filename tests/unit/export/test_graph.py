"""The scores of the graph are those of sedlib, whatever the sound and the settings."""

import keras
import numpy as np
import pytest

from sedlib.config import STFTParams
from sedlib.detection import score_frames, score_segments
from sedlib.export.graph import waveform_module
from sedlib.features import normalising_gain, segment_shape
from sedlib.models import ModelError, compact, vtt2018

RATE = 16000
CLASSES = ["a", "b", "c"]
BASE = {"sample_rate": RATE, "n_fft": 1024, "hop_length": 512, "win_length": 768}
LOUDNESS = {"loudness": -23.0, "largest_gain": 40.0}


def random_model(preset, settings):
    """A network whose scores spread over [0, 1]."""
    keras.utils.set_random_seed(1)
    stft = STFTParams(**settings)
    shape = *segment_shape(stft), len(CLASSES), RATE
    network = compact(*shape) if preset == "compact" else vtt2018(*shape, width=0.02)
    last = network.get_layer("frames" if preset == "compact" else "scores")
    last.kernel.assign(last.kernel * 40)
    description = {"classes": CLASSES, "stft": settings}
    if preset == "compact":
        description["frames"] = {"smoothing": 0.3}
    return network, description, stft


@pytest.fixture(scope="module")
def model():
    network, description, stft = random_model("compact", BASE | LOUDNESS)
    return network, description, stft, waveform_module(network, description)


def sound(seconds, level=0.1):
    """Noise whose level changes, a tone below it, and a constant offset."""
    rng, n = np.random.default_rng(3), round(seconds * RATE)
    levels = np.repeat(rng.choice([0.003, 0.05, 1], n // 4000 + 1), 4000)[:n]
    tone = np.sin(np.arange(n) * 0.05)
    return (level * (levels * (rng.normal(size=n) + tone) + 0.1)).astype(np.float32)


def check(module, network, description, stft, x):
    """Compare the graph with sedlib; return the scores."""
    found = {name: value.numpy() for name, value in module.score(x).items()}
    gain, classes = normalising_gain([x], stft), description["classes"]
    table, _ = score_segments([x], network, stft, classes, 1.0, gain, batch_size=8)
    expected = {"scores": table[classes].to_numpy()}
    if "frames" in description:
        smoothing = description["frames"]["smoothing"]
        table, _ = score_frames([x], network, stft, classes, smoothing, gain, batch_size=8)
        expected["frames"] = table[classes].to_numpy()
    assert set(found) == set(expected)
    for name, scores in expected.items():
        np.testing.assert_allclose(found[name], scores, rtol=0, atol=1e-4)
    return expected


# One sample; less than a block of loudness; whole seconds; more than are scored at a time.
@pytest.mark.parametrize("seconds", [1 / RATE, 0.05, 0.39, 0.4, 1, 3, 3.01, 16, 33.7])
def test_sound_of_any_length_gives_the_scores_of_sedlib(model, seconds):
    check(model[3], *model[:3], sound(seconds))


def test_the_scores_that_are_compared_differ_from_one_another(model):
    scores = check(model[3], *model[:3], sound(20))["scores"]
    assert np.ptp(scores, axis=0).max() > 0.1


@pytest.mark.parametrize("level", [1e-6, 1e-4, 0.01, 1])
def test_the_level_does_not_matter(model, level):
    check(model[3], *model[:3], sound(5, level))


def test_pauses_do_not_count_and_silence_has_no_score(model):
    x = np.concatenate([np.zeros(2 * RATE), sound(3), np.zeros(3 * RATE), sound(2, 1e-4)])
    scores = check(model[3], *model[:3], x.astype(np.float32))["scores"]
    assert not scores[[0, 1, 6]].any()
    assert scores[[2, 3, 8]].all()
    check(model[3], *model[:3], np.zeros(3 * RATE, np.float32))


@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        ("compact", BASE | {"n_fft": 2048, "win_length": 2047}),
        ("vtt2018", BASE | LOUDNESS),
    ],
    ids=["a longer transform, an odd window, no normalisation", "no frames"],
)
def test_other_models_give_the_scores_of_sedlib(preset, settings):
    network, description, stft = random_model(preset, settings)
    check(waveform_module(network, description), network, description, stft, sound(4.5))


def test_a_transform_whose_length_is_no_power_of_two_is_refused(model):
    network, description, *_ = model
    other = description | {"stft": BASE | {"n_fft": 1022}}
    with pytest.raises(ModelError, match=r"stft\.n_fft is 1022"):
        waveform_module(network, other)
