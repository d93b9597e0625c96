"""Raven selection tables.

Tab-separated tables with a header and one row for each view of a selection, as described in
the user's manual of Raven Pro, "Selection tables".
"""

import csv
import itertools

from sedlib.annotations.event_table import (
    AnnotationError,
    Reading,
    event_table,
    present_scores,
)
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.formats.delimited import find_layout, read_rows, split_cells
from sedlib.annotations.text_files import read_text
from sedlib.annotations.values import (
    check_writable,
    decimal_point,
    decimal_text,
    is_time,
    seconds,
)

_HEADER = (
    *("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)"),
    *("Low Freq (Hz)", "High Freq (Hz)", "Annotation"),
)
_SCORES = {"score": "Score", "peak_score": "Peak Score"}  # columns of our own, as Raven allows
_NAMES_SOUND = {"begin file", "begin path"}  # columns that only Raven has
_BY_RAVEN = {"selection", *_NAMES_SOUND}
_ROUNDING = 0.1  # s; Raven writes times with as many digits as it shows
_BAND = (0.0, 22050.0)  # Hz; an event has no band of its own: all that 44.1 kHz can hold


def sniff(text):
    """Return whether the text is an event table with a column that only Raven has."""
    layout = find_layout(text)
    return layout is not None and not _BY_RAVEN.isdisjoint(layout.header)


def read(path, classes=None):
    """Read selections; the views of one selection are one event. See `AnnotationFormat`."""
    text = read_text(path)
    layout = find_layout(text)
    # Raven quotes nothing: a quotation mark is part of the label.
    by_raven = layout.delimiter == "\t" and "selection" in layout.columns
    quoting = csv.QUOTE_NONE if by_raven else csv.QUOTE_MINIMAL
    rows, names = read_rows(path, text, layout, classes, quoting)
    if not _NAMES_SOUND.isdisjoint(layout.header) and len(names) > 1:
        raise AnnotationError(
            f"{path}: selections in {len(names)} sound files, with times that run on from one to "
            "the next; save a table for each sound file"
        )
    if "file offset" in layout.header:
        _refuse_later_file(path, text, layout, quoting)
    return Reading(event_table(event for event, _ in dict.fromkeys(rows)), names)


def _refuse_later_file(path, text, layout, quoting):
    """Raise if selections lie in a later file of a sequence, where times run on from the first."""
    table = split_cells(text[layout.start :], layout.delimiter, path, quoting=quoting)
    for row, cells in enumerate(itertools.islice(table, 1, None), start=1):
        places = layout.columns["onset"], layout.header.index("file offset")
        begin, offset = (cells[i] if i < len(cells) else "" for i in places)
        begin, offset = (decimal_point(value) for value in (begin, offset))
        if is_time(begin) and is_time(offset) and abs(seconds(begin) - seconds(offset)) > _ROUNDING:
            raise AnnotationError(
                f"{path}: row {row}: begins at {begin} s, but at {offset} s of its own sound file; "
                "save a table for this sound file alone"
            )


def to_text(events, path):
    """Format the events of one recording as selections of the whole band in the first channel.

    See `AnnotationFormat`. Times are written to the last digit; the scores of events, if they
    have any, follow the label.
    """
    check_writable(events, path, forbidden=r"\t\n\r")
    rows = [(*_HEADER, *(title for name, title in _SCORES.items() if name in events))]
    for event in events.itertuples():
        times, scores = map(decimal_text, (event.onset, event.offset)), present_scores(event)
        row = len(rows), "Spectrogram 1", 1, *times, *_BAND, event.event_label
        rows.append((*row, *(scores.get(name, "") for name in _SCORES if name in events)))
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


RAVEN = AnnotationFormat(
    "raven",
    (".selections.txt", ".txt", ".tsv", ".csv"),
    "Raven selection table",
    read,
    sniff=sniff,
    to_text=to_text,
    scores=tuple(_SCORES),
)
