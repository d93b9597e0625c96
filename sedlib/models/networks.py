"""The networks by name: from the |STFT| of a segment to a score for each class."""

import keras

from sedlib.features import segment_shape
from sedlib.models.layers import LinearSoftmax, LogCompression, MelBands, MixStyle
from sedlib.models.storage import ModelError

MEL_BANDS = 64


def compact(frames, bins, n_classes, sample_rate, mixstyle=0.5):
    """Build a small convolutional recurrent network (CRNN) that scores every frame.

    64 mel bands of log power, MixStyle in training, then seven 3x3 convolutions of 16 to 64
    channels, each followed by batch normalisation and ReLU. After each of the first five, average
    pooling halves the number of bands before the normalisation. Then two GRUs, which read the
    frames forwards and backwards, and a score for each frame and class. The score of the segment
    is the linear softmax of its frame-level scores (`sedlib.models.LinearSoftmax`).

    From the first to the last convolution the bands come before the frames. The network could
    learn the same in the other order, but pooling leaves two bands, and a CPU computes a
    convolution faster if the second of its two axes is long.

    Parameters
    ----------
    frames, bins : int
        Shape of the spectrogram of one segment.
    n_classes : int
    sample_rate : int
        In Hz.
    mixstyle : float
        Probability that `sedlib.models.MixStyle` changes a training segment; 0 leaves the layer
        out.

    Returns
    -------
    keras.Model
        From (batch, frames, bins, 1) magnitudes to (batch, n_classes) scores in [0, 1].
    """
    inputs = keras.Input((frames, bins, 1), name="magnitude")
    x = _compute_log_mel(inputs, sample_rate, mixstyle)
    x = keras.layers.Permute((2, 1, 3), name="bands_first")(x)
    widths = (16, 32, 32, 64, 64, 64, 64)
    pools = (2, 2, 2, 2, 2, 1, 1)
    for i, (width, pool) in enumerate(zip(widths, pools, strict=True), start=1):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"conv{i}")(x)
        if pool > 1:  # before the normalisation, which then costs half as much
            x = keras.layers.AveragePooling2D((pool, 1), name=f"pool{i}")(x)
        x = keras.layers.BatchNormalization(name=f"norm{i}")(x)
        x = keras.layers.ReLU(name=f"relu{i}")(x)
    x = keras.layers.Permute((2, 1, 3), name="frames_first")(x)
    x = keras.layers.Reshape((frames, -1), name="steps")(x)
    gru = keras.layers.GRU(64, return_sequences=True)
    x = keras.layers.Bidirectional(gru, name="gru")(x)
    x = keras.layers.Dropout(0.3, name="dropout")(x)
    x = keras.layers.Dense(n_classes, activation="sigmoid", name="frames")(x)
    return keras.Model(inputs, LinearSoftmax(name="scores")(x), name="compact")


def vtt2018(frames, bins, n_classes, sample_rate, width=1.0, log_mel=False):
    """Build the network of the 2018 experiment.

    Its input is raw magnitudes. Five blocks of 3x3 convolution, ReLU and average pooling by two
    over frequency, with batch normalisation after the second and the fifth, are followed by two
    more convolutions down to one channel, a GRU with ReLU and a dense layer on its last state.
    It scores segments, not frames.

    Two things differ from the code of 2018: the GRU starts from zeros instead of random values,
    and batch normalisation knows whether it is training. The last convolution is 3x3, as the
    report of 2018 says; the code had 1x1.

    Parameters
    ----------
    frames, bins, n_classes, sample_rate
        As for `compact`.
    width : float
        Share of the channels of each convolution, in (0, 1].
    log_mel : bool
        Whether the convolutions see the log power of 64 mel bands, as in `compact`, instead of
        the magnitudes.

    Returns
    -------
    keras.Model
        As for `compact`.
    """
    inputs = keras.Input((frames, bins, 1), name="magnitude")
    x = _compute_log_mel(inputs, sample_rate) if log_mel else inputs
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
    return keras.Model(inputs, outputs, name="vtt2018")


def _compute_log_mel(magnitude, sample_rate, mixstyle=0.0):
    """Normalised log power of mel bands up to a quarter of the rate, (frames, bands, 1)."""
    frames, bins, _ = magnitude.shape[1:]
    x = keras.layers.Reshape((frames, bins), name="drop_channel")(magnitude)
    x = MelBands(sample_rate, bands=MEL_BANDS, fmax=sample_rate / 4, name="mel")(x)
    x = LogCompression(floor=1e-4, name="log")(x)
    if mixstyle:
        x = MixStyle(mixstyle, name="mixstyle")(x)
    x = keras.layers.BatchNormalization(name="norm0")(x)
    return keras.layers.Reshape((frames, MEL_BANDS, 1), name="channel")(x)


def _convolve(x, channels, i):
    """Convolve as in 2018, with at least one channel."""
    channels = max(1, round(channels))
    return keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"conv{i}")(x)


# A preset takes (frames, bins, n_classes, sample_rate) and returns a keras.Model. One that scores
# frames too names the layer that does "frames": (batch, frames, n_classes) in [0, 1]. Every
# layer needs a name, because a stored model is refused if the names of the layers differ.
PRESETS = {"compact": compact, "vtt2018": vtt2018}


def build_model(preset, classes, stft):
    """Build a network by name, with new weights.

    Parameters
    ----------
    preset : str
        A key of `PRESETS`.
    classes : sequence of str
        In the order of the outputs.
    stft : sedlib.config.STFTParams

    Returns
    -------
    keras.Model
        From (batch, frames, bins, 1) magnitudes to (batch, n_classes) scores in [0, 1]. Keras's
        global generator draws the weights: call `sedlib.training.make_reproducible` before.

    Raises
    ------
    ModelError
        If there is no such preset.
    """
    if preset not in PRESETS:
        raise ModelError(f"train.preset is '{preset}'; choose one of {', '.join(PRESETS)}")
    return PRESETS[preset](*segment_shape(stft), len(classes), stft.sample_rate)
