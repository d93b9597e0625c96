"""The event table, and the names of recordings."""

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sedlib.audio.suffixes import MEDIA_SUFFIXES
from sedlib.errors import SedlibError
from sedlib.names import normal_name

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["filename", "onset", "offset", "event_label"]
SCORES = ("score", "peak_score")  # columns that an event table may have besides

_RAVEN = re.compile(r"(\.Table\.\d+)?(\.selections)?$", re.IGNORECASE)  # foo.Table.1.selections


class AnnotationError(SedlibError):
    """Annotations that cannot be used; the message names the file, the row and the value."""


class FormatError(AnnotationError):
    """A file that is not in the expected format at all, rather than faulty in one place."""


class Reading(NamedTuple):
    """What a reader finds in an annotation file.

    Attributes
    ----------
    events : pandas.DataFrame
        Event table.
    names : list of str
        The recordings that the file names, with events or without; empty if it names none.
    remarks : tuple of (str, str)
        Kind and sentence of whatever the user should know of how the file was read.
    """

    events: "pd.DataFrame"
    names: list[str]
    remarks: tuple[tuple[str, str], ...] = ()


def event_table(rows=()):
    """Build an event table.

    Parameters
    ----------
    rows : iterable of (str, float, float, str), or of (str, float, float, str, float, float)
        filename, onset (s), offset (s), event_label, and the mean and the peak of its score. A
        row may lack the peak, or both.

    Returns
    -------
    pandas.DataFrame
        Columns ``filename`` (str), ``onset`` and ``offset`` (float64, s) and
        ``event_label`` (str), also when empty. If a row has scores, also ``score`` and
        ``peak_score`` (float64), which are nan where a row has none.
    """
    import pandas as pd

    rows = list(rows)
    columns = [*COLUMNS, *SCORES][: max(map(len, rows), default=len(COLUMNS))]
    padded = [(*row, *[math.nan] * (len(columns) - len(row))) for row in rows]
    table = pd.DataFrame(padded, columns=columns)
    text = {"filename": str, "event_label": str}
    return table.astype(dict.fromkeys(columns, float) | text)


def present_scores(event):
    """Return the scores of a row of an event table that are known.

    Parameters
    ----------
    event : namedtuple
        As ``itertuples`` yields it.

    Returns
    -------
    dict of str to float
        At most ``score`` and ``peak_score``.
    """
    scores = {name: getattr(event, name, math.nan) for name in SCORES}
    return {name: score for name, score in scores.items() if not math.isnan(score)}


def recording_name(name):
    """Remove the directory and media suffixes from a name: ``a/b.flac`` becomes ``b``.

    So does ``a/b.mp3.wav``, so that a name without its suffix stays the same. The name is returned
    in Unicode normal form, so that equal names are equal strings. It is empty where a path names no
    file, as ``/`` does.
    """
    name = normal_name(re.split(r"[/\\]", name.rstrip("/\\"))[-1])
    stem, dot, suffix = name.rpartition(".")
    while stem and (dot + suffix).casefold() in MEDIA_SUFFIXES:
        name = stem
        stem, dot, suffix = name.rpartition(".")
    return name


def stem_name(path):
    """Find the recording that an annotation file is named after: ``b`` for ``b.wav.txt``.

    What Raven adds is removed as well: ``b`` for ``b.Table.1.selections.txt``.
    """
    stem = Path(path).stem
    return recording_name(_RAVEN.sub("", stem) or stem)


def single_recording(events, path, default=None):
    """Return the one recording that the events are of, or `default` if there are no events."""
    names = list(events["filename"].unique()) or [default]
    if len(names) > 1:
        raise AnnotationError(f"{path}: events of {len(names)} recordings; write a file for each")
    return names[0]
