"""The networks: |STFT| of a one-second clip in, a score for each class out.

A *preset* is a network by name. Its weights travel with a description, so a
stored model knows its classes, its STFT recipe, its thresholds and what it
was trained on, and refuses features made by another recipe.
"""

import json
import math
from pathlib import Path

import keras
import librosa
import numpy as np
import pandas as pd

from sedlib.config import SedlibError, STFTParams
from sedlib.features import segment_shape
from sedlib.files import replacing, write_json

WEIGHTS = "model.weights.h5"
DESCRIPTION = "model.json"
MEL_BANDS = 64


class ModelError(SedlibError):
    """A model that cannot be built or loaded; the message says why."""


@keras.saving.register_keras_serializable("sedlib")
class MelBands(keras.layers.Layer):
    """Energy in mel bands by a fixed matrix, nothing to learn.

    Input (..., bins) magnitude; output (..., bands) power, in the input's
    unit squared. The matrix is `librosa.filters.mel`: Slaney's triangles.
    """

    def __init__(self, sample_rate, bands, fmax, **kwargs):
        super().__init__(**kwargs)
        self.sample_rate, self.bands, self.fmax = sample_rate, bands, fmax

    def build(self, input_shape):
        """Make the matrix for the number of bins seen."""
        n_fft = 2 * (input_shape[-1] - 1)
        filters = librosa.filters.mel(
            sr=self.sample_rate, n_fft=n_fft, n_mels=self.bands, fmax=self.fmax
        )
        self.matrix = keras.ops.convert_to_tensor(filters.T.astype(np.float32))

    def call(self, magnitude):
        """Multiply by the matrix."""
        return keras.ops.matmul(keras.ops.square(magnitude), self.matrix)

    def get_config(self):
        """Return what rebuilds the layer."""
        own = {"sample_rate": self.sample_rate, "bands": self.bands, "fmax": self.fmax}
        return super().get_config() | own


@keras.saving.register_keras_serializable("sedlib")
class LogCompression(keras.layers.Layer):
    """Natural logarithm of a power with a floor, as the ear compresses loudness.

    Input power >= 0; output ``log(power + floor)``.
    """

    def __init__(self, floor, **kwargs):
        super().__init__(**kwargs)
        self.floor = floor

    def call(self, power):
        """Compress."""
        return keras.ops.log(power + self.floor)

    def get_config(self):
        """Return what rebuilds the layer."""
        return super().get_config() | {"floor": self.floor}


@keras.saving.register_keras_serializable("sedlib")
class LinearSoftmax(keras.layers.Layer):
    """Mean of scores over the frames, each weighted by itself: ``sum(s * s) / sum(s)``.

    Input (batch, frames, classes) in [0, 1]; output (batch, classes) in [0, 1].
    """

    def call(self, scores):
        """Pool."""
        total = keras.ops.sum(scores, axis=1)
        return keras.ops.sum(keras.ops.square(scores), axis=1) / (total + keras.config.epsilon())


def compact(frames, bins, n_classes, sample_rate):
    """Return a network that trains in minutes on two processor cores.

    The reference's shape on a diet: 64 mel bands of log power instead of
    1025 bins, seven 3x3 convolutions of 16 to 64 channels, each normalised,
    pooling over frequency before normalisation where it costs least, and a
    GRU over the 44 frames. Each frame is scored, and the score of the clip is
    the mean of its frames' scores weighted by themselves, so that a few sure
    frames count (linear softmax: Wang, Li, Metze, "A comparison of five
    multiple instance learning pooling functions for sound event detection
    with weak labeling", ICASSP 2019).

    Parameters
    ----------
    frames, bins : int
        Shape of one clip's spectrogram.
    n_classes : int
    sample_rate : int
        In Hz.

    Returns
    -------
    keras.Model
        (batch, frames, bins, 1) magnitudes to (batch, n_classes) scores in [0, 1].
    """
    inputs = keras.Input((frames, bins, 1), name="magnitude")
    x = _log_mel(inputs, sample_rate)
    widths = (16, 32, 32, 64, 64, 64, 64)
    pools = (2, 2, 2, 2, 2, 1, 1)
    for i, (width, pool) in enumerate(zip(widths, pools, strict=True), start=1):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"conv{i}")(x)
        if pool > 1:
            x = keras.layers.AveragePooling2D((1, pool), name=f"pool{i}")(x)
        x = keras.layers.BatchNormalization(name=f"norm{i}")(x)
        x = keras.layers.ReLU(name=f"relu{i}")(x)
    x = keras.layers.Reshape((frames, -1), name="steps")(x)
    x = keras.layers.GRU(64, return_sequences=True, name="gru")(x)
    x = keras.layers.Dropout(0.3, name="dropout")(x)
    x = keras.layers.Dense(n_classes, activation="sigmoid", name="frames")(x)
    return keras.Model(inputs, LinearSoftmax(name="scores")(x), name="compact")


