"""Measure the sound of every recording in a folder, and read the annotations beside it.

Every file is read once, in blocks, and none is changed. Sound is measured as training gets
it, mono and 16 bit, but at its own sample rate. Full scale that only one of several channels
reaches is therefore not seen.
"""

import hashlib
import math
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sedlib import audio
from sedlib.annotations import (
    AnnotationError,
    FolderAnnotations,
    correct_events,
    event_table,
    read_folder,
)
from sedlib.annotations.event_table import recording_name
from sedlib.annotations.formats.delimited import split_cells
from sedlib.annotations.registry import formats_for
from sedlib.annotations.text_files import read_text
from sedlib.annotations.values import is_time, seconds, shown
from sedlib.workers import count_processors

DURATION_FILES = {"durations.tsv": "\t", "durations.csv": ","}  # the names that DCASE uses

_SHORTEST_SILENCE = 0.1  # s; fewer zeros in a row may be chance
_FULL_SCALE = 32767  # of 16 bits; -32768 counts as well
_SHORTEST_FLAT_TOP = 3  # samples at full scale in a row: clipped, not just loud
_UNKNOWN = audio.Media(None, None, None, codec="", container="")
_RECORDING_COLUMNS = {
    **dict.fromkeys(("recording", "file", "annotation", "subset"), object),
    **dict.fromkeys(("duration", "peak", "level", "clipped", "silent"), float),
    "codec": object,
    **dict.fromkeys(("sample_rate", "channels", "events"), "Int64"),
}


@dataclass(frozen=True)
class MeasuredFile:
    """The measures of one media file.

    Attributes
    ----------
    recording, file : str
        Name of the file without its suffix, in Unicode normal form, and with it.
    fault : str or None
        Why the file cannot be read, if so; the following attributes are then unknown.
    media : sedlib.audio.Media
        What the file states about its sound.
    duration : float
        In seconds, of the samples that were read.
    peak, level : float
        Largest magnitude and root mean square, in dB relative to full scale.
    clipped, silent : float
        Shares of the samples, in [0, 1], in flat tops at full scale and in digital silence.
    longest_silence : tuple of float
        Length and begin of the longest stretch of digital silence, in seconds.
    content : str or None
        SHA-256 of the 16-bit samples.
    fingerprint : numpy.ndarray or None
        See `sedlib.audio.fingerprint`; only of the recordings that the split names.
    remarks : tuple of (str or None, str, str)
        Severity, kind and sentence: which of several tracks was read, and, with severity None,
        the signs that it is not the sound that was meant; see `sedlib.audio.read_blocks`.
    """

    recording: str
    file: str = ""
    fault: str | None = None
    media: audio.Media = _UNKNOWN
    duration: float = math.nan
    peak: float = math.nan
    level: float = math.nan
    clipped: float = math.nan
    silent: float = math.nan
    longest_silence: tuple[float, float] = (0.0, 0.0)
    content: str | None = None
    fingerprint: np.ndarray | None = field(default=None, compare=False, repr=False)
    remarks: tuple[tuple, ...] = ()


@dataclass(frozen=True, eq=False)
class Folder:
    """A folder as it was read, and what it is judged against.

    Attributes
    ----------
    path : pathlib.Path
    classes : tuple of str
    subsets : dict of str to tuple of str
        The split: subset to its recordings; empty without a split.
    aliases : mapping of str to str or None
    sample_rate : int
        Of the training, in Hz.
    sounds : list of MeasuredFile
        One for each media file, in the order of their names.
    annotations : sedlib.annotations.FolderAnnotations
    passed_over : str
        The suffixes of the files that are neither media nor annotations, with their numbers.
    """

    path: Path
    classes: tuple[str, ...]
    subsets: dict[str, tuple[str, ...]]
    aliases: dict[str, str | None] | None
    sample_rate: int
    sounds: list[MeasuredFile]
    annotations: FolderAnnotations
    passed_over: str = ""

    @cached_property
    def subset_of(self):
        """Recording to its subset; without those that the split does not name."""
        return {name: subset for subset, names in self.subsets.items() for name in names}

    @cached_property
    def media(self):
        """Recording to its sounds, more than one if files differ only in their suffix."""
        media = {}
        for sound in self.sounds:
            media.setdefault(sound.recording, []).append(sound)
        return media

    @property
    def readable(self):
        """The sounds without a fault."""
        return [sound for sound in self.sounds if not sound.fault]

    @cached_property
    def durations(self):
        """Recording to seconds, rounded down to microseconds; of two of one name, the last."""
        return {s.recording: math.floor(1e6 * s.duration) / 1e6 for s in self.readable}

    @property
    def sources(self):
        """Recording to the path of the file that annotates it."""
        return self.annotations.sources

    @cached_property
    def usable(self):
        """The recordings that can be read and are annotated."""
        return self.sources.keys() & self.durations.keys()

    @cached_property
    def corrected(self):
        """The events and the report that `sedlib.annotations.correct_events` returns."""
        return correct_events(self.annotations.events, self.classes, self.durations, self.aliases)

    @cached_property
    def stated(self):
        """Tables of durations: (recording, seconds, table) of each row, and table to fault."""
        rows, faults = [], {}
        for file, delimiter in DURATION_FILES.items():
            if (self.path / file).is_file():
                try:
                    rows += _read_durations(self.path / file, delimiter)
                except AnnotationError as error:
                    faults[file] = str(error).removeprefix(f"{self.path / file}: ")
        return pd.DataFrame(rows, columns=["recording", "duration", "file"]), faults


