"""Mixing decoded audio frames down to mono, many at a time.

These are FFmpeg's frames, often of about 20 ms, not those of a spectrogram. What Python does for
each frame takes about as long as decoding it. Frames are therefore only collected, and converted
and mixed together when a chunk is complete.

Surround sound is mixed as FFmpeg does it. Some files with more than two channels, such as those of
multitrack recorders, do not state a channel layout. FFmpeg would guess one and might leave out a
track, for example the third as the channel of the subwoofer. The channels of such a file are
therefore averaged with equal weights.
"""

import av
import numpy as np

from sedlib.audio.container import AudioError


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
        self._path, self._levels, self._mixed = path, levels, []
        self._kind = self._queue = self._resampler = None
        self._equal = False  # whether the channels are averaged, as their layout is not known

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
            If there is no known way to mix the channels of an earlier frame down.
        """
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._kind or skip:
            self._mix()
        if kind != self._kind:
            layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
            unnamed = all(channel.name == "NONE" for channel in frame.layout.channels)
            self._equal = unnamed and frame.layout.nb_channels > 2
            self._kind, self._queue = kind, av.AudioFifo()
            # Without a largest sum of weights, surround sound gets quieter than stereo.
            options = {"rematrix_maxval": "100"}
            self._resampler = av.AudioResampler("fltp", layout, options=options)
        frame.pts = None  # the caller fills gaps; the queue would refuse them
        self._queue.write(frame)
        if skip:
            self._mix(skip)
        return self._count(max(frame.samples - skip, 0))

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
        self._mix()
        self._mixed.append(np.zeros(length, np.float32))
        return self._count(length)

    def take(self):
        """Mix all that was collected since the last call.

        Returns
        -------
        numpy.ndarray of float32, shape (size,)

        Raises
        ------
        AudioError
            If there is no known way to mix the channels down.
        """
        self._mix()
        mixed, self._mixed, self.size = self._mixed, [], 0
        return np.concatenate([*mixed, np.empty(0, np.float32)])

    def _count(self, length):
        self.size += length
        return length

    def _mix(self, skip=0):
        """Mix the frames in the queue, and leave out their first samples."""
        if not self._queue or not (frame := self._queue.read()):
            return
        if self._equal:
            channels = _to_floats(frame).mean(axis=0, keepdims=True)
        else:
            try:
                [mixed] = self._resampler.resample(frame)
            except av.FFmpegError:
                raise AudioError(
                    f"{self._path}: there is no known way to mix the channel layout "
                    f"'{frame.layout.name}' down; mix it down to mono or stereo"
                ) from None
            channels = mixed.to_ndarray()
        self._mixed.append(self._levels.mix(channels[:, skip:]))


def _to_floats(frame):
    """Convert the samples of a frame to (n_channels, n_samples) float32, full scale 1."""
    samples = frame.to_ndarray()
    if frame.format.is_packed:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind not in "iu":
        return samples.astype(np.float32)
    half = 2.0 ** (8 * samples.itemsize - 1)
    return (samples / half - (samples.dtype.kind == "u")).astype(np.float32)
