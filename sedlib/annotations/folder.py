"""The annotations of a folder of recordings."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sedlib.annotations.event_table import AnnotationError, FormatError, event_table, stem_name
from sedlib.annotations.registry import formats_for, read_named


@dataclass(frozen=True, eq=False)
class FolderAnnotations:
    """The annotations that `read_folder` found.

    Attributes
    ----------
    events : pandas.DataFrame
        Event table of all recordings in `sources`, as written in the files.
    sources : dict of str to pathlib.Path
        Recording to the file that annotates it, with events or without.
    errors : pandas.DataFrame
        The annotations that cannot be used: ``filename`` (the recording; empty if the file
        is about several or about none that is known), ``file`` (its name in the folder) and
        ``error`` (a sentence).
    ignored : tuple of pathlib.Path
        Files that have the suffix of an annotation but are something else, such as a README.
    """

    events: pd.DataFrame
    sources: dict[str, Path]
    errors: pd.DataFrame
    ignored: tuple[Path, ...]


def read_folder(folder, names):
    """Read all annotations in a folder.

    A file is an annotation if it can be read as one. A file that is named after a recording
    (``NAME.json``, ``NAME.wav.txt``) and has the suffix of an annotation must be readable.
    Hidden files and subfolders are ignored.

    Parameters
    ----------
    folder : path-like
    names : iterable of str
        The recordings, without directory and suffix.

    Returns
    -------
    FolderAnnotations
        A recording that two files annotate is an error, and neither file is used.

    Raises
    ------
    AnnotationError
        If there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise AnnotationError(f"{folder}: no such folder; check the name")
    names = sorted(names, key=len, reverse=True)
    found, errors, ignored = {}, [], []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_dir() or not formats_for(path):
            continue
        owner = next((name for name in names if path.name.startswith(f"{name}.")), None)
        try:
            events, named = read_named(path)
        except AnnotationError as error:
            if isinstance(error, FormatError) and owner is None:
                ignored.append(path)
            else:
                errors.append((owner or "", path.name, str(error)))
            continue
        if not named and (owner or len(events)):
            named = [owner or stem_name(path)]
            events = events.assign(filename=named[0])
        if not named:
            ignored.append(path)
        for name in named:
            found.setdefault(name, []).append((path, events[events["filename"] == name]))
    for name, sources in found.items():
        if len(sources) > 1:
            files = [path.name for path, _ in sources]
            fault = f"{folder}: {' and '.join(files)} annotate '{name}'; keep one of them"
            errors.append((name, files[0], fault))
    single = {name: sources[0] for name, sources in found.items() if len(sources) == 1}
    return FolderAnnotations(
        events=pd.concat([event_table(), *(events for _, events in single.values())]).reset_index(
            drop=True
        ),
        sources={name: path for name, (path, _) in single.items()},
        errors=pd.DataFrame(errors, columns=["filename", "file", "error"], dtype=str),
        ignored=tuple(ignored),
    )
