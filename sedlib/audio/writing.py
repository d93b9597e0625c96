"""Writing mono sound as 16-bit FLAC."""

import errno
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from sedlib.audio.container import AudioError
from sedlib.audio.decoding import read_blocks
from sedlib.files import replacing


def write_flac(path, waveform, sample_rate):
    """Write a mono waveform as 16-bit FLAC.

    Parameters
    ----------
    path : path-like
        An existing file is replaced only when all is written.
    waveform : numpy.ndarray, shape (n_samples,)
        Samples in [-1, 1].
    sample_rate : int
        In Hz.

    Raises
    ------
    AudioError
        If a sample is outside [-1, 1], so that it would be clipped, or not finite.
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    peak = np.abs(waveform).max(initial=0.0)
    if not peak <= 1.0:
        raise AudioError(f"{path}: peak is {peak:.3g}, outside [-1, 1]; scale the waveform down")
    with _replacing_sound(path) as partial:
        soundfile.write(partial, waveform, sample_rate, subtype="PCM_16", format="FLAC")


def convert_to_flac(source, target, sample_rate):
    """Write the sound of a media file as mono 16-bit FLAC, in constant memory.

    Sound that goes beyond full scale, as decoded lossy files and the mix of a very loud surround
    sound may, is scaled down as a whole, so that nothing is clipped. It is decoded twice for that.
    16-bit mono sound at this rate is converted without loss.

    Parameters
    ----------
    source : path-like
        Media file.
    target : path-like
        An existing file is replaced only when all is written.
    sample_rate : int
        In Hz.

    Returns
    -------
    float
        Duration in seconds.

    Raises
    ------
    AudioError
        As `read_blocks` does, and for what it warns of: the file would not hold the sound that was
        meant. An existing target is then kept.
    OSError
        If the target cannot be written.
    """
    with _replacing_sound(target) as partial:
        duration, peak = _write_sound(source, partial, sample_rate, 1.0)
        if peak > 1.0:
            partial.start_again()
            _write_sound(source, partial, sample_rate, 1 / peak)
        return duration


def _write_sound(source, target, sample_rate, gain):
    """Write the sound with a gain; return its duration and its peak before the gain."""
    peak = 0.0
    with soundfile.SoundFile(target, "w", sample_rate, 1, "PCM_16", format="FLAC") as file:
        for block in read_blocks(source, sample_rate, warn=_refuse):
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
            file.write(block * np.float32(gain))
        return file.frames / sample_rate, peak


def _refuse(warning):
    raise AudioError(warning)


@contextmanager
def _replacing_sound(path):
    """Replace a file as `sedlib.files.replacing` does; yield what libsndfile can write to."""
    with replacing(path) as partial, partial.open("wb") as file:
        target = _Target(file)
        try:
            yield target
        except soundfile.SoundFileError as error:
            raise OSError(errno.EIO, f"cannot be written as FLAC ({error})", str(path)) from None
        finally:
            if target.error:
                raise target.error


class _Target:
    """A file that remembers why it could not be written.

    libsndfile does not say why. At the end of a FLAC file it does not even notice, so that a full
    disk would go unnoticed.
    """

    def __init__(self, file):
        self._file, self.error = file, None

    def seek(self, *place):
        return self._attempt(self._file.seek, *place)

    def tell(self):
        return self._attempt(self._file.tell)

    def write(self, data):
        return self._attempt(self._file.write, data)

    def start_again(self):
        """Remove what was written."""
        self._file.seek(0)
        self._file.truncate()

    def _attempt(self, method, *arguments):
        try:
            return method(*arguments)
        except OSError as error:  # libsndfile is not Python, so that no error passes through it
            self.error = self.error or error
            return 0
