"""Where files are: on this machine, or in an object store, at addresses like ``s3://bucket/a.wav``.

A *place* is a `pathlib.Path`, or, for an address, a path of the package ``universal_pathlib``,
which has the same methods and reaches every store that fsspec knows.
"""

import errno
import os
import re
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from sedlib.errors import SedlibError
from sedlib.files import staging_folder, write_text
from sedlib.names import printable

_WEB = "http", "https"
_TRIAL = ".writable"


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
        If the package for this store is not installed, or the address names no known kind of
        store; or if a web address has a query, because a query may hold a secret and would become
        part of file names.

    Examples
    --------
    >>> parse_place("season1/a.wav").name, parse_place("memory://bucket/a.wav").name
    ('a.wav', 'a.wav')
    """
    if "://" not in text:
        return Path(text)
    try:
        from upath import UPath

        protocol, _, rest = text.partition("://")
        # Without a cache of what folders hold, which other processes change.
        place = UPath(f"{protocol.lower()}://{rest}", use_listings_cache=False)
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
    if place.protocol in _WEB and "?" in text:
        raise SedlibError(
            f"{printable(text.partition('?')[0])}?...: has a query; fetch the file and name it here"
        )
    return place


def is_remote(place):
    """Tell whether a place is in an object store."""
    return not isinstance(place, Path)


def full_name(place):
    """Return the absolute path or the address of a place, the same for the same file."""
    return str(place) if is_remote(place) else os.path.abspath(place)


def folders_above(place):
    """Return the names of all folders above a place and its own name, from the top."""
    if not is_remote(place):
        return Path(full_name(place)).parts[1:]
    return PurePosixPath("/", place.path.partition("://")[2] or place.path).parts[1:]


def is_address_part(name):
    """Tell whether a name can follow an address: fsspec reads ``::`` and ``:/`` as more of them."""
    return "::" not in name and ":/" not in name


def file_state(place):
    """Return the size of a file, and a value that changes when the file is rewritten.

    Parameters
    ----------
    place : pathlib.Path or upath.UPath

    Returns
    -------
    dict of str to int, str or None
        ``size`` in bytes, and ``modified``. Both are None if there is no file or a store does not
        answer, and ``modified`` is None if a web server does not report it.
    """
    if not is_remote(place):
        try:
            state = place.stat()
        except OSError:
            return {"size": None, "modified": None}
        return {"size": state.st_size, "modified": state.st_mtime_ns}
    try:
        info = place.fs.info(place.path)
        if place.protocol in _WEB:
            version = [info[key] for key in ("ETag", "Last-Modified") if key in info]
            return {"size": info.get("size"), "modified": " ".join(version) or None}
        return {"size": info["size"], "modified": place.fs.ukey(place.path)}
    except Exception:  # whatever a store raises: fetching the file says what is wrong
        return {"size": None, "modified": None}


def list_files(folder):
    """List all files below a folder in a store, by name; hidden ones are left out.

    Parameters
    ----------
    folder : upath.UPath

    Returns
    -------
    files : dict of upath.UPath to pathlib.Path
        Each file to its path below the folder. If `folder` is a file, or does not exist, the first
        entry is `folder` itself, so that the caller reports it. A store may hold files below such
        an address as well; they follow.
    refused : dict of str to str
        Other files, and why they cannot be used.

    Raises
    ------
    SedlibError
        If the store does not answer, or it is a web server and the address is that of a folder.
    """
    if folder.protocol in _WEB:
        if folder.path.endswith("/"):
            raise SedlibError(f"{folder}: folders of a web server are not searched; name its files")
        return {folder: Path(folder.name)}, {}
    with faults_named(folder, "cannot be searched"):
        top, found, refused = folder.path.rstrip("/"), {}, {}
        if folder.is_file() or not folder.exists():  # what is missing is reported with its file
            found[folder] = Path(folder.name)
        for path, info in sorted(folder.fs.find(top, detail=True).items()):
            # Some programs write an empty object that stands for a folder.
            if info["type"] == "directory" or path.endswith("/") or path == top:
                continue
            name = path.removeprefix(top).removeprefix("/")
            if not is_address_part(name):
                refused[f"{folder}/{name}"] = "holds '::' or ':/'; rename it"
            elif set(name.split("/")) & {"", ".", ".."}:
                refused[f"{folder}/{name}"] = "has an empty part or a dot as part; rename it"
            elif not any(part.startswith(".") for part in name.split("/")):
                found[folder / name] = Path(name)
    return found, refused


@contextmanager
def local_copy(place):
    """Have a file on this machine: a file of a store is fetched, and removed at the end.

    Parameters
    ----------
    place : pathlib.Path or upath.UPath

    Yields
    ------
    pathlib.Path
        It has the name of the file. A `SedlibError` that the block raises names the place instead.

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
            try:
                place.fs.get_file(place.path, str(local))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                where = f"the temporary folder {tempfile.gettempdir()} is full; make room there"
                raise OSError(f"{where}, or name another one in TMPDIR") from None
        try:
            yield local
        except SedlibError as error:
            raise type(error)(str(error).replace(str(local), str(place))) from None


def staging_place(folder):
    """Make a temporary folder for files that go to a place later, see `move_to`.

    Parameters
    ----------
    folder : pathlib.Path or upath.UPath
        Made if missing. The temporary folder is in it if it is on this machine.

    Returns
    -------
    context manager of pathlib.Path
    """
    if is_remote(folder):
        return staging_folder(Path(tempfile.gettempdir()))
    folder.mkdir(parents=True, exist_ok=True)
    return staging_folder(folder)


def move_to(staged, target):
    """Move a complete file to where it belongs, whole or not at all.

    An object store such as S3 shows a file only when it is complete; file servers, such as those
    of SFTP, may show part of it.

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
    """Check that a folder can be written to, or the nearest existing one above a local folder.

    On this machine it leaves nothing behind. A store may make the folder, and keeps an empty
    file if it does not let files be removed.

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
            _put(folder / _TRIAL, lambda: folder.fs.pipe_file((folder / _TRIAL).path, b""))
            with suppress(Exception):  # not every store that takes files lets them be removed
                folder.fs.rm_file((folder / _TRIAL).path)
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


def one_line(error):
    """Return the class and the message of an error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _put(target, put):
    """Put a file into a store, and make its folder where the store has folders."""
    with _faults_as_os_errors(target):
        try:
            put()
        except FileNotFoundError:
            top = re.match("/*", target.path)[0] + folders_above(target)[0]
            if not target.fs.exists(top):  # a bucket, which is not for us to make
                raise
            target.parent.mkdir(parents=True, exist_ok=True)
            put()


@contextmanager
def faults_named(place, fault):
    """Raise what a store raises, of whatever class, as a `SedlibError` that names the place."""
    try:
        yield
    except Exception as error:
        raise SedlibError(f"{printable(place)}: {fault} ({one_line(error)})") from None


@contextmanager
def _faults_as_os_errors(place):
    """Raise what a store raises, of whatever class, as an OSError that names place and reason.

    Errors that say that there is no file of this name are raised as they are.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise
    except Exception as error:
        raise OSError(getattr(error, "errno", None), one_line(error), str(place)) from None