def measure_folder(path, classes, split=None, aliases=None, sample_rate=44100, progress=None):
    """Read a folder and measure the sound in it.

    Parameters
    ----------
    path, classes, split, aliases, sample_rate, progress
        See `sedlib.check.check_folder`.

    Returns
    -------
    Folder
        Without sounds and annotations if the path is no folder or must not be read.
    """
    path, subsets = Path(path), dict(split or ())
    nothing = FolderAnnotations(event_table(), {}, pd.DataFrame(), pd.DataFrame(), {})
    folder = Folder(path, tuple(classes), subsets, aliases, sample_rate, [], nothing)
    if os.path.isdir(path) and os.access(path, os.R_OK | os.X_OK):
        search = audio.search_media([path], deep=False)
        others = [file for file in search.passed_over if not formats_for(file)]
        sounds = _measure_files(list(search.files), folder.subset_of, progress)
        folder = replace(folder, sounds=sounds, passed_over=audio.count_suffixes(others))
        annotations = read_folder(path, folder.media.keys() | folder.subset_of.keys())
        folder = replace(folder, annotations=annotations.without_misplaced(folder.durations))
    return folder


def recording_table(folder):
    """Describe every recording in a table.

    Parameters
    ----------
    folder : Folder

    Returns
    -------
    pandas.DataFrame
        ``Report.recordings``, see `sedlib.check.Report`.
    """
    events = Counter(folder.corrected[0]["filename"])
    rows = []  # `duration` is in `Media` as well: there it is what the header states
    for name in sorted(folder.media.keys() | folder.sources.keys()):
        row = {"annotation": "", "subset": folder.subset_of.get(name, "")}
        if name in folder.sources:
            row |= {"annotation": folder.sources[name].name, "events": events[name]}
        rows += [
            vars(sound.media) | vars(sound) | row
            for sound in folder.media.get(name, [MeasuredFile(name)])
        ]
    return pd.DataFrame(rows, columns=[*_RECORDING_COLUMNS]).astype(_RECORDING_COLUMNS)


def class_table(folder):
    """Count the events of every class in every subset.

    Parameters
    ----------
    folder : Folder

    Returns
    -------
    pandas.DataFrame
        ``Report.classes``, see `sedlib.check.Report`.
    """
    events, _ = folder.corrected
    events = events.assign(seconds=events["offset"] - events["onset"])
    rows = []
    for subset, names in {"all": folder.sources, **folder.subsets}.items():
        annotated = [name for name in names if name in folder.sources]
        length = sum(folder.durations.get(name, 0.0) for name in annotated) or math.nan
        present = events[events["filename"].isin(annotated)]
        for label in folder.classes:
            own = present[present["event_label"] == label]
            audible = own.loc[own["filename"].isin(folder.durations), "seconds"].sum()
            rows.append((label, subset, len(own), own["seconds"].sum(), audible / length))
    return pd.DataFrame(rows, columns=["event_label", "subset", "events", "seconds", "share"])


def _measure_files(paths, subset_of, progress):
    """Measure every file, one thread a core: decoding and arithmetic run beside each other.

    Those that a subset names also get a fingerprint.
    """
    pool = ThreadPoolExecutor(count_processors())
    try:
        tasks = [
            pool.submit(_measure_file, path, recording_name(path.name) in subset_of)
            for path in paths
        ]
        for task in as_completed(tasks):
            if progress:
                sound = task.result()
                progress(sound.recording, 0.0 if sound.fault else sound.duration)
        return [task.result() for task in tasks]
    finally:
        pool.shutdown(cancel_futures=True)  # if interrupted, only what has begun is finished


