"""Files that are written whole or not at all, and names that are nearly right."""

import difflib
import json
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def replacing(path):
    """Write a file beside its target, then put it in the target's place.

    Parameters
    ----------
    path : path-like
        The target. Its folder must exist.

    Yields
    ------
    pathlib.Path
        Where to write. The name ends like that of the target and is hidden. If the block
        fails, that file is removed and the target stays as it was.
    """
    path = Path(path)
    partial = path.with_name(f".partial.{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(text, path):
    """Write a text file in UTF-8, whole or not at all.

    Parameters
    ----------
    text : str
        Its line ends are kept as they are.
    path : path-like
        Target; replaced only when all is written.
    """
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_json(value, path):
    """Write a value as indented JSON, whole or not at all.

    Parameters
    ----------
    value : object
        What `json.dumps` takes; no nan and no infinity.
    path : path-like
        Target; replaced only when all is written.
    """
    write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


def write_arrays(path, compressed=False, **arrays):
    """Write named arrays as ``.npz``, whole or not at all.

    Parameters
    ----------
    path : path-like
        Target; replaced only when all is written.
    compressed : bool
    **arrays : array-like
    """
    save = np.savez_compressed if compressed else np.savez
    with replacing(path) as partial, partial.open("wb") as file:
        save(file, **arrays)


def nearest(name, known, cutoff=0.0):
    """Find the known name that is spelt most like another, whatever its case and spacing.

    Parameters
    ----------
    name : str
    known : iterable of str
    cutoff : float
        Least similarity, in [0, 1]; see `difflib.SequenceMatcher.ratio`.

    Returns
    -------
    str or None
        None if no name is that similar.

    Examples
    --------
    >>> nearest("Backround music", ["speaking", "background music"])
    'background music'
    """
    spelt = {" ".join(str(other).casefold().split()): other for other in known}
    found = difflib.get_close_matches(" ".join(name.casefold().split()), spelt, 1, cutoff)
    return spelt[found[0]] if found else None
