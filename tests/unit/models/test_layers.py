import keras
import librosa
import numpy as np
import pytest

from sedlib.models import LinearSoftmax, LogCompression, MelBands


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


@pytest.mark.parametrize(
    "layer",
    [MelBands(8000, 10, 4000), LogCompression(1e-3), LinearSoftmax()],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_that_keras_builds_again_from_its_configuration_computes_the_same(layer):
    again = type(layer).from_config(layer.get_config())
    x = np.random.default_rng(0).random((2, 5, 65), dtype=np.float32)
    np.testing.assert_array_equal(layer(x), again(x))
