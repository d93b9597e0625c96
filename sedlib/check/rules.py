"""What is wrong with a folder of recordings and annotations, before hours of training.

Every file is read once, in blocks, and none is changed. A finding is an ``error`` where
training would be impossible or wrong, a ``warning`` where something is mended, left out or
deserves a look, and a ``note`` otherwise. What concerns a recording that the split does not
name stops no training, so it is no error.

Sound is judged as training gets it, mono and 16 bit, but at its own sample rate; full
scale in one of several channels alone is therefore not seen.
"""

import csv
import difflib
import hashlib
import itertools
import math
import os
import textwrap
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from sedlib.annotations import (
    AnnotationError,
    FolderAnnotations,
    correct_events,
    event_table,
    read_folder,
    write_json,
)
from sedlib.annotations.event_table import is_time, read_lines, recording_name, seconds
from sedlib.audio import AudioError, Media, find_media, probe, read_blocks
from sedlib.config import SedlibError
from sedlib.files import nearest

SEVERITIES = ("error", "warning", "note")
DURATIONS = {"durations.tsv": "\t", "durations.csv": ","}  # as DCASE has them

_CLIP = 1.0  # s; what is shorter holds no clip
_ROUNDING = 0.01  # s, by which an event may end late: times are rounded when written
_DURATION_SLACK = 0.5  # s; less cannot move a label by a clip
_FULL_SCALE = 32767  # of 16 bits; -32768 is as full
_FLAT = 3  # equal samples at full scale in a row: cut off, not just loud
_CLIPPED = 1e-3  # share of a recording from which clipping is a warning
_SILENT_PEAK = -60.0  # dBFS
_STRETCH = 0.1  # s; fewer zeros in a row may be chance
_LONG_STRETCH = 2.0  # s of digital silence that are worth a note
_MOSTLY = 0.5  # share of digital silence from which it is a warning
_SIMILAR = 0.6  # difflib ratio from which one name may be meant for another
_WIDTH = 100  # characters
_SHOWN = 8  # findings of a kind; `as_json` has all

_SLIPS = {  # as `correct_events` names them; labels are gathered instead, the rest was asked for
    "reversed": "ends before it begins",
    "zero length": "has no length",
    "overlapping": "overlaps another event of its class",
    "past the end": "goes past the end of the recording",
}


class CheckError(SedlibError):
    """Corrected annotations that cannot be written there; the message says why."""


@dataclass(frozen=True, eq=False)
class Report:
    """What `check_folder` found.

    Attributes
    ----------
    folder : pathlib.Path
    findings : pandas.DataFrame
        Errors, then warnings, then notes: ``severity``; ``recording``, empty if it is about
        all or none; ``file``, its name in the folder, or empty; ``row``, the event, from 1
        within the recording (of several, the first), or missing; ``finding``, what kind;
        ``detail``, a sentence.
    recordings : pandas.DataFrame
        A row for each media file and for each recording without one: ``recording``,
        ``file``, ``annotation`` (the names of both files, or empty), ``side`` of the split
        or empty, ``duration`` (s), ``peak`` and ``level`` (root mean square; both dBFS),
        ``clipped`` and ``silent`` (shares, in [0, 1], of samples in flat tops at full scale
        and in digital silence), ``codec``, ``sample_rate`` (Hz), ``channels``, ``events``
        (mended); missing where not known.
    classes : pandas.DataFrame
        A row for each class on each side, and on ``all``: ``event_label``, ``side``,
        ``events``, ``seconds``, and ``share`` of the sound that is annotated, in [0, 1], nan
        if there is none.
    corrected : pandas.DataFrame
        Event table of all annotations, mended by `sedlib.annotations.correct_events`.
    """

    folder: Path
    findings: pd.DataFrame
    recordings: pd.DataFrame
    classes: pd.DataFrame
    corrected: pd.DataFrame

    @property
    def exit_code(self):
        """2 with errors, 1 with warnings, else 0."""
        worst = set(self.findings["severity"])
        return 2 if "error" in worst else int("warning" in worst)


