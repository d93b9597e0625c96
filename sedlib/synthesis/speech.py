"""Synthetic speech from eSpeak NG.

eSpeak keeps its state (random numbers, filter memories, the last intonation) in variables of
the shared library. The library is therefore loaded anew for each utterance, so that what was
spoken before does not matter.
"""

import _ctypes
import contextlib
import ctypes
import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader
import numpy as np

ESPEAK_RATE = 22050  # Hz
LONGEST_PATH = 140  # bytes; eSpeak keeps the path of the data folder in a buffer of 160

# Values of espeak-ng/speak_lib.h.
_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4

_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)
_LOADING = threading.Lock()  # because two threads would share one copy of the library

ACCENTS = ("en-us", "en-us", "en-us", "en-us-nyc", "en-gb-x-rp", "en-gb-scotland", "en-029")
FEMALE = ("f1", "f2", "f3", "f4", "f5", "Annie", "Alicia", "Andrea", "anika", "belinda")
FEMALE += ("linda", "steph", "steph2", "steph3", "aunty", "grandma")
MALE = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Alex", "Andy", "adam", "benjamin")
MALE += ("david", "ed", "edward", "ian", "john", "Lee", "Michael", "Mike", "paul", "quincy")
MALE += ("rob", "robert", "travis", "victor", "zac", "klatt", "klatt3")


@dataclass(frozen=True)
class Voice:
    """The voice of one speaker.

    Attributes
    ----------
    name : str
        Voice and variant of eSpeak, such as ``en-us+f3``.
    rate : int
        Words per minute.
    pitch, liveliness : int
        Pitch and pitch range of eSpeak, 0 to 99.
    """

    name: str
    rate: int
    pitch: int
    liveliness: int


def random_voice(rng):
    """Draw a voice, female or male with equal probability.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    Voice
    """
    variants = FEMALE if rng.random() < 0.5 else MALE
    name = f"{rng.choice(ACCENTS)}+{rng.choice(variants)}"
    return Voice(
        name, int(rng.integers(140, 215)), int(rng.integers(20, 62)), int(rng.integers(35, 85))
    )


def say(text, voice):
    """Synthesise the speech of a text.

    Parameters
    ----------
    text : str
    voice : Voice

    Returns
    -------
    ndarray of float32, shape (n,)
        In [-1, 1], at `ESPEAK_RATE`, without the silence before and after the speech.
        Depends on nothing but `text` and `voice`.

    Raises
    ------
    RuntimeError
        If eSpeak does not start, does not know the voice, or returns silence.
    """
    chunks = []

    @_CALLBACK
    def keep(samples, count, _events):
        if samples and count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    with _load_espeak() as library:
        library.espeak_SetSynthCallback(keep)
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        if library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise RuntimeError(f"eSpeak NG has no voice '{voice.name}'; see espeak-ng --voices=en")
        settings = {_RATE: voice.rate, _PITCH: voice.pitch, _RANGE: voice.liveliness}
        for parameter, value in settings.items():
            library.espeak_SetParameter(parameter, value, 0)
        data = text.encode() + b"\0"
        library.espeak_Synth(data, len(data), 0, 0, 0, _UTF8, None, None)
        library.espeak_Synchronize()
    samples = np.concatenate(chunks).astype(np.float32) / 32768 if chunks else np.zeros(0)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max(initial=0))
    if loud.size == 0:
        raise RuntimeError(f"eSpeak NG said nothing for '{text}' with voice '{voice.name}'")
    return samples[loud[0] : loud[-1] + 1]


@contextlib.contextmanager
def _load_espeak():
    """Load a fresh copy of the library, ready to speak, and unload it afterwards."""
    unload = getattr(_ctypes, "dlclose", None) or _ctypes.FreeLibrary
    with _LOADING, _data_folder() as folder:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        try:
            rate = library.espeak_Initialize(_SYNCHRONOUS, 0, folder.encode(), _DO_NOT_EXIT)
            if rate != ESPEAK_RATE:
                raise RuntimeError(f"eSpeak NG does not start with its data in {folder}")
            yield library
            library.espeak_Terminate()
        finally:
            unload(library._handle)


@contextlib.contextmanager
def _data_folder():
    """Path of the data of eSpeak, through a link if it is too long for eSpeak."""
    folder = espeakng_loader.get_data_path()
    if len(os.fsencode(folder)) <= LONGEST_PATH:
        yield folder
        return
    with tempfile.TemporaryDirectory() as short:
        link = Path(short, "espeak-ng-data")
        link.symlink_to(folder, target_is_directory=True)
        yield str(link)
