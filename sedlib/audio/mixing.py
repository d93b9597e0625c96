"""Mixing decoded audio frames down to mono, many at a time.

These are FFmpeg's frames, often of about 20 ms, not those of a spectrogram. What Python does for
each frame takes about as long as decoding it. Mono and stereo frames of the usual sample formats
are therefore only collected, and mixed together when a chunk is complete. Others are mixed down to
stereo one by one, by FFmpeg's libswresample.
"""

import itertools
from operator import itemgetter

import av
import numpy as np

from sedlib.audio.container import AudioError

# Type, value of silence and factor that bring the samples of a format to floats in [-1, 1].
_FORMATS = {
    "u8": (np.uint8, 2**7, 2.0**-7),
    "s16": (np.int16, 0, 2.0**-15),
    "s32": (np.int32, 0, 2.0**-31),
    "flt": (np.float32, 0, 1.0),
    "dbl": (np.float64, 0, 1.0),
}
# How samples lie in memory: the format, the number of planes, and of channels in each plane.
_MONO, _STEREO = ("flt", 1, 1), ("flt", 1, 2)  # the two that libswresample and silence have


class Mixer:
    """Collects the frames of one file and mixes them down to mono.

    Parameters
    ----------
    path : pathlib.Path
        The file, for messages.
    levels : sedlib.audio.levels.Levels
        Takes note of the levels of the channels.

    Attributes
    ----------
    size : int
        Number of samples that are collected and not taken yet.
    """

    def __init__(self, path, levels):
        self.size = 0
        self._path, self._levels = path, levels
        self._collected = []  # pairs of a packing and the planes of one frame
        self._format_and_layout = self._packing = self._resampler = None

    def add(self, frame, skip=0):
        """Collect a frame, without its first samples.

        Parameters
        ----------
        frame : av.AudioFrame
            Its format and layout may differ from those of the frames before.
        skip : int
            Number of samples to leave out.

        Returns
        -------
        int
            The number of samples collected.

        Raises
        ------
        AudioError
            If there is no known way to mix its channels down.
        """
        format_and_layout = frame.format.name, frame.layout.name
        if format_and_layout != self._format_and_layout:
            self._format_and_layout = format_and_layout
            self._choose_conversion(frame)
        if self._resampler:
            frame = self._mix_down_to_stereo(frame)
        name, _, channels = self._packing
        dtype, length = _FORMATS[name][0], max(frame.samples - skip, 0)
        begin, count = channels * (frame.samples - length) * dtype().itemsize, channels * length
        planes = [np.frombuffer(plane, dtype, count, begin) for plane in frame.planes]
        return self._collect(self._packing, planes, length)

    def add_silence(self, length):
        """Collect silence.

        Parameters
        ----------
        length : int
            In samples.

        Returns
        -------
        int
            The length.
        """
        return self._collect(_MONO, [np.zeros(length, np.float32)], length)

    def take(self):
        """Mix all that was collected since the last call.

        Returns
        -------
        numpy.ndarray of float32, shape (size,)
        """
        runs = itertools.groupby(self._collected, key=itemgetter(0))
        mono = [self._mix(packing, [planes for _, planes in run]) for packing, run in runs]
        self._collected, self.size = [], 0
        return np.concatenate(mono) if mono else np.empty(0, np.float32)

    def _collect(self, packing, planes, length):
        self._collected.append((packing, planes))
        self.size += length
        return length

    def _choose_conversion(self, frame):
        """Choose how this frame and those like it that follow are mixed."""
        name, count = frame.format.name, frame.layout.nb_channels
        packed = name.removesuffix("p")
        if packed in _FORMATS and frame.layout.name in ("mono", "stereo"):
            planes = count if frame.format.is_planar else 1
            self._packing, self._resampler = (packed, planes, count // planes), None
            return
        self._packing, layout = (_MONO, "mono") if count == 1 else (_STEREO, "stereo")
        # Without a largest sum of weights, libswresample makes surround sound quieter than stereo.
        self._resampler = av.AudioResampler("flt", layout, options={"rematrix_maxval": "100"})

    def _mix_down_to_stereo(self, frame):
        try:
            return self._resampler.resample(frame)[0]
        except av.FFmpegError:
            raise AudioError(
                f"{self._path}: has {frame.layout.nb_channels} channels in an unknown layout; mix "
                "it down to mono or stereo"
            ) from None

    def _mix(self, packing, frames):
        """Mix the planes of successive frames that have one packing."""
        name, _, channels = packing
        planes = [_to_float(np.concatenate(plane), name) for plane in zip(*frames, strict=True)]
        if channels == 2:
            planes = [planes[0][0::2], planes[0][1::2]]
        return self._levels.mix(planes)


def _to_float(samples, name):
    """Bring samples of a format to floats in [-1, 1], as libswresample does."""
    dtype, silence, factor = _FORMATS[name]
    if dtype is np.float32:
        return samples
    with np.errstate(over="ignore"):  # a sample too large for float32 is refused as not finite
        samples = samples.astype(np.float32)
    if silence:
        samples -= silence
    samples *= factor
    return samples
