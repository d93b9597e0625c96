"""All annotation formats by name, and the functions that read and write any of them."""

import importlib
import pkgutil
from pathlib import Path

from sedlib.annotations import formats
from sedlib.annotations.event_table import (
    AnnotationError,
    FormatError,
    Reading,
    recording_name,
    single_recording,
    stem_name,
)
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_bytes, read_text
from sedlib.files import write_text
from sedlib.names import normal_name


def _discover_formats():
    """Collect the formats that the modules of `sedlib.annotations.formats` describe."""
    names = [module.name for module in pkgutil.iter_modules(formats.__path__)]
    modules = [importlib.import_module(f"{formats.__name__}.{name}") for name in names]
    described = [value for module in modules for value in vars(module).values()]
    known = {value.name: value for value in described if isinstance(value, AnnotationFormat)}
    return dict(sorted(known.items()))


#: Every `AnnotationFormat` by its name, sorted.
FORMATS = _discover_formats()


def formats_for(path):
    """Find the formats that a file may be in, judging by its name.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    list of AnnotationFormat
        Those that recognise their files by the content come first. The list is empty if the
        name is not that of an annotation file.
    """
    matching = [form for form in FORMATS.values() if form.matches(Path(path))]
    return sorted(matching, key=lambda form: form.sniff is None)


def read(path, classes=None):
    """Read the events of an annotation file in any format.

    The format follows from the suffix and, where several formats share one, from the
    content. Times are seconds, ``mm:ss`` or ``hh:mm:ss``.

    Parameters
    ----------
    path : path-like
        A file in one of the `FORMATS`.
    classes : sequence of str, optional
        The known labels. Without them every label is accepted.

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
        If the file is in none of the formats, or a time, label or row is not valid.
    """
    return read_named(path, classes).events


def read_named(path, classes=None):
    """Read the events of an annotation file and the recordings that it names.

    Parameters
    ----------
    path : path-like
    classes : sequence of str, optional
        As in `read`.

    Returns
    -------
    sedlib.annotations.event_table.Reading
        The events as in `read`, the recordings that the file names, and remarks.

    Raises
    ------
    FormatError
        If the file is in none of the formats.
    AnnotationError
        As in `read`.
    """
    path = Path(path)
    candidates = formats_for(path)
    text = read_text(path) if any(form.sniff for form in candidates) else ""
    fitting = [form for form in candidates if form.sniff is None or form.sniff(text)]
    if not fitting:
        read_bytes(path)  # explains why a file cannot be read
        known = "; ".join(f"{form.description} ({form.suffix})" for form in FORMATS.values())
        raise FormatError(
            f"{path}: not an annotation file in a known format; the known formats are: {known}"
        )
    events, names, remarks = fitting[0].read(path, classes)
    if not names:
        return Reading(events.assign(filename=stem_name(path)), [], remarks)
    short = _shorten_names(names, path)
    events = events.assign(filename=events["filename"].map(short).astype(str))
    return Reading(events, list(dict.fromkeys(short.values())), remarks)


def write(events, path, format=None, *, hop=1.0, duration=None):
    """Write events to a file in any format that can be written.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table, of one recording unless the format holds many. Times are written to the
        last digit; in ``eaf`` and ``webvtt`` to the millisecond, in ``rttm`` to the nanosecond.
    path : path-like
        Target; replaced only when all is written.
    format : str, optional
        Name of one of the `FORMATS` that has a writer. Without it the suffix of `path`
        decides.
    hop : float
        Length in seconds of the intervals of ``jsonl``.
    duration : float, optional
        Length of the recording in seconds, for ``textgrid``.

    Raises
    ------
    AnnotationError
        If there is no such format, or it cannot hold one of the events. The message says
        which.
    """
    path = Path(path)
    writable = {name: form for name, form in FORMATS.items() if form.to_text}
    if format is None:
        name = path.name.casefold()
        fitting = [form for form in writable.values() if name.endswith(form.suffix.casefold())]
        chosen = max(fitting, key=lambda form: len(form.suffix), default=None)
    else:
        chosen = writable.get(format)
    if chosen is None:
        raise AnnotationError(
            f"{path}: no format '{format or path.suffix}' can be written; choose one of "
            f"{', '.join(writable)}"
        )
    if not chosen.many_recordings:
        single_recording(events, path)
    options = {"hop": hop, "duration": duration}
    chosen_options = {name: options[name] for name in chosen.options}
    write_text(chosen.to_text(events, path, **chosen_options), path)


def _shorten_names(names, path):
    """Map the name of each recording in a file to that without directory and suffix."""
    short = {name: recording_name(name) for name in names}
    first = {}
    for name, shortened in short.items():
        twin = first.setdefault(shortened, name)
        if normal_name(twin) != normal_name(name):
            raise AnnotationError(
                f"{path}: '{twin}' and '{name}' are both '{shortened}' without directory and "
                "suffix; rename one"
            )
    return short