def check_folder(folder, classes, split=None, aliases=None, sample_rate=44100, progress=None):
    """Find what is wrong with a folder of recordings and annotations.

    Parameters
    ----------
    folder : path-like
        Media, annotations in any format, and perhaps ``durations.tsv`` or ``.csv`` with the
        columns ``filename`` and ``duration``. Folders in it are not looked into.
    classes : sequence of str
        The labels that are known.
    split : sedlib.config.Split, optional
        Without it all recordings count, and none is on a side.
    aliases : mapping of str to str or None, optional
        Label in the annotations to class; see `sedlib.annotations.correct_events`.
    sample_rate : int
        That training will use, in Hz.
    progress : callable, optional
        Called with the name of a recording and the seconds of sound read from it (0 if it
        cannot be read) when it is done.

    Returns
    -------
    Report
        Whatever the folder is like: that there is none is a finding.
    """
    folder = Path(folder)
    try:
        os.listdir(folder)
    except OSError as error:
        return _report(_Facts(folder, tuple(classes), split), [_no_folder(folder, error)])
    sounds = _measure_all(find_media([folder]), progress)
    names = {sound.name for sound in sounds} | set(split.episodes if split else ())
    facts = _Facts(
        folder=folder,
        classes=tuple(classes),
        split=split,
        aliases=aliases,
        sample_rate=sample_rate,
        sounds=sounds,
        annotations=read_folder(folder, names),
    )
    if not sounds and not facts.annotations.sources and facts.annotations.errors.empty:
        return _report(facts, [_nothing_there(folder)])
    kinds = (_of_files, _of_pairs, _of_slips, _of_sounds, _of_content, _of_split, _of_classes)
    return _report(facts, [finding for kind in kinds for finding in kind(facts)])


def render(report):
    """Lay out a report for a terminal of 100 columns.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        How many, the findings by severity (of many of one kind the first few), the
        classes, and a verdict as the last line.
    """
    findings, recordings = report.findings, report.recordings
    length = timedelta(seconds=round(recordings["duration"].sum()))
    counts = _counts(report)
    said = {name: _plural(count, name) for name, count in counts.items()}
    lines = [
        str(report.folder),
        f"{_plural(recordings['recording'].nunique(), 'recording')}, {length} of sound, "
        f"{recordings.loc[recordings['annotation'] != '', 'recording'].nunique()} annotated, "
        f"{_plural(len(report.corrected), 'event')}; {', '.join(said.values())}",
    ]
    for severity in SEVERITIES:
        of_severity = findings[findings["severity"] == severity]
        if len(of_severity):
            lines += ["", f"{severity.capitalize()}s", *_finding_lines(of_severity)]
    if report.classes["events"].any():
        lines += ["", *_class_lines(report.classes)]
    verdict = (
        "ready for training" + (f", with {said['note']}" if counts["note"] else ""),
        f"can be trained on; look at {said['warning']} first",
        f"not fit for training: mend {said['error']} first",
    )[report.exit_code]
    return _printable("\n".join([*lines, "", f"Verdict: {verdict}"]))


def as_json(report):
    """Turn a report into what JSON can hold.

    Parameters
    ----------
    report : Report

    Returns
    -------
    dict
        ``folder``, ``exit_code``, ``counts`` (by severity), and ``findings``,
        ``recordings`` and ``classes``, a dict a row; what is not known, or no finite
        number, is None.
    """
    tables = {name: getattr(report, name) for name in ("findings", "recordings", "classes")}
    return {
        "folder": _printable(str(report.folder)),
        "exit_code": report.exit_code,
        "counts": _counts(report),
    } | {
        name: [
            {key: _json_value(value) for key, value in row.items()}
            for row in table.astype(object).to_dict("records")
        ]
        for name, table in tables.items()
    }