def _measure_file(path, wants_fingerprint):
    """Read a media file once, in constant memory."""
    try:
        media = audio.probe(path)
        rate = media.sample_rate
        doubts, peak, power = [], 0.0, 0.0
        samples = 0
        content = hashlib.sha256()
        fingerprinter = audio.Fingerprinter(rate) if wants_fingerprint else None
        silence = _Stretches(math.ceil(_SHORTEST_SILENCE * rate))
        high, low = _Stretches(_SHORTEST_FLAT_TOP), _Stretches(_SHORTEST_FLAT_TOP)
        # Samples stored as floats, and sums of channels, may lie beyond full scale without a flat
        # top. Where a lossy codec exceeds full scale, the top that it encoded was flat, or nearly.
        exceeds = media.codec.startswith("pcm_f") or media.channels > 2
        highest = 1.0 if exceeds else math.inf
        for block in audio.read_blocks(path, rate, warn=doubts.append):
            samples += len(block)
            peak = max(peak, float(np.abs(block).max()))
            power += float(np.square(block, dtype=np.float64).sum())
            pcm = np.rint(block * 32768).clip(-32768, 32767).astype("<i2")
            content.update(pcm)
            if fingerprinter:
                fingerprinter.feed(block)
            silence.feed(pcm == 0)
            high.feed((pcm >= _FULL_SCALE) & (block <= highest))
            low.feed((pcm <= -_FULL_SCALE) & (block >= -highest))
    except audio.AudioError as error:
        fault = str(error).removeprefix(f"{path}: ")
        return MeasuredFile(recording_name(path.name), path.name, fault=fault)
    remarks = [("note", "several tracks", media.choice)] if media.choice else []
    remarks += [(None, "doubtful sound", doubt) for doubt in doubts]
    for stretches in (silence, high, low):
        stretches.close()
    return MeasuredFile(
        recording_name(path.name),
        path.name,
        media=media,
        duration=samples / rate,
        peak=_decibels(peak),
        level=_decibels(math.sqrt(power / samples)),
        clipped=(high.total + low.total) / samples,
        silent=silence.total / samples,
        longest_silence=(silence.longest[0] / rate, silence.longest[1] / rate),
        content=content.hexdigest(),
        fingerprint=fingerprinter.finish() if fingerprinter else None,
        remarks=tuple((*kind, remark.removeprefix(f"{path}: ")) for *kind, remark in remarks),
    )


class _Stretches:
    """The stretches of at least `shortest` samples in which a condition holds, block by block."""

    def __init__(self, shortest):
        self.shortest = shortest
        self.total = 0  # samples
        self.longest = (0, 0)  # length and begin in samples
        self._position = 0
        self._open = []  # begin of the stretch that the last block ended in, if any

    def feed(self, holds):
        """Take the next samples, an array of bool."""
        edges = self._position + np.flatnonzero(np.diff(holds, prepend=len(self._open) > 0))
        edges = np.concatenate([self._open, edges]).astype(int)
        self._position += len(holds)
        closed = len(edges) // 2 * 2
        self._open = edges[closed:]
        begins, lengths = edges[:closed:2], np.diff(edges[:closed])[::2]
        self.total += int(lengths[lengths >= self.shortest].sum())
        longest = lengths.max(initial=0)
        if longest >= self.shortest and longest > self.longest[0]:
            self.longest = int(longest), int(begins[lengths.argmax()])

    def close(self):
        """End the stretch that is open."""
        self.feed(np.zeros(1, bool))


def _decibels(amplitude):
    return 20 * math.log10(amplitude) if amplitude else -math.inf


def _read_durations(path, delimiter):
    """Read a table with the columns ``filename`` and ``duration``."""
    header, *table = [*split_cells(read_text(path), delimiter, path)] or [[]]
    if not {"filename", "duration"} <= set(header):
        fault = "no columns 'filename' and 'duration' in the first line; add a header"
        raise AnnotationError(f"{path}: {fault}")
    rows = []
    for row, cells in enumerate(table, start=1):
        entry = dict(zip(header, cells, strict=False))
        name, duration = entry.get("filename", ""), entry.get("duration", "")
        if not name or not is_time(duration):
            raise AnnotationError(
                f"{path}: row {row}: {shown(name)}, {shown(duration)} is not a name and a time; "
                "correct it"
            )
        rows.append((recording_name(name), seconds(duration), path.name))
    return rows
