"""Segment-based metrics: how well labels fit the truth, segment by segment.

From label arrays of segments (clips) cut by any rule, and, as sed_eval does, from event lists.
"""

import numpy as np
import pandas as pd

from sedlib.metrics.evaluation import divide, error_rates, evaluation, precision_recall_f1
from sedlib.metrics.event_lists import MICROSECONDS, by_recording, microseconds
from sedlib.metrics.ranking import average_precision

NOTHING = "nothing"


def segment_metrics(truth, predicted, classes, scores=None):
    """Score each class.

    Parameters
    ----------
    truth, predicted : array-like of bool, shape (n_segments, n_classes)
    classes : sequence of str
        Names of the columns.
    scores : array-like of float, shape (n_segments, n_classes), optional
        The higher, the surer; needed for average precision, which is nan without them.

    Returns
    -------
    pandas.DataFrame
        Index ``event_label``; columns ``precision``, ``recall``, ``f1``, ``iou``,
        ``accuracy``, ``average_precision`` in [0, 1] or nan, ``support`` in clips.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    truth, predicted = _binary(truth, predicted)
    table = _ratios(*_counts(truth, predicted))
    table["average_precision"] = np.nan if scores is None else average_precision(truth, scores)
    table["support"] = truth.sum(axis=0)
    return table.set_axis(pd.Index(classes, name="event_label"))


def averages(truth, predicted, scores=None):
    """Score all classes together.

    Parameters
    ----------
    truth, predicted : array-like of bool, shape (n_segments, n_classes)
    scores : array-like of float, shape (n_segments, n_classes), optional
        The higher, the surer; without them there is no average precision.

    Returns
    -------
    dict of str to dict of str to float
        ``macro`` and ``micro``, each with ``precision``, ``recall``, ``f1``, ``iou`` and
        ``accuracy``; ``macro`` also with ``average_precision`` when there are `scores`.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    truth, predicted = _binary(truth, predicted)
    counts = _counts(truth, predicted)
    each = _ratios(*counts)
    if scores is not None:
        each["average_precision"] = average_precision(truth, scores)
    pooled = _ratios(*(count.sum(keepdims=True) for count in counts))
    return {"macro": each.mean().to_dict(), "micro": pooled.iloc[0].to_dict()}


def reference_metrics(truth, predicted, classes):
    """Score each class with the smoothed formulas of the 2018 experiment.

    precision (TP+1)/(TP+FP+1), recall (TP+.01)/(TP+FN+.01), F1 2PR/(P+R+.01), accuracy
    (TP+TN+.01)/(n+.01); IoU is not smoothed. Only to compare with its published table: a
    class that is never predicted has precision 1.

    Source: ``evaluate.py`` of github.com/vtt-project/vtt-sound-event-detection.

    Parameters
    ----------
    truth, predicted : array-like of bool, shape (n_segments, n_classes)
    classes : sequence of str
        Names of the columns.

    Returns
    -------
    pandas.DataFrame
        Index ``event_label``; columns ``precision``, ``recall``, ``f1``, ``iou``,
        ``accuracy``, ``support`` as in `segment_metrics`.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    truth, predicted = _binary(truth, predicted)
    tp, fp, fn, tn = _counts(truth, predicted)
    precision = (tp + 1) / (tp + fp + 1)
    recall = (tp + 0.01) / (tp + fn + 0.01)
    table = _ratios(tp, fp, fn, tn).assign(
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall + 0.01),
        accuracy=(tp + tn + 0.01) / (len(truth) + 0.01),
        support=tp + fn,
    )
    return table.set_axis(pd.Index(classes, name="event_label"))


def confusion(truth, predicted, classes):
    """Say what is found in place of what, when a clip may have several labels.

    A class of a clip is missed if it is true and not predicted, and a false alarm if it is
    predicted and not true. Of the clips that truly have class i, row i gives the share

    - in column i: in which i is found (its recall);
    - in column j: in which i is missed and j is a false alarm;
    - in column ``nothing``: in which i is missed and there is no false alarm.

    Of the clips in which no class is missed, the row ``nothing`` gives the share with a
    false alarm of j, and with none. A row adds up to more than 1 where a clip has several
    false alarms. With one label and one prediction a clip, the rows of the classes are
    those of the usual confusion matrix divided by its row sums.

    Parameters
    ----------
    truth, predicted : array-like of bool, shape (n_segments, n_classes)
    classes : sequence of str
        Names of the columns.

    Returns
    -------
    pandas.DataFrame, shape (n_classes + 1, n_classes + 1)
        Index ``truth``, columns ``predicted``; values in [0, 1], nan in the row of a class
        that does not occur.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    truth, predicted = _binary(truth, predicted)
    missed = _or_nothing(truth & ~predicted)
    alarms = _or_nothing(predicted & ~truth)
    found = np.append((truth & predicted).sum(axis=0), 0)
    clips = np.append(truth.sum(axis=0), missed[:, -1].sum())
    shares = divide(missed.T @ alarms + np.diag(found), clips[:, None])
    names = [*classes, NOTHING]
    return pd.DataFrame(shares, pd.Index(names, name="truth"), pd.Index(names, name="predicted"))


