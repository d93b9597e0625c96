"""Intersection-based metrics: F1, and the counts that PSDS is made of.

Estimated events are evaluated by how much of them, and of the reference events, overlaps. For
each class, with thresholds of the criteria in (0, 1]:

- detection tolerance criterion (DTC): an estimated event is relevant if reference events of its
  class cover at least `dtc_threshold` of it, and a false positive if they do not;
- ground truth intersection criterion (GTC): a reference event is detected, a true positive, if
  relevant events cover at least `gtc_threshold` of it;
- cross-trigger tolerance criterion (CTTC): a false positive is a cross-trigger with another
  class as well if reference events of that class cover at least `cttc_threshold` of it.

True positives are reference events, false positives estimated ones. A relevant event is not
counted by itself; it need not make a true positive. Overlaps and bounds are compared in whole
microseconds, as in sed_scores_eval (`time_decimals` 6); psds_eval compares floating-point sums.

Source: Bilen, Ferroni, Tuveri, Azcarreta, Krstulovic, "A framework for the robust evaluation
of sound event detection", ICASSP 2020.
"""

import itertools
from typing import NamedTuple

import numpy as np

from sedlib.labels import covered_before
from sedlib.metrics.evaluation import evaluation
from sedlib.metrics.event_lists import Events, disjoint_by_recording
from sedlib.metrics.ratios import precision_recall_f1


class Criteria(NamedTuple):
    """Thresholds of the criteria, in (0, 1]; no CTTC where cross-triggers are not counted."""

    dtc_threshold: float
    gtc_threshold: float
    cttc_threshold: float | None = None

    def check(self):
        """Raise ValueError for a threshold that is not in (0, 1]."""
        for name, value in self._asdict().items():
            if value is not None and not 0 < value <= 1:
                raise ValueError(f"{name} {value} is not in (0, 1]")


def intersection_based(reference, estimated, classes, dtc_threshold=0.5, gtc_threshold=0.5):
    """Intersection-based precision, recall and F1.

    Precision is TP / (TP + FP) with the true and false positives of this module, recall
    TP / reference events. The default thresholds are those of the DCASE baselines.
    Cross-triggers are false positives like others, so no CTTC is needed.

    Parameters
    ----------
    reference, estimated : pandas.DataFrame
        Event tables of any number of recordings: ground truth and predictions. Events of one
        class must not overlap.
    classes : sequence of str
        All labels that may occur.
    dtc_threshold, gtc_threshold : float
        In (0, 1].

    Returns
    -------
    Evaluation
        ``precision``, ``recall``, ``f1``. Support in events.

    Raises
    ------
    sedlib.annotations.AnnotationError
        If an event has an unknown label, begins before 0, has no length, or overlaps
        another of its class.
    ValueError
        If a threshold is not in (0, 1].
    """
    marks = intersection_marks(reference, estimated, classes, dtc_threshold, gtc_threshold)
    detected, relevant = marks
    tp, fn, fp = (
        events["event_label"][chosen].value_counts().reindex(classes, fill_value=0).to_numpy()
        for events, chosen in (
            (reference, detected),
            (reference, ~detected),
            (estimated, ~relevant),
        )
    )
    pooled = precision_recall_f1(tp.sum(), fp.sum(), fn.sum())
    return evaluation(classes, tp + fn, precision_recall_f1(tp, fp, fn), pooled)


