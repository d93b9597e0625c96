"""Mono sound on disk: FLAC or WAV <-> float32 in [-1, 1].

Nothing here knows of annotations or features.
"""

import os
from pathlib import Path

import numpy as np
import soundfile


class AudioError(ValueError):
    """A sound file that cannot be used; the message names the file and the fault."""


def read_audio(path, sample_rate):
    """Read a mono sound file.

    Parameters
    ----------
    path : path-like
        FLAC, WAV or another format of libsndfile.
    sample_rate : int
        The rate the file must have, in Hz.

    Returns
    -------
    numpy.ndarray of float32, shape (n_samples,)
        Samples in [-1, 1].

    Raises
    ------
    AudioError
        If the file is missing, unreadable, truncated, of another rate, or
        not mono, or if a sample is not finite.
    """
    path = Path(path)
    _refuse_cut_wav(path)
    try:
        with soundfile.SoundFile(path) as file:
            promised, rate, channels = file.frames, file.samplerate, file.channels
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError(f"{path}: {_reason(path, error)}") from None
    if len(samples) != promised:
        raise AudioError(
            f"{path}: truncated, holds {len(samples) / rate:.1f} s of the "
            f"{promised / rate:.1f} s its header promises; restore or remake the file"
        )
    if rate != sample_rate:
        raise AudioError(f"{path}: sampled at {rate} Hz, not {sample_rate} Hz; resample it")
    if channels != 1:
        raise AudioError(f"{path}: has {channels} channels, not one; mix it down")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: holds samples that are not finite numbers; export it again")
    return samples[:, 0]


def write_flac(path, waveform, sample_rate):
    """Write a mono waveform as 16-bit FLAC, whole or not at all.

    Parameters
    ----------
    path : path-like
        Target; replaced only when all is written.
    waveform : numpy.ndarray, shape (n_samples,)
        Samples in [-1, 1].
    sample_rate : int
        In Hz.

    Raises
    ------
    AudioError
        If a sample lies outside [-1, 1] or is not finite: it would be clipped.
    """
    path = Path(path)
    peak = np.abs(waveform).max(initial=0.0)
    if not peak <= 1.0:
        raise AudioError(f"{path}: peak is {peak:.3g}, outside [-1, 1]; scale the waveform down")
    partial = path.with_name(path.name + ".partial")
    soundfile.write(partial, waveform, sample_rate, subtype="PCM_16", format="FLAC")
    os.replace(partial, path)


def _refuse_cut_wav(path):
    """Compare a WAV file's size with what it says of itself; libsndfile does not."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        tag, size = file.read(4), int.from_bytes(file.read(4), "little") + 8
    streamed = size in (8, 2**32 + 7)  # a writer that could not seek back left 0 or -1
    if tag == b"RIFF" and not streamed and path.stat().st_size < size:
        raise AudioError(
            f"{path}: truncated, {path.stat().st_size} of the {size} bytes "
            "its header promises; restore or remake the file"
        )


def _reason(path, error):
    if not path.exists():
        return "no such file; check the folder and the split in params.yaml"
    if path.stat().st_size == 0:
        return "the file is empty; restore or remake it"
    return f"cannot be read as sound ({str(error).rstrip('.')}); restore or remake the file"
