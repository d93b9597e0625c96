"""Sounds out of real recordings, split so that no recording is on two sides.

A bank is a folder with a folder of recordings for each class, and maybe one named
``ambience`` with the sound of places. A ``sources.csv`` at its top may tell, by
``group=NAME`` in its column ``notes``, which files (column ``path``) come from one
recording; files that hold the same sound belong together anyway. All that belongs
together is on one side, whatever the classes.
"""

import difflib
import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sedlib.audio import AudioError, find_media, read_audio
from sedlib.config import ConfigError
from sedlib.synthesis.mixing import AMBIENCE
from sedlib.synthesis.shaping import active_level, edges

SHARES = {"train": 0.60, "validation": 0.15, "test": 0.25}  # of the recordings of a class
CHECK_RATE = 44100  # Hz; at which a recording is read once to see that it can be
FAINTEST = 1e-4  # a peak below -80 dB is the noise of 16 bits
SHORTEST = 0.1  # s of sound; less is neither a recording nor worth filling
SILENCE = 30.0  # dB below the loudest frame; the noise of many recordings is not 40 below
PAUSE = 0.3  # s, longest silence kept within a recording
FRAME = 0.01  # s, over which loudness is measured
SOUND_FADES = 0.002, 0.02  # s, in and out: an attack stays one
PLACE_FADES = 0.5, 0.5  # s; one background turns into another


@dataclass(frozen=True)
class Recording:
    """One file of a bank.

    Attributes
    ----------
    name : str
        Its path within the bank, with slashes.
    path : pathlib.Path
    label : str
        A class, or ``ambience``.
    group : str
        Recordings of one group are not independent of each other.
    side : {"train", "validation", "test"}
        Where its group is.
    """

    name: str
    path: Path
    label: str
    group: str
    side: str


