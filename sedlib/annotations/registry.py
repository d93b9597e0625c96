"""Any annotation file, by its suffix and, where formats share one, by its content."""

import re
from pathlib import Path

import pandas as pd

from sedlib.annotations.event_table import (
    AnnotationError,
    FormatError,
    is_time,
    read_lines,
    recording_name,
    stem_name,
)
from sedlib.annotations.formats.delimited import (
    read_audacity,
    read_table,
    write_audacity,
    write_csv,
    write_raven,
    write_tsv,
)
from sedlib.annotations.formats.tiers import read_eaf, read_textgrid, write_eaf, write_textgrid
from sedlib.annotations.formats.vtt2018 import (
    read_clip_list,
    read_json,
    read_json_lines,
    write_json,
    write_json_lines,
)

#: Suffix of each format that `write` knows.
SUFFIXES = {
    "json": ".json",
    "jsonl": ".jsonl",
    "tsv": ".tsv",
    "csv": ".csv",
    "audacity": ".txt",
    "textgrid": ".TextGrid",
    "eaf": ".eaf",
    "raven": ".selections.txt",
}
#: Suffixes that `read` knows, in lower case.
READABLE = (".json", ".jsonl", ".tsv", ".csv", ".txt", ".textgrid", ".eaf")

_KNOWN = (
    "the reference's JSON (.json), JSON lines (.jsonl) and clip list (.txt), an event table "
    "(.tsv, .csv, .txt), Audacity labels (.txt), a Raven selection table (.txt), a Praat "
    "TextGrid (.TextGrid), an ELAN document (.eaf)"
)
_CLIP = re.compile(r"[^\t]+-\d+(?:\.\w+)?\t(\d+)\t(\d+)\t[^\t]+")


def read(path, classes=None):
    """Read the events of any annotation file.

    The format follows from the suffix and, for ``.txt``, ``.tsv`` and ``.csv``, from the
    first lines. Times are seconds, ``mm:ss`` or ``hh:mm:ss``.

    Parameters
    ----------
    path : path-like
        The reference's JSON, JSON lines or clip list; an event table, tab, semicolon or
        comma separated, with or without a header; Audacity labels; a Raven selection table;
        a Praat TextGrid; an ELAN document.
    classes : sequence of str, optional
        The known labels; without them any label will do.

    Returns
    -------
    pandas.DataFrame
        Event table, in the order of the file (that of time for TextGrid and ELAN).
        ``filename`` is the name that the file gives the recording, without directory and
        media suffix, or else the name of the file: ``foo`` of ``foo.txt``, ``foo.wav.txt``
        and ``foo.Table.1.selections.txt``.

    Raises
    ------
    AnnotationError
        If the file is in no such format, or a time, label or row is bad.
    """
    return read_named(path, classes)[0]


def read_named(path, classes=None):
    """Read the events of any annotation file, and which recordings it names.

    Parameters
    ----------
    path : path-like
    classes : sequence of str, optional
        As in `read`.

    Returns
    -------
    events : pandas.DataFrame
        As in `read`.
    names : list of str
        The recordings that the file names, with events or without; empty if it names none.

    Raises
    ------
    FormatError
        If the file is in no format that is known.
    AnnotationError
        As in `read`.
    """
    path = Path(path)
    suffix = path.suffix.casefold()
    if suffix not in READABLE:
        raise FormatError(f"{path}: '{path.suffix}' is no annotation; can be read: {_KNOWN}")
    names = []
    if suffix == ".json":
        events = read_json(path, classes)
        names = list(events["filename"].unique())
    elif suffix == ".jsonl":
        events = read_json_lines(path, classes)
    elif suffix == ".textgrid":
        events = read_textgrid(path, classes)
    elif suffix == ".eaf":
        events = read_eaf(path, classes)
    elif suffix == ".txt" and _is_audacity(path):
        events = read_audacity(path, classes)
    elif suffix == ".txt" and _is_clip_list(path):
        events = read_clip_list(path, classes)
        names = list(events["filename"].unique())
    else:
        try:
            events, names = read_table(path, classes)
        except FormatError:
            raise FormatError(f"{path}: no annotation; can be read: {_KNOWN}") from None
    if not names:
        return events.assign(filename=stem_name(path)), []
    short = _short_names(names, path)
    filenames = pd.Series([short[name] for name in events["filename"]], dtype=str)
    return events.assign(filename=filenames), list(short.values())


def write(events, path, format=None, *, step=1.0, duration=None):
    """Write events in any format.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table; of one recording but for ``tsv`` and ``csv``. Times are written to the
        last digit, in ``eaf`` to the millisecond.
    path : path-like
        Target; replaced only when all is written.
    format : {"json", "jsonl", "tsv", "csv", "audacity", "textgrid", "eaf", "raven"}, optional
        Without it the suffix of `path` decides, as in `SUFFIXES`.
    step : float
        Length of a step of ``jsonl`` in seconds.
    duration : float, optional
        Length of the recording in seconds, for ``textgrid``.

    Raises
    ------
    AnnotationError
        If there is no such format, or it cannot hold an event: the message says which.
    """
    path = Path(path)
    if format is None:
        fitting = [
            name
            for name, suffix in SUFFIXES.items()
            if path.name.casefold().endswith(suffix.casefold())
        ]
        format = max(fitting, key=lambda name: len(SUFFIXES[name]), default=path.suffix)
    if format == "jsonl":
        write_json_lines(events, path, step)
    elif format == "textgrid":
        write_textgrid(events, path, duration)
    elif format in _WRITERS:
        _WRITERS[format](events, path)
    else:
        raise AnnotationError(f"{path}: no format '{format}'; choose one of {', '.join(SUFFIXES)}")


_WRITERS = {
    "json": write_json,
    "tsv": write_tsv,
    "csv": write_csv,
    "audacity": write_audacity,
    "eaf": write_eaf,
    "raven": write_raven,
}


def _is_audacity(path):
    """Say whether the first line is a label of Audacity."""
    fields = next(filter(str.strip, read_lines(path)), "").split("\t")
    return len(fields) == 3 and all(map(is_time, fields[:2]))


def _is_clip_list(path):
    """Say whether every line is a clip, in milliseconds.

    A table of events in whole seconds of recordings called ``a-1.wav`` looks the same, but
    has no event of a thousand seconds, and a list of clips one of a second.
    """
    clips = [_CLIP.fullmatch(line) for line in read_lines(path)]
    return all(clips) and max((int(clip[2]) - int(clip[1]) for clip in clips), default=0) >= 1000


def _short_names(names, path):
    """Name of each recording by its name in the file."""
    short = {name: recording_name(name) for name in names}
    first = {}
    for name, shortened in short.items():
        twin = first.setdefault(shortened, name)
        if twin != name:
            raise AnnotationError(
                f"{path}: '{twin}' and '{name}' are both '{shortened}' without directory and "
                "suffix; rename one"
            )
    return short
