r"""Audacity labels.

One line for each label, ``start end label``, separated by tabs, in seconds. A second line
``\ low high`` has the frequencies of a spectral selection; they are ignored, and so are lines
that begin with ``#``. Decimal commas and, in a line without tabs, spaces as separators are read
as well. See the manual, "Importing and Exporting Labels",
https://manual.audacityteam.org/man/importing_and_exporting_labels.html.
"""

from sedlib.annotations import values
from sedlib.annotations.event_table import AnnotationError, Reading, event_table
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.formats.delimited import find_layout
from sedlib.annotations.text_files import read_lines, split_lines


def sniff(text):
    """Return whether the first line is a label, though its times may have to be corrected."""
    layout = find_layout(text)
    fields = next(_labels(split_lines(text)), (0, "", []))[2]
    has_header = layout is not None and layout.header  # it may stand in a comment
    return not has_header and len(fields) == 3 and all(map(values.looks_like_time, fields[:2]))


def read(path, classes=None):
    """Read labels; a point label becomes an event of no length. See `AnnotationFormat`."""
    rows = []
    for row, line, fields in _labels(read_lines(path)):
        if len(fields) != 3:
            raise AnnotationError(
                f"{path}: row {row}: {values.shown(line)} has {len(fields)} tab separated fields, "
                "not 3: start, end, label"
            )
        times = map(values.decimal_point, fields[:2])
        rows.append(("", *values.parse_event(f"{path}: row {row}", *times, fields[2], classes)))
    return Reading(event_table(rows), [])


def _labels(lines):
    """Yield the row, the line and the fields of each label."""
    for row, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith(("\\\t", "#")):
            yield row, line, line.split("\t") if "\t" in line else line.split(maxsplit=2)


def to_text(events, path):
    """Format the events of one recording, times to the last digit. See `AnnotationFormat`."""
    values.check_writable(events, path, forbidden=r"\t\n\r")
    rows = [
        (*map(values.decimal_text, (event.onset, event.offset)), event.event_label)
        for event in events.itertuples()
    ]
    return "".join("\t".join(row) + "\n" for row in rows)


AUDACITY = AnnotationFormat(
    "audacity", (".txt",), "Audacity labels", read, sniff=sniff, to_text=to_text
)