@dataclass(frozen=True)
class SoundBank:
    """Recordings by class and side, from `open_soundbank`.

    Attributes
    ----------
    folder : pathlib.Path
    recordings : tuple of Recording
        Sorted by name.
    left_out : tuple of (str, str)
        Name of each file that cannot be used, and a sentence that says why.
    """

    folder: Path
    recordings: tuple[Recording, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def labels(self):
        """Classes that have recordings, and ``ambience`` if there are any of it."""
        return tuple(sorted({recording.label for recording in self.recordings}))

    def maker(self, label, side, rate):
        """Give the sounds of a class from the recordings of one side.

        The recordings of a randomly chosen group are played first, then those of
        another, until the time is filled: a turn of speech stays with its speaker.
        Silence around and pauses of over 0.3 s within a recording are left out. One
        longer than the time left is cut where it holds nearly as much sound as anywhere:
        half of the time at the first such place, most often its beginning, else at a
        random one. A rest of less than 0.1 s stays silent.

        Parameters
        ----------
        label : str
            A class, or ``ambience``.
        side : {"train", "validation", "test"}
        rate : int
            Hz.

        Returns
        -------
        callable
            ``(rng, n) -> ndarray of float64, shape (n,)``, as those of
            `sedlib.synthesis.mixing.sound_makers`; the loud parts of each recording
            are around 1. Reads the files each time, so that the memory stays small,
            and raises AudioError if one has become unreadable.

        Raises
        ------
        ConfigError
            If the bank has no such recordings.
        """
        groups = defaultdict(list)
        for recording in self.recordings:
            if (recording.label, recording.side) == (label, side):
                groups[recording.group].append(recording.path)
        if not groups:
            raise ConfigError(
                f"{self.folder}: the bank was opened without class '{label}' for {side}; "
                "open it with the classes of params.yaml"
            )
        fades = PLACE_FADES if label == AMBIENCE else SOUND_FADES
        return partial(_play, list(groups.values()), rate, fades)


def open_soundbank(folder, classes, aliases, seed, bad="stop"):
    """List the recordings of a folder, read each once, and split them.

    Each class has a recording on each side, and about 60, 15 and 25 % of its
    recordings for training, validation and test. The split depends on the seed and
    the names within the folder, not on where it lies.

    Parameters
    ----------
    folder : path-like
        Holds a folder of media files for each class, of its name or with underscores for
        spaces, and maybe one named ``ambience``.
    classes : sequence of str
    aliases : mapping of str to (str or None)
        Name of a folder of the bank, as it is or with spaces for underscores, to the
        class it is; None leaves it out.
    seed : int
    bad : {"stop", "leave out"}
        What to do about a recording that cannot be used.

    Returns
    -------
    SoundBank

    Raises
    ------
    AudioError
        If a recording is unreadable, silent or shorter than 0.1 s, and `bad` is ``stop``.
    ConfigError
        If the folder is missing, a folder in it fits no class, a class has no folder or
        fewer than three independent recordings, or ``sources.csv`` is not such a table.
    """
    folder = Path(folder)
    found = _find(folder, classes, aliases)
    noted = _noted_groups(folder)
    links, left_out = {}, []
    for name, (path, _) in found.items():
        try:
            samples = _sound(path, CHECK_RATE)
        except AudioError as error:
            if bad == "stop":
                raise AudioError(
                    f"{error}; or set episodes.bad to 'leave out' in params.yaml"
                ) from None
            left_out.append((name, str(error)))
        else:
            links[name] = noted.get(name, name), hashlib.sha256(samples.tobytes()).digest()
    groups = _join(links)
    held = defaultdict(set)
    for name, group in groups.items():
        held[group].add(found[name][1])
    labels = {group: sorted(held[group]) for group in held}
    _check_counts(folder, labels, {*classes, *(label for _, label in found.values())})
    sides = _deal(folder, labels, seed)
    recordings = tuple(
        Recording(name, *found[name], group, sides[group]) for name, group in groups.items()
    )
    return SoundBank(folder, recordings, tuple(left_out))


def _find(folder, classes, aliases):
    """Path and label of each recording by its name within the bank, sorted."""
    if not folder.is_dir():
        raise ConfigError(
            f"{folder}: no such folder; name the one that holds a folder of recordings for "
            "each class as episodes.folder in params.yaml"
        )
    found, labels = {}, set()
    for place in folder.iterdir():
        if place.is_dir() and not place.name.startswith("."):
            label = _label(place, classes, aliases)
            labels.add(label)
            if label is not None:
                found |= {p.relative_to(folder).as_posix(): (p, label) for p in find_media([place])}
    for label in classes:
        if label not in labels:
            raise ConfigError(
                f"{folder}: class '{label}' has no folder; add one of recordings, say under "
                "episodes.aliases in params.yaml which folder it is, or take it out of classes"
            )
    return dict(sorted(found.items()))


def _label(place, classes, aliases):
    """Class of a folder; None if it is to be left out."""
    known, spaced = (*classes, AMBIENCE), place.name.replace("_", " ")
    label = place.name if place.name in known else spaced
    label = aliases.get(place.name, aliases.get(spaced, label))
    if label is None or label in known:
        return label
    near = difflib.get_close_matches(label, known, n=1, cutoff=0.0)[0]
    raise ConfigError(
        f"{place}: no class is called '{label}', the nearest is '{near}'; rename the folder, or "
        "say under episodes.aliases in params.yaml which class it is (null leaves it out)"
    )


def _noted_groups(folder):
    """Group of each file that has one in ``sources.csv``."""
    path = folder / "sources.csv"
    if not path.is_file():
        return {}
    try:
        table = pd.read_csv(path, usecols=["path", "notes"], dtype=str, keep_default_na=False)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"{path}: not a table with the columns path and notes ({reason}); correct it"
        ) from None
    group = table["notes"].str.extract(r"\bgroup=([^;]+)", expand=False).str.strip()
    return dict(zip(table["path"][group.notna()], group.dropna(), strict=True))


def _join(links):
    """Group of each name: names are of one group that share a link, in one step or several."""
    above = {}

    def top(link):
        while link in above:
            link = above[link]
        return link

    for noted, content in links.values():
        group, other = top(noted), top(content)
        if group != other:
            above[other] = group
    return {name: top(noted) for name, (noted, _) in links.items()}


def _check_counts(folder, labels, wanted):
    counts = Counter(label for group in labels.values() for label in group)
    for label in sorted(wanted):
        if counts[label] < len(SHARES):
            what = "" if label == AMBIENCE else "class "
            raise ConfigError(
                f"{folder}: {what}'{label}' has {counts[label]} independent recordings, but "
                f"{len(SHARES)} are needed, one for each side of the split; add some, or leave "
                "the folder out by null under episodes.aliases in params.yaml"
            )


