"""Intersection-based metrics: F1, and the counts that PSDS is made of.

Found events are judged by how much of them, and of the true events, overlaps. For each
class, with thresholds of the criteria in (0, 1]:

- detection tolerance criterion (DTC): a found event is relevant if true events of its class
  cover at least `dtc_threshold` of it, and a false positive if they do not;
- ground truth intersection criterion (GTC): a true event is found, a true positive, if
  relevant events cover at least `gtc_threshold` of it;
- cross-trigger tolerance criterion (CTTC): a false positive is a cross-trigger with another
  class as well if events of that class cover at least `cttc_threshold` of it.

True positives are true events, false positives found ones. A relevant event counts for
nothing by itself: it need not make a true positive. Overlaps and bounds are compared in whole
microseconds, as sed_scores_eval does (`time_decimals` 6); psds_eval compares floating-point
sums.

Source: Bilen, Ferroni, Tuveri, Azcarreta, Krstulovic, "A framework for the robust evaluation
of sound event detection", ICASSP 2020.
"""

from typing import NamedTuple

import numpy as np

from sedlib.metrics.evaluation import evaluation, precision_recall_f1
from sedlib.metrics.event_lists import by_recording, check_disjoint


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


def intersection_based(truth, found, classes, dtc_threshold=0.5, gtc_threshold=0.5):
    """Intersection-based precision, recall and F1.

    Precision is TP / (TP + FP) of the module's true events and false found ones, recall
    TP / true events. The thresholds are those of the DCASE baselines. Cross-triggers are
    false positives like others, so no CTTC is needed.

    Parameters
    ----------
    truth, found : pandas.DataFrame
        Event tables of any number of recordings. Events of one class must not overlap.
    classes : sequence of str
        All the labels there are.
    dtc_threshold, gtc_threshold : float
        In (0, 1].

    Returns
    -------
    Evaluation
        ``precision``, ``recall``, ``f1``. Support in events.

    Raises
    ------
    sedlib.annotations.AnnotationError
        If an event has an unknown label, begins before 0, lasts no time, or overlaps
        another of its class.
    ValueError
        If a threshold is not in (0, 1].
    """
    criteria = Criteria(dtc_threshold, gtc_threshold)
    criteria.check()
    recordings = dict.fromkeys([*truth["filename"], *found["filename"]])
    true, said = (disjoint_events(events, classes, recordings) for events in (truth, found))
    counts = counts_of_events(true, said, len(classes), criteria)
    (tp, fp), support = counts[:, :2].T, event_counts(true, len(classes))
    return evaluation(
        classes,
        support,
        precision_recall_f1(tp, fp, support - tp),
        precision_recall_f1(tp.sum(), fp.sum(), (support - tp).sum()),
    )


def disjoint_events(events, classes, recordings):
    """Take events apart by recording as `by_recording`, and refuse what overlaps in a class."""
    parts = by_recording(events, classes, recordings)
    check_disjoint(parts, classes)
    return parts


def event_counts(true, n_classes):
    """Count the events of each class over all recordings."""
    labels = [events.label for events in true.values()]
    return np.bincount(np.concatenate([[], *labels]).astype(np.int64), minlength=n_classes)


def counts_of_events(true, said, n_classes, criteria):
    """Count as `count_changes` does, over all recordings.

    Parameters
    ----------
    true, said : dict of str to Events
        Of each recording.
    n_classes : int
    criteria : Criteria

    Returns
    -------
    numpy.ndarray of int64, shape (n_classes, 2 + n_classes)
    """
    counts = np.zeros((n_classes, 2 + n_classes), dtype=np.int64)
    for name, found in said.items():
        for label in range(n_classes):
            onset, offset, _ = found.of_class(label)
            always = np.zeros(len(onset)), np.full(len(onset), -np.inf)
            _, deltas = count_changes(
                onset, offset, *always, true[name], label, n_classes, criteria
            )
            counts[label] += deltas.sum(axis=0)
    return counts


def count_changes(onset, offset, upper, lower, true, label, n_classes, criteria):
    """How the counts of one class change as the threshold falls.

    Parameters
    ----------
    onset, offset : numpy.ndarray of int64, shape (n_spans,)
        In microseconds, of all events that any threshold finds.
    upper, lower : numpy.ndarray of float64, shape (n_spans,)
        Each is found by the thresholds in (lower, upper]; lower may be -inf.
    true : Events
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
    length, own = offset - onset, true.of_class(label)
    relevant = _covered(onset, offset, own) >= np.rint(dtc * length)
    counts = np.zeros((len(onset), 2 + n_classes), dtype=np.int64)
    counts[:, 1] = ~relevant
    for other in set(true.label.tolist()) - {label} if cttc is not None else ():
        covered = _covered(onset, offset, true.of_class(other))
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
    """How much of each span disjoint events in order cover, in microseconds; exact."""
    if not len(events.onset):
        return np.zeros(len(onset))
    length = events.offset - events.onset
    times = np.stack([events.onset, events.offset], axis=1).ravel()
    total = np.cumsum(np.stack([np.zeros_like(length), length], axis=1))
    return np.interp(offset, times, total) - np.interp(onset, times, total)
