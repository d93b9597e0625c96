"""Text files, as people and programs save them."""

import re
from pathlib import Path

from sedlib.annotations.event_table import AnnotationError


def read_bytes(path):
    """Read a file; raise an AnnotationError if it is missing or unreadable."""
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
        UTF-8, or UTF-16 with a byte order mark, as Praat and spreadsheets write it.

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


def split_lines(text):
    """Split a text at LF, CR LF and CR.

    Unlike `str.splitlines` this keeps the separators that a label may hold, such as U+2028.
    """
    lines = re.split(r"\r\n|\n|\r", text)
    return lines if lines[-1] else lines[:-1]


def read_lines(path):
    """Read a text file as its lines, without their ends."""
    return split_lines(read_text(path))
