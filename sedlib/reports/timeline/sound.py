"""The sound of a page: compressed for playing, and its waveform and spectrogram as small images.

All three are made in one pass over the recording, so that the browser decodes and computes nothing
before the page can be used.
"""

import base64
import io
import math
from dataclasses import dataclass

import av
import librosa
import matplotlib.pyplot as plt
import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view

from sedlib import audio

RATE = 48_000  # Hz; Opus knows this rate, and no other is as good
_BIT_RATE = 48_000  # bit/s: mono, hard to tell from the original
_MOST_BYTES = 25e6  # of sound; longer recordings get a lower bit rate
_BLOCK = 10 * RATE
_PEAK = RATE // 100  # samples behind one value of the waveform
_N_FFT, _HOP, _BANDS = 2048, RATE // 50, 128
_BAND_EDGES = 50.0, 16_000.0  # Hz
_LABELLED = {"500 Hz": 500, "1 kHz": 1000, "2": 2000, "4": 4000, "8": 8000}
_FLOOR = -80.0  # dB below the loudest band
_SILENT = -20.0  # dB of the loudest band, below which a recording is drawn dark: about -60 dBFS
_LONG = 1800.0  # s, above which waveform and spectrogram become coarser
_TILE = 3000  # columns in an image of the spectrogram: a minute
_QUALITY = 70  # of WebP


@dataclass(frozen=True)
class PlayableSound:
    """What a page needs of the sound of a recording.

    Attributes
    ----------
    duration : float
        In seconds.
    media : str
        ``data:`` URI of Opus in WebM.
    peaks : numpy.ndarray of uint8, shape (n_peaks,)
        The waveform's peaks at equal distances; 255 is the highest.
    tiles : list of str
        ``data:`` URIs of images of the mel spectrogram, one after the other.
    columns_per_second : float
        Of the images.
    columns_per_tile : int
        The last image may be narrower.
    frequencies : list of (str, float)
        Labels of the frequency axis, and where they stand: 0 is the lower edge, 1 the upper.
    """

    duration: float
    media: str
    peaks: np.ndarray
    tiles: list[str]
    columns_per_second: float
    columns_per_tile: int
    frequencies: list[tuple[str, float]]


def embed(sound, track=None, bit_rate=_BIT_RATE, duration=None):
    """Prepare a recording for a page.

    Parameters
    ----------
    sound : path-like or (numpy.ndarray of shape (n_samples,), int)
        A media file, or a mono waveform and its sample rate in Hz.
    track : int or str, optional
        Which of several audio tracks of the file; see `sedlib.audio.probe`.
    bit_rate : int
        Of the sound, in bit/s; a long recording gets less.
    duration : float, optional
        In seconds, where it is known; else it is what the file states.

    Returns
    -------
    PlayableSound
        Equal recordings give equal bytes.

    Raises
    ------
    sedlib.audio.AudioError
        If the file cannot be read to its end, or holds no sound.
    """
    if isinstance(sound, tuple):
        waveform, rate = sound
        expected = len(waveform) / rate
        samples = soxr.resample(np.asarray(waveform, np.float32), rate, RATE)
        blocks = (samples[at : at + _BLOCK] for at in range(0, len(samples), _BLOCK))
    else:
        expected = duration or audio.probe(sound, track).duration or 0.0
        blocks = audio.read_blocks(sound, RATE, _BLOCK, track)
    coarser = max(1, math.ceil(expected / _LONG))
    encoder = _Encoder(min(bit_rate, max(8000, round(8 * _MOST_BYTES / max(expected, 1)))))
    spectrogram, peaks, n_samples = _Spectrogram(_HOP * coarser), [], 0
    for block in blocks:
        n_samples += len(block)
        encoder.add(block)
        spectrogram.add(block)
        starts = np.arange(0, len(block), _PEAK * coarser)
        peaks.append(np.maximum.reduceat(np.abs(block), starts))
    if not n_samples:
        raise audio.AudioError("there is no sound to show; leave the recording out")
    peaks = np.concatenate(peaks)
    return PlayableSound(
        n_samples / RATE,
        encoder.finish(),
        np.rint(255 * peaks / max(peaks.max(), 1e-6)).astype(np.uint8),
        [_image(tile) for tile in spectrogram.tiles()],
        50 / coarser,
        _TILE,
        _frequencies(),
    )


class _Encoder:
    """Opus in WebM, in memory; the same bytes for the same samples."""

    def __init__(self, bit_rate):
        self._file, self._position = io.BytesIO(), 0
        self._container = av.open(
            self._file, "w", format="webm", container_options={"fflags": "+bitexact"}
        )
        # Half of the highest effort: twice as fast, at a loss that nobody hears.
        how = {"compression_level": "5"}
        self._stream = self._container.add_stream("libopus", rate=RATE, options=how, layout="mono")
        self._stream.bit_rate = bit_rate

    def add(self, block):
        samples = np.ascontiguousarray(block.clip(-1, 1)[np.newaxis])
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate, frame.pts = RATE, self._position
        self._position += len(block)
        self._container.mux(self._stream.encode(frame))

    def finish(self):
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return data_uri("audio/webm", self._file.getvalue())


class _Spectrogram:
    """Mel spectrogram in dB, whose blocks are added one after the other."""

    def __init__(self, hop):
        low, high = _BAND_EDGES
        self._mel = librosa.filters.mel(
            sr=RATE, n_fft=_N_FFT, n_mels=_BANDS, fmin=low, fmax=high
        ).T.astype(np.float32)
        self._window = np.hanning(_N_FFT + 1)[:-1].astype(np.float32)
        self._hop, self._held, self._levels = hop, np.zeros(_N_FFT // 2, np.float32), []
        self._skip = 0  # samples before the next frame that are still to come

    def add(self, block):
        held = np.concatenate([self._held, block])
        self._held, self._skip = held[self._skip :], max(0, self._skip - len(held))
        if len(self._held) < _N_FFT:
            return
        frames = sliding_window_view(self._held, _N_FFT)[:: self._hop]
        power = np.square(np.abs(np.fft.rfft(frames * self._window)))
        level = 10 * np.log10(np.maximum(power @ self._mel, 1e-10))
        self._levels.append(level.astype(np.float16))
        step = len(frames) * self._hop
        self._held, self._skip = self._held[step:], max(0, step - len(self._held))

    def tiles(self):
        """Return parts of the spectrogram, of shape (bands, columns), in [0, 1]."""
        self.add(np.zeros(_N_FFT // 2, np.float32))
        level = np.concatenate(self._levels).T
        top = max(level.max(), _SILENT)
        return [
            np.clip(1 - (level[::-1, at : at + _TILE] - top) / _FLOOR, 0, 1)
            for at in range(0, level.shape[1], _TILE)
        ]


def _image(values):
    file = io.BytesIO()
    how = {"quality": _QUALITY, "method": 4}
    plt.imsave(file, values, cmap="magma", vmin=0, vmax=1, format="webp", pil_kwargs=how)
    return data_uri("image/webp", file.getvalue())


def _frequencies():
    """Say where the labels of the mel axis stand."""
    low, high, *values = librosa.hz_to_mel(np.array([*_BAND_EDGES, *_LABELLED.values()]))
    return [
        (label, round(float((value - low) / (high - low)), 4))
        for label, value in zip(_LABELLED, values, strict=True)
    ]


def data_uri(kind, data):
    """Return bytes as a ``data:`` URI of a media type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
