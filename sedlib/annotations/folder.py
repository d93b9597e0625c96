"""The annotations of a folder of recordings."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sedlib.annotations.corrections import find_misplaced
from sedlib.annotations.event_table import AnnotationError, FormatError, event_table, stem_name
from sedlib.annotations.registry import formats_for, read_named
from sedlib.names import normal_name

if TYPE_CHECKING:
    import pandas as pd


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
    remarks : pandas.DataFrame
        What the user should know of how files were read: ``filename``, ``file``, ``kind``
        and ``remark`` (a sentence).
    ignored : dict of pathlib.Path to str
        Files that have the suffix of an annotation but are something else, such as a README,
        and the sentence that says why.
    """

    events: "pd.DataFrame"
    sources: dict[str, Path]
    errors: "pd.DataFrame"
    remarks: "pd.DataFrame"
    ignored: dict[Path, str]

    def without_misplaced(self, durations):
        """Turn the annotations that cannot belong to their recordings into errors.

        Parameters
        ----------
        durations : mapping of str to float
            See `sedlib.annotations.find_misplaced`.

        Returns
        -------
        FolderAnnotations
        """
        import pandas as pd

        faults = find_misplaced(self.events, durations)
        rows = [(name, self.sources[name].name, fault) for name, fault in faults.items()]
        errors = pd.DataFrame(rows, columns=self.errors.columns, dtype=str)
        return replace(
            self,
            events=self.events[~self.events["filename"].isin(faults)].reset_index(drop=True),
            sources={name: path for name, path in self.sources.items() if name not in faults},
            errors=pd.concat([self.errors, errors], ignore_index=True),
        )


def read_folder(folder, names):
    """Read all annotations in a folder.

    A file is an annotation if it can be read as one. A file that is named after a recording
    (``NAME.json``, ``NAME.wav.txt``) and has the suffix of an annotation must be readable.
    Names are compared, and returned, in Unicode normal form. Hidden files and subfolders are
    ignored.

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
        If there is no such folder, or it must not be read.
    """
    import pandas as pd

    folder = Path(folder)
    if not folder.is_dir():
        raise AnnotationError(f"{folder}: no such folder; check the name")
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise AnnotationError(f"{folder}: cannot be read ({error.strerror}); check it") from None
    names = sorted(map(normal_name, names), key=len, reverse=True)
    found, errors, remarks, ignored = {}, [], [], {}
    for path in files:
        special = path.exists() and not path.is_file()  # a folder, or a pipe that blocks readers
        if path.name.startswith(".") or special or not formats_for(path):
            continue
        file = normal_name(path.name)
        owner = next((name for name in names if file.startswith(f"{name}.")), None)
        try:
            events, named, new_remarks = read_named(path)
        except AnnotationError as error:
            if isinstance(error, FormatError) and owner is None:
                ignored[path] = str(error)
            else:
                errors.append((owner or "", path.name, str(error)))
            continue
        if not named and (owner or len(events)):
            named = [owner or stem_name(path)]
            events = events.assign(filename=named[0])
        if not named:
            ignored[path] = f"{path}: empty, and not named after a recording"
        remarks += [(", ".join(named), path.name, kind, remark) for kind, remark in new_remarks]
        for name in named:
            found.setdefault(name, []).append((path, events[events["filename"] == name]))
    for name, sources in found.items():
        if len(sources) > 1:
            files = [path.name for path, _ in sources]
            fault = f"{folder}: {' and '.join(files)} annotate '{name}'; keep one of them"
            errors.append((name, files[0], fault))
    single = {name: sources[0] for name, sources in found.items() if len(sources) == 1}
    return FolderAnnotations(
        events=pd.concat([event_table(), *(own for _, own in single.values())], ignore_index=True),
        sources={name: path for name, (path, _) in single.items()},
        errors=pd.DataFrame(errors, columns=["filename", "file", "error"], dtype=str),
        remarks=pd.DataFrame(remarks, columns=["filename", "file", "kind", "remark"], dtype=str),
        ignored=ignored,
    )
