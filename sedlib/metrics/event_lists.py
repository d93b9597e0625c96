"""Event tables of truth and answer, checked, by recording, in whole microseconds."""

import difflib
from typing import NamedTuple

import numpy as np

from sedlib.annotations import AnnotationError

MICROSECONDS = 1_000_000  # in a second


class Events(NamedTuple):
    """Events of one recording, in order of onset.

    Attributes
    ----------
    onset, offset : numpy.ndarray of int64, shape (n_events,)
        In microseconds.
    label : numpy.ndarray of int64, shape (n_events,)
        Index of the class.
    """

    onset: np.ndarray
    offset: np.ndarray
    label: np.ndarray

    def of_class(self, index):
        """Events of one class."""
        return Events(*(column[self.label == index] for column in self))


def microseconds(seconds):
    """Round times in seconds to whole microseconds."""
    return np.rint(np.multiply(seconds, MICROSECONDS)).astype(np.int64)


def by_recording(events, classes, recordings):
    """Take the events apart by recording.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table.
    classes : sequence of str
    recordings : iterable of str
        All there are, with events or without.

    Returns
    -------
    dict of str to Events
        In the order of `recordings`.

    Raises
    ------
    sedlib.annotations.AnnotationError
        If an event is of a recording or a class that is not known, begins before 0, or ends
        before it begins. It may be of no length.
    """
    recordings = list(recordings)
    for event in events.itertuples():
        where = f"{event.filename}: '{event.event_label}' from {event.onset} to {event.offset} s"
        if event.filename not in recordings:
            raise AnnotationError(
                f"{where} is of no recording that is judged ({_some(recordings)}); "
                "leave it out, or give the recording's duration"
            )
        if event.event_label not in classes:
            near = difflib.get_close_matches(event.event_label, classes, n=1, cutoff=0.0)
            raise AnnotationError(
                f"{where} has an unknown label, the nearest known one is "
                f"'{near[0] if near else ''}'; correct it, or leave the event out"
            )
        if not 0 <= event.onset <= event.offset < np.inf:
            raise AnnotationError(
                f"{where} does not begin at 0 s or later and end after that; "
                "correct the events first"
            )
    events = events.sort_values(["onset", "offset"], kind="stable")
    index = {label: position for position, label in enumerate(classes)}
    parts = dict(list(events.groupby("filename")))
    return {
        name: Events(
            microseconds(part["onset"].to_numpy()),
            microseconds(part["offset"].to_numpy()),
            part["event_label"].map(index).to_numpy(dtype=np.int64),
        )
        for name in recordings
        for part in [parts.get(name, events[:0])]
    }


def check_disjoint(events, classes):
    """Refuse events of no length, and events of one class that overlap; they may touch.

    Parameters
    ----------
    events : dict of str to Events
    classes : sequence of str

    Raises
    ------
    sedlib.annotations.AnnotationError
        On the first of them.
    """
    for name, recording in events.items():
        for at in np.flatnonzero(recording.onset == recording.offset):
            raise AnnotationError(
                f"{name}: '{classes[recording.label[at]]}' at "
                f"{recording.onset[at] / MICROSECONDS} s has no length; correct the events first"
            )
        for index, label in enumerate(classes):
            part = recording.of_class(index)
            for at in np.flatnonzero(part.onset[1:] < part.offset[:-1]):
                raise AnnotationError(
                    f"{name}: '{label}' from {part.onset[at + 1] / MICROSECONDS} s begins "
                    f"before the one from {part.onset[at] / MICROSECONDS} s has ended; "
                    "correct the events first"
                )


def _some(names):
    return ", ".join(map(str, names[:3])) + (", ..." if len(names) > 3 else "")
