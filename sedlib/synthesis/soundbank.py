"""Sound banks: folders of recordings, split so that no recording is in two subsets.

A sound bank is a folder that holds a folder of recordings for each class, and may hold one
named ``ambience`` with backgrounds. A file ``sources.csv`` at its top may name, by
``group=NAME`` in the column ``notes``, the files (column ``path``) that come from one source.
Files with the same content form a group in any case, and so do copies that were re-encoded, made
quieter or cut, if they hold enough sound to be recognised (about 3 s); see
`sedlib.audio.find_shared_sound`. All files of a group are in one subset, whatever their classes.
"""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from sedlib.audio import AudioError, find_media, find_shared_sound, fingerprint, read_audio
from sedlib.config import ConfigError
from sedlib.names import nearest, normal_name
from sedlib.synthesis.mixing import AMBIENCE
from sedlib.synthesis.shaping import active_level, edges, frame_power
from sedlib.synthesis.soundbank_groups import join_groups, read_groups

# Fraction of the recordings of a class.
SUBSET_SHARES = {"train": 0.60, "validation": 0.15, "test": 0.25}
CHECK_RATE = 44100  # Hz, at which each recording is read once to see whether it can be used
FAINTEST = 1e-4  # full scale is 1; a lower peak is near the resolution of 16 bits
SHORTEST = 0.1  # s, the least sound of a recording and the shortest time worth filling
SILENCE = 30.0  # dB below the loudest frame; less would take background noise for sound
PAUSE = 0.3  # s, longest silence that is kept within a recording
FRAME = 0.01  # s, over which the power is measured
SOUND_FADES = 0.002, 0.02  # s, in and out; the fade in is short to keep the attack
AMBIENCE_FADES = 0.5, 0.5  # s, in and out
SPEEDS = 0.8, 1.25  # at which a varied recording is played; its pitch changes as much
COMPUTED_GROUPS = 4  # as many groups of recordings do the computed sounds of a class stand for


@dataclass(frozen=True)
class Recording:
    """One file of a sound bank.

    Attributes
    ----------
    name : str
        Path within the sound bank, with slashes.
    path : pathlib.Path
    label : str
        A class, or ``ambience``.
    group : str
        Recordings of one group are not independent of each other.
    subset : {"train", "validation", "test"}
    """

    name: str
    path: Path
    label: str
    group: str
    subset: str


@dataclass(frozen=True)
class SoundBank:
    """Recordings by class and subset, from `open_soundbank`.

    Attributes
    ----------
    folder : pathlib.Path
    recordings : tuple of Recording
        Sorted by name.
    left_out : tuple of (str, str)
        Name of each file that cannot be used, and a sentence with the reason.
    varied : bool
        Whether training episodes vary the recordings and mix computed sounds among them, so
        that a network does not learn the few recordings of a class by heart.
    """

    folder: Path
    recordings: tuple[Recording, ...]
    left_out: tuple[tuple[str, str], ...]
    varied: bool = False

    @property
    def labels(self):
        """Classes that have recordings, and ``ambience`` if it has some, sorted."""
        return tuple(sorted({recording.label for recording in self.recordings}))

    def maker(self, label, subset, rate):
        """Return a function that plays the recordings of a class in one subset.

        It fills the time with one recording after the other:

        - The recordings of a random group come first, then those of the next, so that speech
          stays with one speaker as long as possible.
        - Silence before and after a recording is removed; pauses are shortened to 0.3 s.
        - In the training episodes of a varied sound bank, each recording is played at a random
          speed from 0.8 to 1.25.
        - A recording that is longer than the time left is cut, half of the time at the first
          place with at least 80 % of the most sound that such a cut can hold, else at a random
          such place.
        - A rest of less than 0.1 s stays silent.

        Parameters
        ----------
        label : str
            A class, or ``ambience``.
        subset : {"train", "validation", "test"}
        rate : int
            Sample rate in Hz.

        Returns
        -------
        callable
            ``(rng, n) -> ndarray of float64, shape (n,)``, as those of
            `sedlib.synthesis.mixing.sound_makers`. The loud parts of each recording have a
            root mean square of 1. The function reads the files each time to limit the
            memory, and raises AudioError if a file can no longer be read.

        Raises
        ------
        ConfigError
            If the sound bank has no such recordings.
        """
        groups = self._groups(label, subset)
        if not groups:
            raise ConfigError(
                f"{self.folder}: the sound bank was opened without class '{label}' for {subset}; "
                "open it with the classes of params.yaml"
            )
        fades = AMBIENCE_FADES if label == AMBIENCE else SOUND_FADES
        speeds = SPEEDS if self.varied and subset == "train" else None
        return partial(_play_recordings, list(groups.values()), rate, fades, speeds)

    def computed_share(self, label, subset):
        """Return the probability that an event is computed although there are recordings.

        Parameters
        ----------
        label : str
        subset : {"train", "validation", "test"}

        Returns
        -------
        float
            In the training episodes of a varied sound bank the higher, the fewer groups of
            recordings the class has; else 0.
        """
        if not self.varied or subset != "train" or label == AMBIENCE:
            return 0.0
        return COMPUTED_GROUPS / (COMPUTED_GROUPS + len(self._groups(label, subset)))

    def _groups(self, label, subset):
        """Paths of the recordings of a class in one subset, by group."""
        groups = defaultdict(list)
        for recording in self.recordings:
            if (recording.label, recording.subset) == (label, subset):
                groups[recording.group].append(recording.path)
        return groups


