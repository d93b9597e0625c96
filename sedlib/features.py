"""The spectrogram of one-second segments, computed alike for training and for detection.

Every recording is first brought to the same loudness, so that the level at which it was recorded
matters little. A segment is one second of mono sound. Its feature is the magnitude of the
short-time Fourier transform (STFT), on a linear scale::

    X[t, k] = | sum_n w[n] x[t * hop_length + n - n_fft / 2] exp(-2 pi i k n / n_fft) |

The window ``w`` is a Hann window of ``win_length`` samples in the middle of ``n_fft`` samples.
Frame t is centred at sample ``t * hop_length`` of the segment. Each segment is padded with zeros
on both sides, so that its spectrogram does not depend on the segments before and after it.
`librosa.stft` computes the same values.
"""

import numpy as np
import scipy.fft
import scipy.signal

from sedlib.audio import measure_loudness
from sedlib.errors import SedlibError
from sedlib.files import replacing

SEGMENTS_AT_ONCE = 4  # their spectra fit into the cache of the processor


def segment_shape(stft):
    """Return the shape of the spectrogram of one segment.

    Parameters
    ----------
    stft : sedlib.config.STFTParams

    Returns
    -------
    frames, bins : int
        Number of frames and of frequency bins.
    """
    return 1 + stft.sample_rate // stft.hop_length, 1 + stft.n_fft // 2


def normalising_gain(blocks, stft):
    """Find the gain that brings a recording to the loudness of all features.

    Parameters
    ----------
    blocks : iterable of numpy.ndarray of float32, shape (n_samples,)
        The sound of the recording. It is not read if `stft` names no loudness.
    stft : sedlib.config.STFTParams

    Returns
    -------
    float
        Factor for the samples, greater than 0; 1 for silence. It is at most
        ``stft.largest_gain`` in dB, so that the noise of a nearly silent recording is not
        amplified to full loudness.
    """
    if stft.loudness is None:
        return 1.0
    gain = stft.loudness - measure_loudness(blocks, stft.sample_rate)
    return 10 ** (min(gain, stft.largest_gain) / 20) if np.isfinite(gain) else 1.0


def normalise(waveform, stft):
    """Bring a whole recording to the loudness of all features; see `normalising_gain`.

    Parameters
    ----------
    waveform : numpy.ndarray of float32, shape (n_samples,)
    stft : sedlib.config.STFTParams

    Returns
    -------
    numpy.ndarray of float32, shape (n_samples,)
    """
    return waveform * np.float32(normalising_gain([waveform], stft))


def split_segments(waveform, stft):
    """Cut a waveform into one-second segments.

    Parameters
    ----------
    waveform : numpy.ndarray, shape (n_samples,)
    stft : sedlib.config.STFTParams

    Returns
    -------
    numpy.ndarray, shape (n_segments, sample_rate)
        A view of the waveform. An incomplete second at the end is left out.
    """
    n_segments = len(waveform) // stft.sample_rate
    return waveform[: n_segments * stft.sample_rate].reshape(n_segments, stft.sample_rate)


def analysis_window(stft):
    """Return the window that each frame is multiplied by.

    Parameters
    ----------
    stft : sedlib.config.STFTParams

    Returns
    -------
    numpy.ndarray of float32, shape (n_fft,)
        A Hann window of ``win_length`` samples in the middle, and zeros on both sides.
    """
    window = scipy.signal.get_window("hann", stft.win_length)
    left = (stft.n_fft - stft.win_length) // 2
    return np.pad(window, (left, stft.n_fft - stft.win_length - left)).astype(np.float32)


def spectrogram(segments, stft):
    """Compute the magnitude of the short-time Fourier transform of segments.

    Parameters
    ----------
    segments : numpy.ndarray of float32, shape (n_segments, n_samples)
        Waveforms, as `split_segments` returns them.
    stft : sedlib.config.STFTParams

    Returns
    -------
    numpy.ndarray of float32, shape (n_segments, frames, bins)
        Magnitudes, not negative.
    """
    n_segments, n_samples = segments.shape
    frames = 1 + n_samples // stft.hop_length
    margin, window = stft.n_fft // 2, analysis_window(stft)
    magnitude = np.empty((n_segments, frames, 1 + stft.n_fft // 2), dtype=np.float32)
    for start in range(0, n_segments, SEGMENTS_AT_ONCE):
        chunk = segments[start : start + SEGMENTS_AT_ONCE].astype(np.float32, copy=False)
        padded = np.pad(chunk, ((0, 0), (margin, margin)))
        framed = np.lib.stride_tricks.sliding_window_view(padded, stft.n_fft, axis=1)
        framed = framed[:, :: stft.hop_length][:, :frames]
        np.abs(scipy.fft.rfft(framed * window), out=magnitude[start : start + len(chunk)])
    return magnitude


def write_features(path, magnitude):
    """Write the features of an episode.

    Parameters
    ----------
    path : path-like
        ``.npy`` file. An existing file is replaced only when all is written.
    magnitude : numpy.ndarray of float32, shape (n_segments, frames, bins)
    """
    with replacing(path) as partial, partial.open("wb") as file:
        np.save(file, magnitude)


def open_features(path, stft):
    """Open the features of an episode without reading them into memory.

    Parameters
    ----------
    path : path-like
        File written by `write_features`.
    stft : sedlib.config.STFTParams
        The settings that the features must have been computed with.

    Returns
    -------
    numpy.memmap of float32, shape (n_segments, frames, bins)
        Read-only.

    Raises
    ------
    SedlibError
        If the file is missing or damaged, or if its shape is not that of `stft`.
    """
    try:
        magnitude = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise SedlibError(f"{path}: no such file; run notebook 02 first") from None
    except OSError:
        raise
    except Exception as error:  # NumPy parses the header as Python, which raises many classes
        reason = " ".join(str(error).split())
        raise SedlibError(
            f"{path}: not a complete .npy file ({reason}); run notebook 02 again"
        ) from None
    if magnitude.shape[1:] != segment_shape(stft) or magnitude.dtype != np.float32:
        raise SedlibError(
            f"{path}: holds {magnitude.dtype} segments of shape {magnitude.shape[1:]}, but the "
            f"STFT settings give float32 of shape {segment_shape(stft)}; run notebook 02 again"
        )
    return magnitude
