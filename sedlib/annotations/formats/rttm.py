"""RTTM, in which programs for speaker diarisation exchange events.

One line for each event with ten fields: ``SPEAKER``, the recording, the channel, the onset and
the duration in seconds, ``<NA>`` twice, the label, the score and ``<NA>``. See the evaluation plan
of NIST's Rich Transcription 2009, appendix A.

White space separates the fields. A space in a label is written as an underscore; what else a
field cannot hold is written as in a URL, ``%`` and two hexadecimal digits.
"""

import re
from urllib.parse import unquote

from sedlib.annotations import values
from sedlib.annotations.event_table import (
    AnnotationError,
    FormatError,
    Reading,
    event_table,
    present_scores,
)
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_lines

_TYPE = "SPEAKER"  # the type of line that every reader takes, whatever the label
_NONE = "<NA>"
_OTHER_TYPES = {
    *("SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER"),
    *("EDIT", "IP", "SU", "CB", "A/P", "SPKR-INFO"),
}


def read(path, classes=None):
    """Read the events of any number of recordings. See `AnnotationFormat`.

    Lines of another type, such as those of words, are passed over.
    """
    rows = []
    for row, line in enumerate(read_lines(path), start=1):
        fields = line.split()
        if not fields or line.startswith(";;") or fields[0] in _OTHER_TYPES:
            continue
        where = f"{path}: row {row}"
        if fields[0] != _TYPE or not 8 <= len(fields) <= 10:
            raise (AnnotationError if rows else FormatError)(
                f"{where}: {values.shown(line)} is not {_TYPE} with 7 to 9 fields after it; is it "
                "RTTM?"
            )
        name, start, length, label = (fields[i] for i in (1, 3, 4, 7))
        if name == _NONE:
            raise AnnotationError(f"{where}: names no recording; fill in the second field")
        label = "" if label == _NONE else unquote(label.replace("_", " "))
        onset, duration, label = values.parse_event(where, start, length, label, classes)
        offset = values.end_of(onset, duration)
        rows.append((unquote(name), onset, offset, label, *values.parse_scores(*fields[8:9])))
    events = event_table(rows)
    return Reading(events, list(events["filename"].unique()))


def to_text(events, path):
    """Format the events of any number of recordings; times to the nanosecond.

    See `AnnotationFormat`. Of the scores, the format holds the mean.
    """
    values.check_writable(events, path, positive_length=True)
    lines = []
    for event in events.itertuples():
        name = _quote(event.filename, r"[\s\0%<]") or _NONE
        label = _quote(event.event_label, r"[^\S ]|[\0%<_]").replace(" ", "_")
        times = map(values.decimal_text, (event.onset, round(event.offset - event.onset, 9)))
        score = present_scores(event).get("score", _NONE)
        lines.append(
            " ".join([_TYPE, name, "1", *times, _NONE, _NONE, label, f"{score} {_NONE}\n"])
        )
    return "".join(lines)


def _quote(text, unsafe):
    """Write the characters that match a regular expression as in a URL."""
    return re.sub(unsafe, lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), text)


RTTM = AnnotationFormat(
    "rttm",
    (".rttm",),
    "RTTM of speaker diarisation",
    read,
    to_text=to_text,
    many_recordings=True,
    scores=("score",),
)
