"""A whole model as one TensorFlow function: from a waveform to scores.

The function computes in float32 what `sedlib.features` and `sedlib.detection` compute with NumPy
and SciPy, and uses only operations that ONNX and LiteRT have as well. Two computations therefore
differ from those of `sedlib`, while their results are the same:

- The K-weighting filter is recursive, and a graph cannot compute it sample by sample. The sound
  is cut into blocks. Within a block the filter is a matrix product. The state of the filter at
  the beginning of a block follows from the blocks of the last 0.2 s, because the filter forgets
  everything before, to far below the rounding errors of float32.
- The Fourier transform is computed in two steps of matrix products (Cooley and Tukey, 1965).
"""

import math

import keras
import numpy as np
import scipy.linalg
import scipy.signal
import tensorflow as tf

from sedlib.audio import loudness
from sedlib.config import STFTParams
from sedlib.detection import SILENCE, hop_of_frames
from sedlib.features import analysis_window, segment_shape
from sedlib.models import MelBands, ModelError, with_frames

AT_ONCE = 16  # segments; it bounds the memory of the network, whatever the length of the sound
_BLOCK = 64  # samples
_MEMORY = 0.2  # s


def waveform_module(network, description, unroll=False):
    """Build a module whose function ``score`` leads from a waveform to the scores of a model.

    Parameters
    ----------
    network : keras.Model
        It is changed so that it can be exported, and should not be used for training afterwards.
    description : dict
        Both as `sedlib.models.load_model` returns them.
    unroll : bool
        Whether to write out the loop of a GRU over the frames: LiteRT does not have the lists
        that Keras's loop needs.

    Returns
    -------
    tensorflow.Module
        ``score`` takes ``waveform``, (n_samples,) float32, at least one sample at the sample rate
        of the model. It returns a dict with ``scores``, (n_segments, n_classes) float32 in
        [0, 1], as `sedlib.detection.score_segments` computes them with a hop of 1 s. If the
        network scores frames, ``frames``, (n_frames, n_classes), holds the smoothed frame-level
        scores, as `sedlib.detection.score_frames` computes them.

    Raises
    ------
    ModelError
        If the length of the Fourier transform is not supported.
    """
    stft, classes = STFTParams(**description["stft"]), description["classes"]
    rate, level = stft.sample_rate, description.get("frames")
    if stft.n_fft & (stft.n_fft - 1):
        raise ModelError(f"stft.n_fft is {stft.n_fft}; only powers of two can be exported")
    n_frames, _ = segment_shape(stft)
    streams = rate // hop_of_frames(rate) if level else 1  # the segments of each follow one another
    score_magnitude = _exportable(network, level, unroll)
    widths = {"scores": len(classes)} | ({"frames": n_frames * len(classes)} if level else {})

    def score(waveform):
        n_samples = tf.shape(waveform)[0]
        n_segments = (n_samples + rate - 1) // rate
        n_chunks = (n_segments + streams - 1 + AT_ONCE - 1) // AT_ONCE
        missing = n_chunks * AT_ONCE * rate - n_samples
        early = [rate * i // streams for i in range(streams)]  # samples before the recording
        padded = [tf.pad(waveform, [[lead, missing - lead]]) for lead in early]
        chunks = tf.reshape(tf.stack(padded), (-1, AT_ONCE, rate))
        gain = _gain(waveform, stft)

        def score_chunk(i, found):
            segments = tf.reshape(tf.gather(chunks, i), (AT_ONCE, rate))
            magnitude = _spectrogram(segments * gain, stft)
            loud = tf.reduce_max(tf.abs(segments), axis=1, keepdims=True) >= SILENCE
            loud = tf.cast(loud, tf.float32)
            new = score_magnitude(magnitude[..., tf.newaxis])
            for name, width in widths.items():
                rows = tf.reshape(new[name], (AT_ONCE, width)) * loud
                found = found | {name: tf.concat([found[name], rows], axis=0)}
            found = found | {"loud": tf.concat([found["loud"], loud], axis=0)}
            return i + 1, found

        none = {name: tf.zeros((0, width)) for name, width in (widths | {"loud": 1}).items()}
        shapes = {name: tf.TensorShape((None, x.shape[1])) for name, x in none.items()}
        _, found = tf.while_loop(
            lambda i, _: i < streams * n_chunks,
            score_chunk,
            (tf.constant(0), none),
            shape_invariants=(tf.TensorShape(()), shapes),
        )
        results = {"scores": found["scores"][:n_segments]}
        if level:
            # The product of samples and frames would be too large for an integer of 32 bits.
            rest = n_samples - (n_segments - 1) * rate
            n_rows = (n_segments - 1) * n_frames + (rest * n_frames + rate - 1) // rate
            frames = tf.reshape(found["frames"], (streams, -1, len(classes)))
            loud = tf.reshape(tf.repeat(found["loud"], n_frames, axis=0), (streams, -1, 1))
            first = [n_frames * i // streams for i in range(streams)]
            frames = sum(frames[i, k : k + n_rows] for i, k in enumerate(first)) / streams
            loud = math.prod(loud[i, k : k + n_rows] for i, k in enumerate(first))
            smooth = _smooth(frames * loud, round(level["smoothing"] * n_frames))
            results["frames"] = smooth * loud
        return results

    return _module(network, score, tf.TensorSpec((None,), tf.float32, "waveform"))


def network_module(network, description):
    """Build a module whose function ``score`` is the network alone.

    Parameters
    ----------
    network, description
        As for `waveform_module`.

    Returns
    -------
    tensorflow.Module
        ``score`` takes ``magnitude``, (batch, frames, bins, 1) float32. It returns a dict with
        ``scores``, (batch, n_classes) float32 in [0, 1], and ``frames``, (batch, frames,
        n_classes), if the network scores frames.
    """
    shape = (None, *segment_shape(STFTParams(**description["stft"])), 1)
    score = _exportable(network, description.get("frames"))
    return _module(network, score, tf.TensorSpec(shape, tf.float32, "magnitude"))


def _module(network, score, spec):
    module = tf.Module()
    module.weights = [variable.value for variable in network.variables]  # saved with the function
    module.score = tf.function(score, input_signature=[spec], autograph=False)
    return module


def _exportable(network, level, unroll=False):
    """Return the network as a function that can be exported."""
    for layer in network.layers:
        if isinstance(layer, MelBands):  # a tensor would become a second input of the graph
            layer.matrix = np.asarray(layer.matrix)
        if isinstance(layer, keras.layers.Bidirectional):
            layer.forward_layer.unroll = layer.backward_layer.unroll = unroll
        elif isinstance(layer, keras.layers.GRU):
            layer.unroll = unroll
    if level:
        both = with_frames(network)
        return lambda magnitude: both(magnitude, training=False)
    return lambda magnitude: {"scores": network(magnitude, training=False)}


def _gain(waveform, stft):
    """Compute `sedlib.features.normalising_gain`."""
    if stft.loudness is None:
        return tf.constant(1.0)
    hop, n_samples = round(loudness.HOP * stft.sample_rate), tf.shape(waveform)[0]
    square = tf.square(_weight(waveform, stft.sample_rate))
    n_hops = n_samples // hop
    power = tf.reduce_mean(tf.reshape(square[: n_hops * hop], (-1, hop)), axis=1)
    power = tf.pad(power, [[0, loudness.HOPS_PER_BLOCK - 1]])
    blocks = sum(power[i : i + n_hops] for i in range(loudness.HOPS_PER_BLOCK))
    blocks = blocks / loudness.HOPS_PER_BLOCK
    # Sound shorter than a block counts as one: its mean power comes after all others.
    n_blocks = tf.maximum(n_hops - loudness.HOPS_PER_BLOCK + 1, 0)
    blocks = tf.concat([blocks[:n_blocks], tf.reduce_mean(square, keepdims=True)], axis=0)
    counts = tf.concat([tf.ones((n_blocks,)), tf.cast([n_blocks == 0], tf.float32)], axis=0)
    floor = 10 ** ((loudness.ABSOLUTE_GATE + 0.691) / 10)
    counts *= tf.cast(blocks > floor, tf.float32)
    gate = _mean(blocks, counts) * 10 ** (loudness.RELATIVE_GATE / 10)
    counts *= tf.cast(blocks > gate, tf.float32)
    target = 10 ** ((stft.loudness + 0.691) / 10)
    gain = tf.sqrt(target / tf.maximum(_mean(blocks, counts), floor))
    silent = tf.reduce_sum(counts) == 0
    return tf.where(silent, 1.0, tf.minimum(gain, 10 ** (stft.largest_gain / 20)))


def _mean(values, counts):
    return tf.reduce_sum(values * counts) / tf.maximum(tf.reduce_sum(counts), 1.0)


def _weight(waveform, sample_rate):
    """Filter a waveform with `sedlib.audio.loudness.k_weighting`; (n_samples,)."""
    within, into, through, out_of = _block_filter(sample_rate)
    n_blocks = (tf.shape(waveform)[0] + _BLOCK - 1) // _BLOCK
    padded = tf.pad(waveform, [[0, n_blocks * _BLOCK - tf.shape(waveform)[0]]])
    blocks = tf.reshape(padded, (-1, _BLOCK))
    states = tf.pad(blocks @ into, [[len(through), 0], [0, 0]])[:-1]
    states = tf.nn.conv1d(states[tf.newaxis], through, 1, "VALID")[0]
    weighted = blocks @ within + states @ out_of
    return tf.reshape(weighted, (-1,))[: tf.shape(waveform)[0]]


def _block_filter(sample_rate):
    """Write the filter as matrices for blocks of samples, each to be multiplied from the left.

    Returns `within` from a block to the output of the filter that starts in it from zero; `into`
    from a block to the state after it; `through` (n_blocks, 4, 4), the kernel of a convolution
    that adds up what earlier blocks left in the state; `out_of` from a state to the output.
    """
    a, b, c, d = scipy.signal.zpk2ss(*scipy.signal.sos2zpk(loudness.k_weighting(sample_rate)))
    # The poles lie close to 1. In this basis all states have a similar scale, so that float32
    # is precise enough: a state of unit length leads to an output of unit energy.
    basis = np.linalg.cholesky(scipy.linalg.solve_discrete_lyapunov(a.T, c.T @ c)).T
    a, b, c = basis @ a @ np.linalg.inv(basis), basis @ b, c @ np.linalg.inv(basis)
    powers = [np.linalg.matrix_power(a, i) for i in range(_BLOCK + 1)]
    response = [d.item(), *((c @ power @ b).item() for power in powers[:-2])]
    within = scipy.linalg.toeplitz(response, np.zeros(_BLOCK)).T
    into = np.stack([(powers[_BLOCK - 1 - i] @ b)[:, 0] for i in range(_BLOCK)])
    out_of = np.stack([(c @ powers[i])[0] for i in range(_BLOCK)], axis=1)
    n_blocks = math.ceil(_MEMORY * sample_rate / _BLOCK)
    through = [np.linalg.matrix_power(powers[-1], i).T for i in reversed(range(n_blocks))]
    return [np.asarray(x, np.float32) for x in (within, into, through, out_of)]


def _spectrogram(segments, stft):
    """Compute `sedlib.features.spectrogram` for AT_ONCE segments."""
    n_frames, bins = segment_shape(stft)
    rows = 2 ** (int(math.log2(stft.n_fft)) // 2)
    columns = stft.n_fft // rows
    starts = stft.hop_length * np.arange(n_frames)[:, np.newaxis]
    padded = tf.pad(segments, [[0, 0], [stft.n_fft // 2, stft.n_fft // 2]])
    framed = tf.gather(padded, (starts + np.arange(stft.n_fft)).astype(np.int32), axis=1)
    framed *= analysis_window(stft)
    # Sample n = columns * p + q, bin k = r + rows * s.
    p, q, s = np.arange(rows), np.arange(columns), np.arange(columns // 2 + 1)
    first = np.exp(-2j * np.pi * np.outer(p, p) / rows)
    twist = np.exp(-2j * np.pi * np.outer(q, p) / stft.n_fft)
    second = np.exp(-2j * np.pi * np.outer(s, q) / columns)
    second = np.block([[second.real, -second.imag], [second.imag, second.real]])
    parts = np.hstack([first.real, first.imag])
    first, second = parts.astype(np.float32), second.astype(np.float32)
    real, imag = twist.real.astype(np.float32), twist.imag.astype(np.float32)
    x = tf.reshape(framed, (AT_ONCE * n_frames, rows, columns))
    x = tf.transpose(x, (0, 2, 1)) @ first
    x = tf.concat(
        [
            x[..., :rows] * real - x[..., rows:] * imag,
            x[..., :rows] * imag + x[..., rows:] * real,
        ],
        axis=1,
    )
    x = tf.reshape(second @ x, (AT_ONCE, n_frames, 2, (columns // 2 + 1) * rows))
    return tf.sqrt(tf.reduce_sum(tf.square(x), axis=2))[..., :bins]


def _smooth(rows, size):
    """Compute `sedlib.detection.smooth_scores`."""
    size, n_rows = max(1, size), tf.shape(rows)[0]
    around = tf.range(-(size // 2), n_rows + size - 1 - size // 2)
    repeated = tf.gather(rows, tf.clip_by_value(around, 0, n_rows - 1))
    return tf.nn.avg_pool1d(repeated[tf.newaxis], size, 1, "VALID")[0]