def open_soundbank(folder, classes, aliases, seed, bad="stop"):
    """List the recordings of a folder, read each once, and split them.

    Each class has a recording in each subset, and about 60, 15 and 25 % of its recordings in
    the training, validation and test subsets. The split depends on the seed and the names
    within the folder, not on where the folder is.

    Parameters
    ----------
    folder : path-like
        Holds a folder of media files for each class, named as the class or with underscores
        for spaces, and perhaps one named ``ambience``.
    classes : sequence of str
    aliases : mapping of str to (str or None)
        Name of a folder in the sound bank, as it is or with spaces for underscores, to its
        class; None leaves the folder out.
    seed : int
        Decides the split.
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
        If the folder is missing, a folder in it belongs to no class, a class has no folder
        or fewer than three independent recordings, or ``sources.csv`` is not such a table or
        has a row that fits no file or several.
    """
    folder = Path(folder)
    found = _list_recordings(folder, classes, aliases)
    noted = read_groups(folder)
    links, fingerprints, left_out = {}, {}, []
    for name, (path, _) in found.items():
        try:
            samples = _read_recording(path, CHECK_RATE)
            if len(samples) < SHORTEST * CHECK_RATE:
                held = f"{len(samples) / CHECK_RATE:.3f} s of sound"
                raise AudioError(f"{path}: holds {held}, too little; remove it")
        except AudioError as error:
            if bad == "stop":
                raise AudioError(
                    f"{error}; or set episodes.bad to 'leave out' in params.yaml"
                ) from None
            left_out.append((name, str(error)))
        else:
            content = hashlib.sha256(samples.tobytes()).digest()
            links[name] = [*noted.get(name, [name]), content]
            fingerprints[name] = fingerprint([samples], CHECK_RATE)
    for shared in find_shared_sound(fingerprints):
        for name in (shared.first, shared.second):
            links[name].append(shared)
    groups = join_groups(links)
    held = defaultdict(set)
    for name, group in groups.items():
        held[group].add(found[name][1])
    labels = {group: sorted(held[group]) for group in held}
    _refuse_few_groups(folder, labels, {*classes, *(label for _, label in found.values())})
    subsets = _assign_subsets(folder, labels, seed)
    recordings = tuple(
        Recording(name, *found[name], group, subsets[group]) for name, group in groups.items()
    )
    return SoundBank(folder, recordings, tuple(left_out))


def _list_recordings(folder, classes, aliases):
    """Path and label of each recording by its name within the sound bank, sorted."""
    if not folder.is_dir():
        raise ConfigError(
            f"{folder}: no such folder; name the one that holds a folder of recordings for "
            "each class in params.yaml"
        )
    found, labels = {}, set()
    for place in folder.iterdir():
        if place.is_dir() and not place.name.startswith("."):
            label = _label_folder(place, classes, aliases)
            labels.add(label)
            if label is not None:
                for path in find_media([place], deep=True):
                    found[path.relative_to(folder).as_posix()] = path, label
    for label in classes:
        if label not in labels:
            raise ConfigError(
                f"{folder}: class '{label}' has no folder; add one of recordings, name an "
                "existing folder under aliases in params.yaml, or take it out of classes"
            )
    return dict(sorted(found.items()))


def _label_folder(place, classes, aliases):
    """Return the class of a folder, or None if it is to be left out."""
    known = {normal_name(label): label for label in (*classes, AMBIENCE)}
    targets = {normal_name(name): label for name, label in aliases.items()}
    name = normal_name(place.name)
    spaced = name.replace("_", " ")
    # An alias comes before a class of the same name.
    meanings = (
        table[text] for table in (targets, known) for text in (name, spaced) if text in table
    )
    label = next(meanings, spaced)
    if label is None or label in known.values():
        return label
    raise ConfigError(
        f"{place}: no class is called '{label}', the nearest is "
        f"'{nearest(label, known.values())}'; rename the folder, or name its class under "
        "aliases in params.yaml (null leaves it out)"
    )


def _refuse_few_groups(folder, labels, wanted):
    """Raise for the first class with fewer groups than there are subsets."""
    counts = Counter(label for group in labels.values() for label in group)
    for label in sorted(wanted):
        if counts[label] < len(SUBSET_SHARES):
            what = "" if label == AMBIENCE else "class "
            raise ConfigError(
                f"{folder}: {what}'{label}' has {counts[label]} independent recordings, but "
                f"{len(SUBSET_SHARES)} are needed, one for each subset of the split; add some, or "
                "leave the folder out by null under aliases in params.yaml"
            )


