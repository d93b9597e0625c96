"""The JSON lines of the 2018 experiment.

One line for each class that is active in an interval:
``{"seconds": 2, "type": "sound", "class": "speaking"}``. The interval begins at ``seconds``
and is a second long, or as long as its ``length`` says. Lines of another type than ``sound``
are ignored. Each line of a detected event also has the ``score`` and the ``peak_score`` of the
whole event.
"""

import json
import math

from sedlib.annotations.event_table import (
    SCORES,
    AnnotationError,
    FormatError,
    Reading,
    event_table,
    present_scores,
)
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.formats.vtt_json import parse_json
from sedlib.annotations.text_files import read_lines
from sedlib.annotations.values import check_writable, end_of, parse_event, parse_scores, shown

_SAME_TIME = 1e-6  # s; times that differ by less are equal


def read(path, classes=None):
    """Read events; consecutive intervals of one class are one event. See `AnnotationFormat`.

    An event has the scores of its first interval.
    """
    rows, current = [], {}
    for row, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}: row {row}"
        error_class = AnnotationError if rows else FormatError
        entry = parse_json(line, where, error_class)
        if not isinstance(entry, dict) or not {"seconds", "class"} <= entry.keys():
            raise error_class(
                f"{where}: {shown(line)} lacks 'seconds' or 'class'; is it an annotation?"
            )
        if entry.get("type", "sound") != "sound":
            continue
        values = entry["seconds"], entry.get("length", 1), entry["class"]
        onset, length, label = parse_event(where, *values, classes)
        offset = end_of(onset, length)
        event = current.get(label)
        if event and abs(event[2] - onset) <= _SAME_TIME:
            event[2] = offset
        else:
            current[label] = ["", onset, offset, label, *parse_scores(*map(entry.get, SCORES))]
            rows.append(current[label])
    return Reading(event_table(rows), [])


def to_text(events, path, hop=1.0):
    """Format the events of one recording, sorted by time, then by class.

    Events of one class that overlap or touch become one. If `hop` is not a second, each line
    has its ``length`` as well, so that it can be read without knowing the hop.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording. Every event begins and ends on a multiple of `hop`,
        except that the last one may end between, as the recording does; the last line then
        has its own ``length``.
    path : path-like
        The file that is to hold the text, for messages.
    hop : float
        Length of an interval in seconds.

    Returns
    -------
    str
        The content of the file.

    Raises
    ------
    AnnotationError
        If an event does not lie on the intervals, or a time or label is not valid.
    """
    if not 0 < hop < math.inf:
        raise AnnotationError(f"{path}: the hop of {hop} s is not a length; give one above 0")
    check_writable(events, path, positive_length=True)
    lengths, scores = {}, {}
    last = events["offset"].max()
    for row, event in enumerate(events.itertuples(), start=1):
        first, stop = round(event.onset / hop), round(event.offset / hop)
        ends_between = abs(event.offset - stop * hop) > _SAME_TIME
        misplaced = event.offset != last if ends_between else stop <= first
        if abs(event.onset - first * hop) > _SAME_TIME or misplaced:
            raise AnnotationError(
                f"{path}: row {row}: '{event.event_label}' from {event.onset} to "
                f"{event.offset} s does not lie on multiples of {hop} s; give the hop of the "
                "events, or choose a format that takes any time"
            )
        if ends_between:
            stop = int(event.offset // hop)
        for index in range(first, stop):
            lengths[index, event.event_label] = hop
        if ends_between:
            rest = event.offset - _interval_start(stop, hop)
            lengths.setdefault((stop, event.event_label), round(rest, 9))
        for index in range(first, stop + ends_between):
            scores[index, event.event_label] = present_scores(event)
    lines = []
    for (index, label), length in sorted(lengths.items()):
        start = _as_integer(_interval_start(index, hop))
        line = {"seconds": start, "type": "sound", "class": label}
        if length != 1:
            line["length"] = _as_integer(length)
        line |= scores[index, label]
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return "".join(lines)


def _interval_start(index, hop):
    """Return the start of an interval (s), free of rounding errors, as in tables of scores."""
    return round(index * hop, 6)


def _as_integer(number):
    """Return a whole number as an int, so that it is written ``2``, and others unchanged."""
    return int(number) if number == int(number) else number


JSON_LINES = AnnotationFormat(
    "jsonl",
    (".jsonl",),
    "JSON lines of the 2018 experiment",
    read,
    to_text=to_text,
    options=("hop",),
    scores=SCORES,
)
