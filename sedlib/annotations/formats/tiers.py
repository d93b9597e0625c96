"""Documents of tiers: Praat TextGrid and ELAN .eaf.

In both a tier is a row of labelled intervals that do not overlap. The text of an interval
is the label of an event. What is written has a tier for each class, and further ones, called
``speaking 2`` and so on, where events of one class overlap.

pympi reads and writes ELAN. It does not serve for TextGrids: it writes times to the
microsecond, leaves quotation marks in the names of tiers as they are, and reads ``1e-05``
as 5.

References
----------
.. [1] Praat manual, "TextGrid file formats",
   https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html
.. [2] Max Planck Institute for Psycholinguistics, "ELAN Annotation Format".
"""

import itertools
import re
from pathlib import Path

from pympi.Elan import Eaf, to_string

from sedlib.annotations.event_table import (
    COLUMNS,
    AnnotationError,
    FormatError,
    check_writable,
    checked_event,
    decimal,
    event_table,
    read_bytes,
    read_text,
    stem_name,
    the_recording,
)
from sedlib.files import write_text

# What Praat reads in a text file [1]_: "text" with "" for ", <flags>, and numbers that stand
# free; anything else, and all after an exclamation mark, is for people.
_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*+)"|<(?P<flag>\w+)>|!.*'
    r"|(?<!\S)(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
)
_NOT_XML = r"\x00-\x08\x0b-\x1f\ufffe\uffff"  # and a carriage return, which XML turns into LF
_MADE = "1970-01-01T00:00:00+00:00"  # ELAN wants a date; equal events make equal files


def read_textgrid(path, classes=None):
    """Read a Praat TextGrid [1]_.

    Parameters
    ----------
    path : path-like
        In the long or the short text format, UTF-8 or UTF-16.
    classes : sequence of str, optional
        The known labels; without them any label will do.

    Returns
    -------
    pandas.DataFrame
        Event table, sorted by onset, offset and label; ``filename`` is the name of the
        file. An interval without text is no event; a point is one of no length.

    Raises
    ------
    AnnotationError
        If the file is not of this form, or a time or label is bad.
    """
    path = Path(path)
    if read_bytes(path).startswith(b"ooBinaryFile"):
        raise AnnotationError(f"{path}: a binary TextGrid; save it as a text file in Praat")
    tokens = _Tokens(read_text(path), path)
    if not tokens.text().startswith("ooTextFile") or tokens.text() != "TextGrid":
        raise FormatError(f"{path}: not a TextGrid; save it as a text file in Praat")
    tokens.skip_span()
    rows = []
    for _ in range(tokens.count() if tokens.flag() == "exists" else 0):
        kind, tier = tokens.text(), tokens.text()
        if kind not in ("IntervalTier", "TextTier"):
            raise AnnotationError(f"{path}: tier '{tier}' is of the unknown kind '{kind}'")
        tokens.skip_span()
        for row in range(1, tokens.count() + 1):
            start = tokens.number()
            stop = tokens.number() if kind == "IntervalTier" else start
            label = tokens.text()
            if label.strip():
                where = f"{path}: tier '{tier}', row {row}"
                rows.append((stem_name(path), *checked_event(where, start, stop, label, classes)))
    return _sorted(rows)


def write_textgrid(events, path, duration=None):
    """Write the events of one recording as a Praat TextGrid [1]_, long text format.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording; times are written to the last digit.
    path : path-like
        Target; replaced only when all is written.
    duration : float, optional
        Length of the recording in seconds; without it the grid ends with the last event
        (after a second, if there is none).

    Raises
    ------
    AnnotationError
        If the events are of several recordings, a time or label is bad, a label is blank,
        or an event ends no later than it begins or later than the recording.
    """
    the_recording(events, path)
    check_writable(events, path, forwards=True)
    spans = list(events[COLUMNS[1:]].itertuples(index=False, name=None))
    end = duration or max((offset for _, offset, _ in spans), default=1.0)
    for row, (onset, offset, label) in enumerate(spans, start=1):
        where = f"{path}: row {row}: '{label}' from {onset} to {offset} s"
        if not label.strip():
            raise AnnotationError(f"{where} has a blank label, which is no event in a TextGrid")
        if offset > end:
            raise AnnotationError(
                f"{where} ends after the recording, at {end} s; correct the events first"
            )
    tiers = _tiers(spans) or [("events", "", [])]  # Praat has no grid without a tier
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        *_named(xmin="0", xmax=decimal(end)),
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, label, heard) in enumerate(tiers, start=1):
        intervals = list(_filled(heard, end))
        tier = {"class": _quoted("IntervalTier"), "name": _quoted(name)}
        lines += [f"    item [{number}]:", *_named(8, **tier, xmin="0", xmax=decimal(end))]
        lines.append(f"        intervals: size = {len(intervals)}")
        for index, (start, stop, filled) in enumerate(intervals, start=1):
            times = {"xmin": decimal(start), "xmax": decimal(stop)}
            lines.append(f"        intervals [{index}]:")
            lines += _named(12, **times, text=_quoted(label if filled else ""))
    write_text("\n".join(lines) + "\n", path)


