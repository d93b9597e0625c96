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

    Samples outside [-1, 1) are clipped: lossy decoders exceed the range a little, and the mix of
    a very loud surround sound may. 16-bit mono sound at this rate is converted without loss.

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
    with (
        _replacing_sound(target) as partial,
        soundfile.SoundFile(partial, "w", sample_rate, 1, "PCM_16", format="FLAC") as file,
    ):
        for block in read_blocks(source, sample_rate, warn=_refuse):
            file.write(block)  # clips
        return file.frames / sample_rate


def _refuse(warning):
    raise AudioError(warning)


@contextmanager
def _replacing_sound(path):
    """Replace a file as `sedlib.files.replacing` does; libsndfile does not say why it failed."""
    with replacing(path) as partial:
        try:
            yield partial
        except soundfile.SoundFileError:
            fault = "cannot be written; is the disk full or the folder read-only?"
            raise OSError(errno.EIO, fault, str(path)) from None
