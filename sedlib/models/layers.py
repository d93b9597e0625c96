"""Layers that Keras does not have: mel bands, logarithm with a floor, linear softmax."""

import keras
import librosa
import numpy as np


@keras.saving.register_keras_serializable("sedlib")
class MelBands(keras.layers.Layer):
    """Power in mel bands: a fixed matrix, without parameters to learn.

    The input is a magnitude spectrogram, (..., bins). The output is the power in each band,
    (..., bands), in the square of the input's unit. The matrix is that of
    `librosa.filters.mel`: triangles on Slaney's mel scale.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    bands : int
    fmax : float
        Upper edge of the highest band in Hz.
    """

    def __init__(self, sample_rate, bands, fmax, **kwargs):
        super().__init__(**kwargs)
        self.sample_rate, self.bands, self.fmax = sample_rate, bands, fmax

    def build(self, input_shape):
        """Compute the matrix for the number of bins of the input."""
        n_fft = 2 * (input_shape[-1] - 1)
        filters = librosa.filters.mel(
            sr=self.sample_rate, n_fft=n_fft, n_mels=self.bands, fmax=self.fmax
        )
        self.matrix = keras.ops.convert_to_tensor(filters.T.astype(np.float32))

    def call(self, magnitude):
        """Multiply the power by the matrix."""
        return keras.ops.matmul(keras.ops.square(magnitude), self.matrix)

    def get_config(self):
        """Return the arguments that build the layer again."""
        own = {"sample_rate": self.sample_rate, "bands": self.bands, "fmax": self.fmax}
        return super().get_config() | own


@keras.saving.register_keras_serializable("sedlib")
class LogCompression(keras.layers.Layer):
    """Natural logarithm of a power with a floor: ``log(power + floor)``.

    Parameters
    ----------
    floor : float
        Greater than 0. It bounds the output for powers near zero.
    """

    def __init__(self, floor, **kwargs):
        super().__init__(**kwargs)
        self.floor = floor

    def call(self, power):
        """Take the logarithm."""
        return keras.ops.log(power + self.floor)

    def get_config(self):
        """Return the arguments that build the layer again."""
        return super().get_config() | {"floor": self.floor}


@keras.saving.register_keras_serializable("sedlib")
class LinearSoftmax(keras.layers.Layer):
    """Linear softmax pooling: the mean of the frame-level scores, weighted by themselves.

    The input is (batch, frames, classes) in [0, 1], the output ``sum(s * s) / sum(s)`` over
    the frames, (batch, classes) in [0, 1]. A few frames with high scores therefore count more
    than in the plain mean. Wang, Li and Metze, "A comparison of five multiple instance
    learning pooling functions for sound event detection with weak labeling", ICASSP 2019.
    """

    def call(self, scores):
        """Pool over the frames."""
        total = keras.ops.sum(scores, axis=1)
        return keras.ops.sum(keras.ops.square(scores), axis=1) / (total + keras.config.epsilon())