def _assign_subsets(folder, labels, seed):
    """Choose the subset of each group; `labels` lists the classes in each."""

    # A shuffle by hashes needs no random numbers and is the same everywhere.
    def shuffled(group):
        return hashlib.sha256(f"{seed} {group}".encode("utf-8", "surrogateescape")).digest()

    order = sorted(labels, key=shuffled)
    subsets = _cover_subsets({group: labels[group] for group in order}, {})
    if subsets is None:
        raise ConfigError(
            f"{folder}: too many groups hold several classes, so that not every class can be in "
            "each subset of the split; add recordings of the classes that have the fewest"
        )
    total = Counter(label for group in order for label in labels[group])
    have = Counter((label, subset) for group, subset in subsets.items() for label in labels[group])
    for group in order:
        if group not in subsets:
            lack = {
                subset: sum(share - have[label, subset] / total[label] for label in labels[group])
                for subset, share in SUBSET_SHARES.items()
            }
            subsets[group] = max(lack, key=lack.get)
            have.update((label, subsets[group]) for label in labels[group])
    return subsets


def _cover_subsets(labels, subsets):
    """Assign groups until each class is in every subset.

    Backtracks over the groups of the class that has the fewest to spare, then over the
    others. Returns a dict like `subsets`, with more groups, or None if it is impossible.
    """
    covered, free = defaultdict(set), defaultdict(list)
    for group, held in labels.items():
        for label in held:
            covered[label].add(subsets.get(group))
            if group not in subsets:
                free[label].append(group)
    lack = {label: [s for s in SUBSET_SHARES if s not in covered[label]] for label in covered}
    spare = {label: len(free[label]) - len(lacking) for label, lacking in lack.items() if lacking}
    if not spare:
        return subsets
    label = min(sorted(spare), key=spare.get)
    if spare[label] >= 0:
        for group in free[label]:
            found = _cover_subsets(labels, subsets | {group: lack[label][0]})
            if found is not None:
                return found
    return None


def _play_recordings(groups, rate, fades, speeds, rng, n):
    """Play one recording after the other for `n` samples, each at its own speed."""
    out, filled = np.zeros(n), 0
    for path in _shuffle_paths(rng, groups):
        speed = np.exp(rng.uniform(*np.log(speeds))) if speeds else 1.0
        part = _cut(rng, _read_recording(path, rate, speed), n - filled, rate)
        out[filled : filled + len(part)] = edges(part, rate, *fades)
        filled += len(part)
        if n - filled < SHORTEST * rate:
            return out


def _shuffle_paths(rng, groups):
    """Yield paths for ever, group after group, each path once before any is repeated."""
    while True:
        for i in rng.permutation(len(groups)):
            for j in rng.permutation(len(groups[i])):
                yield groups[i][j]


def _cut(rng, x, n, rate):
    """Take `n` samples that hold at least 80 % of the most sound possible, or all if they fit.

    They begin at the first such place or, in half of the cases, at a random one.
    """
    if len(x) <= n:
        return x
    frame = round(FRAME * rate)
    power = frame_power(x, frame)
    loud = power >= 0.01 * power.max()
    held = np.convolve(loud, np.ones(max(1, n // frame)), "valid")
    places = np.flatnonzero(held >= 0.8 * held.max())
    # An event begins with sound if possible.
    places = places[loud[places]] if loud[places].any() else places
    start = places[0] if rng.random() < 0.5 else rng.choice(places)
    start = min(start * frame, len(x) - n)
    return x[start : start + n]


def _read_recording(path, rate, speed=1.0):
    """Read a recording, remove its silences and scale its loud parts to a level of 1."""
    # Fewer samples, played at the same rate, are faster and higher.
    x = read_audio(path, round(rate / speed)).astype(float)
    x -= x.mean() if len(x) else 0.0
    peak = np.abs(x).max(initial=0.0)
    if peak < FAINTEST:
        raise AudioError(f"{path}: silent, its peak is {peak:.1g}; remove or replace it")
    frame, pause = round(FRAME * rate), round(PAUSE * rate)
    power = frame_power(np.pad(x, (0, -len(x) % frame)), frame)
    heard = np.flatnonzero(power >= 10 ** (-SILENCE / 10) * power.max())
    stretches = np.split(heard, np.flatnonzero(np.diff(heard) * frame > pause) + 1)
    rests = [pause] * (len(stretches) - 1) + [0]
    x = np.concatenate(
        [
            edges(x[s[0] * frame : (s[-1] + 1) * frame + rest], rate, *SOUND_FADES)
            for s, rest in zip(stretches, rests, strict=True)
        ]
    )
    return x / active_level(x, rate)
