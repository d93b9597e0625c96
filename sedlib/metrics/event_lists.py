"""Event tables of ground truth and predictions: checked, by recording, in whole microseconds."""

from typing import NamedTuple

import numpy as np

from sedlib.annotations import AnnotationError
from sedlib.labels import microseconds
from sedlib.names import nearest

SECOND = 1_000_000  # in microseconds


class Events(NamedTuple):
    """Events of one recording, in order of onset.

    Attributes
    ----------
    onset, offset : numpy.ndarray of int64, shape (n_events,)
        In microseconds.
    label : numpy.ndarray of int64, shape (n_events,)
        Index of the class.
    row : numpy.ndarray of int64, shape (n_events,)
        Position in the event table, from 0.
    """

    onset: np.ndarray
    offset: np.ndarray
    label: np.ndarray
    row: np.ndarray

    def select_class(self, index):
        """Return the events of one class."""
        return Events(*(column[self.label == index] for column in self))


def by_recording(events, classes, recordings):
    """Divide the events by recording.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table.
    classes : sequence of str
    recordings : iterable of str
        All that are evaluated, with or without events.

    Returns
    -------
    dict of str to Events
        In the order of `recordings`.

    Raises
    ------
    sedlib.annotations.AnnotationError
        If an event is of a recording or a class that is not known, begins before 0, or ends
        before it begins. It may have no length.
    """
    recordings = dict.fromkeys(recordings)
    for event in events.itertuples():
        where = f"{event.filename}: '{event.event_label}' from {event.onset} to {event.offset} s"
        if event.filename not in recordings:
            names = ", ".join([*recordings][:3]) + (", ..." if len(recordings) > 3 else "")
            raise AnnotationError(
                f"{where} is of no recording that is evaluated ({names}); "
                "leave it out, or give the recording's duration"
            )
        if event.event_label not in classes:
            raise AnnotationError(
                f"{where} has an unknown label, the nearest known one is "
                f"'{nearest(event.event_label, classes)}'; correct it, or leave the event out"
            )
        if not 0 <= event.onset <= event.offset < np.inf:
            raise AnnotationError(
                f"{where} does not begin at 0 s or later and end at the same time or later; "
                "correct the times of the event"
            )
    events = events.reset_index(drop=True).sort_values(["onset", "offset"], kind="stable")
    index = {label: position for position, label in enumerate(classes)}
    own = {name: part for name, part in events.groupby("filename")}
    return {name: _as_arrays(own.get(name, events[:0]), index) for name in recordings}


def _as_arrays(events, index):
    """Convert the events of one recording; `index` maps the classes to their positions."""
    return Events(
        microseconds(events["onset"].to_numpy()),
        microseconds(events["offset"].to_numpy()),
        events["event_label"].map(index).to_numpy(dtype=np.int64),
        events.index.to_numpy(),
    )


def disjoint_by_recording(events, classes, recordings):
    """Divide the events by recording; no two events of one class may overlap.

    Parameters
    ----------
    events, classes, recordings
        As those of `by_recording`.

    Returns
    -------
    dict of str to Events

    Raises
    ------
    sedlib.annotations.AnnotationError
        As `by_recording`, and if an event has no length or overlaps another of its class. Events
        of one class may touch.
    """
    parts = by_recording(events, classes, recordings)
    for name, recording in parts.items():
        without_length = np.flatnonzero(recording.onset == recording.offset)
        if len(without_length):
            at = without_length[0]
            raise AnnotationError(
                f"{name}: '{classes[recording.label[at]]}' at {recording.onset[at] / SECOND} s has "
                "no length; correct the times of the event"
            )
        for index, label in enumerate(classes):
            own = recording.select_class(index)
            overlaps = np.flatnonzero(own.onset[1:] < own.offset[:-1])
            if len(overlaps):
                at = overlaps[0]
                raise AnnotationError(
                    f"{name}: '{label}' from {own.onset[at + 1] / SECOND} s begins before the one "
                    f"from {own.onset[at] / SECOND} s has ended; join the two or correct the times"
                )
    return parts
