"""Layers that Keras does not have: mel bands, logarithm with a floor, MixStyle, linear softmax."""

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
        used = 1 + np.flatnonzero(filters.any(axis=0)).max()  # no band reaches the bins above
        self.matrix = keras.ops.convert_to_tensor(filters.T[:used].astype(np.float32))

    def call(self, magnitude):
        """Multiply the power by the matrix."""
        used = self.matrix.shape[0]
        return keras.ops.matmul(keras.ops.square(magnitude[..., :used]), self.matrix)


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


@keras.saving.register_keras_serializable("sedlib")
class MixStyle(keras.layers.Layer):
    """In training, mix the mean and standard deviation of each band with those of another segment.

    The input is (batch, frames, bands). Each segment is changed with probability `share`. In
    every band, its mean and standard deviation over the frames are replaced by
    ``(1 - w) * own + w * other``, where ``other`` belongs to the segment before it in the batch
    and ``w``, the same for all bands, is uniform in [0, 1). A variance of 1e-3 is added before the
    root, because a band may be silent. Mean and standard deviation depend on the room and the
    microphone as well as on the sound; a network that relies on them less may work better on
    recordings of another origin. Outside training the layer changes nothing.

    The method is that of Zhou et al., "Domain Generalization with MixStyle", ICLR 2021, who
    change whole batches with some probability, permute the segments at random and draw the
    weights from a beta distribution. Xiao et al., "Mixstyle based Domain Generalization for Sound
    Event Detection with Heterogeneous Training Data", arXiv:2407.03654, 2024, apply it to
    frequency bands.

    Parameters
    ----------
    share : float
        Probability in [0, 1] that a segment is changed.
    """

    def __init__(self, share, **kwargs):
        super().__init__(**kwargs)
        self.share = share
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, x, training=False):
        """Mix the statistics if `training`."""
        if not training:
            return x
        mean, variance = keras.ops.moments(x, axes=1, keepdims=True)
        deviation = keras.ops.sqrt(variance + 1e-3)
        shape = (keras.ops.shape(x)[0], 1, 1)
        chosen = keras.random.uniform(shape, seed=self.seed_generator) < self.share
        weight = keras.random.uniform(shape, seed=self.seed_generator)
        weight = keras.ops.where(chosen, weight, 0.0)  # of the other segment
        new_mean = mean + weight * (keras.ops.roll(mean, 1, axis=0) - mean)
        new_deviation = deviation + weight * (keras.ops.roll(deviation, 1, axis=0) - deviation)
        return (x - mean) / deviation * new_deviation + new_mean


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
