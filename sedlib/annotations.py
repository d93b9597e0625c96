"""Event tables from and to files, and the slips people make in them.

An event table is a `pandas.DataFrame` with the columns ``filename``, ``onset``,
``offset`` (s, float64) and ``event_label``, one row an event, as in DCASE and
sed_eval. ``filename`` names the recording. Times in a file are seconds or clock times,
``mm:ss`` or ``hh:mm:ss``. Readers keep the order of the file and the slips people make;
`normalise` mends and reports those.
"""

import csv
import difflib
import io
import json
import math
import os
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ["filename", "onset", "offset", "event_label"]

_CLOCK = re.compile(r"(?:(\d+):(?=[0-5]?\d:))?(\d+):([0-5]?\d(?:\.\d+)?)")  # hours, minutes, s
_SAME_LABEL = 0.8  # difflib ratio; 'backround music' has 0.97, 'background laughing' 0.74


class AnnotationError(ValueError):
    """Annotations that cannot be used; the message names the file, the row and the value."""


def event_table(rows=()):
    """Build an event table.

    Parameters
    ----------
    rows : iterable of (str, float, float, str)
        filename, onset (s), offset (s), event_label.

    Returns
    -------
    pandas.DataFrame
        Typed as the module says, also when empty.
    """
    table = pd.DataFrame(list(rows), columns=COLUMNS)
    return table.astype({"filename": str, "onset": float, "offset": float, "event_label": str})


def read_json(path, classes=None):
    """Read the reference's JSON.

    Parameters
    ----------
    path : path-like
        ``{"file_name", "sound_results": [{"start_time", "sound_type", "end_time"}]}``.
    classes : sequence of str, optional
        The known labels; without them any label will do.

    Returns
    -------
    pandas.DataFrame
        Event table; ``filename`` is ``file_name`` without ``.json``.

    Raises
    ------
    AnnotationError
        If the file is not of this form, or a time or label is bad.
    """
    path = Path(path)
    try:
        raw = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise AnnotationError(f"{path}: not valid JSON ({error}); correct it") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("sound_results"), list):
        raise AnnotationError(f"{path}: has no list 'sound_results'; is it an annotation file?")
    filename = str(raw.get("file_name", path.name)).removesuffix(".json")
    rows = []
    for row, entry in enumerate(raw["sound_results"], start=1):
        try:
            values = entry["start_time"], entry["end_time"], entry["sound_type"]
        except (TypeError, KeyError):
            raise AnnotationError(
                f"{path}: row {row}: {entry!r} lacks start_time, sound_type or end_time; add it"
            ) from None
        rows.append((filename, *_event(f"{path}: row {row}", *values, classes)))
    return event_table(rows)


def write_json(events, path):
    """Write the events of one recording as the reference's JSON.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording; times are written to the last digit.
    path : path-like
        Target; replaced only when all is written.

    Raises
    ------
    AnnotationError
        If the events are of several recordings.
    """
    path = Path(path)
    names = list(events["filename"].unique()) or [path.name.removesuffix(".json")]
    if len(names) > 1:
        raise AnnotationError(f"{path}: events of {len(names)} recordings; write a file for each")
    results = [
        {"start_time": event.onset, "sound_type": event.event_label, "end_time": event.offset}
        for event in events.itertuples()
    ]
    raw = {"file_name": f"{names[0]}.json", "sound_results": results}
    write_text(json.dumps(raw, indent=4, ensure_ascii=False, allow_nan=False) + "\n", path)


def read_tsv(path, classes=None):
    """Read an event table with the header ``filename onset offset event_label``.

    Parameters
    ----------
    path : path-like
        Tab separated.
    classes : sequence of str, optional
        The known labels; without them any label will do.

    Returns
    -------
    pandas.DataFrame
        Event table.

    Raises
    ------
    AnnotationError
        If a column is missing, or a time or label is bad.
    """
    path = Path(path)
    table = csv.DictReader(io.StringIO(_text(path), newline=""), dialect="excel-tab")
    missing = [column for column in COLUMNS if column not in (table.fieldnames or ())]
    if missing:
        raise AnnotationError(f"{path}: no column '{missing[0]}' in the first line; add a header")
    rows = []
    for row, entry in enumerate(table, start=1):
        values = entry["onset"], entry["offset"], entry["event_label"]
        rows.append((entry["filename"], *_event(f"{path}: row {row}", *values, classes)))
    return event_table(rows)


def write_tsv(events, path):
    """Write an event table, tab separated, with its header.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of any number of recordings; times are written to the last digit.
    path : path-like
        Target; replaced only when all is written.
    """
    write_text(events.to_csv(sep="\t", columns=COLUMNS, index=False, lineterminator="\n"), path)


