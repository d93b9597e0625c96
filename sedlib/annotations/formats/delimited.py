"""Event tables as tab-separated or comma-separated text.

Files are written with the header ``filename onset offset event_label``, as in DCASE and
sed_eval. Many more shapes are read. The fields may be separated by tabs, semicolons or
commas, and quoted or not. With a header the columns have any of their usual names (``onset``,
``start_time``, ``Begin Time (s)``, ...; ``duration`` in place of an offset), in any order.
Without one they are ``onset offset label`` or ``filename onset offset label``. A table
separated by semicolons may have decimal commas. An empty file has no events. A row with a
filename and nothing else means that there are no events in that recording.
"""

import csv
import io
import itertools
import re
from dataclasses import dataclass
from functools import partial

from sedlib.annotations.event_table import COLUMNS, AnnotationError, FormatError, event_table
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_text
from sedlib.annotations.values import check_writable, is_time, parse_event
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
    "selection": ("selection",),
}
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
    header : frozenset of str
        Names in the header, without case, underscores and the unit; empty without a header.
    """

    delimiter: str
    columns: dict[str, int]
    width: int
    header: frozenset[str]


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
    for delimiter in "\t;,":
        try:
            first = next(_split_cells(text, delimiter), [])
        except AnnotationError:
            continue
        header = [_normalise(cell) for cell in first]
        columns = {}
        for column, known in _NAMES.items():
            present = [header.index(name) for name in known if name in header]
            if present:
                columns[column] = present[0]
        if {"onset", "event_label"} <= columns.keys() and columns.keys() & {"offset", "duration"}:
            return Layout(delimiter, columns, len(header), frozenset(header))
        times = [cell.replace(",", ".") if delimiter == ";" else cell for cell in first[-3:-1]]
        if len(first) in (3, 4) and all(map(is_time, times)):
            columns = {name: index for index, name in enumerate(COLUMNS[-len(first) :])}
            return Layout(delimiter, columns, len(first), frozenset())
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
    rows : list of ((str, float, float, str), str or None)
        The event of each row, and its selection if there is a column for that.
    names : list of str
        The recordings that the table names, with events or without.

    Raises
    ------
    AnnotationError
        If a row lacks a field or has one too many, or a time or label is not valid.
    """
    table = _split_cells(text, layout.delimiter, f"{path}: ", quoting)
    rows, names = [], {}
    for row, cells in enumerate(itertools.islice(table, bool(layout.header), None), start=1):
        where = f"{path}: row {row}"
        if any(cell.strip() for cell in cells[layout.width :]):
            raise AnnotationError(
                f"{where}: has {len(cells)} fields, not {layout.width}; "
                "put a field that holds the separator in quotation marks"
            )
        value = {name: cells[i] if i < len(cells) else "" for name, i in layout.columns.items()}
        name = value.pop("filename", None)
        if name is not None:
            if not name.strip():
                raise AnnotationError(f"{where}: names no recording; fill in the filename")
            names[name] = None
            if not any(cell.strip() for cell in value.values()):
                continue
        selection = value.pop("selection", None)
        if layout.delimiter == ";":
            value |= {key: value[key].replace(",", ".") for key in value if key != "event_label"}
        stop = value["offset"] if "offset" in value else value["duration"]
        onset, offset, label = parse_event(
            where, value["onset"], stop, value["event_label"], classes
        )
        if "offset" not in value:
            offset += onset
        rows.append(((name or "", onset, offset, label), selection))
    return rows, list(names)


def read(path, classes=None):
    """Read a table in any of the shapes above. See `AnnotationFormat`."""
    text = read_text(path)
    if not text.strip():
        return event_table(), []
    layout = find_layout(text)
    if layout is None:
        raise FormatError(
            f"{path}: not a table of events; its first line has neither the columns onset, offset "
            "and event_label nor their values"
        )
    rows, names = read_rows(path, text, layout, classes)
    return event_table(event for event, _ in rows), names


def write(events, path, delimiter):
    """Write the events of any number of recordings with a header. See `AnnotationFormat`."""
    check_writable(events, path, forbidden=r"\r")
    text = events.to_csv(sep=delimiter, columns=COLUMNS, index=False, lineterminator="\n")
    write_text(text, path)


def _split_cells(text, delimiter, prefix="", quoting=csv.QUOTE_MINIMAL):
    """Yield the cells of each row that is not blank."""
    source = io.StringIO(text, newline="")
    reader = csv.reader(source, delimiter=delimiter, quoting=quoting, strict=True)
    try:
        yield from (cells for cells in reader if any(cell.strip() for cell in cells))
    except csv.Error as error:
        raise AnnotationError(
            f"{prefix}line {reader.line_num}: not a table ({error}); correct the quotation marks"
        ) from None


def _normalise(cell):
    """Return the name of a column without case, underscores and the unit seconds."""
    return _SECONDS.sub("", re.sub(r"[\s_-]+", " ", cell.casefold()).strip())


TSV = AnnotationFormat(
    "tsv",
    (".tsv", ".txt"),
    "tab-separated event table",
    read,
    write=partial(write, delimiter="\t"),
    many_recordings=True,
)
CSV = AnnotationFormat(
    "csv",
    (".csv",),
    "comma-separated event table",
    read,
    write=partial(write, delimiter=","),
    many_recordings=True,
)
