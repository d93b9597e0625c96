r"""Audacity labels.

One line for each label, ``start end label``, separated by tabs, in seconds. A second line
``\ low high`` has the frequencies of a spectral selection; they are ignored. See the manual,
"Importing and Exporting Labels",
https://manual.audacityteam.org/man/importing_and_exporting_labels.html.
"""

from sedlib.annotations.event_table import AnnotationError, event_table
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_lines, split_lines
from sedlib.annotations.values import check_writable, decimal_text, is_time, parse_event
from sedlib.files import write_text


def sniff(text):
    """Return whether the first line that is not blank is a label."""
    fields = next(filter(str.strip, split_lines(text)), "").split("\t")
    return len(fields) == 3 and all(map(is_time, fields[:2]))


def read(path, classes=None):
    """Read labels; a point label becomes an event of no length. See `AnnotationFormat`."""
    rows = []
    for row, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.startswith("\\\t"):
            continue
        fields = line.split("\t")
        if len(fields) != 3:
            raise AnnotationError(
                f"{path}: row {row}: {line!r} has {len(fields)} tab separated fields, not 3: "
                "start, end, label"
            )
        rows.append(("", *parse_event(f"{path}: row {row}", *fields, classes)))
    return event_table(rows), []


def write(events, path):
    """Write the events of one recording, times to the last digit. See `AnnotationFormat`."""
    check_writable(events, path, forbidden=r"\t\n\r")
    lines = [
        f"{decimal_text(event.onset)}\t{decimal_text(event.offset)}\t{event.event_label}\n"
        for event in events.itertuples()
    ]
    write_text("".join(lines), path)


AUDACITY = AnnotationFormat(
    "audacity", (".txt",), "Audacity labels", read, sniff=sniff, write=write
)
