"""The folder of episodes that all later steps read, whatever they come from.

``data/episodes`` holds for each episode ``NAME.flac`` (mono, 16 bit) and ``NAME.json``, its
corrected events, and two tables: ``corrections.tsv`` lists the annotation errors that were
corrected, ``left_out.tsv`` the files that could not be used, and why. `sedlib.sources` fills
the folder.
"""

import pandas as pd

from sedlib.config import Split
from sedlib.errors import SedlibError
from sedlib.files import write_text
from sedlib.names import nearest, printable

CORRECTIONS, LEFT_OUT = _REMARKS = "corrections.tsv", "left_out.tsv"
# Not the names of an event table: the corrections must not be taken for annotations.
CORRECTION_COLUMNS = {
    "filename": "episode",
    "onset": "written_onset",
    "offset": "written_offset",
    "event_label": "written_label",
}


class EpisodeError(SedlibError):
    """Episodes that cannot be used; the message names the first one and the fault."""


def write_remarks(folder, corrections, left_out):
    """Write which annotation errors were corrected and which files were left out.

    Parameters
    ----------
    folder : pathlib.Path
    corrections : pandas.DataFrame
        As `sedlib.annotations.correct_events` reports them.
    left_out : pandas.DataFrame
        Columns ``name`` (of an episode or a recording) and ``reason``.

    Control characters, such as a line end in a label, are written as escape sequences.
    """
    renamed = corrections.rename(columns=CORRECTION_COLUMNS)
    for table, name in ((renamed, CORRECTIONS), (left_out, LEFT_OUT)):
        table = table.map(lambda value: printable(value) if isinstance(value, str) else value)
        write_text(table.to_csv(sep="\t", index=False, lineterminator="\n"), folder / name)


def read_remarks(folder):
    """Read which annotation errors were corrected and which files were left out.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    corrections, left_out : pandas.DataFrame
        As `write_remarks` takes them.

    Raises
    ------
    EpisodeError
        If there are no episodes.
    """
    try:
        # As text: an episode may be called 01, 1e5, NA or True.
        text = {"sep": "\t", "dtype": str, "keep_default_na": False}
        corrections, left_out = (pd.read_csv(folder / name, **text) for name in _REMARKS)
        numbers = {"row": int, "written_onset": float, "written_offset": float}
        corrections, left_out = corrections.astype(numbers), left_out[["name", "reason"]]
    except FileNotFoundError as error:
        raise EpisodeError(f"{error.filename}: no such file; run `sedlib episodes`") from None
    except (KeyError, ValueError):  # also of pandas
        raise EpisodeError(
            f"{folder}: {CORRECTIONS} or {LEFT_OUT} is damaged; run `sedlib episodes`"
        ) from None
    originals = {stored: column for column, stored in CORRECTION_COLUMNS.items()}
    return corrections.rename(columns=originals), left_out


def usable_split(split, folder):
    """Remove the episodes that were left out from the split.

    Parameters
    ----------
    split : sedlib.config.Split
    folder : pathlib.Path

    Returns
    -------
    sedlib.config.Split

    Raises
    ------
    EpisodeError
        If there are no episodes, or none is left in one of the subsets.
    """
    _, left_out = read_remarks(folder)
    absent = set(left_out["name"])
    subsets = {
        subset: tuple(name for name in names if name not in absent) for subset, names in split
    }
    for subset, names in subsets.items():
        if not names:
            raise EpisodeError(
                f"every episode of split.{subset} was left out; {folder / LEFT_OUT} says why"
            )
    return Split(**subsets)


def split_table(split, durations):
    """List the episodes of the split.

    Parameters
    ----------
    split : sedlib.config.Split
        Names of the episodes of each subset.
    durations : mapping of str to float
        Length in seconds of each existing episode.

    Returns
    -------
    pandas.DataFrame
        Index ``episode``; columns ``subset`` (train, validation, test) and ``duration`` (s).

    Raises
    ------
    EpisodeError
        If the split names an episode that does not exist.
    """
    rows = []
    for subset, names in split:
        for name in names:
            if name not in durations:
                near = nearest(name, durations)
                hint = f"the most similar name is '{near}'" if near else "there is no episode"
                raise EpisodeError(
                    f"split.{subset} of params.yaml names episode '{name}', which is missing; "
                    + hint
                )
            rows.append((name, subset, durations[name]))
    return pd.DataFrame(rows, columns=["episode", "subset", "duration"]).set_index("episode")


def refuse_duplicates(hashes):
    """Check that no two episodes of the split are identical.

    Parameters
    ----------
    hashes : mapping of str to str
        Hash of the samples of each episode of the split.

    Raises
    ------
    EpisodeError
        If two episodes have the same hash, be they in the same subset or not.
    """
    names = {}
    for name, content in hashes.items():
        if content in names:
            raise EpisodeError(
                f"episodes '{names[content]}' and '{name}' hold the same sound; "
                "keep one of them in the split"
            )
        names[content] = name
