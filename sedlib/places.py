"""Where files are: on this machine, or in an object store, at addresses like ``s3://bucket/a.wav``.

A *place* is a `pathlib.Path`, or, for an address, a path of the package ``universal_pathlib``,
which has the same methods and reaches every store that fsspec knows.
"""

import os
import secrets
import tempfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sedlib.files import SedlibError, printable, staging_folder, write_text


def parse_place(text):
    """Return the place that a text names.

    Parameters
    ----------
    text : str
        A path, or an address with ``://``.

    Returns
    -------
    pathlib.Path or upath.UPath

    Raises
    ------
    SedlibError
        If a package is missing that reaches the store, or none can.

    Examples
    --------
    >>> parse_place("season1/a.wav").name, parse_place("memory://bucket/a.wav").name
    ('a.wav', 'a.wav')
    """
    if "://" not in text:
        return Path(text)
    try:
        from upath import UPath

        # Without a cache of what folders hold, which other processes change.
        place = UPath(text, use_listings_cache=False)
        if place.protocol in ("file", "local"):
            return Path(place.path)
        place.fs  # noqa: B018  imports what reaches the store
    except ImportError as error:
        raise SedlibError(
            f"{printable(text)}: a package is missing that reaches it ({error}); install the "
            "extra 'cloud', as in `pip install -e '.[cloud]'`, and the package of this store, "
            "such as s3fs, gcsfs or adlfs"
        ) from None
    except Exception as error:
        raise SedlibError(f"{printable(text)}: is no address of a store ({error})") from None
    return place


def is_remote(place):
    """Tell whether a place is in an object store."""
    return not isinstance(place, Path)


def full_name(place):
    """Return the absolute path or the address of a place, the same for the same file."""
    return str(place) if is_remote(place) else os.path.abspath(place)


def folders_above(place):
    """Return the names of all folders above a place and its own name, from the top."""
    return (PurePosixPath("/", place.path) if is_remote(place) else Path(full_name(place))).parts[
        1:
    ]


def file_state(place):
    """Return the size of a file and what changes when it is written again; None without a file."""
    try:
        size = place.stat().st_size
        written = place.fs.ukey(place.path) if is_remote(place) else place.stat().st_mtime_ns
    except OSError:
        return {"size": None, "modified": None}
    return {"size": size, "modified": written}


def list_files(folder):
    """List all files below a folder in a store, by name; hidden ones are left out.

    Parameters
    ----------
    folder : upath.UPath

    Returns
    -------
    dict of upath.UPath to pathlib.Path
        Each file to its path below the folder. A file in place of the folder is the only one.

    Raises
    ------
    SedlibError
        If the store does not answer.
    """
    with faults_named(folder, "cannot be searched"):
        if folder.is_file() or not folder.exists():  # what is missing is reported with its file
            return {folder: Path(folder.name)}
        top = folder.path.rstrip("/")
        found = {}
        for path in sorted(folder.fs.find(top)):
            below = Path(path.removeprefix(top).lstrip("/"))
            if not any(part.startswith(".") for part in below.parts):
                found[folder / below.as_posix()] = below
    return found


@contextmanager
def local_copy(place):
    """Have a file on this machine: a file of a store is fetched, and removed at the end.

    Parameters
    ----------
    place : pathlib.Path or upath.UPath

    Yields
    ------
    pathlib.Path
        It has the name of the file. In an error that the block raises it is the place instead.

    Raises
    ------
    SedlibError
        If the file cannot be fetched.
    """
    if not is_remote(place):
        yield place
        return
    with staging_folder(Path(tempfile.gettempdir())) as folder:
        local = folder / place.name
        with faults_named(place, "cannot be fetched"):
            place.fs.get_file(place.path, str(local))
        try:
            yield local
        except SedlibError as error:
            raise type(error)(str(error).replace(str(local), str(place))) from None


@contextmanager
def staging_place(folder):
    """Make a temporary folder for files that go to a place later, see `move_to`.

    Parameters
    ----------
    folder : pathlib.Path or upath.UPath
        Made if missing. The temporary folder is in it if it is on this machine.

    Yields
    ------
    pathlib.Path
    """
    if not is_remote(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with staging_folder(Path(tempfile.gettempdir()) if is_remote(folder) else folder) as staging:
        yield staging


def move_to(staged, target):
    """Move a complete file to where it belongs, whole or not at all.

    A store never shows a part of a file that is being written.

    Parameters
    ----------
    staged : pathlib.Path
        In the folder that `staging_place` yields.
    target : pathlib.Path or upath.UPath
        Its folder is made if missing.

    Raises
    ------
    OSError
    """
    if is_remote(target):
        _put(target, lambda: target.fs.put_file(str(staged), target.path))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged, target)


def read_whole(place):
    """Read a file as bytes; whatever goes wrong is an OSError."""
    if not is_remote(place):
        return place.read_bytes()
    with _faults_as_os_errors(place):
        return place.fs.cat_file(place.path)


def write_whole(text, target):
    """Write a text in UTF-8, completely or not at all, into an existing folder or a store."""
    if is_remote(target):
        _put(target, lambda: target.fs.pipe_file(target.path, text.encode()))
    else:
        write_text(text, target)


def refuse_unwritable(folder):
    """Try to write to a folder, or to the next one above that exists, leaving nothing behind.

    Parameters
    ----------
    folder : pathlib.Path or upath.UPath

    Raises
    ------
    SedlibError
        If that fails.
    """
    try:
        if is_remote(folder):
            _try_to_put(folder)
        else:
            while not os.path.lexists(folder):
                folder = folder.parent
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"\0" * 4096)
    except OSError as error:
        raise SedlibError(
            f"{folder}: no results can be written there ({error.strerror or error}); choose "
            "another --output"
        ) from None


def _put(target, put):
    """Put a file into a store, and make its folder where the store has folders."""
    with _faults_as_os_errors(target):
        try:
            put()
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            put()


def _try_to_put(folder):
    """Put an empty file into a folder of a store, or into the next one above that exists."""
    trial = folder / f".writable-{secrets.token_hex(8)}"
    with _faults_as_os_errors(folder):
        try:
            trial.fs.pipe_file(trial.path, b"")
            trial.fs.rm_file(trial.path)
            return
        except FileNotFoundError:
            if folder.parent == folder:
                raise
    _try_to_put(folder.parent)


@contextmanager
def faults_named(place, fault):
    """Raise what a store raises, of whatever class, as a `SedlibError` that names the place."""
    try:
        yield
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise SedlibError(f"{printable(place)}: {fault} ({reason})") from None


@contextmanager
def _faults_as_os_errors(place):
    """Raise what a store raises, of whatever class, as an OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise OSError(None, reason, str(place)) from None
