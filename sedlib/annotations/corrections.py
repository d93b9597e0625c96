"""The slips of hand-made annotations: what is mended, and the report of it."""

import math

import numpy as np
import pandas as pd

from sedlib.annotations.event_table import COLUMNS
from sedlib.files import nearest

_SAME_LABEL = 0.8  # difflib ratio; 'backround music' has 0.97, 'background laughing' 0.74


def correct_events(events, classes=None, durations=None, aliases=None):
    """Mend the slips of hand-made annotations, and report each.

    In this order: a label in `aliases` becomes the class named there, or its event is left
    out. A label close to a known one becomes that one; any other unknown label is kept. A
    reversed event is swapped. An event of no length lasts to the end of its second:
    annotations to the whole second give a short sound the second it lies in, twice. An
    event that ends past the end of its recording is cut there; one that begins there or
    later is left out. Events of one class that overlap or touch become one.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of any number of recordings.
    classes : sequence of str, optional
        The known labels; without them labels are left alone.
    durations : mapping of str to float, optional
        Length in seconds of each recording; one that is not in it has no known end.
    aliases : mapping of str to str or None, optional
        Label, in any case and spacing, to the class it is; None leaves its events out.

    Returns
    -------
    events : pandas.DataFrame
        Sorted by filename, onset, offset and label; within one class of one recording
        disjoint and longer than nothing.
    report : pandas.DataFrame
        One row a slip: ``filename``, ``row`` (from 1, within the recording), ``onset``,
        ``offset``, ``event_label`` as they were, ``slip``, ``action``.
    """
    written = events[COLUMNS].reset_index(drop=True)
    renamed = {_folded(label): target for label, target in (aliases or {}).items()}
    ends = durations or {}
    rows, kept, slips = [], [], []
    for index, filename, *event in written.itertuples():
        mended, found = _mended(*event, classes, ends.get(filename, math.inf), renamed)
        slips += [(index, *slip) for slip in found]
        if mended:
            rows.append((filename, *mended))
            kept.append(index)
    mended = pd.DataFrame(rows, index=kept, columns=COLUMNS).astype(written.dtypes)
    mended, run, reach = _runs(mended)
    extent = {"filename": "first", "onset": "first", "offset": "max", "event_label": "first"}
    merged = mended.groupby(run).agg(extent)
    for at in np.flatnonzero(run.duplicated()):
        whole = merged.loc[run.iloc[at]]
        slip = "touching" if mended["onset"].iloc[at] == reach.iloc[at] else "overlapping"
        action = f"merged into {whole['onset']} to {whole['offset']} s"
        slips.append((mended.index[at], slip, action))
    written.insert(1, "row", written.groupby("filename").cumcount() + 1)
    report = written.loc[[index for index, *_ in slips]].assign(
        slip=np.array([slip for _, slip, _ in slips], dtype=str),
        action=np.array([action for *_, action in slips], dtype=str),
    )
    return (
        merged.sort_values(["filename", "onset", "offset", "event_label"], ignore_index=True),
        report.sort_values(["filename", "row"], kind="stable", ignore_index=True),
    )


def _mended(onset, offset, label, classes, end, renamed):
    """Onset, offset and label as they should be, or None to leave out; (slip, action) of each."""
    slips = []
    target = renamed.get(_folded(label), label)
    if target is None:
        return None, [("unwanted label", "left out")]
    if target != label:
        slips.append(("alias", f"read as '{target}'"))
        label = target
    if classes is not None and label not in classes:
        near = nearest(label, classes, _SAME_LABEL)
        slips.append(("misspelt label", f"read as '{near}'") if near else ("unknown label", "kept"))
        label = near or label
    if offset < onset:
        slips.append(("reversed", "swapped"))
        onset, offset = offset, onset
    elif offset == onset:
        offset = math.floor(onset) + 1.0
        slips.append(("zero length", f"lasts to {offset} s, the end of its second"))
    if onset >= end:
        return None, [*slips, ("past the end", "left out")]
    if offset > end:
        slips.append(("past the end", f"cut to {end} s"))
        offset = end
    return (onset, offset, label), slips


def _folded(label):
    """Label without its case and spacing."""
    return " ".join(label.casefold().split())


def _runs(events):
    """Events in order, the run of joined events each is in, how far its class reached before."""
    table = events[COLUMNS].sort_values(["filename", "event_label", "onset", "offset"])
    keys = [table["filename"], table["event_label"]]
    reach = table["offset"].groupby(keys).cummax().groupby(keys).shift()
    return table, (~(table["onset"] <= reach)).cumsum(), reach
