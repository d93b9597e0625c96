"""The formats of the reference experiment: its JSON, its clip list, its JSON lines."""

import json
import math
from pathlib import Path

from sedlib.annotations.event_table import (
    AnnotationError,
    FormatError,
    check_writable,
    checked_event,
    event_table,
    read_lines,
    read_text,
    stem_name,
    the_recording,
)
from sedlib.files import write_text

_GRID = 1e-6  # s; times closer than this are one


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
    raw = _json(read_text(path), path)
    if not isinstance(raw, dict) or not isinstance(raw.get("sound_results"), list):
        raise FormatError(f"{path}: has no list 'sound_results'; is it an annotation file?")
    filename = str(raw.get("file_name", path.name)).removesuffix(".json")
    rows = []
    for row, entry in enumerate(raw["sound_results"], start=1):
        try:
            values = entry["start_time"], entry["end_time"], entry["sound_type"]
        except (TypeError, KeyError):
            raise AnnotationError(
                f"{path}: row {row}: {entry!r} lacks start_time, sound_type or end_time; add it"
            ) from None
        rows.append((filename, *checked_event(f"{path}: row {row}", *values, classes)))
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
        If the events are of several recordings, or a time or label is bad.
    """
    path = Path(path)
    name = the_recording(events, path, path.name.removesuffix(".json"))
    check_writable(events, path)
    results = [
        {"start_time": event.onset, "sound_type": event.event_label, "end_time": event.offset}
        for event in events.itertuples()
    ]
    raw = {"file_name": f"{name}.json", "sound_results": results}
    write_text(json.dumps(raw, indent=4, ensure_ascii=False, allow_nan=False) + "\n", path)


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
    for row, line in enumerate(read_lines(path), start=1):
        fields = line.split("\t")
        if len(fields) != 4:
            raise AnnotationError(
                f"{path}: row {row}: {line!r} has {len(fields)} tab separated fields, not 4: "
                "clip_name, start_ms, end_ms, label|label"
            )
        clip_name, start, stop, labels = fields
        filename = clip_name.rpartition("-")[0] or clip_name
        for label in labels.split("|"):
            onset, offset, label = checked_event(f"{path}: row {row}", start, stop, label, classes)
            rows.append((filename, onset / 1000, offset / 1000, label))
    return event_table(rows)


def read_json_lines(path, classes=None):
    """Read the reference's JSON lines.

    Parameters
    ----------
    path : path-like
        A line for each step and active class:
        ``{"seconds": 2, "type": "sound", "class": "speaking"}``. A step is a second long,
        or as long as its ``"length"`` says. Lines of another type than ``sound`` (the
        reference's project had such) are passed over.
    classes : sequence of str, optional
        The known labels; without them any label will do.

    Returns
    -------
    pandas.DataFrame
        Event table: consecutive steps of a class are one event. ``filename`` is the name
        of the file without ``.jsonl``.

    Raises
    ------
    AnnotationError
        If a line is not of this form, or a time or label is bad.
    """
    path = Path(path)
    rows, current = [], {}
    for row, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}: row {row}"
        fault = AnnotationError if rows else FormatError
        entry = _json(line, where, fault)
        if not isinstance(entry, dict) or not {"seconds", "class"} <= entry.keys():
            raise fault(f"{where}: {line!r} lacks 'seconds' or 'class'; is it an annotation?")
        if entry.get("type", "sound") != "sound":
            continue
        values = entry["seconds"], entry.get("length", 1), entry["class"]
        onset, length, label = checked_event(where, *values, classes)
        offset = round(onset + length, 9)  # 0.3 + 0.1 is 0.4
        event = current.get(label)
        if event and abs(event[2] - onset) <= _GRID:
            event[2] = offset
        else:
            current[label] = [stem_name(path), onset, offset, label]
            rows.append(current[label])
    return event_table(rows)


def write_json_lines(events, path, step=1.0):
    """Write the events of one recording as the reference's JSON lines.

    A line for each step and active class, sorted by time, then by class; events of one
    class that overlap or touch become one. With another step than a second each line has
    its ``"length"`` as well, so that it can be read without knowing the step.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording. Every event begins on a multiple of `step` and ends
        on one, but that the last may end between, as the recording does; its last line
        then has its own ``"length"``.
    path : path-like
        Target; replaced only when all is written.
    step : float
        In seconds.

    Raises
    ------
    AnnotationError
        If the events are of several recordings, one does not lie on the steps, or a time
        or label is bad.
    """
    path = Path(path)
    if not 0 < step < math.inf:
        raise AnnotationError(f"{path}: a step of {step} s is no length; give one above 0")
    the_recording(events, path)
    check_writable(events, path, forwards=True)
    lengths = {}
    last = events["offset"].max()
    for row, event in enumerate(events.itertuples(), start=1):
        first, stop = round(event.onset / step), round(event.offset / step)
        ends_between = abs(event.offset - stop * step) > _GRID
        off = event.offset != last if ends_between else stop <= first
        if abs(event.onset - first * step) > _GRID or off:
            raise AnnotationError(
                f"{path}: row {row}: '{event.event_label}' from {event.onset} to "
                f"{event.offset} s does not lie on steps of {step} s; give the step of the "
                "events, or choose a format that takes any time"
            )
        if ends_between:
            stop = int(event.offset // step)
        for index in range(first, stop):
            lengths[index, event.event_label] = step
        if ends_between:
            rest = event.offset - _multiple(stop, step)
            lengths.setdefault((stop, event.event_label), round(rest, 9))
    lines = []
    for (index, label), length in sorted(lengths.items()):
        line = {"seconds": _whole(_multiple(index, step)), "type": "sound", "class": label}
        if length != 1:
            line["length"] = _whole(length)
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    write_text("".join(lines), path)


def _json(text, where, fault=FormatError):
    """Value of JSON text; what is none raises `fault`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
        raise fault(f"{where}: not valid JSON ({error}); correct it") from None


def _multiple(index, step):
    """Time of a step, free of the binary dust of its multiplication, as in score tables."""
    return round(index * step, 6)


def _whole(number):
    """Return the number, as an int where it is one: ``2``, not ``2.0``."""
    return int(number) if number == int(number) else number
