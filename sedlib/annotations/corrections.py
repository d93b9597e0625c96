"""Correction of the errors in annotations, and detection of those of another recording."""

import math

import numpy as np

from sedlib.annotations.event_table import COLUMNS
from sedlib.names import folded, nearest, normal_name

_SAME_LABEL = 0.9  # difflib ratio; 'shoutin' has 0.93, but 'shooting' is another word and has 0.88
_NEARLY_ALL = 0.9  # share of events after the end of a recording that are no single errors
_FAR = 10  # times the length of a recording: no event that begins within it ends there


def correct_events(events, classes=None, durations=None, aliases=None):
    """Correct annotation errors, and report each correction.

    The corrections are made in this order:

    1. A label in `aliases` becomes the class named there, or its event is left out.
    2. A label that is spelt almost like a known one becomes that one. Any other unknown
       label is reported and kept.
    3. An event that ends before it begins has its times swapped.
    4. An event of no length is extended to the end of its second: in annotations to the
       whole second, a short sound has the second it lies in as its onset and its offset.
    5. An event that ends after its recording is cut there; one that begins there or later
       is left out.
    6. Events of one class that overlap or touch are merged.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of any number of recordings.
    classes : sequence of str, optional
        The known labels. Without them the spelling of labels is not corrected.
    durations : mapping of str to float, optional
        Length in seconds of each recording. A recording that is not in it has no known end.
    aliases : mapping of str to str or None, optional
        Label, in any case and spacing, to the class it means; None leaves its events out.

    Returns
    -------
    events : pandas.DataFrame
        Sorted by filename, onset, offset and label. The events of one class of one
        recording are disjoint, and every event has a positive length. Scores are left out,
        because those of merged or cut events would not be theirs.
    corrections : pandas.DataFrame
        One row for each annotation error: ``filename``, ``row`` (from 1, within the
        recording), ``onset``, ``offset`` and ``event_label`` as they were, ``error`` and
        ``correction``.
    """
    import pandas as pd

    written = events[COLUMNS].reset_index(drop=True)
    spelling = {normal_name(label): label for label in classes or ()}
    classes_by_alias = {
        folded(label): target and spelling.get(normal_name(target), target)
        for label, target in (aliases or {}).items()
    }
    ends = durations or {}
    rows, kept, found = [], [], []
    for index, filename, onset, offset, label in written.itertuples():
        end = ends.get(filename, math.inf)
        event = onset, offset, spelling.get(normal_name(label), label)
        corrected, errors = _correct_event(*event, classes, end, classes_by_alias)
        found += [(index, *error) for error in errors]
        if corrected:
            rows.append((filename, *corrected))
            kept.append(index)
    corrected = pd.DataFrame(rows, index=kept, columns=COLUMNS).astype(written.dtypes)
    merged, errors = _merge_events(corrected)
    found += errors
    written.insert(1, "row", written.groupby("filename").cumcount() + 1)
    corrections = written.loc[[index for index, *_ in found]].assign(
        error=np.array([error for _, error, _ in found], dtype=str),
        correction=np.array([correction for *_, correction in found], dtype=str),
    )
    return (
        merged.sort_values(["filename", "onset", "offset", "event_label"], ignore_index=True),
        corrections.sort_values(["filename", "row"], kind="stable", ignore_index=True),
    )


def find_misplaced(events, durations):
    """Find the recordings whose annotations cannot belong to them.

    Those are the recordings after whose end all or nearly all of their events lie, as when
    times are given in milliseconds. `correct_events` would leave the events out, so that a
    recording full of sounds would count as silent.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of any number of recordings.
    durations : mapping of str to float
        Length in seconds of each recording. A recording that is not in it has no known end.

    Returns
    -------
    dict of str to str
        Recording to a sentence that suggests the cause.
    """
    faults = {}
    for name, own in events.groupby("filename"):
        end = durations.get(name, math.inf)
        times = np.sort(own[["onset", "offset"]].to_numpy(), axis=1)
        begins_late = (times[:, 0] >= end) & (times[:, 1] > end)
        late = int((begins_late | (times[:, 1] > _FAR * end)).sum())
        if begins_late.any() and late >= _NEARLY_ALL * len(own):
            which = "all events" if late == len(own) else f"{late} of {len(own)} events"
            faults[name] = (
                f"{which} lie after the end of '{name}', at {end:.10g} s: their times, "
                f"{times.min():.10g} to {times.max():.10g} s, {_explain_times(times, end)}; "
                "correct them"
            )
    return faults


def _explain_times(times, end):
    """Suggest why the times of a recording lie after its end."""
    first, last = times.min(), times.max()
    whole = bool((times == np.floor(times)).all())
    if last - first <= end and (len(times) > 2 or not whole):
        return "look as if they were counted from another zero, as a time code is"
    if last <= _FAR * end:
        return "seem to be those of another, longer recording"
    if last <= 1010 * end:
        return "look like milliseconds"
    return f"look like milliseconds{' or numbers of samples' if whole else ''}"


def _correct_event(onset, offset, label, classes, end, classes_by_alias):
    """Correct one event.

    Returns its onset, offset and label, or None to leave it out, and (error, correction) of
    each annotation error.
    """
    errors = []
    target = classes_by_alias.get(folded(label), label)
    if target is None:
        return None, [("unwanted label", "left out")]
    if target != label:
        errors.append(("alias", f"read as '{target}'"))
        label = target
    if classes is not None and label not in classes:
        near = nearest(label, classes, _SAME_LABEL)
        known = "misspelt label", f"read as '{near}'"
        errors.append(known if near else ("unknown label", "kept"))
        label = near or label
    if offset < onset:
        errors.append(("reversed", "swapped"))
        onset, offset = offset, onset
    elif offset == onset:
        offset = math.floor(onset) + 1.0
        errors.append(("zero length", f"lasts to {offset} s, the end of its second"))
    if onset >= end:
        return None, [*errors, ("past the end", "left out")]
    if offset > end:
        errors.append(("past the end", f"cut to {end} s"))
        offset = end
    return (onset, offset, label), errors


def _merge_events(events):
    """Merge the events of one class of one recording that overlap or touch.

    Returns the event table, and (index, error, correction) of each event that is merged into
    an earlier one.
    """
    table = events.sort_values(["filename", "event_label", "onset", "offset"])
    keys = [table["filename"], table["event_label"]]
    reached = table["offset"].groupby(keys).cummax().groupby(keys).shift()
    group = (~(table["onset"] <= reached)).cumsum()
    extent = {"filename": "first", "onset": "first", "offset": "max", "event_label": "first"}
    merged = table.groupby(group).agg(extent)
    errors = []
    for index, onset in table.loc[group.duplicated(), "onset"].items():
        whole = merged.loc[group[index]]
        error = "touching" if onset == reached[index] else "overlapping"
        errors.append((index, error, f"merged into {whole['onset']} to {whole['offset']} s"))
    return merged, errors
