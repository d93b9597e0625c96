"""Events -> labels on the clip grid, and splits by episode that do not leak.

Clip k lasts from ``k * clip`` to ``(k + 1) * clip`` seconds. A rest at the end of a
recording that is shorter than a clip is no clip. Times are rounded to the microsecond
and compared as integers, so that an event split in exact halves counts as halves.
"""

import difflib
import itertools

import numpy as np
import pandas as pd

from sedlib.annotations import AnnotationError
from sedlib.config import SedlibError
from sedlib.features import segment_shape

WHOLE_SLACK = 0.1  # s, by which an event may be late under the rule 'whole'


class SplitError(SedlibError):
    """A split that cannot be used; the message names the episodes."""


def label_segments(events, duration, classes, rule="half", clip=1.0):
    """Label each clip of one recording.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording; what lies past `duration` is ignored.
    duration : float
        Of the recording, in seconds.
    classes : sequence of str
        The order of the columns.
    rule : {"half", "whole", "any"}
        When a clip has a label.

        ``half``: events of the class, joined, cover at least half of the clip, or at
        least half of one shorter than the clip lies in it (two clips if it is halved).

        ``whole``: the 2018 experiment's rule. One event covers the clip, but for 0.1 s at
        its start: ``onset <= start + 0.1 and offset >= end``.

        ``any``: sed_eval's rule. An event overlaps the clip, however little.
    clip : float
        Length of a clip in seconds.

    Returns
    -------
    numpy.ndarray of bool, shape (n_segments, n_classes)
        ``n_segments`` is `duration` // `clip`.

    Raises
    ------
    AnnotationError
        If the events are of several recordings, a label is not in `classes`, or an
        event does not last longer than nothing.
    """
    _check(events, classes)
    clip = _microseconds(clip)
    labels = np.zeros((_microseconds(duration) // clip, len(classes)), dtype=bool)
    for column, label in zip(labels.T, classes, strict=True):
        of_class = events[events["event_label"] == label]
        onset = _microseconds(of_class["onset"].to_numpy())
        offset = _microseconds(of_class["offset"].to_numpy())
        if rule == "half":
            _label_half(column, *_merge(onset, offset), clip)
        elif rule == "whole":
            first = -(-(onset - _microseconds(WHOLE_SLACK)) // clip)
            _label_spans(column, first, offset // clip)
        elif rule == "any":
            _label_spans(column, onset // clip, -(-offset // clip))
        else:
            raise ValueError(f"rule {rule!r} is not one of 'half', 'whole' and 'any'")
    return labels


def label_frames(events, n_segments, classes, recipe):
    """Label each frame of the clips of one recording by the events that go on at its centre.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording.
    n_segments : int
        Of one second.
    classes : sequence of str
        The order of the last axis.
    recipe : sedlib.config.STFTParams

    Returns
    -------
    numpy.ndarray of bool, shape (n_segments, frames, n_classes)
        Frame k of a clip is centred ``k * hop_length / sample_rate`` seconds after its start.
        An event goes on from its onset to just before its offset.

    Raises
    ------
    AnnotationError
        As `label_segments`.
    """
    _check(events, classes)
    frames, _ = segment_shape(recipe)
    centres = np.arange(frames) * recipe.hop_length / recipe.sample_rate
    centres = np.arange(n_segments)[:, np.newaxis] + centres
    labels = np.zeros((*centres.shape, len(classes)), dtype=bool)
    for event in events.itertuples():
        goes_on = (centres >= event.onset) & (centres < event.offset)
        labels[..., classes.index(event.event_label)] |= goes_on
    return labels


def label_stretches(labels):
    """Cut a recording wherever its labels change, as the clip lists of 2018 are cut.

    Parameters
    ----------
    labels : numpy.ndarray of bool, shape (n_segments, n_classes)

    Returns
    -------
    list of (int, int, numpy.ndarray of bool, shape (n_classes,))
        First clip, clip after the last, and the labels of all between, in order.
        Stretches without any label are left out.
    """
    changes = np.flatnonzero((labels[1:] != labels[:-1]).any(axis=1)) + 1
    edges = [0, *changes.tolist(), len(labels)]
    return [
        (start, stop, labels[start])
        for start, stop in itertools.pairwise(edges)
        if labels[start:stop].any()
    ]


def split_table(split, durations):
    """List the episodes of a split.

    Parameters
    ----------
    split : sedlib.config.Split
        Names of the episodes on each side.
    durations : mapping of str to float
        Length in seconds of every episode there is.

    Returns
    -------
    pandas.DataFrame
        Index ``episode``; columns ``side`` (train, validation, test) and ``duration`` (s).

    Raises
    ------
    SplitError
        If the split names an episode that does not exist.
    """
    rows = []
    for side, names in split:
        for name in names:
            if name not in durations:
                near = difflib.get_close_matches(name, durations, n=1, cutoff=0.0)
                hint = f"the nearest existing one is '{near[0]}'" if near else "there is none"
                raise SplitError(f"split.{side} names episode '{name}', which is missing; {hint}")
            rows.append((name, side, durations[name]))
    return pd.DataFrame(rows, columns=["episode", "side", "duration"]).set_index("episode")


def check_leakage(hashes):
    """Refuse the same sound under two names.

    Parameters
    ----------
    hashes : mapping of str to str
        Hash of the samples of each episode of the split.

    Raises
    ------
    SplitError
        If two episodes have one hash, be they on one side or on two.
    """
    names = {}
    for name, content in hashes.items():
        if content in names:
            raise SplitError(
                f"episodes '{names[content]}' and '{name}' hold the same sound; "
                "keep one of them in the split"
            )
        names[content] = name


def _check(events, classes):
    recordings = events["filename"].unique()
    if len(recordings) > 1:
        raise AnnotationError(
            f"events of {len(recordings)} recordings ({', '.join(recordings[:3])}, ...); "
            "label one recording at a time"
        )
    for event in events.itertuples():
        where = f"{event.filename}: event at {event.onset} s"
        if event.event_label not in classes:
            near = difflib.get_close_matches(event.event_label, classes, n=1, cutoff=0.0)
            raise AnnotationError(
                f"{where}: unknown label '{event.event_label}', the nearest known one is "
                f"'{near[0]}'; correct it, or add it to classes in params.yaml"
            )
        if not event.onset < event.offset:
            raise AnnotationError(
                f"{where}: '{event.event_label}' lasts from {event.onset} to {event.offset} s; "
                "correct the events first"
            )


def _microseconds(seconds):
    return np.rint(np.multiply(seconds, 1e6)).astype(np.int64)


def _merge(onset, offset):
    """Join intervals that overlap or touch."""
    order = np.argsort(onset)
    onset, reach = onset[order], np.maximum.accumulate(offset[order])
    apart = onset[1:] > reach[:-1]
    return onset[np.r_[True, apart][: len(onset)]], reach[np.r_[apart, True][: len(onset)]]


def _label_spans(column, firsts, stops):
    for first, stop in zip(firsts, stops, strict=True):
        column[max(first, 0) : max(stop, 0)] = True


def _label_half(column, onset, offset, clip):
    """Label by coverage; `onset` and `offset` of disjoint events in order."""
    if not len(onset):
        return
    length = offset - onset
    times = np.stack([onset, offset], axis=1).ravel()
    total = np.cumsum(np.stack([np.zeros_like(length), length], axis=1))
    edges = clip * np.arange(len(column) + 1)
    covered = np.diff(np.interp(edges, times, total, left=0))  # exact: slopes are 0 and 1
    column |= 2 * covered >= clip
    first = onset // clip
    head = np.minimum(offset, (first + 1) * clip) - onset
    for part, index in ((head, first), (length - head, first + 1)):
        held = index[(length < clip) & (part > 0) & (2 * part >= length)]
        column[held[held < len(column)]] = True