def write_corrected(report, folder):
    """Write the mended annotations, a file of the reference's JSON for each recording.

    Parameters
    ----------
    report : Report
    folder : path-like
        Made if missing.

    Raises
    ------
    CheckError
        If there is nothing to write, or the folder is the one that was checked, lies in it
        or around it, is a file, cannot be written to, or holds a file of such a name.
    sedlib.annotations.AnnotationError
        If a name or label is no text that can be written. In either case nothing is.
    """
    folder, checked = Path(folder), report.folder.resolve()
    target = folder.resolve()
    if target in (checked, *checked.parents) or checked in target.parents:
        raise CheckError(
            f"{folder}: is, lies in or holds the folder that was checked, {report.folder}; "
            "originals are never written over, name a folder elsewhere"
        )
    if folder.exists() and not folder.is_dir():
        raise CheckError(f"{folder}: is a file; name a folder")
    annotated = report.recordings["annotation"] != ""
    names = report.recordings.loc[annotated, "recording"].unique()
    if not len(names):
        raise CheckError(f"{report.folder}: has no annotations that can be read; nothing to write")
    there = [name for name in names if os.path.lexists(folder / f"{name}.json")]
    if there:
        raise CheckError(f"{folder}: already holds {there[0]}.json; name a new or empty folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as partial:
            for name in names:
                events = report.corrected[report.corrected["filename"] == name]
                write_json(events, Path(partial, f"{name}.json"))
            for name in names:
                os.replace(Path(partial, f"{name}.json"), folder / f"{name}.json")
    except OSError as error:
        fault = f"cannot be written to ({error.strerror})"
        raise CheckError(f"{folder}: {fault}; name another folder") from None


@dataclass(frozen=True)
class _Sound:
    """What one media file holds; no content, and nan for the measures, if it has a fault."""

    path: Path
    fault: str | None = None
    media: Media | None = None
    duration: float = math.nan
    peak: float = math.nan
    level: float = math.nan
    clipped: float = math.nan
    silent: float = math.nan
    longest: tuple[float, float] = (0.0, 0.0)  # s, the longest digital silence and its begin
    content: str | None = None

    @property
    def name(self):
        return self.path.stem


class _Stretches:
    """Where a condition holds for at least `shortest` samples in a row, block by block."""

    def __init__(self, shortest):
        self.shortest = shortest
        self.total = 0  # samples
        self.longest = (0, 0)  # samples, begin
        self._position = self._begin = 0
        self._inside = False

    def feed(self, holds):
        """Take the next samples, an array of bool."""
        edges = self._position + np.flatnonzero(np.diff(holds, prepend=self._inside))
        self._position += len(holds)
        if self._inside:
            edges = np.concatenate([[self._begin], edges])
        self._inside = len(edges) % 2 == 1
        if self._inside:
            self._begin, edges = edges[-1], edges[:-1]
        begins, lengths = edges[::2], np.diff(edges)[::2]
        long = lengths >= self.shortest
        self.total += int(lengths[long].sum())
        if long.any() and lengths.max() > self.longest[0]:
            self.longest = int(lengths.max()), int(begins[lengths.argmax()])

    def close(self):
        """End the stretch that is open."""
        self.feed(np.zeros(1, bool))


@dataclass(frozen=True, eq=False)
class _Facts:
    """All that the findings follow from."""

    folder: Path
    classes: tuple[str, ...]
    split: object = None
    aliases: dict | None = None
    sample_rate: int = 44100
    sounds: tuple[_Sound, ...] = ()
    annotations: FolderAnnotations = field(
        default_factory=lambda: FolderAnnotations(event_table(), {}, pd.DataFrame(), ())
    )

    @cached_property
    def sides(self):
        """Recording to its side of the split."""
        return {name: side for side, names in self.split or () for name in names}

    @cached_property
    def durations(self):
        """Recording to seconds, where it can be read; of two media of one name, the last.

        Down to the microsecond, as `clips` counts: nobody wants to read more digits.
        """
        readable = [sound for sound in self.sounds if sound.fault is None]
        return {s.name: math.floor(1e6 * s.duration) / 1e6 for s in readable}

    @cached_property
    def media(self):
        """Recording to its media."""
        media = {}
        for sound in self.sounds:
            media.setdefault(sound.name, []).append(sound)
        return media

    @cached_property
    def mended(self):
        """Events and slips."""
        return correct_events(self.annotations.events, self.classes, self.durations, self.aliases)

    @cached_property
    def usable(self):
        """Recordings that can be read and are annotated."""
        return {name for name in self.sources if name in self.durations}

    @property
    def sources(self):
        """Recordings that are annotated."""
        return self.annotations.sources.keys()

    @cached_property
    def stated(self):
        """Recordings' lengths as a table in the folder says: (recording, s, file), faults."""
        rows, faults = [], []
        for file, delimiter in DURATIONS.items():
            if (self.folder / file).is_file():
                try:
                    rows += _read_durations(self.folder / file, delimiter)
                except AnnotationError as error:
                    faults.append((file, _without(error, self.folder / file)))
        return rows, faults

    def grade(self, recording):
        """Severity of what makes a recording useless."""
        return "warning" if self.split and recording not in self.sides else "error"

    def grade_absence(self, recording):
        """Severity of half a pair: it is left out, unless the split asks for it."""
        return "error" if recording in self.sides else "warning"

    def source(self, recording):
        """Name of the annotation file of a recording."""
        return self.annotations.sources[recording].name


def _report(facts, findings):
    columns = ["severity", "recording", "file", "row", "finding", "detail"]
    findings = sorted(findings, key=lambda finding: SEVERITIES.index(finding[0]))
    table = pd.DataFrame(findings, columns=columns).astype({"row": "Int64"})
    return Report(
        folder=facts.folder,
        findings=table,
        recordings=_recording_table(facts),
        classes=_class_table(facts),
        corrected=facts.mended[0],
    )


def _recording_table(facts):
    events = Counter(facts.mended[0]["filename"])
    rows = []
    for name in sorted(facts.media.keys() | facts.sources):
        for sound in facts.media.get(name, [_Sound(Path())]):
            annotated = name in facts.sources
            media = sound.media
            rows.append({
                "recording": name,
                "file": sound.path.name,
                "annotation": facts.source(name) if annotated else "",
                "side": facts.sides.get(name, ""),
                "duration": sound.duration,
                "peak": sound.peak,
                "level": sound.level,
                "clipped": sound.clipped,
                "silent": sound.silent,
                "codec": media.codec if media else "",
                "sample_rate": media.sample_rate if media else None,
                "channels": media.channels if media else None,
                "events": events[name] if annotated else None,
            })  # fmt: skip
    columns = (
        "recording file annotation side duration peak level clipped silent codec sample_rate "
        "channels events"
    ).split()
    counts = dict.fromkeys(("sample_rate", "channels", "events"), "Int64")
    measures = dict.fromkeys(("duration", "peak", "level", "clipped", "silent"), float)
    return pd.DataFrame(rows, columns=columns).astype(counts | measures)


def _class_table(facts):
    events = facts.mended[0]
    events = events.assign(seconds=events["offset"] - events["onset"])
    sides = {"all": list(facts.sources)}
    for side, names in facts.split or ():
        sides[side] = [name for name in names if name in facts.sources]
    tables = []
    for side, names in sides.items():
        of_side = events[events["filename"].isin(names)]
        heard = of_side[of_side["filename"].isin(facts.durations)]
        length = sum(facts.durations.get(name, 0.0) for name in names) or math.nan
        count, lasts, lasts_heard = (
            of_label.reindex(facts.classes, fill_value=0).to_numpy()
            for of_label in (
                of_side["event_label"].value_counts(),
                of_side.groupby("event_label")["seconds"].sum(),
                heard.groupby("event_label")["seconds"].sum(),
            )
        )
        columns = {"events": count, "seconds": lasts, "share": lasts_heard / length}
        tables.append(pd.DataFrame({"event_label": facts.classes, "side": side} | columns))
    return pd.concat(tables, ignore_index=True)


def _measure_all(media, progress):
    """Measure every file, a thread a core: decoding and arithmetic run beside each other."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        tasks = [pool.submit(_measure, path) for path in media]
        for task in as_completed(tasks):
            if progress:
                sound = task.result()
                progress(sound.name, 0.0 if sound.fault else sound.duration)
        return tuple(task.result() for task in tasks)
    finally:
        pool.shutdown(cancel_futures=True)  # if interrupted, only what has begun is finished


def _measure(path):
    """Read a media file once, in constant memory."""
    try:
        media = probe(path)
        rate = media.sample_rate
        peak = power = 0.0
        samples = 0
        content = hashlib.sha256()
        silence = _Stretches(math.ceil(_STRETCH * rate))
        tops = _Stretches(_FLAT), _Stretches(_FLAT)
        for block in read_blocks(path, rate):
            samples += len(block)
            peak = max(peak, float(np.abs(block).max()))
            power += float(np.square(block, dtype=np.float64).sum())
            pcm = np.rint(block * 32768).clip(-32768, 32767).astype("<i2")
            content.update(pcm)
            silence.feed(pcm == 0)
            tops[0].feed(pcm >= _FULL_SCALE)
            tops[1].feed(pcm <= -_FULL_SCALE)
    except AudioError as error:
        return _Sound(path, fault=_without(error, path))
    for stretches in (silence, *tops):
        stretches.close()
    return _Sound(
        path,
        media=media,
        duration=samples / rate,
        peak=_decibels(peak),
        level=_decibels(math.sqrt(power / samples)),
        clipped=(tops[0].total + tops[1].total) / samples,
        silent=silence.total / samples,
        longest=(silence.longest[0] / rate, silence.longest[1] / rate),
        content=content.hexdigest(),
    )


def _decibels(amplitude):
    return 20 * math.log10(amplitude) if amplitude else -math.inf


def _read_durations(path, delimiter):
    """Read (recording, seconds, name of the file) of each row."""
    table = csv.DictReader(read_lines(path), delimiter=delimiter)
    missing = [name for name in ("filename", "duration") if name not in (table.fieldnames or ())]
    if missing:
        raise AnnotationError(f"{path}: no column '{missing[0]}' in the first line; add a header")
    rows = []
    for row, entry in enumerate(table, start=1):
        if not entry["filename"] or not is_time(entry["duration"]):
            raise AnnotationError(
                f"{path}: row {row}: '{entry['filename']}', {entry['duration']!r} is not a name "
                "and a time; correct it"
            )
        rows.append((recording_name(entry["filename"]), seconds(entry["duration"]), path.name))
    return rows


def _no_folder(folder, error):
    if not folder.exists():
        fault, mend = "does not exist", "check the name"
    elif not folder.is_dir():
        fault, mend = "is a file", "name the folder that it is in"
    else:
        fault, mend = f"cannot be looked into ({error.strerror})", "check its permissions"
    return "error", "", "", None, "no folder", f"{folder} {fault}; {mend}"


def _nothing_there(folder):
    inside = sum(path.is_dir() for path in folder.iterdir())
    hint = (
        f"; it has {_plural(inside, 'folder')}, name one of them" if inside else "; check the name"
    )
    detail = f"{folder} holds no media and no annotations{hint}"
    return "error", "", "", None, "empty folder", detail


def _of_files(facts):
    """Files that cannot be used."""
    for sound in facts.sounds:
        if sound.fault:
            grade = facts.grade(sound.name)
            yield grade, sound.name, sound.path.name, None, "unreadable media", sound.fault
    for name, media in facts.media.items():
        if len(media) > 1:
            files = [sound.path.name for sound in media]
            detail = f"{_listed(files)} have one name without suffix; rename or remove one"
            yield facts.grade(name), name, files[0], None, "same name", detail
    for fault in facts.annotations.errors.sort_values(["filename", "file"]).itertuples():
        grade = facts.grade(fault.filename) if fault.filename else "error"
        detail = _without(fault.error, facts.folder / fault.file, facts.folder)
        yield grade, fault.filename, fault.file, None, "unusable annotation", detail
    for path in facts.annotations.ignored:
        if path.name not in DURATIONS:
            detail = "is not in a known format of annotations; passed over"
            yield "note", "", path.name, None, "no annotation file", detail
    for file, detail in facts.stated[1]:
        yield "warning", "", file, None, "unusable durations", detail


def _of_pairs(facts):
    """Sound without annotations, annotations without sound."""
    faulty = set(facts.annotations.errors["filename"])
    named = {name: path.name for name, path in facts.annotations.sources.items()}
    alone = [name for name in facts.media if name not in faulty | facts.sources]
    for name in alone:
        detail = f"has no annotation; add {name}.json, without events if there is nothing to hear"
        detail += _meant(name, [other for other in named if other not in facts.media])
        file = facts.media[name][0].path.name
        yield facts.grade_absence(name), name, file, None, "no annotation", detail
    stated = {name: file for name, _, file in facts.stated[0]}
    for name, file in (stated | named).items():
        if name not in facts.media:
            detail = f"names '{name}', of which no media is here; correct the name, or add it"
            own = Path(file).stem
            detail += _meant(own if own in alone else name, alone)
            yield facts.grade_absence(name), name, file, None, "no audio", detail
    if not facts.usable:
        detail = "no recording has both sound that can be read and annotations; add the other half"
        yield "error", "", "", None, "nothing to train on", detail


def _of_slips(facts):
    """Slips that `correct_events` mended, and labels it could not."""
    slips = facts.mended[1]
    labels = slips[slips["slip"].isin(["unknown label", "misspelt label"])]
    keys = ["filename", "slip", "event_label"]
    for (name, slip, label), group in labels.groupby(keys, sort=False):
        first = group.iloc[0]
        count = f"'{label}' ({_plural(len(group), 'event')}, the first at {_s(first['onset'])})"
        grade, detail = "warning", f"{count} is no class; {first['action']}"
        if slip == "unknown label":
            near = nearest(label, facts.classes, 0.0)
            grade, detail = facts.grade(name), (
                f"{count} is no class, the nearest is '{near}'; correct it, add it to the "
                "classes, or give it an alias"
            )  # fmt: skip
        yield grade, name, facts.source(name), int(first["row"]), slip, detail
    for slip in slips[slips["slip"].isin(_SLIPS)].itertuples():
        end = facts.durations.get(slip.filename, math.inf)
        begin, late = sorted([slip.onset, slip.offset])
        if slip.slip == "past the end" and begin < end and late - end <= _ROUNDING:
            continue
        detail = (
            f"'{slip.event_label}' from {slip.onset:.10g} to {_s(slip.offset)} "
            f"{_SLIPS[slip.slip]}; {slip.action}"
        )
        file = facts.source(slip.filename)
        yield "warning", slip.filename, file, slip.row, slip.slip, detail


def _of_sounds(facts):
    """Sound that can be read, but is not as it should be."""
    for sound in facts.sounds:
        if sound.fault is None:
            for grade, finding, detail in _of_sound(sound, facts):
                yield grade, sound.name, sound.path.name, None, finding, detail


def _of_sound(sound, facts):
    if sound.duration < _CLIP:
        detail = f"lasts {_s(sound.duration)}, less than one clip of {_s(_CLIP)}; leave it out"
        yield facts.grade(sound.name), "too short", detail
    promised = [(sound.media.duration, "its header")]
    promised += [(length, file) for name, length, file in facts.stated[0] if name == sound.name]
    for length, source in promised:
        if length is not None and abs(length - sound.duration) > _DURATION_SLACK:
            detail = (
                f"lasts {_s(sound.duration)}, but {source} says {_s(length)}; check that it is "
                "whole, and the file that was annotated"
            )
            yield "warning", "wrong duration", detail
    if sound.peak < _SILENT_PEAK:
        what = "digital silence" if sound.peak == -math.inf else f"a peak of {sound.peak:.0f} dBFS"
        yield "warning", "silent", f"holds nothing above {what}; check the export, or leave it out"
    elif sound.silent >= _MOSTLY or sound.longest[0] >= _LONG_STRETCH:
        length, begin = sound.longest
        detail = (
            f"{100 * sound.silent:.2g} % is digital silence, the longest stretch {_s(length)} from "
            f"{_s(begin)} on; check that no sound is missing"
        )
        yield "warning" if sound.silent >= _MOSTLY else "note", "digital silence", detail
    if sound.clipped:
        detail = (
            f"{100 * sound.clipped:.2g} % of the samples lie in flat tops at full scale; record or "
            "export it at a lower level"
        )
        yield "warning" if sound.clipped >= _CLIPPED else "note", "clipped", detail
    if sound.media.sample_rate < facts.sample_rate:
        rate = sound.media.sample_rate
        detail = f"sampled at {rate} Hz, it has nothing above {rate / 2:.10g} Hz"
        yield "note", "low sample rate", detail


def _of_content(facts):
    """Sound that several names share."""
    same = {}
    for sound in facts.sounds:
        if sound.content:
            same.setdefault(sound.content, {}).setdefault(sound.name, sound)
    for sounds in same.values():
        if len(sounds) > 1:
            sides = Counter(facts.sides[name] for name in sounds if name in facts.sides)
            detail = f"{_listed(sounds)} hold the same sound"
            if len(sides) > 1:
                finding = "leakage"
                detail += f", in {_listed(sides)}; what is trained on must not be tested on"
            else:
                finding = "duplicate"
            # A split that names both is refused, on whatever sides they are.
            grade = "error" if sides.total() > 1 else "warning"
            first = next(iter(sounds.values()))
            yield grade, first.name, first.path.name, None, finding, f"{detail}; keep one"


def _of_split(facts):
    """Names of the split and of the folder that do not agree."""
    known = facts.media.keys() | facts.sources | {name for name, *_ in facts.stated[0]}
    known |= set(facts.annotations.errors["filename"])
    for name, side in facts.sides.items():
        if name not in known:
            near = difflib.get_close_matches(name, sorted(facts.media), n=1, cutoff=0.0)
            hint = f"the nearest name there is '{near[0]}'" if near else "it holds no media"
            detail = f"split.{side} names '{name}', which is not in the folder; {hint}"
            yield "error", name, "", None, "missing episode", detail
    for name, media in facts.media.items():
        if facts.split and name not in facts.sides:
            detail = "the split names it on no side; it is not used"
            yield "note", name, media[0].path.name, None, "not in the split", detail


def _of_classes(facts):
    """Classes that cannot be learnt, chosen by, or tested."""
    events = facts.mended[0]
    present = {
        (facts.sides.get(name, ""), label)
        for name, label in zip(events["filename"], events["event_label"], strict=True)
        if name in facts.usable
    }
    sides = dict.fromkeys(side for side, _ in facts.split or ()) or {"": None}
    there = {facts.sides.get(name, "") for name in facts.usable}
    for label in facts.classes:
        without = [side for side in sides if side in there and (side, label) not in present]
        if without:
            where = _listed(without) if facts.split else "any recording"
            detail = f"'{label}' has no event in {where}; find some, or drop the class"
            yield "warning", "", "", None, "class without events", detail


def _finding_lines(findings):
    """Each kind with its number, below it place and sentence; of many the first few."""
    for kind, group in findings.groupby("finding", sort=False):
        yield f"  {kind} ({len(group)})"
        rows = [(_place(finding), finding.detail) for finding in group.head(_SHOWN).itertuples()]
        if len(group) > _SHOWN:
            rows.append(("", f"and {len(group) - _SHOWN} more, which JSON has"))
        width = min(max(len(place) for place, _ in rows), _WIDTH * 2 // 5)
        indent, gap = "    ", "  " if width else ""
        for row in rows:
            yield from _columns(row, (width, _WIDTH - len(indent + gap) - width), indent, gap)


def _place(finding):
    if pd.isna(finding.row):
        return finding.file or finding.recording
    return f"{finding.recording}, event {finding.row}"


def _class_lines(classes):
    """Events and share of the sound of each class, a pair of columns for each side."""
    sides = list(dict.fromkeys(classes["side"]))
    widths = [min(max(classes["event_label"].str.len().max(), 7), _WIDTH // 3)]
    widths += [18] * len(sides)
    rows = [
        ("Classes", *(f"{side:>18}" for side in sides)),
        ("", *(f"{'events':>9}{'share':>9}" for _ in sides)),
    ]
    for label, group in classes.groupby("event_label", sort=False):
        cells = []
        for row in group.itertuples():
            share = "–" if math.isnan(row.share) else f"{100 * row.share:.1f} %"
            cells.append(f"{row.events:>9}{share:>9}")
        rows.append((label, *cells))
    return [line for row in rows for line in _columns(row, widths, "", "")]


def _columns(cells, widths, indent, gap):
    """Lines of one row of a table, each cell wrapped to its width."""
    wrapped = [
        textwrap.wrap(cell, max(width, 1)) for cell, width in zip(cells, widths, strict=True)
    ]
    for line in itertools.zip_longest(*wrapped, fillvalue=""):
        padded = (f"{part:{width}}" for part, width in zip(line, widths, strict=True))
        yield f"{indent}{gap.join(padded)}".rstrip()


def _counts(report):
    counts = Counter(report.findings["severity"])
    return {severity: counts[severity] for severity in SEVERITIES}


def _json_value(value):
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, str):
        return _printable(value)
    return None if value is pd.NA else value


def _printable(text):
    """Text with what is not Unicode, as names of files can be, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _without(error, *paths):
    """Sentence of an error without the path in front, which a finding names elsewhere."""
    sentence = str(error)
    for path in paths:
        sentence = sentence.removeprefix(f"{path}: ")
    return sentence


def _meant(name, others):
    near = difflib.get_close_matches(name, others, n=1, cutoff=_SIMILAR)
    return f"; or does '{near[0]}' belong to it?" if near else ""


def _listed(names):
    *most, last = [f"'{name}'" for name in names]
    return f"{', '.join(most)} and {last}" if most else last


def _plural(count, noun):
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _s(time):
    """Seconds, to the microsecond at most."""
    return f"{round(time, 6):.10g} s"