def read_clip_list(path, classes=None):
    """Read the reference's clip list.

    Parameters
    ----------
    path : path-like
        Tab separated, no header: ``clip_name start_ms end_ms label|label``.
    classes : sequence of str, optional
        The known labels; without them any label will do.

    Returns
    -------
    pandas.DataFrame
        Event table, one row for each label of each clip, times within the recording;
        ``filename`` is ``s01_ep06`` of the clip ``s01_ep06-005.wav``.

    Raises
    ------
    AnnotationError
        If a line has not four fields, or a time or label is bad.
    """
    path = Path(path)
    rows = []
    for row, line in enumerate(_text(path).splitlines(), start=1):
        fields = line.split("\t")
        if len(fields) != 4:
            raise AnnotationError(
                f"{path}: row {row}: {line!r} has {len(fields)} tab separated fields, not 4: "
                "clip_name, start_ms, end_ms, label|label"
            )
        clip_name, start, stop, labels = fields
        filename = clip_name.rpartition("-")[0] or clip_name
        for label in labels.split("|"):
            onset, offset, label = _event(f"{path}: row {row}", start, stop, label, classes)
            rows.append((filename, onset / 1000, offset / 1000, label))
    return event_table(rows)


def normalise(events, classes=None):
    """Mend the slips of hand-made annotations, and report each.

    A reversed event is swapped. An event of no length lasts to the end of its second:
    annotations to the whole second give a short sound the second it lies in, twice. A
    label close to a known one becomes that one; any other unknown label is kept. Events
    of one class that overlap or touch become one.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of any number of recordings.
    classes : sequence of str, optional
        The known labels; without them labels are left alone.

    Returns
    -------
    events : pandas.DataFrame
        Sorted by filename, onset, offset and label; within one class of one recording
        disjoint and longer than nothing.
    report : pandas.DataFrame
        One row a slip: ``filename``, ``row`` (from 1, within the recording), ``onset``,
        ``offset``, ``event_label`` as they were, ``slip``, ``action``.
    """
    written = events[COLUMNS].reset_index(drop=True)
    mended = written.copy()
    slips = []
    for index, _, onset, offset, label in written.itertuples():
        if classes is not None and label not in classes:
            near = _nearest(label, classes, _SAME_LABEL)
            mended.loc[index, "event_label"] = near or label
            slip = ("misspelt label", f"read as '{near}'") if near else ("unknown label", "kept")
            slips.append((index, *slip))
        if offset < onset:
            mended.loc[index, ["onset", "offset"]] = [offset, onset]
            slips.append((index, "reversed", "swapped"))
        elif offset == onset:
            end = math.floor(onset) + 1.0
            mended.loc[index, "offset"] = end
            slips.append((index, "zero length", f"lasts to {end} s, the end of its second"))
    mended, run, reach = _runs(mended)
    extent = {"filename": "first", "onset": "first", "offset": "max", "event_label": "first"}
    merged = mended.groupby(run).agg(extent)
    for at in np.flatnonzero(run.duplicated()):
        whole = merged.loc[run.iloc[at]]
        slip = "touching" if mended["onset"].iloc[at] == reach.iloc[at] else "overlapping"
        action = f"merged into {whole['onset']} to {whole['offset']} s"
        slips.append((mended.index[at], slip, action))
    written.insert(1, "row", written.groupby("filename").cumcount() + 1)
    report = written.loc[[index for index, *_ in slips]].assign(
        slip=np.array([slip for _, slip, _ in slips], dtype=str),
        action=np.array([action for *_, action in slips], dtype=str),
    )
    return (
        merged.sort_values(["filename", "onset", "offset", "event_label"], ignore_index=True),
        report.sort_values(["filename", "row"], kind="stable", ignore_index=True),
    )


def write_text(text, path):
    """Write a text file in UTF-8, whole or not at all.

    Parameters
    ----------
    text : str
    path : path-like
        Target; replaced only when all is written.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8", newline="")
    os.replace(partial, path)


def _runs(events):
    """Events in order, the run of joined events each is in, how far its class reached before."""
    table = events[COLUMNS].sort_values(["filename", "event_label", "onset", "offset"])
    keys = [table["filename"], table["event_label"]]
    reach = table["offset"].groupby(keys).cummax().groupby(keys).shift()
    return table, (~(table["onset"] <= reach)).cumsum(), reach


def _text(path):
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise AnnotationError(f"{path}: no such file; check the folder and the name") from None
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}: not UTF-8 text ({error.reason}); convert it") from None


def _event(where, start, stop, label, classes):
    """Onset, offset and label, checked."""
    times = []
    for value in (start, stop):
        try:
            times.append(_seconds(value))
        except (TypeError, ValueError, OverflowError):
            raise AnnotationError(
                f"{where}: {value!r} is not a time; give a number of 0 or more, mm:ss or hh:mm:ss"
            ) from None
    if not isinstance(label, str) or not label:
        raise AnnotationError(f"{where}: {label!r} is not a label; name the sound")
    if classes is not None and label not in classes:
        near = _nearest(label, classes, 0.0)
        raise AnnotationError(
            f"{where}: unknown label '{label}'; the nearest known label is '{near}'"
        )
    return *times, label


def _seconds(value):
    clock = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if clock:
        return float(3600 * int(clock[1] or 0) + 60 * int(clock[2]) + Decimal(clock[3]))
    number = float(value)
    if isinstance(value, bool) or not 0 <= number < math.inf:
        raise ValueError
    return number


def _nearest(label, classes, cutoff):
    """Return the class spelt most like `label`, or None below the `cutoff` ratio."""
    spelt = {name.casefold(): name for name in classes}
    near = difflib.get_close_matches(" ".join(label.casefold().split()), spelt, n=1, cutoff=cutoff)
    return spelt[near[0]] if near else None
