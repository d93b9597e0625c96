"""Spoken English from eSpeak NG, and something to say.

eSpeak keeps its state (random numbers, filter memories, the last intonation)
in variables of the shared library. Each utterance therefore loads the library
anew: 6 ms, and what was spoken before cannot matter.
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
LONGEST_PATH = 140  # bytes; eSpeak holds the data folder's path in 160

# Values of espeak-ng/speak_lib.h.
_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4

_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)
_LOADING = threading.Lock()  # two threads would get one copy of the library

ACCENTS = ("en-us", "en-us", "en-us", "en-us-nyc", "en-gb-x-rp", "en-gb-scotland", "en-029")
FEMALE = ("f1", "f2", "f3", "f4", "f5", "Annie", "Alicia", "Andrea", "anika", "belinda")
FEMALE += ("linda", "steph", "steph2", "steph3", "aunty", "grandma")
MALE = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Alex", "Andy", "adam", "benjamin")
MALE += ("david", "ed", "edward", "ian", "john", "Lee", "Michael", "Mike", "paul", "quincy")
MALE += ("rob", "robert", "travis", "victor", "zac", "klatt", "klatt3")


@dataclass(frozen=True)
class Voice:
    """How one speaker talks.

    Attributes
    ----------
    name : str
        eSpeak's voice and variant, such as ``en-us+f3``.
    rate : int
        Words a minute.
    pitch, liveliness : int
        eSpeak's pitch and pitch range, 0 to 99.
    """

    name: str
    rate: int
    pitch: int
    liveliness: int


def random_voice(rng):
    """Draw a speaker, woman or man equally often.

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
    """Speak a text.

    Parameters
    ----------
    text : str
    voice : Voice

    Returns
    -------
    ndarray of float32, shape (n,)
        Samples in [-1, 1] at `ESPEAK_RATE`, without the silence around them.
        They depend on nothing but `text` and `voice`.

    Raises
    ------
    RuntimeError
        eSpeak does not start, does not know the voice or stays silent.
    """
    chunks = []

    @_CALLBACK
    def keep(samples, count, _events):
        if samples and count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    with _espeak() as library:
        library.espeak_SetSynthCallback(keep)
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        if library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise RuntimeError(f"eSpeak NG has no voice '{voice.name}'; see espeak-ng --voices=en")
        for parameter, value in (
            (_RATE, voice.rate),
            (_PITCH, voice.pitch),
            (_RANGE, voice.liveliness),
        ):
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
def _espeak():
    """Give a fresh copy of the library, ready to speak; unload it afterwards."""
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
    """Path of eSpeak's data, through a link where it is too long for eSpeak."""
    folder = espeakng_loader.get_data_path()
    if len(os.fsencode(folder)) <= LONGEST_PATH:
        yield folder
        return
    with tempfile.TemporaryDirectory() as short:
        link = Path(short, "espeak-ng-data")
        link.symlink_to(folder, target_is_directory=True)
        yield str(link)


SHORT = ("Yes.", "No!", "What?", "Hi.", "Okay.", "Oh.", "Sure.", "Really?", "Come on.", "I know.")
SHORT += ("Right.", "Why not?", "You did?", "Oh, please.", "Wait.", "So what?", "Good.", "Never.")
SHORT += ("I do not think so.", "Are you sure?", "What do you mean?", "Nobody told me.")
SHORT += ("Give me a second.", "That is great news!", "It is not my fault.", "How was the date?")
SHORT += ("Can we go now?", "I am so happy for you.", "Who is at the door?", "Leave it to me.")
SHOUTS = ("Hey!", "No!", "Stop!", "Stop it!", "Get out!", "Get out of here!", "Wait!", "Help!")
SHOUTS += ("Come back!", "What are you doing?", "Watch out!", "Oh my god!", "Over here!", "Yeah!")
SHOUTS += ("Let me in!", "Where are you?", "I said no!", "Go away!", "Look at that!", "Hello!")
_NAMES = ("Anna", "Ben", "Carol", "Daniel", "Emma", "Frank", "Grace", "Henry", "Julie", "Oscar")
_PEOPLE = ("I", "you", "we", "they", "my sister", "your boss", "the guy upstairs", "her mother")
_PAST = ("bought", "found", "sold", "forgot", "broke", "painted", "hid", "ate", "lost", "watched")
_THINGS = ("the sofa", "a sandwich", "my coat", "that film", "the keys", "a whole chicken")
_THINGS += ("your phone", "the old lamp", "two tickets", "a birthday cake", "the monkey", "it")
_TIMES = ("last night", "on Thursday", "at work", "before dinner", "in the kitchen", "again")
_TIMES += ("this morning", "for no reason", "at the party", "three years ago", "in the shower")
_FEEL = ("funny", "terrible", "so nice", "a little strange", "perfect", "not fair", "wonderful")
_PATTERNS = (
    "{name}, {person} {past} {thing} {time}.",
    "I think {person} {past} {thing}.",
    "You know, that is {feel}.",
    "Did {name} tell you that {person} {past} {thing} {time}?",
    "Well, {person} never {past} {thing}, and that is {feel}.",
    "Where were you {time}?",
    "It was {feel}, but then {name} {past} {thing} {time}, and nobody said anything.",
    "Oh, I can not believe {person} {past} {thing}!",
    "Please, do not talk about {thing} {time}.",
    "{name} and {name2} are going out {time}.",
    "So, how about {thing}?",
    "I just wanted to say that {name} is {feel}, and that I am sorry about {thing}.",
)


def sentence(rng, seconds):
    """Make up something to say.

    Parameters
    ----------
    rng : numpy.random.Generator
    seconds : float
        About how long it should take.

    Returns
    -------
    str
        Of four set phrases and four made-up sentences the one nearest to 14
        letters a second.
    """
    drafts = [str(text) for text in rng.choice(SHORT, 4, replace=False)]
    for _ in range(4):
        names = rng.choice(_NAMES, 2, replace=False)
        drafts.append(
            str(rng.choice(_PATTERNS)).format(
                name=names[0],
                name2=names[1],
                person=rng.choice(_PEOPLE),
                past=rng.choice(_PAST),
                thing=rng.choice(_THINGS),
                time=rng.choice(_TIMES),
                feel=rng.choice(_FEEL),
            )
        )
    return min(drafts, key=lambda text: abs(len(text) - 14 * seconds))
