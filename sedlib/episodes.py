"""The folder of episodes that all later steps read, whatever they come from.

``data/episodes`` holds for each episode ``NAME.flac`` (mono, 16 bit) and ``NAME.json``, its
events, mended; and two tables: ``slips.tsv``, what was mended in the annotations, and
``left_out.tsv``, which files could not be used, and why. `sedlib.sources` fills it.
"""

import pandas as pd

from sedlib.config import SedlibError, Split
from sedlib.files import write_text

SLIPS, LEFT_OUT = "slips.tsv", "left_out.tsv"
# Not the names of an event table: the slips of an episode must not pass for its annotation.
SLIP_COLUMNS = {
    "filename": "episode",
    "onset": "written_onset",
    "offset": "written_offset",
    "event_label": "written_label",
}


class EpisodeError(SedlibError):
    """Episodes that cannot be used; the message names the first one and the fault."""


def write_remarks(folder, slips, left_out):
    """Write what was mended and what was left out.

    Parameters
    ----------
    folder : pathlib.Path
    slips : pandas.DataFrame
        As `sedlib.annotations.correct_events` reports them.
    left_out : pandas.DataFrame
        Columns ``name`` (of an episode or a recording) and ``reason``.
    """
    for table, name in ((slips.rename(columns=SLIP_COLUMNS), SLIPS), (left_out, LEFT_OUT)):
        write_text(table.to_csv(sep="\t", index=False, lineterminator="\n"), folder / name)


def read_remarks(folder):
    """Read what was mended and what was left out.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    slips, left_out : pandas.DataFrame
        As `write_remarks` takes them.

    Raises
    ------
    EpisodeError
        If there are no episodes.
    """
    try:
        slips, left_out = (pd.read_csv(folder / name, sep="\t") for name in (SLIPS, LEFT_OUT))
    except FileNotFoundError as error:
        raise EpisodeError(f"{error.filename}: no such file; run `sedlib episodes`") from None
    return slips.rename(columns={theirs: ours for ours, theirs in SLIP_COLUMNS.items()}), left_out


def usable_split(split, folder):
    """Take the episodes that were left out from the split.

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
        If there are no episodes, or none is left on a side.
    """
    _, left_out = read_remarks(folder)
    absent = set(left_out["name"].astype(str))
    sides = {side: tuple(name for name in names if name not in absent) for side, names in split}
    for side, names in sides.items():
        if not names:
            raise EpisodeError(
                f"every episode of split.{side} was left out; {folder / LEFT_OUT} says why"
            )
    return Split(**sides)
