"""Writing files completely or not at all, and finding the name that a misspelt one stands for."""

import difflib
import json
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def replacing(path):
    """Write a file completely or not at all.

    The block writes to a temporary file in the folder of the target. It replaces the target when
    the block ends. If the block raises an error, the temporary file is removed and the target
    stays as it was.

    Parameters
    ----------
    path : path-like
        The target. Its folder must exist.

    Yields
    ------
    pathlib.Path
        The temporary file. It is hidden and has the suffix of the target.
    """
    path = Path(path)
    partial = path.with_name(f".partial.{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


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
        Any value that `json.dumps` accepts, without nan and infinity.
    path : path-like

    Raises
    ------
    ValueError
        If a number is nan or infinite, which JSON does not have.
    """
    write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


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


def nearest(name, known, cutoff=0.0):
    """Find the known name whose spelling is most similar to that of another name.

    Upper and lower case and the spaces between words make no difference.

    Parameters
    ----------
    name : str
    known : iterable of str
    cutoff : float
        The least similarity, in [0, 1]; see `difflib.SequenceMatcher.ratio`.

    Returns
    -------
    str or None
        The name as it is written in `known`; None if no name is similar enough.

    Examples
    --------
    >>> nearest("Backround music", ["speaking", "background music"])
    'background music'
    """
    spelt = {" ".join(str(other).casefold().split()): other for other in known}
    found = difflib.get_close_matches(" ".join(name.casefold().split()), spelt, 1, cutoff)
    return spelt[found[0]] if found else None
