"""The annotation formats, one module each.

A module describes its format by an `AnnotationFormat` at its top level, where
`sedlib.annotations.registry` finds it. Nothing else needs to know of a new format.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class AnnotationFormat:
    """A format of annotation files.

    Attributes
    ----------
    name : str
        What `sedlib detect --format` and `sedlib.annotations.write` call it.
    suffixes : tuple of str
        The endings of file names that it may have, with the dot. The first one is given to
        the files that are written.
    description : str
        What it is, in a few words.
    read : callable
        ``read(path, classes)`` returns a `sedlib.annotations.event_table.Reading`: the events
        of a file, the recordings that it names, and remarks. If it names no recording, the
        values of ``filename`` do not matter. Raises `FormatError` if the file is in another
        format and `AnnotationError` if its content is invalid. Labels are checked if `classes`
        is not None.
    sniff : callable, optional
        ``sniff(text)`` decides from the text of a file whether it is in this format. A
        format without it reads every file of its suffixes that no other one recognises.
    to_text : callable, optional
        ``to_text(events, path)`` returns the text of the file at that path for an event table; None
        if the format is only read.
    options : tuple of str
        The keyword arguments that `to_text` takes in addition: ``hop``, ``duration``.
    many_recordings : bool
        Whether a file can hold the events of several recordings.
    scores : tuple of str
        The scores of events that a file can hold: ``score``, ``peak_score``. Others are left out.
    """

    name: str
    suffixes: tuple[str, ...]
    description: str
    read: Callable
    sniff: Callable | None = None
    to_text: Callable | None = None
    options: tuple[str, ...] = ()
    many_recordings: bool = False
    scores: tuple[str, ...] = ()

    @property
    def suffix(self):
        """The suffix of the files that are written."""
        return self.suffixes[0]

    def matches(self, path):
        """Return whether the name of a file ends as one of this format may, in any case."""
        return path.name.casefold().endswith(tuple(map(str.casefold, self.suffixes)))