def intersection_marks(reference, estimated, classes, dtc_threshold=0.5, gtc_threshold=0.5):
    """Mark each event as right or wrong, by the criteria of `intersection_based`.

    Parameters
    ----------
    reference, estimated, classes, dtc_threshold, gtc_threshold
        As those of `intersection_based`.

    Returns
    -------
    detected : numpy.ndarray of bool, shape (n_reference,)
        In the order of `reference`: a hit, or else a miss.
    relevant : numpy.ndarray of bool, shape (n_estimated,)
        In the order of `estimated`: a hit, or else a false alarm.

    Raises
    ------
    sedlib.annotations.AnnotationError, ValueError
        As `intersection_based` does.
    """
    criteria = Criteria(dtc_threshold, gtc_threshold)
    criteria.check()
    names = dict.fromkeys([*reference["filename"], *estimated["filename"]])
    detected, relevant = (np.zeros(len(events), dtype=bool) for events in (reference, estimated))
    references, estimates = (
        disjoint_by_recording(events, classes, names) for events in (reference, estimated)
    )
    for name, label in itertools.product(names, range(len(classes))):
        own, events = (by[name].select_class(label) for by in (references, estimates))
        length = events.offset - events.onset
        right = _covered(events.onset, events.offset, own) >= np.rint(dtc_threshold * length)
        relevant[events.row] = right
        covered = _covered(own.onset, own.offset, Events(*(part[right] for part in events)))
        enough = np.rint(gtc_threshold * (own.offset - own.onset))
        detected[own.row] = (covered >= enough) & (covered > 0)
    return detected, relevant


def count_events(recordings, n_classes):
    """Count the events of each class over all recordings.

    Parameters
    ----------
    recordings : dict of str to sedlib.metrics.event_lists.Events
    n_classes : int

    Returns
    -------
    numpy.ndarray of int64, shape (n_classes,)
    """
    labels = [events.label for events in recordings.values()]
    return np.bincount(np.concatenate([[], *labels]).astype(np.int64), minlength=n_classes)


def count_changes(onset, offset, upper, lower, reference, label, n_classes, criteria):
    """Say how the counts of one class change as the threshold falls.

    Parameters
    ----------
    onset, offset : numpy.ndarray of int64, shape (n_spans,)
        In microseconds, of the events at any threshold.
    upper, lower : numpy.ndarray of float64, shape (n_spans,)
        Each is an event at the thresholds in (lower, upper]; lower may be -inf.
    reference : sedlib.metrics.event_lists.Events
        Of the recording, all classes.
    label : int
        Of the spans.
    n_classes : int
    criteria : Criteria

    Returns
    -------
    thresholds : numpy.ndarray of float64, shape (n_changes,)
    deltas : numpy.ndarray of int64, shape (n_changes, 2 + n_classes)
        To add to the counts from this threshold down: true positives, false positives,
        cross-triggers with each class.
    """
    dtc, gtc, cttc = criteria
    length, own = offset - onset, reference.select_class(label)
    relevant = _covered(onset, offset, own) >= np.rint(dtc * length)
    counts = np.zeros((len(onset), 2 + n_classes), dtype=np.int64)
    counts[:, 1] = ~relevant
    for other in set(reference.label.tolist()) - {label} if cttc is not None else ():
        covered = _covered(onset, offset, reference.select_class(other))
        counts[:, 2 + other] = ~relevant & (covered >= np.rint(cttc * length))
    thresholds, deltas = [upper, lower], [counts, -counts]
    for begin, end in zip(own.onset, own.offset, strict=True):
        part = np.minimum(offset, end) - np.maximum(onset, begin)
        covers = relevant & (part > 0)
        steps, index = np.unique(
            -np.concatenate([upper[covers], lower[covers]]), return_inverse=True
        )
        covered = np.zeros(len(steps), dtype=np.int64)
        np.add.at(covered, index, np.concatenate([part[covers], -part[covers]]))
        hit = np.cumsum(covered) >= np.rint(gtc * (end - begin))
        change = np.zeros((len(steps), 2 + n_classes), dtype=np.int64)
        change[:, 0] = np.diff(hit.astype(np.int64), prepend=0)
        thresholds.append(-steps)
        deltas.append(change)
    thresholds, deltas = np.concatenate(thresholds), np.concatenate(deltas)
    reached = thresholds > -np.inf
    return thresholds[reached], deltas[reached]


def _covered(onset, offset, events):
    """How much of each span is covered by disjoint events in order, in microseconds."""
    end, begin = (covered_before(times, events.onset, events.offset) for times in (offset, onset))
    return end - begin
