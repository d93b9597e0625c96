"""Labels of segments and frames from events.

Segment k of a recording lasts from ``k`` to ``k + 1`` seconds. A remainder at the end that is
shorter than a segment has no label. Times are rounded to the microsecond and compared as
integers, so that a tie is a tie: an event that lies half in one segment and half in the next is
labelled in both.
"""

import itertools

import numpy as np

from sedlib.annotations import AnnotationError
from sedlib.features import segment_shape
from sedlib.names import nearest

WHOLE_SLACK = 0.1  # s, by which an event may start late under the rule 'whole'


def label_segments(events, duration, classes, rule="half"):
    """Label each segment of one recording.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording. Events after `duration` are ignored.
    duration : float
        Length of the recording in seconds.
    classes : sequence of str
        The order of the columns.
    rule : {"half", "whole", "any"}
        When a segment has the label of a class.

        ``half``: the events of the class together cover at least half of the segment, or the
        segment holds at least half of an event that is shorter than a segment.

        ``whole``: the rule of the 2018 experiment. One event covers the whole segment, except
        that it may start up to 0.1 s late: ``onset <= start + 0.1 and offset >= end``.

        ``any``: the rule of sed_eval. An event overlaps the segment, however little.

    Returns
    -------
    numpy.ndarray of bool, shape (n_segments, n_classes)
        ``n_segments`` is the number of whole seconds in `duration`.

    Raises
    ------
    AnnotationError
        If the events are of several recordings, if a label is not in `classes`, or if an event
        does not end after it starts.
    ValueError
        If the rule is unknown.
    """
    _check_events(events, classes)
    segment = microseconds(1)
    labels = np.zeros((microseconds(duration) // segment, len(classes)), dtype=bool)
    for column, label in zip(labels.T, classes, strict=True):
        own = events[events["event_label"] == label]
        onset, offset = microseconds(own["onset"]), microseconds(own["offset"])
        if rule == "half":
            _label_half(column, *_merge(onset, offset), segment)
        elif rule == "whole":
            first = -(-(onset - microseconds(WHOLE_SLACK)) // segment)
            _label_ranges(column, first, offset // segment)
        elif rule == "any":
            _label_ranges(column, onset // segment, -(-offset // segment))
        else:
            raise ValueError(f"rule {rule!r} is not one of 'half', 'whole' and 'any'")
    return labels


def label_frames(events, n_segments, classes, stft):
    """Label each frame of one recording with the events that are active at its centre.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of one recording.
    n_segments : int
        Number of one-second segments of the recording.
    classes : sequence of str
        The order of the last axis.
    stft : sedlib.config.STFTParams

    Returns
    -------
    numpy.ndarray of bool, shape (n_segments, frames, n_classes)
        Frame k of a segment is centred ``k * hop_length / sample_rate`` seconds after the start
        of the segment. An event is active from its onset until just before its offset.

    Raises
    ------
    AnnotationError
        As `label_segments` does.
    """
    _check_events(events, classes)
    frames, _ = segment_shape(stft)
    centres = np.arange(frames) * stft.hop_length / stft.sample_rate
    centres = np.arange(n_segments)[:, np.newaxis] + centres
    labels = np.zeros((*centres.shape, len(classes)), dtype=bool)
    for event in events.itertuples():
        active = (centres >= event.onset) & (centres < event.offset)
        labels[..., classes.index(event.event_label)] |= active
    return labels


def label_stretches(labels):
    """Cut a recording wherever its labels change, as the 2018 experiment did.

    Parameters
    ----------
    labels : numpy.ndarray of bool, shape (n_segments, n_classes)

    Returns
    -------
    list of (int, int, numpy.ndarray of bool, shape (n_classes,))
        The stretches in order: the first segment, the segment after the last, and the labels
        that all segments between have. Stretches without any label are left out.
    """
    changes = np.flatnonzero((labels[1:] != labels[:-1]).any(axis=1)) + 1
    edges = [0, *changes.tolist(), len(labels)]
    return [
        (start, stop, labels[start])
        for start, stop in itertools.pairwise(edges)
        if labels[start:stop].any()
    ]


def microseconds(seconds):
    """Round times in seconds to whole microseconds, as integers.

    Parameters
    ----------
    seconds : float or array-like of float

    Returns
    -------
    numpy.ndarray of int64
        Of the same shape.

    Raises
    ------
    ValueError
        If a time is not finite, or is 285 years or more, which float64 cannot hold exactly.
    """
    if not np.all(np.abs(seconds) < 2**53 / 1e6):  # nan is not less than anything
        raise ValueError(f"{seconds}: not times in a recording; correct them")
    return np.rint(np.asarray(seconds) * 1e6).astype(np.int64)


def covered_before(times, onset, offset):
    """Add up how long disjoint events last before each of some times.

    Parameters
    ----------
    times : numpy.ndarray of int64
        In microseconds.
    onset, offset : numpy.ndarray of int64
        Of the events in order, in microseconds.

    Returns
    -------
    numpy.ndarray of float64
        In microseconds, exact; of the shape of `times`.
    """
    if not len(onset):
        return np.zeros(np.shape(times))
    length = offset - onset
    edges = np.stack([onset, offset], axis=1).ravel()
    total = np.cumsum(np.stack([np.zeros_like(length), length], axis=1))
    return np.interp(times, edges, total)  # the slopes are 0 and 1


def _check_events(events, classes):
    recordings = events["filename"].unique()
    if len(recordings) > 1:
        raise AnnotationError(
            f"events of {len(recordings)} recordings ({', '.join(recordings[:3])}, ...); "
            "label one recording at a time"
        )
    for event in events.itertuples():
        where = f"{event.filename}: event at {event.onset} s"
        if event.event_label not in classes:
            raise AnnotationError(
                f"{where}: unknown label '{event.event_label}', the most similar class is "
                f"'{nearest(event.event_label, classes)}'; correct it, or add it to classes in "
                "params.yaml"
            )
        if not event.onset < event.offset:
            raise AnnotationError(
                f"{where}: '{event.event_label}' lasts from {event.onset} to {event.offset} s; "
                "correct the times so that the event ends after it starts"
            )


def _merge(onset, offset):
    """Join intervals that overlap or touch; return their onsets and offsets in order."""
    order = np.argsort(onset)
    onset, reach = onset[order], np.maximum.accumulate(offset[order])
    apart = onset[1:] > reach[:-1]
    return onset[np.r_[True, apart][: len(onset)]], reach[np.r_[apart, True][: len(onset)]]


def _label_ranges(column, firsts, stops):
    for first, stop in zip(firsts, stops, strict=True):
        column[max(first, 0) : max(stop, 0)] = True


def _label_half(column, onset, offset, segment):
    """Apply the rule 'half' to disjoint events in order; times are in microseconds."""
    if not len(onset):
        return
    length = offset - onset
    edges = segment * np.arange(len(column) + 1)
    covered = np.diff(covered_before(edges, onset, offset))
    column |= 2 * covered >= segment
    first = onset // segment
    head = np.minimum(offset, (first + 1) * segment) - onset
    for part, index in ((head, first), (length - head, first + 1)):
        held = index[(length < segment) & (part > 0) & (2 * part >= length)]
        column[held[(held >= 0) & (held < len(column))]] = True