def segment_based(truth, found, durations, classes, resolution=1.0):
    """Segment-based precision, recall, F1 and error rate of event lists.

    A recording is cut into segments of `resolution` seconds, the last one perhaps reaching
    past its end. A segment has a label if an event of the class overlaps it, however little;
    one that only touches it does not. An event of no length counts inside a segment, not on
    an edge. What lies past the last segment is ignored. Times are right to the microsecond,
    so that 2.3 s is 23 segments of 0.1 s (sed_eval truncates the floating-point quotient, and
    has 22).

    In a segment with N true labels, M found and H of both, there are min(N, M) - H
    substitutions, max(0, N - M) deletions and max(0, M - N) insertions (micro); of a class
    alone, deletions are its false negatives and insertions its false positives. Error
    rates are their sums by the sum of N.

    Source: Mesaros, Heittola, Virtanen, "Metrics for polyphonic sound event detection",
    Applied Sciences 6 (2016) 162, as in sed_eval.

    Parameters
    ----------
    truth, found : pandas.DataFrame
        Event tables of any number of recordings. Events of one class may overlap, and be of
        no length.
    durations : mapping of str to float
        Length in seconds of every recording that is judged.
    classes : sequence of str
        All the labels there are.
    resolution : float
        Length of a segment in seconds; 1 in most of the DCASE literature.

    Returns
    -------
    Evaluation
        ``precision``, ``recall``, ``f1``, ``iou``, ``accuracy``, ``error_rate``,
        ``deletion_rate``, ``insertion_rate``; micro also ``substitution_rate``. Support in
        segments.

    Raises
    ------
    sedlib.annotations.AnnotationError
        If an event has an unknown label, is of a recording without duration, begins before
        0, or ends before it begins.
    ValueError
        If there is no recording, or `resolution` is not above 0.
    """
    if not durations:
        raise ValueError("no recording to judge; give the duration of each")
    if not resolution > 0:
        raise ValueError(f"resolution {resolution} s is not above 0")
    true, said = (
        _event_roll(by_recording(events, classes, durations), durations, classes, resolution)
        for events in (truth, found)
    )
    counts = tp, fp, fn, _ = _counts(true, said)
    pooled = _ratios(*(count.sum(keepdims=True) for count in counts))
    return evaluation(
        classes,
        tp + fn,
        dict(_ratios(*counts).items()) | error_rates(tp + fn, fn, fp),
        pooled.iloc[0].to_dict() | error_rate(true, said),
    )


def error_rate(truth, predicted):
    """Segment-based error rate of all classes together, as `segment_based` defines it.

    Parameters
    ----------
    truth, predicted : array-like of bool, shape (n_segments, n_classes)

    Returns
    -------
    dict of str to float
        ``error_rate`` and the parts it is the sum of: ``substitution_rate``,
        ``deletion_rate``, ``insertion_rate``; nan where nothing is true.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    truth, predicted = _binary(truth, predicted)
    true, said = truth.sum(axis=1), predicted.sum(axis=1)
    rates = error_rates(
        true.sum(),
        deletions=np.maximum(0, true - said).sum(),
        insertions=np.maximum(0, said - true).sum(),
        substitutions=(np.minimum(true, said) - (truth & predicted).sum(axis=1)).sum(),
    )
    return {name: float(rate) for name, rate in rates.items()}


def _event_roll(recordings, durations, classes, resolution):
    """Labels of the segments of all recordings, one after the other."""
    segment = resolution * MICROSECONDS
    rolls = []
    for name, events in recordings.items():
        # A time is right to half a microsecond, so one that near an edge lies on it.
        length = np.ceil((microseconds(durations[name]) - 0.5) / segment).astype(int)
        first = np.floor((events.onset + 0.5) / segment).astype(int)
        stop = np.ceil((events.offset - 0.5) / segment).astype(int)
        roll = np.zeros((length, len(classes)), dtype=bool)
        for start, end, label in zip(first, stop, events.label, strict=True):
            roll[start:end, label] = True
        rolls.append(roll)
    return np.concatenate(rolls)


def _binary(truth, predicted):
    truth, predicted = np.asarray(truth, dtype=bool), np.asarray(predicted, dtype=bool)
    if truth.shape != predicted.shape or truth.ndim != 2:
        raise ValueError(
            f"truth has shape {truth.shape} and prediction {predicted.shape}; "
            "both must be (n_segments, n_classes)"
        )
    return truth, predicted


def _counts(truth, predicted):
    """TP, FP, FN, TN of each class."""
    pairs = ((truth, predicted), (~truth, predicted), (truth, ~predicted), (~truth, ~predicted))
    return [(one & other).sum(axis=0) for one, other in pairs]


def _ratios(tp, fp, fn, tn):
    return pd.DataFrame(
        {
            **precision_recall_f1(tp, fp, fn),
            "iou": divide(tp, tp + fp + fn),
            "accuracy": divide(tp + tn, tp + fp + fn + tn),
        }
    )


def _or_nothing(labels):
    """Add a column that says where no label is set."""
    return np.column_stack([labels, ~labels.any(axis=1)]).astype(np.int64)