def read_eaf(path, classes=None):
    """Read an ELAN document [2]_.

    Parameters
    ----------
    path : path-like
    classes : sequence of str, optional
        The known labels; without them any label will do.

    Returns
    -------
    pandas.DataFrame
        Event table, sorted by onset, offset and label; ``filename`` is the name of the
        file. An annotation without text has its tier's name for a label. One that refers
        to another has the times of that.

    Raises
    ------
    AnnotationError
        If the file is not of this form, or a time or label is bad.
    """
    path = Path(path)
    read_bytes(path)  # says in our words why a file cannot be read
    try:
        document = Eaf(path, suppress_version_warning=True)
        tiers = {
            tier: document.get_annotation_data_for_tier(tier) for tier in document.get_tier_names()
        }
    except Exception as error:  # pympi raises what comes, and Exception itself for bad XML
        raise AnnotationError(
            f"{path}: not a whole ELAN document ({type(error).__name__}: {error}); "
            "save it again in ELAN"
        ) from None
    rows = []
    for tier, annotations in tiers.items():
        for row, (start, stop, label, *_) in enumerate(annotations, start=1):
            where = f"{path}: tier '{tier}', row {row}"
            if start is None or stop is None:
                raise AnnotationError(f"{where}: {label!r} has no times of its own; align it")
            onset, offset, label = checked_event(where, start, stop, label or tier, classes)
            rows.append((stem_name(path), onset / 1000, offset / 1000, label))
    return _sorted(rows)


def write_eaf(events, path):
    """Write the events of one recording as an ELAN document [2]_.

    ELAN has whole milliseconds: a time is rounded to the nearest, but an event shorter than
    a millisecond gets one.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording.
    path : path-like
        Target; replaced only when all is written.

    Raises
    ------
    AnnotationError
        If the events are of several recordings, a time or label is bad, a label holds a
        character that XML has not, or an event ends no later than it begins.
    """
    the_recording(events, path)
    check_writable(events, path, forbidden=_NOT_XML, forwards=True)
    spans = []
    for onset, offset, label in events[COLUMNS[1:]].itertuples(index=False):
        start = round(1000 * onset)
        spans.append((start, max(round(1000 * offset), start + 1), label))
    document = Eaf(author="")
    document.adocument["DATE"] = _MADE
    tiers = _tiers(spans)
    if tiers:
        document.remove_tier("default")  # what a new document has
    for name, label, intervals in tiers:
        document.add_tier(name)
        for start, stop in intervals:
            document.add_annotation(name, start, stop, label)
    text = to_string(document)
    write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', path)


class _Tokens:
    """The texts, numbers and flags of a TextGrid, one after the other."""

    def __init__(self, text, path):
        self._matches = _TOKEN.finditer(text)
        self._path = path

    def _next(self, kind):
        """Give the next token, which must be of this kind."""
        for match in self._matches:
            if match.lastgroup:
                if match.lastgroup == kind:
                    return match[kind]
                raise AnnotationError(
                    f"{self._path}: has {match[0]!r} where a {kind} belongs; "
                    "save it as a text file in Praat"
                )
        raise AnnotationError(f"{self._path}: ends where a {kind} belongs; is it cut off?")

    def text(self):
        """Give the next text, without its quotation marks."""
        return self._next("text").replace('""', '"')

    def number(self):
        """Give the next number."""
        return float(self._next("number"))

    def flag(self):
        """Give the next flag, without its angle brackets."""
        return self._next("flag")

    def skip_span(self):
        """Pass over the ends of a grid or tier."""
        self.number()
        self.number()

    def count(self):
        """Give the next number, of tiers, intervals or points."""
        number = self.number()
        if not (number >= 0 and number.is_integer()):
            raise AnnotationError(f"{self._path}: has {number} where a count belongs")
        return int(number)


def _sorted(rows):
    """Event table of rows in the order of time."""
    return event_table(sorted(rows, key=lambda row: row[1:]))


def _tiers(spans):
    """(name, label, [(start, stop), ...]) of each tier, more than one where events overlap."""
    tiers = {}
    for start, stop, label in sorted(spans):
        layers = tiers.setdefault(label, [])
        for layer in layers:
            if layer[-1][1] <= start:
                layer.append((start, stop))
                break
        else:
            layers.append([(start, stop)])
    named = []
    for label, layers in sorted(tiers.items()):
        numbered = (f"{label} {number}" for number in itertools.count(2))
        names = itertools.chain([label], (name for name in numbered if name not in tiers))
        named += [(name, label, layer) for name, layer in zip(names, layers, strict=False)]
    return named


def _filled(intervals, end):
    """(start, stop, is an event) of the events of a tier and of the gaps between them."""
    reached = 0.0
    for start, stop in [*intervals, (end, end)]:
        if reached < start:
            yield reached, start, False
        if start < stop:
            yield start, stop, True
        reached = stop


def _named(indent=0, **values):
    """Lines of named values."""
    return [f"{' ' * indent}{name} = {value}" for name, value in values.items()]


def _quoted(text):
    """Text as Praat quotes it."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
