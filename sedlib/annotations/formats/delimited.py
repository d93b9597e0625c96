"""Event tables as tab-separated or comma-separated text.

Files are written with the header ``filename onset offset event_label``, as in DCASE and
sed_eval, followed by ``score peak_score`` if the events have scores.

Many more shapes are read. The fields may be separated by tabs, semicolons or commas, and quoted
or not. With a header the columns have any of their usual names (``onset``,
``start_time``, ``Begin Time (s)``, ...; ``duration`` in place of an offset), in any order.
Without one they are ``onset offset label`` or ``filename onset offset label``. Unless commas
separate the fields, times may have decimal commas. Lines that begin with ``#`` and the line
``sep=;`` of spreadsheets may stand above the table, and lines that begin with ``#`` in it. An
empty file has no events. A row with a filename and nothing else means that there are no events
in that recording.
"""

import csv
import io
import itertools
import re
from dataclasses import dataclass
from functools import partial

from sedlib.annotations.event_table import (
    COLUMNS,
    SCORES,
    AnnotationError,
    FormatError,
    Reading,
    event_table,
)
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_text, split_lines
from sedlib.annotations.values import (
    check_writable,
    decimal_point,
    end_of,
    is_time,
    looks_like_time,
    parse_event,
    parse_scores,
    shown,
)

# The usual names of a column, without a unit in seconds, in order of preference.
_NAMES = {
    "filename": (
        *("filename", "file name", "file", "audio filename", "audio file", "audio", "recording"),
        *("audio file name", "audio path", "audio filepath", "recording name", "recording file"),
        *("sound file", "soundfile", "sound filename", "wav file", "wav filename", "media file"),
        *("file path", "filepath", "path", "fname", "notated path", "begin file", "begin path"),
    ),
    "onset": ("onset", "start", "start time", "begin", "begin time", "onset time"),
    "offset": ("offset", "end", "end time", "stop", "stop time", "offset time"),
    "duration": ("duration", "length"),
    "event_label": (
        *("event label", "event labels", "label", "labels", "class", "class name", "sound type"),
        *("sound", "event", "category", "tag", "annotation", "species", "common name"),
    ),
    "selection": ("selection",),
    "score": ("score", "confidence"),
    "peak_score": ("peak score",),
}
# An unknown column of such a name may name the recordings as well.
_MAY_BE_FILENAME = re.compile(
    r"\b(?:file|filename|path|filepath|wav|uri|url|recording|episode|video|movie|clip)"
    r"(?: (?:id|name|number|no))?$"
)
_TIMES = {"onset", "offset", "duration"}
_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_SEPARATOR = re.compile(r'"?sep=([\t;,|])"?', re.IGNORECASE)
_SECONDS = re.compile(r" ?(?:[(\[](?:s|secs?|seconds?)[)\]]|\b(?:s|secs?|seconds?))$")


@dataclass(frozen=True)
class Layout:
    """How a table is laid out.

    Attributes
    ----------
    delimiter : str
    columns : dict of str to int
        Index of each column that is used.
    width : int
        Number of columns.
    header : tuple of str
        Names in the header, without case, underscores and the unit; empty without a header.
    start : int
        Index of the first character of the table; the lines before it are no part of it.
    """

    delimiter: str
    columns: dict[str, int]
    width: int
    header: tuple[str, ...]
    start: int


def find_layout(text):
    """Find the layout of a table of events.

    Parameters
    ----------
    text : str

    Returns
    -------
    Layout or None
        None if the first line has neither the columns of such a table nor their values.
    """
    start, delimiters = 0, "\t;,"
    while start < len(text):
        line = _LINE.match(text, start)
        content = line[1].strip()
        separator = _SEPARATOR.fullmatch(line[1].strip(" "))
        if separator:
            delimiters = separator[1]
        elif content.startswith("#"):  # a comment, or the header as NumPy writes it
            header = line[1].lstrip("# \t")
            layout = _find_columns(header, delimiters, line.end(1) - len(header))
            if layout and layout.header:
                return layout
        elif content:
            return _find_columns(text[start:], delimiters, start)
        start = line.end()
    return None


def _find_columns(table, delimiters, start):
    """Find the layout of a table that begins with the character `start` of its file."""
    for delimiter in delimiters:
        try:
            first = next(split_cells(table, delimiter), [])
        except AnnotationError:
            continue
        header = tuple(map(_normalise, first))
        columns = {}
        for column, known in _NAMES.items():
            present = [header.index(name) for name in known if name in header]
            if present:
                columns[column] = present[0]
        if {"onset", "event_label"} <= columns.keys() and columns.keys() & {"offset", "duration"}:
            return Layout(delimiter, columns, len(header), header, start)
        if len(first) in (3, 4) and all(map(looks_like_time, first[-3:-1])):
            columns = {name: index for index, name in enumerate(COLUMNS[-len(first) :])}
            return Layout(delimiter, columns, len(first), (), start)
    return None


