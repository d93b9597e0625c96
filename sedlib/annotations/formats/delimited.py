r"""Tables of separated values: event TSV and CSV, Audacity labels, Raven selection tables.

References
----------
.. [1] Audacity manual, "Importing and exporting labels": ``start\tend\tlabel``, in seconds;
   a second line ``\\tlow\thigh`` has the frequencies of a spectral selection.
.. [2] Raven Pro user's manual, "Selection tables": tab separated, a header, a row for each
   view of a selection.
"""

import csv
import io
import itertools
import re
from pathlib import Path

from sedlib.annotations.event_table import (
    COLUMNS,
    AnnotationError,
    FormatError,
    check_writable,
    checked_event,
    decimal,
    event_table,
    is_time,
    read_lines,
    read_text,
    stem_name,
    the_recording,
)
from sedlib.files import write_text

# The usual names of a column, without a unit in seconds, in order of preference.
_NAMES = {
    "filename": (
        *("filename", "file name", "file", "audio filename", "audio file", "audio", "recording"),
        "begin file",
    ),
    "onset": ("onset", "start", "start time", "begin", "begin time", "onset time"),
    "offset": ("offset", "end", "end time", "stop", "stop time", "offset time"),
    "duration": ("duration", "length"),
    "event_label": (
        *("event label", "event labels", "label", "labels", "class", "class name", "sound type"),
        *("sound", "event", "category", "tag", "annotation", "species", "common name"),
    ),
}
_SECONDS = re.compile(r" ?(?:[(\[](?:s|secs?|seconds?)[)\]]|\b(?:s|secs?|seconds?))$")
_HERTZ = (0.0, 22050.0)  # an event has no band: the whole one at 44.1 kHz


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
    header, *body = list(_cells(read_text(path), "\t", path)) or [[]]
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise FormatError(f"{path}: no column '{missing[0]}' in the first line; add a header")
    at = {column: header.index(column) for column in COLUMNS}
    rows = []
    for row, cells in enumerate(body, start=1):
        value = {column: cells[i] if i < len(cells) else None for column, i in at.items()}
        values = value["onset"], value["offset"], value["event_label"]
        event = checked_event(f"{path}: row {row}", *values, classes)
        if value["filename"] is None:
            raise AnnotationError(f"{path}: row {row}: names no recording; fill in the filename")
        rows.append((value["filename"], *event))
    return event_table(rows)


def write_tsv(events, path):
    """Write an event table, tab separated, with its header.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of any number of recordings; times are written to the last digit.
    path : path-like
        Target; replaced only when all is written.

    Raises
    ------
    AnnotationError
        If a time or label is bad, or a text holds a carriage return.
    """
    _write_table(events, path, "\t")


def write_csv(events, path):
    """Write an event table, comma separated; else as `write_tsv`."""
    _write_table(events, path, ",")


def read_table(path, classes=None):
    """Read a table of events in one of its usual shapes.

    Tab, semicolon or comma separated, fields quoted or not. With a header the columns have
    their usual names (``onset``, ``start_time``, ``Begin Time (s)``, ...; ``duration`` in
    place of an offset), in any order. Without one they are ``onset offset label``, or
    ``filename onset offset label``. A semicolon separated table may have decimal commas. An
    empty file has no events.

    A row that has a filename and nothing else says that nothing is heard there. The rows
    that a Raven table has for the views of one selection are one event.

    Parameters
    ----------
    path : path-like
    classes : sequence of str, optional
        The known labels; without them any label will do.

    Returns
    -------
    events : pandas.DataFrame
        Event table; ``filename`` as in the file, or the name of the file if that has none.
    names : list of str
        The recordings that the file names, with events or without; empty if it names none.

    Raises
    ------
    FormatError
        If the first line is not that of such a table.
    AnnotationError
        If a row lacks a field or has one too many, or a time or label is bad.
    """
    path = Path(path)
    text = read_text(path)
    if not text.strip():
        return event_table(), []
    delimiter, columns, header = _shape(text, path)
    # Raven quotes nothing: a quotation mark there is part of the label.
    raven = delimiter == "\t" and "selection" in header
    table = _cells(text, delimiter, path, csv.QUOTE_NONE if raven else csv.QUOTE_MINIMAL)
    width = len(header) if header else len(columns)
    rows, names, seen = [], {}, set()
    for row, cells in enumerate(itertools.islice(table, bool(header), None), start=1):
        where = f"{path}: row {row}"
        if any(cell.strip() for cell in cells[width:]):
            raise AnnotationError(
                f"{where}: has {len(cells)} fields, not {width}; "
                "put a field that holds the separator in quotation marks"
            )
        value = {column: cells[i] if i < len(cells) else "" for column, i in columns.items()}
        name = value.pop("filename", None)
        if name is not None and not name.strip():
            raise AnnotationError(f"{where}: names no recording; fill in the filename")
        names[name] = None
        if name is not None and not any(cell.strip() for cell in value.values()):
            continue
        selection = value.pop("selection", None)
        if delimiter == ";":
            value |= {key: value[key].replace(",", ".") for key in value if key != "event_label"}
        stop = value["offset"] if "offset" in value else value["duration"]
        onset, offset, label = checked_event(
            where, value["onset"], stop, value["event_label"], classes
        )
        if "offset" not in value:
            offset += onset
        event = (stem_name(path) if name is None else name, onset, offset, label)
        if selection is None or (selection, event) not in seen:
            rows.append(event)
        seen.add((selection, event))
    if "begin file" in header and len(names) > 1:
        raise AnnotationError(
            f"{path}: selections in {len(names)} sound files, with times that run on from one to "
            "the next; save a table for each sound file"
        )
    return event_table(rows), list(names) if "filename" in columns else []


