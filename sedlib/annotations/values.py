"""The values of an event: times and labels as they are read, checked and written."""

import itertools
import math
import re
import reprlib
from decimal import Decimal

from sedlib.annotations.event_table import COLUMNS, AnnotationError
from sedlib.names import nearest

_CLOCK = re.compile(r"(?:(\d+):(?=[0-5]?\d:))?(\d+):([0-5]?\d(?:\.\d+)?)")  # hours, minutes, s
_LOOKS_LIKE_TIME = re.compile(r"\s*[-+]?[.,:]*\d[\d.,:]*(?:[eE][-+]?\d+)?\s*")
_NAMED_CHARACTERS = {"\t": "a tab", "\n": "a line break", "\r": "a line break"}


def seconds(value):
    """Read a time.

    Parameters
    ----------
    value : str or float
        Seconds, ``mm:ss`` or ``hh:mm:ss``, each with decimals or without.

    Returns
    -------
    float
        In seconds, 0 or more.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If the value is not such a time.
    """
    clock = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if clock:
        number = float(3600 * int(clock[1] or 0) + 60 * int(clock[2]) + Decimal(clock[3]))
    else:
        number = float(value)
    if isinstance(value, str) and "_" in value:  # which Python takes for a separator of digits
        raise ValueError
    if isinstance(value, bool) or not 0 <= number < math.inf:
        raise ValueError
    return number + 0.0  # not -0.0


def is_time(value):
    """Return whether `seconds` can read the value."""
    try:
        seconds(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def looks_like_time(text):
    """Return whether a text is meant to be a time, valid or not: digits and signs between them."""
    return _LOOKS_LIKE_TIME.fullmatch(text) is not None


def decimal_point(text):
    """Return a time with a decimal comma as one with a point, and any other text unchanged."""
    return text if "." in text else text.replace(",", ".")


def shown(value):
    """Return a value as it is shown in a message: as `repr` writes it, but shortened if long."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 80
    return short.repr(value)


def decimal_text(time):
    """Write a time to its last digit, without the exponent that some programs misread."""
    text = repr(float(time))
    return text if "e" not in text else f"{Decimal(text):f}"


def end_of(onset, duration):
    """Add a duration to an onset (s), to the nanosecond: 0.1 and 0.2 give 0.3."""
    return round(onset + duration, 9)


def to_milliseconds(onset, offset):
    """Round the times of an event (s) to whole milliseconds, of which it takes at least one."""
    start = round(1000 * onset)
    return start, max(round(1000 * offset), start + 1)


def parse_event(where, start, stop, label, classes=None):
    """Read the values of an event.

    Parameters
    ----------
    where : str
        File and row, for the message.
    start, stop : object
        Times as `seconds` reads them.
    label : object
    classes : sequence of str, optional
        The known labels. Without them every label is accepted.

    Returns
    -------
    (float, float, str)
        Onset (s), offset (s), label.

    Raises
    ------
    AnnotationError
        If a time is not valid, or the label is missing or unknown.
    """
    for value in (start, stop):
        if not is_time(value):
            raise AnnotationError(
                f"{where}: {shown(value)} is not a time; give a number of 0 or more with a "
                "decimal point, mm:ss or hh:mm:ss"
            )
    if not isinstance(label, str) or not label:
        raise AnnotationError(f"{where}: {shown(label)} is not a label; name the sound")
    if classes is not None and label not in classes:
        raise AnnotationError(
            f"{where}: unknown label '{label}'; the nearest known label is "
            f"'{nearest(label, classes)}'"
        )
    return seconds(start), seconds(stop), label


def parse_scores(*values):
    """Read the score and the peak score of an event.

    Parameters
    ----------
    *values : object
        What a file has in their places.

    Returns
    -------
    tuple of float
        Those before the first that is no number in [0, 1]: in annotations, ``score`` may be
        anything.
    """
    return tuple(float(value) for value in itertools.takewhile(_is_score, values))


def _is_score(value):
    try:
        return not isinstance(value, bool) and 0 <= float(value) <= 1
    except (TypeError, ValueError, OverflowError):
        return False


def check_writable(events, path, forbidden="", positive_length=False):
    r"""Refuse events that a format cannot hold, or that would not be read again.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table.
    path : path-like
        Target, for the message.
    forbidden : str
        Characters that no filename or label may hold, written as in the brackets of a
        regular expression: ``\t\n\r``.
    positive_length : bool
        Whether every event must end after it begins.

    Raises
    ------
    AnnotationError
        On the first event that cannot be written.
    """
    unholdable = re.compile(f"[{forbidden}\ud800-\udfff]")  # UTF-8 has no surrogates
    rows = events[COLUMNS].itertuples(index=False)
    for row, (filename, onset, offset, label) in enumerate(rows, start=1):
        where = f"{path}: row {row}"
        parse_event(where, onset, offset, label)
        for text in (filename, label):
            if found := unholdable.search(text):
                character = _NAMED_CHARACTERS.get(found[0], repr(found[0]))
                raise AnnotationError(
                    f"{where}: {text!r} holds {character}, which this format cannot; rename it"
                )
        if positive_length and not onset < offset:
            raise AnnotationError(
                f"{where}: '{label}' from {onset} to {offset} s ends no later than it begins, "
                "which this format cannot hold; correct the events first"
            )
