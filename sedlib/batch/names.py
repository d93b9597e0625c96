"""The names of results: one for each recording, and none twice."""

import hashlib
import itertools
import os
from collections import Counter
from pathlib import Path, PurePosixPath

from sedlib import annotations
from sedlib.audio import MEDIA_SUFFIXES
from sedlib.places import folders_above, full_name

METRICS = "metrics.json"
INDEX = "index.html"


def result_names(files, format):
    """Name the result of each file.

    The tree below a given folder is kept. A result is named after its recording without the
    media suffix; where that does not tell the files of one run apart, the suffix is added, then
    the folder above, and so on, and a hash where there is no folder left.

    Parameters
    ----------
    files : mapping of pathlib.Path to pathlib.Path
        Each file to its name below the folder that was given; see
        `sedlib.audio.search_media`.
    format : str
        Format of the events.

    Returns
    -------
    dict of pathlib.Path to str
        Each file to a name below the output folder, without the suffix of the format.

    Examples
    --------
    >>> files = {Path("in/s1/E01.mkv"): Path("s1/E01.mkv"), Path("in/a.wav"): Path("a.wav")}
    >>> list(result_names(files, "json").values())
    ['s1/E01', 'a']
    """
    candidates = {path: _candidates(path, below) for path, below in files.items()}
    names = {path: next(candidates[path]) for path in files}
    while True:
        outputs = {
            path: {events_name(name, format), scores_name(name), page_name(name)}
            for path, name in names.items()
        }
        uses = Counter([METRICS, INDEX, *itertools.chain(*outputs.values())])
        # A result cannot be named like a folder that holds others.
        folders = {str(above) for name in names.values() for above in PurePosixPath(name).parents}
        longer = {
            path: next(candidates[path])
            for path, own in outputs.items()
            if any(uses[name] > 1 or name in folders for name in own)
        }
        if not longer:
            return names
        names |= longer


def events_name(name, format):
    """Return the name of the file of events."""
    return name + annotations.FORMATS[format].suffix


def scores_name(name):
    """Return the name of the file of scores."""
    return f"{name}.scores.tsv"


def page_name(name):
    """Return the name of the page."""
    return f"{name}.html"


def _candidates(path, below):
    """Yield names for the result of a file, each more specific than the one before."""
    above = folders_above(path)[: -len(below.parts)]
    short = below
    if below.suffix.lower() in MEDIA_SUFFIXES and below.stem.strip("."):
        short = below.with_name(below.stem)
    for depth in range(len(above) + 1):
        folders = above[len(above) - depth :]
        for name in dict.fromkeys([short, below]):
            yield Path(*folders, name).as_posix()
    # No folder is left, as at the root of a file system, or on two stores.
    own = hashlib.sha256(os.fsencode(full_name(path))).hexdigest()[:8]
    for number in itertools.count(2):
        yield f"{Path(*above, below).as_posix()}-{own}-{number}"