def read_rows(path, text, layout, classes=None, quoting=csv.QUOTE_MINIMAL):
    """Read the events of a table.

    Parameters
    ----------
    path : path-like
        For the messages.
    text : str
        The table.
    layout : Layout
    classes : sequence of str, optional
        The known labels. Without them every label is accepted.
    quoting : int
        How fields are quoted, as the `csv` module calls it.

    Returns
    -------
    rows : list of (tuple, str or None)
        The event of each row, as `event_table` takes it, and its selection if there is a column
        for that.
    names : list of str
        The recordings that the table names, with events or without.

    Raises
    ------
    AnnotationError
        If a row lacks a field or has one too many, or a time or label is not valid.
    """
    lines_before = len(split_lines(text[: layout.start]))
    table = split_cells(text[layout.start :], layout.delimiter, path, lines_before, quoting)
    table = list(itertools.islice(table, bool(layout.header), None))
    if "filename" not in layout.columns:
        _refuse_several_recordings(path, layout, table)
    rows, names = [], {}
    for row, cells in enumerate(table, start=1):
        where = f"{path}: row {row}"
        value = {name: cells[i] if i < len(cells) else "" for name, i in layout.columns.items()}
        if layout.delimiter != ",":
            value |= {key: decimal_point(value[key]) for key in value.keys() & _TIMES}
        times = [value["onset"], value["offset" if "offset" in value else "duration"]]
        if cells[0].startswith("#") and not all(map(is_time, times)):
            continue
        if any(cell.strip() for cell in cells[layout.width :]):
            raise AnnotationError(
                f"{where}: has {len(cells)} fields, not {layout.width}; "
                "put a field that holds the separator in quotation marks"
            )
        name = value.pop("filename", None)
        selection = value.pop("selection", None)
        scores = parse_scores(*(value.pop(column, "") for column in SCORES))
        if name is not None:
            if not name.strip():
                raise AnnotationError(f"{where}: names no recording; fill in the filename")
            names[name] = None
            if not any(cell.strip() for cell in value.values()):
                continue
        onset, offset, label = parse_event(where, *times, value["event_label"], classes)
        if "offset" not in value:
            offset = end_of(onset, offset)
        rows.append(((name or "", onset, offset, label, *scores), selection))
    return rows, list(names)


def _refuse_several_recordings(path, layout, table):
    """Raise for a column that may name several recordings though nothing says that it does."""
    for index, title in enumerate(layout.header):
        values = {cells[index].strip() for cells in table if index < len(cells)} - {""}
        if len(values) > 1 and _MAY_BE_FILENAME.search(title):
            raise AnnotationError(
                f"{path}: the column '{title}' may name {len(values)} recordings; call it "
                "'filename' if it does, or remove it"
            )


def read(path, classes=None):
    """Read a table in any of the shapes above. See `AnnotationFormat`."""
    text = read_text(path)
    if not text.strip():
        return Reading(event_table(), [])
    layout = find_layout(text)
    if layout is None:
        raise _explain_first_line(path, text)
    rows, names = read_rows(path, text, layout, classes)
    return Reading(event_table(event for event, _ in rows), names)


def _explain_first_line(path, text):
    """Return the error about a first line that is neither a header nor an event."""
    lines = [line for line in split_lines(text) if line.strip()]
    first = next((line for line in lines if not line.startswith(("#", "sep="))), lines[0])
    names = {_normalise(cell) for cell in re.split("[\t;,]", first)}
    found = [column for column, known in _NAMES.items() if names & set(known)]
    if len(found) > 1 and {"onset", "offset"} & set(found):
        lacking = [name for name in COLUMNS[1:] if name not in found]
        return AnnotationError(
            f"{path}: the first line {shown(first)} has no column {' and no column '.join(lacking)}"
            "; rename the column that is meant, or add it"
        )
    return FormatError(
        f"{path}: not a table of events; its first line {shown(first)} has neither the columns "
        "onset, offset (in seconds) and event_label nor their values"
    )


def to_text(events, path, delimiter):
    """Format the events of any number of recordings with a header. See `AnnotationFormat`."""
    check_writable(events, path, forbidden=r"\r")
    columns = [*COLUMNS, *(name for name in SCORES if name in events)]
    return events.to_csv(sep=delimiter, columns=columns, index=False, lineterminator="\n")


def split_cells(text, delimiter, path="", lines_before=0, quoting=csv.QUOTE_MINIMAL):
    """Yield the cells of each row that is not blank.

    Parameters
    ----------
    text : str
        A table.
    delimiter : str
    path : path-like
        For the message.
    lines_before : int
        Lines of the file before `text`, for the number in the message.
    quoting : int
        A constant of `csv`.

    Yields
    ------
    list of str

    Raises
    ------
    AnnotationError
        If quotation marks are not in pairs.
    """
    source = io.StringIO(text, newline="")
    reader = csv.reader(source, delimiter=delimiter, quoting=quoting, strict=True)
    try:
        yield from (cells for cells in reader if any(cell.strip() for cell in cells))
    except csv.Error as error:
        raise AnnotationError(
            f"{path}: line {lines_before + reader.line_num}: not a table ({error}); correct the "
            "quotation marks"
        ) from None


def _normalise(cell):
    """Return the name of a column without case, underscores and the unit seconds."""
    return _SECONDS.sub("", re.sub(r"[\s_-]+", " ", cell.casefold()).strip())


TSV = AnnotationFormat(
    "tsv",
    (".tsv", ".txt"),
    "tab-separated event table",
    read,
    to_text=partial(to_text, delimiter="\t"),
    many_recordings=True,
    scores=SCORES,
)
CSV = AnnotationFormat(
    "csv",
    (".csv",),
    "comma-separated event table",
    read,
    to_text=partial(to_text, delimiter=","),
    many_recordings=True,
    scores=SCORES,
)
