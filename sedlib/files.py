"""Files that are written completely or not at all, and strict YAML."""

import json
import os
import platform
import secrets
import shutil
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import yaml

from sedlib.errors import SedlibError

_PARTIAL = ".partial"
_NAME_END = 24  # characters of a name that a temporary one ends with: few, for names of 255 bytes


@contextmanager
def replacing(path):
    """Write a file completely or not at all.

    The block writes to a temporary file in the folder of the target. It replaces the target when
    the block ends. If the block raises an error, the temporary file is removed and the target
    stays as it was. Processes that write the same target do not disturb one another, and the
    temporary files of those that were killed are removed.

    Parameters
    ----------
    path : path-like
        The target. Its folder must exist.

    Yields
    ------
    pathlib.Path
        The temporary file. It is hidden and has the suffix of the target.

    Raises
    ------
    OSError
        If the file cannot be written; its ``filename`` is the target.
    """
    path = Path(path)
    partial = path.with_name(f"{_unique_name()}.{path.name[-_NAME_END:]}")
    remove_abandoned(path.parent)
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        if error.filename not in (None, str(partial)):
            raise
        # A full disk names no file, and libraries such as h5py give a message alone.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        with suppress(OSError):  # the error of the block says more
            partial.unlink()


@contextmanager
def staging_folder(parent):
    """Make a temporary folder and remove it at the end.

    Those of processes that were killed are removed as well.

    Parameters
    ----------
    parent : pathlib.Path
        An existing folder.

    Yields
    ------
    pathlib.Path
        A hidden folder in `parent`.
    """
    folder = parent / _unique_name()
    remove_abandoned(parent)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(folder):
    """Remove the temporary files and folders that killed processes of this machine left behind.

    Parameters
    ----------
    folder : pathlib.Path
        It need not exist.
    """
    for path in folder.glob(f"{_PARTIAL}.{_host()}.*") if os.name == "posix" else ():
        process = path.name.split(".")[3]
        if process.isdecimal() and not _is_running(int(process)):
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_text(text, path):
    """Write a text file in UTF-8, completely or not at all.

    Parameters
    ----------
    text : str
        Line ends are written as they are, on every operating system.
    path : path-like
    """
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_json(value, path):
    """Write a value as indented JSON, completely or not at all.

    Parameters
    ----------
    value : object
        Any value that `json.dumps` accepts, without infinity and nan; see `nan_to_null`.
    path : path-like

    Raises
    ------
    ValueError
        If a number is nan or infinite, which JSON does not have.
    """
    write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


def nan_to_null(value):
    """Replace nan, which JSON does not have, by None in dictionaries, lists and what they hold."""
    if isinstance(value, dict):
        return {key: nan_to_null(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [nan_to_null(item) for item in value]
    return None if value != value else value


def read_json(path, error=SedlibError):
    """Read a JSON file that this package has written.

    Parameters
    ----------
    path : path-like
    error : type
        The class of the error that is raised.

    Returns
    -------
    object

    Raises
    ------
    SedlibError
        If there is no such file, or its content is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error(f"{path}: no such file; check the path or make it again") from None
    except (ValueError, RecursionError) as fault:  # bad UTF-8 and endless numbers included
        raise error(f"{path}: not JSON ({fault}); restore the file or make it again") from None


def write_arrays(path, compressed=False, **arrays):
    """Write named arrays as an ``.npz`` file, completely or not at all.

    Parameters
    ----------
    path : path-like
    compressed : bool
        Smaller files, which take longer to write and to read.
    **arrays : array-like
        The arrays by their names.
    """
    save = np.savez_compressed if compressed else np.savez
    with replacing(path) as partial, partial.open("wb") as file:
        save(file, **arrays)


def _unique_name():
    """Make a hidden name that says which process it belongs to."""
    return f"{_PARTIAL}.{_host()}.{os.getpid()}.{secrets.token_hex(4)}"


def _host():
    """Return a short name of this machine, or container: process numbers count in it alone."""
    name = platform.node()
    with suppress(OSError):  # containers may have the name of the machine, and their own processes
        name += os.readlink("/proc/self/ns/pid")
    return f"{zlib.crc32(name.encode()):08x}"


def _is_running(process):
    try:
        # In containers, processes that have ended may stay listed, as zombies.
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return _is_hidden(process)
    except (psutil.Error, OverflowError, ValueError):
        return True  # of another user, or no process number


def _is_hidden(process):
    """Tell whether there is such a process, on systems that list only the user's own processes."""
    try:
        os.kill(process, 0)  # sends nothing
    except PermissionError:
        return True
    except (OSError, OverflowError):  # there is none, or no number so large
        pass
    return False


class StrictLoader(yaml.SafeLoader):
    """Read YAML strictly.

    It refuses aliases, a few lines of which can stand for billions of values, and a key that is
    given twice, of which the last would silently win.
    """

    def compose_node(self, parent, index):
        """Compose a node that is no alias."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.YAMLError(
                f"line {mark.line + 1} refers to another place with '*'; write the value out"
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        """Construct a mapping without a key that is given twice."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"line {line} sets '{key.value}' again; remove one of the two")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# A set has no order.
StrictLoader.add_constructor("tag:yaml.org,2002:set", StrictLoader.construct_undefined)
