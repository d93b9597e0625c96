"""Which files of an output folder `sedlib detect` wrote, and what each was made from.

``.sedlib`` in the output folder holds one small JSON file for each result, so that several runs
can write to one folder. It is written before the result, with the SHA-256 of the result: if a run
is killed in between, a later run still recognises the result as its own.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import unquote

from pydantic import BaseModel, ValidationError

from sedlib import places
from sedlib.errors import SedlibError
from sedlib.files import remove_abandoned
from sedlib.names import printable

FOLDER = ".sedlib"
_REMEMBERED = 4  # hashes of a result: its own, and those of the results that it replaced
_NO_FILE = "no file"


class ForeignFileError(SedlibError):
    """A file stands where a result should go, and this command did not write it."""


class Entry(BaseModel):
    """What is recorded of one result.

    Attributes
    ----------
    name : str
        Of the result below the output folder.
    sha256 : tuple of str
        Of its content; then those of the results it replaced, which an interrupted run leaves.
    source : str
        Stands for the place of the media file; see `source_id`.
    made_from : dict
        The state of the media file, the model and the options.
    engine : str
        What computed the scores, with its version; see `sedlib.engine`.
    duration : float
        Of the recording, in seconds.
    events : dict of str to int
        Number of events of each class that has any; earlier versions counted all together.
    remarks : tuple of str
        About the sound.
    page : str
        Of a page: its address relative to the output folder, percent-encoded. Else empty.
    classes : dict
        Of a page: what was detected of each class; see
        `sedlib.reports.timeline.class_summary`.
    """

    name: str
    sha256: tuple[str, ...]
    source: str = ""
    made_from: dict = {}
    engine: str = ""
    duration: float = 0.0
    events: dict[str, int] | int = {}
    remarks: tuple[str, ...] = ()
    page: str = ""
    classes: dict[str, dict[str, float]] = {}


class Record:
    """The record of one output folder.

    Parameters
    ----------
    output : pathlib.Path or upath.UPath
        It need not exist.
    overwrite : bool
        Whether `check` and `write` let files be replaced that this command did not write.
    """

    def __init__(self, output, overwrite=False):
        self.output, self.overwrite = output, overwrite

    def done(self, names, made_from, source):
        """Return the entry of the first result if all are unchanged and made from this input.

        Raises
        ------
        OSError
            If there can be no file of such a name.
        """
        entries = [self._entry(name) for name in names]
        for name, entry in zip(names, entries, strict=True):
            if entry is None or (entry.made_from, entry.source) != (made_from, source):
                return None
            if self._digest(name) != entry.sha256[0]:
                return None
        return entries[0]

    def check(self, name, source=""):
        """Refuse to replace a file that is not an earlier result of the same source.

        Parameters
        ----------
        name : str
            Below the output folder.
        source : str
            See `source_id`.

        Raises
        ------
        ForeignFileError
        OSError
            If there can be no file of such a name.
        """
        digest = self._digest(name)
        if digest == _NO_FILE or self.overwrite:
            return
        entry, where = self._entry(name), self.output / name
        if entry is None:
            fault = "was not written by sedlib detect"
        elif digest not in entry.sha256:
            fault = "has been changed since sedlib detect wrote it"
        elif entry.source != source:
            fault = f"is the result of another file, {entry.made_from.get('file', 'unknown')}"
        else:
            return
        raise ForeignFileError(
            f"{where}: {fault}; choose another --output, or replace it with --overwrite"
        )

    def check_writable(self, names):
        """Try to write where the results go.

        Raises
        ------
        SedlibError
            If that fails.
        """
        # In a store, nobody is permitted less below the folder of results than in it.
        folders = {
            (self.output / name).parent for name in names if not places.is_remote(self.output)
        }
        for folder in {*folders, self.output / FOLDER}:
            places.refuse_unwritable(folder)

    def clean(self):
        """Remove what runs that were killed left behind."""
        remove_abandoned(Path(tempfile.gettempdir()))  # copies of what is in stores
        if not places.is_remote(self.output):
            remove_abandoned(self.output / FOLDER)

    def staging(self):
        """Make a folder in which results are written before they go where they belong."""
        return places.staging_place(self.output / FOLDER)

    def write(self, staged, name, source="", **facts):
        """Record a result and move it to where it belongs.

        Parameters
        ----------
        staged : pathlib.Path
            The complete file, in the folder that `staging` yields.
        name : str
            Below the output folder.
        source : str
        **facts
            The other attributes of the `Entry`.

        Raises
        ------
        ForeignFileError
            As `check` does.
        """
        self.check(name, source)
        target, before = self.output / name, self._entry(name)
        hashes = [hashlib.sha256(staged.read_bytes()).hexdigest()]
        hashes += [known for known in (before.sha256 if before else ()) if known != hashes[0]]
        entry = Entry(name=printable(name), sha256=hashes[:_REMEMBERED], source=source, **facts)
        places.write_whole(entry.model_dump_json(indent=2) + "\n", self._path(name))
        places.move_to(staged, target)

    def write_alone(self, name, write):
        """Write one more file to the output folder, which `write` does at the path it is given."""
        try:
            with self.staging() as folder:
                write(folder / name)
                self.write(folder / name, name)
        except OSError as error:
            fault = f"cannot be written ({error.strerror}); run the command again"
            raise SedlibError(f"{self.output / name}: {fault}") from None

    def pages(self):
        """List the entries of the pages that are in the output folder, of all runs.

        Raises
        ------
        SedlibError
            If that fails in a store.
        """
        with places.faults_named(self.output, "cannot be read"):
            entries = [self._read(path) for path in sorted((self.output / FOLDER).glob("*.json"))]
            pages = [
                (e, unquote(e.page, errors="surrogateescape")) for e in entries if e and e.page
            ]
            return [entry for entry, page in pages if (self.output / page).exists()]

    def holds(self, path):
        """Tell whether a file is a result that nothing has changed since it was written.

        Parameters
        ----------
        path : pathlib.Path
            Of any file; those outside the output folder are no results.

        Returns
        -------
        bool
        """
        output = os.path.realpath(self.output)
        name = os.path.relpath(os.path.realpath(path), output)
        entry = self._entry(Path(name).as_posix())
        return entry is not None and self._digest(name) == entry.sha256[0]

    def is_outdated(self, name, made_from, source):
        """Tell whether an unchanged earlier result was made from something else than a later one.

        Parameters
        ----------
        name : str
            Of the result.
        made_from : dict or None
            The facts that the later result was made from and that this one must share; None if
            no earlier result can be valid any more.
        source : str

        Returns
        -------
        bool
            True only for a result of the same file that nothing has changed since it was written.

        Raises
        ------
        OSError
            If there can be no file of such a name, or it cannot be read.
        """
        entry = self._entry(name)
        if entry is None or entry.source != source:
            return False
        digest = self._digest(name)
        if digest != entry.sha256[0]:
            return digest in entry.sha256[1:]  # an interrupted run has left what it would replace
        return made_from is None or any(
            entry.made_from.get(key) != value for key, value in made_from.items()
        )

    def _entry(self, name):
        """Return what is recorded of a result; None if there is nothing that can be read."""
        return self._read(self._path(name))

    def _read(self, path):
        try:
            entry = Entry.model_validate_json(places.read_whole(path))
        except (FileNotFoundError, NotADirectoryError, ValidationError):
            return None
        except OSError:
            if places.is_remote(path):  # it may be there, but the store does not answer
                raise
            return None
        return entry if entry.sha256 else None

    def _path(self, name):
        return self.output / FOLDER / f"{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.json"

    def _digest(self, name):
        """Return the SHA-256 of a file, or what stands for none and for one that is not read."""
        try:
            return hashlib.sha256(places.read_whole(self.output / name)).hexdigest()
        except (FileNotFoundError, NotADirectoryError):
            link = not places.is_remote(self.output) and os.path.islink(self.output / name)
            return "link" if link else _NO_FILE
        except (PermissionError, IsADirectoryError):
            return "unreadable"


def source_id(path, output):
    """Return a hash of the path of a media file relative to the output folder.

    The record then shows whether a file is the same without naming any folder. Where one of the
    two is in a store, the address is hashed instead of the relative path.

    Parameters
    ----------
    path, output : pathlib.Path or upath.UPath

    Returns
    -------
    str
    """
    place = places.full_name(path)
    if not places.is_remote(path) and not places.is_remote(output):
        place = os.path.relpath(place, places.full_name(output))
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