def read_audacity(path, classes=None):
    """Read Audacity labels [1]_.

    Parameters
    ----------
    path : path-like
        ``start end label``, tab separated, no header. The frequencies of spectral
        selections are passed over.
    classes : sequence of str, optional
        The known labels; without them any label will do.

    Returns
    -------
    pandas.DataFrame
        Event table; ``filename`` is the name of the file. A point label has no length.

    Raises
    ------
    AnnotationError
        If a line has not three fields, or a time or label is bad.
    """
    path = Path(path)
    name, rows = stem_name(path), []
    for row, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.startswith("\\\t"):
            continue
        fields = line.split("\t")
        if len(fields) != 3:
            raise AnnotationError(
                f"{path}: row {row}: {line!r} has {len(fields)} tab separated fields, not 3: "
                "start, end, label"
            )
        rows.append((name, *checked_event(f"{path}: row {row}", *fields, classes)))
    return event_table(rows)


def write_audacity(events, path):
    r"""Write the events of one recording as Audacity labels [1]_.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording; times are written to the last digit.
    path : path-like
        Target; replaced only when all is written.

    Raises
    ------
    AnnotationError
        If the events are of several recordings, a time or label is bad, or a label holds a
        tab or line break.
    """
    the_recording(events, path)
    check_writable(events, path, forbidden=r"\t\n\r")
    lines = [
        f"{decimal(event.onset)}\t{decimal(event.offset)}\t{event.event_label}\n"
        for event in events.itertuples()
    ]
    write_text("".join(lines), path)


def write_raven(events, path):
    """Write the events of one recording as a Raven selection table [2]_.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording; times are written to the last digit. Each becomes a
        selection of the whole band in the first channel.
    path : path-like
        Target; replaced only when all is written.

    Raises
    ------
    AnnotationError
        If the events are of several recordings, a time or label is bad, or a label holds a
        tab or line break.
    """
    the_recording(events, path)
    check_writable(events, path, forbidden=r"\t\n\r")
    header = ("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)",
              "High Freq (Hz)", "Annotation")  # fmt: skip
    rows = [
        (number, "Spectrogram 1", 1, decimal(onset), decimal(offset), *_HERTZ, label)
        for number, (_, onset, offset, label) in enumerate(
            events[COLUMNS].itertuples(index=False), start=1
        )
    ]
    write_text("".join("\t".join(map(str, row)) + "\n" for row in (header, *rows)), path)


def _shape(text, path):
    """Separator of a table, index of each column, normal names of its header (or none)."""
    for delimiter in "\t;,":
        try:
            first = next(_cells(text, delimiter, path), [])
        except AnnotationError:
            continue
        header = [_normal(cell) for cell in first]
        columns = {}
        for column, known in (_NAMES | {"selection": ("selection",)}).items():
            present = [header.index(name) for name in known if name in header]
            if present:
                columns[column] = present[0]
        if {"onset", "event_label"} <= columns.keys() and columns.keys() & {"offset", "duration"}:
            return delimiter, columns, header
        times = [cell.replace(",", ".") if delimiter == ";" else cell for cell in first[-3:-1]]
        if len(first) in (3, 4) and all(map(is_time, times)):
            return delimiter, {name: i for i, name in enumerate(COLUMNS[-len(first) :])}, []
    raise FormatError(
        f"{path}: not a table of events; its first line has neither the columns onset, offset "
        "and event_label nor their values"
    )


def _cells(text, delimiter, path, quoting=csv.QUOTE_MINIMAL):
    """Yield the rows of a table that are not blank."""
    source = io.StringIO(text, newline="")
    reader = csv.reader(source, delimiter=delimiter, quoting=quoting, strict=True)
    try:
        yield from (cells for cells in reader if any(cell.strip() for cell in cells))
    except csv.Error as error:
        raise AnnotationError(
            f"{path}: line {reader.line_num}: not a table ({error}); mend the quotation marks"
        ) from None


def _normal(cell):
    """Name of a column without case, underscores and the unit seconds."""
    return _SECONDS.sub("", re.sub(r"[\s_-]+", " ", cell.casefold()).strip())


def _write_table(events, path, delimiter):
    """Write an event table with its header."""
    check_writable(events, path, forbidden=r"\r")
    text = events.to_csv(sep=delimiter, columns=COLUMNS, index=False, lineterminator="\n")
    write_text(text, path)
