import keras
import librosa
import numpy as np
import pytest

from sedlib.models import LinearSoftmax, LogCompression, MelBands, MixStyle


def test_the_first_layers_are_the_log_mel_spectrogram_of_librosa(network, magnitude):
    log = keras.Model(network.inputs, network.get_layer("log").output)
    ours = log.predict(magnitude[..., np.newaxis], verbose=0)
    mel = librosa.filters.mel(sr=44100, n_fft=2048, n_mels=ours.shape[-1], fmax=11025)
    theirs = np.log(
        magnitude.astype(float) ** 2 @ mel.T.astype(float) + network.get_layer("log").floor
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_linear_softmax_is_the_mean_over_the_frames_weighted_by_itself():
    scores = np.random.default_rng(0).random((3, 7, 2), dtype=np.float32)
    expected = [
        [np.average(scores[i, :, c], weights=scores[i, :, c]) for c in range(2)] for i in range(3)
    ]
    np.testing.assert_allclose(LinearSoftmax()(scores), expected, rtol=1e-5)


def test_linear_softmax_of_zeros_is_zero():
    np.testing.assert_array_equal(LinearSoftmax()(np.zeros((1, 7, 2), np.float32)), 0)


def test_mixstyle_changes_nothing_outside_training():
    x = np.random.default_rng(0).normal(size=(8, 44, 5)).astype(np.float32)
    np.testing.assert_array_equal(MixStyle(1.0)(x), x)
    np.testing.assert_array_equal(MixStyle(1.0)(x, training=False), x)


def test_mixstyle_mixes_only_mean_and_standard_deviation_with_the_segment_before():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(rng.normal(size=(64, 1, 5)), rng.uniform(0.5, 3, (64, 1, 5)), (64, 44, 5))
    changed = np.array(MixStyle(0.5)(x.astype(np.float32), training=True), dtype=float)
    mean, spread = x.mean(axis=1), x.std(axis=1)
    new_mean, new_spread = changed.mean(axis=1), changed.std(axis=1)
    weights = []
    for i in range(len(x)):
        # One weight explains the means and the spreads of all bands.
        weight = np.median((new_mean[i] - mean[i]) / (mean[i - 1] - mean[i]))
        expected = mean[i] + weight * (mean[i - 1] - mean[i])
        np.testing.assert_allclose(new_mean[i], expected, atol=1e-4)
        expected = spread[i] + weight * (spread[i - 1] - spread[i])
        np.testing.assert_allclose(new_spread[i], expected, rtol=5e-3)
        shape = (changed[i] - new_mean[i]) / new_spread[i]
        np.testing.assert_allclose(shape, (x[i] - mean[i]) / spread[i], atol=5e-3)
        weights.append(weight)
    unchanged = np.mean(np.abs(weights) < 1e-4)
    assert 0.3 < unchanged < 0.7  # the share is 0.5; with other seeds 2 draws in 1000 lie outside
    assert min(weights) > -1e-4 and max(weights) < 1


def test_mixstyle_leaves_a_silent_band_constant():
    x = np.stack([np.zeros((44, 3)), np.random.default_rng(0).normal(size=(44, 3))])
    changed = np.array(MixStyle(1.0)(x.astype(np.float32), training=True))
    np.testing.assert_allclose(changed[0].std(axis=0), 0, atol=1e-6)  # the mean is rounded
    assert np.isfinite(changed).all()


@pytest.mark.parametrize(
    "layer",
    [MelBands(8000, 10, 4000), LogCompression(1e-3), MixStyle(0.5), LinearSoftmax()],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_that_keras_builds_again_from_its_configuration_computes_the_same(layer):
    again = type(layer).from_config(layer.get_config())
    x = np.random.default_rng(0).random((2, 5, 65), dtype=np.float32)
    np.testing.assert_array_equal(layer(x), again(x))
    assert again.get_config() == layer.get_config()
