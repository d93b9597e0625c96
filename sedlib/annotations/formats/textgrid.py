"""Praat TextGrids, in the long and the short text format.

A tier divides the whole recording into intervals. The text of an interval is the label of an
event, and an interval without text is none. See the manual of Praat, "TextGrid file formats",
https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html.

pympi, which serves for ELAN, writes times to the microsecond, does not double the quotation
marks in the names of tiers, and reads ``1e-05`` as 5; hence the reader and writer below.
"""

import re

from sedlib.annotations.event_table import COLUMNS, AnnotationError, FormatError, Reading
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_bytes, read_text
from sedlib.annotations.tiers import separate_tiers, sort_by_time
from sedlib.annotations.values import check_writable, decimal_text, parse_event, shown

# What Praat reads in a text file: "text" with "" for ", <flags>, and numbers that stand free.
# Anything else, and all after an exclamation mark, is a comment. What begins like a number is taken
# for one, so that 1,5 is not read as 1; a unit may follow a number.
_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*+)"|<(?P<flag>\w+)>|!.*|(?<!\S)(?P<number>[-+]?\.?\d[^\s"<!]*)'
)
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[^\W\d_]*")


def read(path, classes=None):
    """Read the intervals of all tiers that have text, sorted by time. See `AnnotationFormat`.

    A point becomes an event of no length.
    """
    if read_bytes(path).startswith(b"ooBinaryFile"):
        raise AnnotationError(f"{path}: a binary TextGrid; save it as a text file in Praat")
    tokens = _Tokens(read_text(path), path)
    if not tokens.take("text").startswith("ooTextFile") or tokens.take("text") != "TextGrid":
        raise FormatError(f"{path}: not a TextGrid; save it as a text file in Praat")
    tokens.take_span()
    rows = []
    for _ in range(tokens.take_count() if tokens.take("flag") == "exists" else 0):
        kind, tier = tokens.take("text"), tokens.take("text")
        if kind not in ("IntervalTier", "TextTier"):
            raise AnnotationError(f"{path}: tier '{tier}' is of the unknown kind '{kind}'")
        tokens.take_span()
        for row in range(1, tokens.take_count() + 1):
            span = tokens.take_span() if kind == "IntervalTier" else [tokens.take("number")] * 2
            label = tokens.take("text")
            if label.strip():
                where = f"{path}: tier '{tier}', row {row}"
                rows.append(("", *parse_event(where, *span, label, classes)))
    tokens.refuse_more()
    return Reading(sort_by_time(rows), [])


def to_text(events, path, duration=None):
    """Format the events of one recording in the long text format, a tier for each class.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording. Times are written to the last digit.
    path : path-like
        The file that is to hold the text, for messages.
    duration : float, optional
        Length of the recording in seconds. Without it the grid ends with the last event, or
        after a second if there are no events.

    Returns
    -------
    str
        The content of the file.

    Raises
    ------
    AnnotationError
        If a time or label is not valid, a label is blank, or an event ends no later than it
        begins or later than the recording.
    """
    check_writable(events, path, positive_length=True)
    spans = list(events[COLUMNS[1:]].itertuples(index=False, name=None))
    end = duration or max((offset for _, offset, _ in spans), default=1.0)
    for row, (onset, offset, label) in enumerate(spans, start=1):
        where = f"{path}: row {row}: '{label}' from {onset} to {offset} s"
        if not label.strip():
            raise AnnotationError(
                f"{where} has a blank label, which is no event in a TextGrid; name the sound"
            )
        if offset > end:
            raise AnnotationError(
                f"{where} ends after the recording, at {end} s; correct the events first"
            )
    tiers = separate_tiers(spans) or [("events", "", [])]  # a TextGrid needs a tier
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {decimal_text(end)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, label, spans) in enumerate(tiers, start=1):
        intervals = list(_fill_gaps(spans, end))
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f"        name = {_quote(name)}",
            "        xmin = 0",
            f"        xmax = {decimal_text(end)}",
            f"        intervals: size = {len(intervals)}",
        ]
        for index, (start, stop, is_event) in enumerate(intervals, start=1):
            lines += [
                f"        intervals [{index}]:",
                f"            xmin = {decimal_text(start)}",
                f"            xmax = {decimal_text(stop)}",
                f"            text = {_quote(label if is_event else '')}",
            ]
    return "\n".join(lines) + "\n"


class _Tokens:
    """The texts, numbers and flags of a TextGrid, one after the other."""

    def __init__(self, text, path):
        self._matches = _TOKEN.finditer(text)
        self._path = path

    def take(self, kind):
        """Return the next token, which must be a ``text``, a ``number`` or a ``flag``."""
        match = self._next()
        if match is None:
            raise AnnotationError(f"{self._path}: ends where a {kind} belongs; is it cut off?")
        number = _NUMBER.fullmatch(match[0])
        if match.lastgroup != kind or (kind == "number" and not number):
            raise AnnotationError(
                f"{self._path}: has {shown(match[0])} where a {kind} belongs; "
                "save it as a text file in Praat"
            )
        return float(number[1]) if kind == "number" else match[kind].replace('""', '"')

    def refuse_more(self):
        """Raise if there is another token."""
        match = self._next()
        if match:
            raise AnnotationError(
                f"{self._path}: goes on with {shown(match[0])} after as many tiers, intervals and "
                "points as it states; correct the numbers after 'size', or remove the rest"
            )

    def _next(self):
        return next((match for match in self._matches if match.lastgroup), None)

    def take_span(self):
        """Return the start and the end of a grid, tier or interval."""
        return self.take("number"), self.take("number")

    def take_count(self):
        """Return the number of tiers, intervals or points."""
        number = self.take("number")
        if not (number >= 0 and number.is_integer()):
            raise AnnotationError(f"{self._path}: has {number} where a count belongs; correct it")
        return int(number)


def _fill_gaps(intervals, end):
    """Yield (start, stop, is an event) of the events of a tier and of the gaps between them."""
    reached = 0.0
    for start, stop in [*intervals, (end, end)]:
        if reached < start:
            yield reached, start, False
        if start < stop:
            yield start, stop, True
        reached = stop


def _quote(text):
    """Return the text as Praat quotes it."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


TEXTGRID = AnnotationFormat(
    "textgrid", (".TextGrid",), "Praat TextGrid", read, to_text=to_text, options=("duration",)
)
