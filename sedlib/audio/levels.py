"""Signs that sound which can be read is not the sound that was meant."""

import numpy as np

from sedlib.audio.container import AudioError

AUDIBLE = 1e-3  # peak, -60 dBFS; a track below it is called silent
_FAR_ABOVE = 10.0  # peak; recordings of floats seldom exceed full scale by 20 dB
_IMPOSSIBLE = 2.0**32  # more than any integers stored as floats
_CANCELLED = 0.01  # power of mono relative to the channels; theirs correlate by less than -0.98


class Levels:
    """Levels of the sound of a file, gathered while it is decoded.

    Attributes
    ----------
    peak : float
        Largest magnitude of the mono sound; 1 is full scale.
    """

    def __init__(self):
        self.peak = 0.0
        self._energy_of_channels = self._energy_of_mono = 0.0

    def mix(self, channels):
        """Take the mean of left and right and compare its level with theirs.

        Parameters
        ----------
        channels : numpy.ndarray of float32, shape (n_channels, n_samples)
            One channel, or left and right.

        Returns
        -------
        numpy.ndarray of float32, shape (n_samples,)
        """
        if len(channels) == 1:
            return channels[0]
        left, right = channels
        with np.errstate(over="ignore", invalid="ignore"):  # `check` refuses what overflows
            # `numpy.mean` over an axis of two gives the same and takes nine times as long.
            mono = left + right
            mono /= 2
            self._energy_of_channels += float(np.dot(left, left) + np.dot(right, right)) / 2
            self._energy_of_mono += float(np.dot(mono, mono))
        return mono

    def check(self, path, samples):
        """Take note of mono samples; raise an AudioError if they cannot be sound."""
        peak = float(np.abs(samples).max(initial=0.0))
        if not np.isfinite(peak):
            raise AudioError(f"{path}: holds samples that are not finite numbers; export it again")
        if peak > _IMPOSSIBLE:
            raise AudioError(
                f"{path}: holds a sample of {peak:.3g}, where full scale is 1; it is damaged, "
                "export it again"
            )
        self.peak = max(self.peak, peak)

    def faults(self):
        """Yield what is suspicious about the sound, each as the rest of a sentence."""
        if self._energy_of_mono < _CANCELLED * self._energy_of_channels:
            yield (
                "left and right have opposite polarity and cancel each other in mono; invert one "
                "of them and export it again"
            )
        if self.peak > _FAR_ABOVE:
            bits = next((bits for bits in (16, 24) if self.peak <= 2 ** (bits - 1)), 32)
            yield (
                f"its samples reach {self.peak:.3g}, where full scale is 1; they are probably "
                f"{bits}-bit integers stored as floats, so divide them by {2 ** (bits - 1)} and "
                "export it again"
            )