def reference(frames, bins, n_classes, sample_rate, width=1.0, log_mel=False):
    """Return the network of 2018, at its full width about 27 G multiply-adds a clip.

    Raw magnitudes, five blocks of 3x3 convolution, ReLU and pooling by two
    over frequency, batch norm after the second and the fifth, then two more
    convolutions down to one channel, a GRU with ReLU, its last step, a dense
    layer. Two things differ from the old code: the GRU starts from zeros, not
    at random, and batch norm knows whether it is training. The last
    convolution is 3x3, as the text of 2018 says; its code had 1x1.

    Parameters
    ----------
    frames, bins, n_classes, sample_rate
        As those of `compact`.
    width : float
        Share of the channels of each convolution, in (0, 1].
    log_mel : bool
        Look at the log power of 64 mel bands, as `compact` does, and not at the magnitudes.

    Returns
    -------
    keras.Model
        As `compact` returns it.
    """
    inputs = keras.Input((frames, bins, 1), name="magnitude")
    x = _log_mel(inputs, sample_rate) if log_mel else inputs
    for i, channels in enumerate((64, 128, 256, 512, 1024), start=1):
        x = _convolve(x, channels * width, i)
        x = keras.layers.AveragePooling2D((1, 2), padding="same", name=f"pool{i}")(x)
        if i in (2, 5):
            x = keras.layers.BatchNormalization(name=f"norm{i}")(x)
    x = _convolve(x, 128 * width, 6)
    x = _convolve(x, 1, 7)
    x = keras.layers.Reshape((frames, -1), name="steps")(x)
    x = keras.layers.GRU(128, activation="relu", name="gru")(x)
    outputs = keras.layers.Dense(n_classes, activation="sigmoid", name="scores")(x)
    return keras.Model(inputs, outputs, name="reference")


def _log_mel(magnitude, sample_rate):
    """Log power of mel bands up to a quarter of the sample rate, (frames, bands, 1)."""
    frames, bins, _ = magnitude.shape[1:]
    x = keras.layers.Reshape((frames, bins), name="drop_channel")(magnitude)
    x = MelBands(sample_rate, bands=MEL_BANDS, fmax=sample_rate / 4, name="mel")(x)
    x = LogCompression(floor=1e-5, name="log")(x)
    x = keras.layers.BatchNormalization(name="norm0")(x)
    return keras.layers.Reshape((frames, MEL_BANDS, 1), name="channel")(x)


def _convolve(x, channels, i):
    """Convolve as in 2018, with at least one channel."""
    channels = max(1, round(channels))
    return keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"conv{i}")(x)


PRESETS = {"compact": compact, "reference": reference}


def build_model(preset, classes, recipe):
    """Build a network by name, with new weights.

    Parameters
    ----------
    preset : {"compact", "reference"}
    classes : sequence of str
        In the order of the outputs.
    recipe : sedlib.config.STFTParams

    Returns
    -------
    keras.Model
        (batch, 44, 1025, 1) magnitudes to (batch, n_classes) scores in [0, 1]
        at the reference's recipe. Weights are drawn from Keras's global
        generator: call `keras.utils.set_random_seed` before.

    Raises
    ------
    ModelError
        If there is no such preset.
    """
    if preset not in PRESETS:
        raise ModelError(f"train.preset is '{preset}'; choose one of {', '.join(PRESETS)}")
    return PRESETS[preset](*segment_shape(recipe), len(classes), recipe.sample_rate)


def with_frames(model):
    """Give a network its frames' scores as a second output.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    keras.Model
        With the weights of `model`. Outputs by name: ``scores`` (batch, n_classes) and
        ``frames`` (batch, frames, n_classes), in [0, 1].

    Raises
    ------
    ModelError
        If the network does not score frames.
    """
    try:
        frames = model.get_layer("frames").output
    except ValueError:
        raise ModelError(
            f"the network '{model.name}' has no scores of frames; set train.frame_weight to 0"
        ) from None
    return keras.Model(model.inputs, {"scores": model.output, "frames": frames})


