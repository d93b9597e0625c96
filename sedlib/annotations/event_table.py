"""The event table, and what every format shares: times, labels, text files."""

import math
import re
from decimal import Decimal
from pathlib import Path

import pandas as pd

from sedlib.config import SedlibError
from sedlib.files import nearest

COLUMNS = ["filename", "onset", "offset", "event_label"]

_CLOCK = re.compile(r"(?:(\d+):(?=[0-5]?\d:))?(\d+):([0-5]?\d(?:\.\d+)?)")  # hours, minutes, s
_MEDIA = {
    *("wav", "flac", "mp3", "ogg", "oga", "opus", "m4a", "aac", "wma", "aif", "aiff", "au", "caf"),
    *("mp4", "mkv", "mov", "avi", "webm", "m4v", "mka", "mpg", "mpeg", "ts", "wmv", "flv", "3gp"),
}
_RAVEN = re.compile(r"(\.Table\.\d+)?(\.selections)?$", re.IGNORECASE)  # foo.Table.1.selections
_UNNAMED = {"\t": "a tab", "\n": "a line break", "\r": "a line break"}


class AnnotationError(SedlibError):
    """Annotations that cannot be used; the message names the file, the row and the value."""


class FormatError(AnnotationError):
    """A file that is not of the format asked for, or of none, rather than faulty in a place."""


def event_table(rows=()):
    """Build an event table.

    Parameters
    ----------
    rows : iterable of (str, float, float, str)
        filename, onset (s), offset (s), event_label.

    Returns
    -------
    pandas.DataFrame
        Typed as the package says, also when empty.
    """
    table = pd.DataFrame(list(rows), columns=COLUMNS)
    return table.astype({"filename": str, "onset": float, "offset": float, "event_label": str})


def read_bytes(path):
    """Read a file; one that is missing or unreadable is an AnnotationError."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise AnnotationError(f"{path}: no such file; check the folder and the name") from None
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}); check it") from None


def read_text(path):
    """Read a text file.

    Parameters
    ----------
    path : path-like
        UTF-8, or UTF-16 with its mark, as Praat and spreadsheets write it.

    Returns
    -------
    str
        With the line ends of the file.

    Raises
    ------
    AnnotationError
        If the file is missing, unreadable, or in another encoding.
    """
    raw = read_bytes(path)
    utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return raw.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}: not UTF-8 text ({error.reason}); convert it") from None


def read_lines(path):
    """Read a text file as its lines, without their ends (LF, CR LF or CR).

    Unlike `str.splitlines` this leaves the separators that a label may hold, U+2028 say.
    """
    lines = re.split(r"\r\n|\n|\r", read_text(path))
    return lines if lines[-1] else lines[:-1]


def seconds(value):
    """Read a time.

    Parameters
    ----------
    value : str or float
        Seconds, ``mm:ss`` or ``hh:mm:ss``, each with decimals or without.

    Returns
    -------
    float
        In seconds, of 0 or more.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If it is no such time.
    """
    clock = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if clock:
        number = float(3600 * int(clock[1] or 0) + 60 * int(clock[2]) + Decimal(clock[3]))
    else:
        number = float(value)
    if isinstance(value, bool) or not 0 <= number < math.inf:
        raise ValueError
    return number


def is_time(value):
    """Say whether `seconds` reads the value."""
    try:
        seconds(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def checked_event(where, start, stop, label, classes=None):
    """Read the values of an event.

    Parameters
    ----------
    where : str
        File and row, for the message.
    start, stop : object
        Times as `seconds` reads them.
    label : object
    classes : sequence of str, optional
        The known labels; without them any label will do.

    Returns
    -------
    (float, float, str)
        Onset, offset, label.

    Raises
    ------
    AnnotationError
        If a time is none, or the label is none or unknown.
    """
    for value in (start, stop):
        if not is_time(value):
            raise AnnotationError(
                f"{where}: {value!r} is not a time; give a number of 0 or more, mm:ss or hh:mm:ss"
            )
    if not isinstance(label, str) or not label:
        raise AnnotationError(f"{where}: {label!r} is not a label; name the sound")
    if classes is not None and label not in classes:
        near = nearest(label, classes)
        raise AnnotationError(
            f"{where}: unknown label '{label}'; the nearest known label is '{near}'"
        )
    return seconds(start), seconds(stop), label


def recording_name(name):
    """Name of a recording without its directory and media suffix: ``a/b.flac`` is ``b``."""
    name = re.split(r"[/\\]", name)[-1] or name
    stem, _, suffix = name.rpartition(".")
    return stem if stem and suffix.casefold() in _MEDIA else name


def stem_name(path):
    """Name of the recording that a file is about by its own name: ``b`` of ``b.wav.txt``.

    What Raven adds goes as well: ``b`` of ``b.Table.1.selections.txt``.
    """
    stem = Path(path).stem
    return recording_name(_RAVEN.sub("", stem) or stem)


def the_recording(events, path, default=None):
    """Name of the one recording the events are of, or `default` where there are no events."""
    names = list(events["filename"].unique()) or [default]
    if len(names) > 1:
        raise AnnotationError(f"{path}: events of {len(names)} recordings; write a file for each")
    return names[0]


def check_writable(events, path, forbidden="", forwards=False):
    r"""Refuse events that a format could not hold, or that would not be read again.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table.
    path : path-like
        Target, for the message.
    forbidden : str
        Characters that no filename or label may hold, as in a regular expression's
        brackets: ``\t\n\r``.
    forwards : bool
        Whether every event must end after it begins.

    Raises
    ------
    AnnotationError
        On the first such event.
    """
    unholdable = re.compile(f"[{forbidden}\ud800-\udfff]")  # half a character is not UTF-8
    for row, (filename, onset, offset, label) in enumerate(
        events[COLUMNS].itertuples(index=False), start=1
    ):
        where = f"{path}: row {row}"
        checked_event(where, onset, offset, label)
        for text in (filename, label):
            found = unholdable.search(text)
            if found:
                character = _UNNAMED.get(found[0], repr(found[0]))
                raise AnnotationError(
                    f"{where}: {text!r} holds {character}, which this format cannot; rename it"
                )
        if forwards and not onset < offset:
            raise AnnotationError(
                f"{where}: '{label}' from {onset} to {offset} s ends no later than it begins, "
                "which this format cannot hold; correct the events first"
            )


def decimal(time):
    """Write a time to its last digit, without an exponent, which some programs misread."""
    text = repr(float(time))
    return text if "e" not in text else f"{Decimal(text):f}"
