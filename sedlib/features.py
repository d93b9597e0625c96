"""The spectrogram of one-second clips, by one recipe for training and use.

A clip is one second of mono sound. Its feature is the magnitude of the
short-time Fourier transform, neither logarithmic nor normalised::

    X[t, k] = | sum_n w[n] x[t * hop_length + n - n_fft / 2] exp(-2 pi i k n / n_fft) |

with a Hann window ``w`` of ``win_length`` samples centred in the FFT frame.
Frames are centred: each clip is padded by zeros of its own, so no clip knows
of its neighbours. At 44.1 kHz with the reference's lengths (2048, 1024, 1536)
one clip is 44 frames x 1025 bins. `librosa.stft` gives the same numbers.
"""

import numpy as np
import scipy.fft
import scipy.signal

from sedlib.config import SedlibError
from sedlib.files import replacing

# Few clips at a time: their spectra stay in the processor's cache, four times
# as fast here as the whole episode at once.
SEGMENTS_AT_ONCE = 4


class FeatureError(SedlibError):
    """A feature file that cannot be used; the message names the file and the fault."""


def segment_shape(recipe):
    """Return shape of one clip's spectrogram.

    Parameters
    ----------
    recipe : sedlib.config.STFTParams

    Returns
    -------
    (int, int)
        Frames, frequency bins.
    """
    return 1 + recipe.sample_rate // recipe.hop_length, 1 + recipe.n_fft // 2


def split_segments(waveform, recipe):
    """Cut a waveform into one-second clips.

    Parameters
    ----------
    waveform : numpy.ndarray, shape (n_samples,)
    recipe : sedlib.config.STFTParams

    Returns
    -------
    numpy.ndarray, shape (n_segments, sample_rate)
        A view. The last, incomplete second is left out.
    """
    n_segments = len(waveform) // recipe.sample_rate
    return waveform[: n_segments * recipe.sample_rate].reshape(n_segments, recipe.sample_rate)


def spectrogram(clips, recipe):
    """Magnitude of the short-time Fourier transform of clips.

    Parameters
    ----------
    clips : numpy.ndarray of float32, shape (n_segments, n_samples)
        Waveforms, as `split_segments` gives them.
    recipe : sedlib.config.STFTParams

    Returns
    -------
    numpy.ndarray of float32, shape (n_segments, frames, bins)
        Not negative; 44 x 1025 for a second at the reference's constants.
    """
    n_segments, n_samples = clips.shape
    frames = 1 + n_samples // recipe.hop_length
    margin = recipe.n_fft // 2
    window = scipy.signal.get_window("hann", recipe.win_length)
    left = (recipe.n_fft - recipe.win_length) // 2
    window = np.pad(window, (left, recipe.n_fft - recipe.win_length - left)).astype(np.float32)
    magnitude = np.empty((n_segments, frames, 1 + recipe.n_fft // 2), dtype=np.float32)
    for start in range(0, n_segments, SEGMENTS_AT_ONCE):
        chunk = clips[start : start + SEGMENTS_AT_ONCE].astype(np.float32, copy=False)
        padded = np.pad(chunk, ((0, 0), (margin, margin)))
        framed = np.lib.stride_tricks.sliding_window_view(padded, recipe.n_fft, axis=1)
        framed = framed[:, :: recipe.hop_length][:, :frames]
        np.abs(scipy.fft.rfft(framed * window), out=magnitude[start : start + len(chunk)])
    return magnitude


def write_features(path, magnitude):
    """Write an episode's features, whole or not at all.

    Parameters
    ----------
    path : path-like
        ``.npy`` file; replaced only when all is written.
    magnitude : numpy.ndarray of float32, shape (n_segments, frames, bins)
    """
    with replacing(path) as partial, partial.open("wb") as file:
        np.save(file, magnitude)


def open_features(path, recipe):
    """Open an episode's features without reading them into memory.

    Parameters
    ----------
    path : path-like
        As written by `write_features`.
    recipe : sedlib.config.STFTParams
        What the features must have been made with.

    Returns
    -------
    numpy.memmap of float32, shape (n_segments, frames, bins)
        Read-only.

    Raises
    ------
    FeatureError
        If the file is missing, damaged, or of another shape than the recipe's.
    """
    try:
        magnitude = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise FeatureError(f"{path}: no such file; run notebook 02 first") from None
    except (ValueError, EOFError) as error:
        raise FeatureError(f"{path}: not a whole .npy file ({error}); run notebook 02") from None
    if magnitude.shape[1:] != segment_shape(recipe) or magnitude.dtype != np.float32:
        raise FeatureError(
            f"{path}: holds {magnitude.dtype} clips of shape {magnitude.shape[1:]}, but the recipe "
            f"gives float32 of shape {segment_shape(recipe)}; run notebook 02 again"
        )
    return magnitude