def _deal(folder, labels, seed):
    """Side of each group; `labels` says what each holds."""
    # By hash: a shuffle that needs no random numbers, the same everywhere.
    order = sorted(labels, key=lambda group: hashlib.sha256(f"{seed} {group}".encode()).digest())
    sides = _cover({group: labels[group] for group in order}, {})
    if sides is None:
        raise ConfigError(
            f"{folder}: too many groups hold several classes, so that not every class can be on "
            "each side of the split; add recordings of the classes that have the fewest"
        )
    total = Counter(label for group in order for label in labels[group])
    have = Counter((label, side) for group, side in sides.items() for label in labels[group])
    for group in order:
        if group not in sides:
            lack = {
                side: sum(share - have[label, side] / total[label] for label in labels[group])
                for side, share in SHARES.items()
            }
            sides[group] = max(lack, key=lack.get)
            have.update((label, sides[group]) for label in labels[group])
    return sides


def _cover(labels, sides):
    """Add to `sides` until each label is on every side, the scarcest first; None if impossible."""
    lack, free = {}, defaultdict(list)
    for group, held in labels.items():
        for label in held:
            lack.setdefault(label, dict.fromkeys(SHARES)).pop(sides.get(group), None)
            if group not in sides:
                free[label].append(group)
    spare = {label: len(free[label]) - len(lacking) for label, lacking in lack.items() if lacking}
    if not spare:
        return sides
    label = min(sorted(spare), key=spare.get)
    if spare[label] >= 0:
        for group in free[label]:
            found = _cover(labels, sides | {group: next(iter(lack[label]))})
            if found is not None:
                return found
    return None


def _play(groups, rate, fades, rng, n):
    """One recording after the other for `n` samples."""
    out, filled = np.zeros(n), 0
    for path in _in_turn(rng, groups):
        part = _cut(rng, _sound(path, rate), n - filled, rate)
        out[filled : filled + len(part)] = edges(part, rate, *fades)
        filled += len(part)
        if n - filled < SHORTEST * rate:
            return out


def _in_turn(rng, groups):
    """Yield paths for ever, group after group, each once before any comes again."""
    while True:
        for i in rng.permutation(len(groups)):
            for j in rng.permutation(len(groups[i])):
                yield groups[i][j]


def _cut(rng, x, n, rate):
    """Take `n` samples that hold sound, or all if there are no more."""
    if len(x) <= n:
        return x
    frame = round(FRAME * rate)
    power = _power(x, frame)
    loud = power >= 0.01 * power.max()
    held = np.convolve(loud, np.ones(max(1, n // frame)), "valid")
    places = np.flatnonzero(held >= 0.8 * held.max())
    # An event begins with sound, if it can.
    places = places[loud[places]] if loud[places].any() else places
    start = places[0] if rng.random() < 0.5 else rng.choice(places)
    start = min(start * frame, len(x) - n)
    return x[start : start + n]


def _sound(path, rate):
    """Read a recording without its silences; its loud parts are around 1."""
    x = read_audio(path, rate).astype(float)
    x -= x.mean() if len(x) else 0.0
    peak = np.abs(x).max(initial=0.0)
    if peak < FAINTEST:
        raise AudioError(f"{path}: silent, its peak is {peak:.1g}; remove or replace it")
    frame, pause = round(FRAME * rate), round(PAUSE * rate)
    power = _power(np.pad(x, (0, -len(x) % frame)), frame)
    heard = np.flatnonzero(power >= 10 ** (-SILENCE / 10) * power.max())
    stretches = np.split(heard, np.flatnonzero(np.diff(heard) * frame > pause) + 1)
    rests = [pause] * (len(stretches) - 1) + [0]
    x = np.concatenate(
        [
            edges(x[s[0] * frame : (s[-1] + 1) * frame + rest], rate, *SOUND_FADES)
            for s, rest in zip(stretches, rests, strict=True)
        ]
    )
    if len(x) < SHORTEST * rate:
        raise AudioError(f"{path}: holds {len(x) / rate:.3f} s of sound, too little; remove it")
    return x / active_level(x, rate)


def _power(x, frame):
    """Power of each frame of so many samples; a rest is ignored."""
    return np.square(x[: len(x) // frame * frame]).reshape(-1, frame).mean(axis=1)
