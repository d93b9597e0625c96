"""The recordings of a sound bank that belong together, from ``sources.csv`` and their content."""

import csv
import re
from collections import defaultdict

from sedlib.audio import search_media
from sedlib.config import ConfigError
from sedlib.names import normal_name

SOURCES = "sources.csv"
CREDITS = ("licence", "author_or_credit", "source_repo", "source_file")
_REST = object()  # the key of values for which there is no column


def read_groups(folder):
    """Read which files of a sound bank belong together according to its ``sources.csv``.

    Parameters
    ----------
    folder : pathlib.Path
        The sound bank. ``sources.csv`` in it, if there is one, names files in the column
        ``path`` and their groups as ``group=NAME`` in the column ``notes``. A path may be
        written in any way that fits one file: absolute, with backslashes, in another case, or
        as the name alone.

    Returns
    -------
    dict of str to list of str
        Path within the sound bank, with slashes, to its groups; without files of no group.

    Raises
    ------
    ConfigError
        If the table cannot be read, or a row fits no file or more than one.
    """
    if not (folder / SOURCES).is_file():
        return {}
    groups = defaultdict(list)
    for name, row in _read_rows(folder, ["notes"]):
        noted = re.findall(r"\bgroup\s*=([^;]*)", row["notes"], re.IGNORECASE)
        groups[name] += [group.strip() for group in noted if group.strip()]
    return {name: own for name, own in groups.items() if own}


def read_credits(folder):
    """Read where the recordings of a sound bank come from, and under which licence.

    Parameters
    ----------
    folder : pathlib.Path
        The sound bank. Its ``sources.csv`` has the columns ``path`` and those of `CREDITS`.

    Returns
    -------
    dict of str to dict of str to str
        Path within the sound bank, with slashes, to the content of the columns of `CREDITS`.

    Raises
    ------
    ConfigError
        If the table is missing or cannot be read, a row fits no file or more than one, or two
        rows about one file differ.
    """
    credits = {}
    for name, row in _read_rows(folder, CREDITS):
        if credits.setdefault(name, row) != row:
            raise ConfigError(
                f"{folder / SOURCES}: the rows about '{name}' differ; keep one of them"
            )
    return credits


def _read_rows(folder, columns):
    """Yield the file that each row of ``sources.csv`` is about, and some columns of the row."""
    path = folder / SOURCES
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey=_REST, restval="", strict=True)
            table = list(reader)
        missing = {"path", *columns} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"it has no column {min(missing)}")
    except (OSError, ValueError, csv.Error) as error:
        reason, names = " ".join(str(error).split()), ", ".join(columns)
        raise ConfigError(
            f"{path}: not a table with the columns path, {names} ({reason}); correct it"
        ) from None
    files = defaultdict(list)  # by their names alone
    search = search_media([folder])
    for file in sorted([*search.files, *search.passed_over]):
        name = file.relative_to(folder).as_posix()
        files[_parts(name)[-1]].append(name)
    for number, whole in enumerate(table, start=1):
        if _REST in whole:
            raise ConfigError(
                f"{path}: row {number}: has more values than there are columns; put a value that "
                "holds a comma into double quotes"
            )
        written, row = whole["path"], {column: whole[column] for column in columns}
        if not written.strip() and not any(row.values()):
            continue  # spreadsheets add empty rows
        fitting = _fitting(written, files)
        if len(fitting) != 1:
            fault = "is not in the sound bank; correct the path, or remove the row"
            if fitting:
                fault = f"may be {' or '.join(fitting)}; give the folder as well"
            raise ConfigError(f"{path}: row {number}: '{written}' {fault}")
        yield fitting[0], row


def join_groups(links):
    """Join the files that share a link, directly or through others.

    Parameters
    ----------
    links : dict of str to list
        File to its links: its groups, a hash of its content, and the sound that it shares.

    Returns
    -------
    dict of str to object
        File to its group, named by one of the first links of the files in it.
    """
    above = {}

    def top(link):
        while link in above:
            link = above[link]
        return link

    for first, *others in links.values():
        for link in others:
            group, other = top(first), top(link)
            if group != other:
                above[other] = group
    return {name: top(first) for name, (first, *_) in links.items()}


def _fitting(written, files):
    """List the files that a path can mean: those that end as it does, or as which it ends."""
    parts = _parts(written)
    named = files.get(parts[-1], []) if parts else []
    if written in named:
        return [written]
    equal = [name for name in named if _parts(name) == parts]
    ends = [(name, min(len(parts), len(_parts(name)))) for name in named]
    return equal or [name for name, n in ends if _parts(name)[-n:] == parts[-n:]]


def _parts(path):
    """Split a path at slashes and backslashes, without case, in Unicode normal form."""
    parts = re.split(r"[/\\]", normal_name(path.strip()).casefold())
    return [part for part in parts if part not in ("", ".")]