def layer_table(model):
    """Return the network as a table.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    pandas.DataFrame
        A row a layer: ``layer``, ``kind``, ``output`` (shape of one clip),
        ``parameters``, and ``multiply_adds``, the multiplications of matrix
        products and convolutions for one clip.
    """
    rows = [
        {
            "layer": layer.name,
            "kind": type(layer).__name__,
            "output": " x ".join(str(n) for n in layer.output.shape[1:]),
            "parameters": layer.count_params(),
            "multiply_adds": _multiply_adds(layer),
        }
        for layer in model.layers
    ]
    return pd.DataFrame(rows)


def _multiply_adds(layer):
    shape = layer.output.shape[1:]
    if isinstance(layer, keras.layers.Conv2D):
        return math.prod(layer.kernel.shape) * math.prod(shape[:2])
    if isinstance(layer, keras.layers.GRU):
        steps = layer.input.shape[1]
        return steps * (
            math.prod(layer.cell.kernel.shape) + math.prod(layer.cell.recurrent_kernel.shape)
        )
    if isinstance(layer, keras.layers.Dense):
        return math.prod(layer.kernel.shape)
    if isinstance(layer, MelBands):
        return math.prod(layer.matrix.shape) * shape[0]
    return 0


def save_model(folder, model, description):
    """Write weights and description, whole or not at all.

    Parameters
    ----------
    folder : path-like
        Made if missing.
    model : keras.Model
    description : dict
        At least ``preset``, ``classes``, ``features`` (the recipe as a dict)
        and ``thresholds`` (a number for each class); written as JSON.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / WEIGHTS) as partial:
        model.save_weights(partial)
    write_json(description, folder / DESCRIPTION)


def read_description(folder):
    """Read what a stored model says of itself.

    Parameters
    ----------
    folder : path-like
        As written by `save_model`.

    Returns
    -------
    dict

    Raises
    ------
    ModelError
        If files are missing or damaged.
    """
    folder = Path(folder)
    for name in (DESCRIPTION, WEIGHTS):
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name}: no such file; train a model with notebook 03 first")
    try:
        return json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{folder / DESCRIPTION}: not JSON ({error}); train again") from None


def load_model(folder, recipe=None):
    """Load a stored model.

    Parameters
    ----------
    folder : path-like
        As written by `save_model`.
    recipe : sedlib.config.STFTParams, optional
        How the features to be scored are made; without it, as the model says.

    Returns
    -------
    model : keras.Model
    description : dict

    Raises
    ------
    ModelError
        If files are missing or damaged, or the model was trained on another recipe.
    """
    description = read_description(folder)
    recipe = recipe or STFTParams(**description["features"])
    for key, value in recipe.model_dump().items():
        if description["features"][key] != value:
            raise ModelError(
                f"{Path(folder) / DESCRIPTION}: trained with {key} {description['features'][key]}, "
                f"but the features have {value}; use the model's recipe or train again"
            )
    model = build_model(description["preset"], description["classes"], recipe)
    try:
        model.load_weights(Path(folder) / WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"{Path(folder) / WEIGHTS}: not the weights of this model ({reason}); train again"
        ) from None
    return model, description


def predict_scores(model, magnitude, batch_size=64):
    """Score clips.

    Parameters
    ----------
    model : keras.Model
    magnitude : numpy.ndarray of float32, shape (n_segments, frames, bins)
        May be memory-mapped.
    batch_size : int
        Clips at a time; changes the speed only.

    Returns
    -------
    numpy.ndarray of float32, shape (n_segments, n_classes)
        In [0, 1].
    """
    if len(magnitude) == 0:
        return np.empty((0, model.output_shape[-1]), dtype=np.float32)
    return model.predict(magnitude[..., np.newaxis], batch_size=batch_size, verbose=0)


def predict_frames(model, magnitude, batch_size=64):
    """Score the frames of clips.

    Parameters
    ----------
    model : keras.Model
        As `with_frames` returns it.
    magnitude : numpy.ndarray of float32, shape (n_segments, frames, bins)
        May be memory-mapped.
    batch_size : int
        Clips at a time; changes the speed only.

    Returns
    -------
    numpy.ndarray of float32, shape (n_segments * frames, n_classes)
        In [0, 1].
    """
    n_classes = model.outputs[0].shape[-1]
    if len(magnitude) == 0:
        return np.empty((0, n_classes), dtype=np.float32)
    found = model.predict(magnitude[..., np.newaxis], batch_size=batch_size, verbose=0)
    return found["frames"].reshape(-1, n_classes)
