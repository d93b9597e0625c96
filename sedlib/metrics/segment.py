"""Segment-based metrics: predictions and ground truth compared segment by segment.

They are computed from label arrays of segments that any rule has labelled or, as in sed_eval,
from event lists.
"""

import numpy as np
import pandas as pd

from sedlib.labels import microseconds
from sedlib.metrics.evaluation import evaluation
from sedlib.metrics.event_lists import SECOND, by_recording
from sedlib.metrics.ranking import average_precision, check_shapes
from sedlib.metrics.ratios import divide, error_rates, segment_ratios

NO_MISS, NO_FALSE_ALARM = "no miss", "no false alarm"  # last row and column of `confusion`


def segment_metrics(reference, estimated, classes, scores=None):
    """Evaluate each class.

    Parameters
    ----------
    reference, estimated : array-like of bool, shape (n_segments, n_classes)
        Ground truth and predictions.
    classes : sequence of str
        Names of the columns.
    scores : array-like of float, shape (n_segments, n_classes), optional
        Higher where a class is more likely; average precision is nan without them.

    Returns
    -------
    pandas.DataFrame
        Index ``event_label``; columns ``precision``, ``recall``, ``f1``, ``iou``,
        ``accuracy``, ``average_precision`` in [0, 1] or nan, and ``support`` in segments.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    reference, estimated = _check_labels(reference, estimated)
    table = pd.DataFrame(segment_ratios(*_counts(reference, estimated)))
    table["average_precision"] = np.nan if scores is None else average_precision(reference, scores)
    table["support"] = reference.sum(axis=0)
    return table.set_axis(pd.Index(classes, name="event_label"))


def averages(reference, estimated, scores=None):
    """Evaluate all classes together.

    Parameters
    ----------
    reference, estimated : array-like of bool, shape (n_segments, n_classes)
        Ground truth and predictions.
    scores : array-like of float, shape (n_segments, n_classes), optional
        Higher where a class is more likely; without them there is no average precision.

    Returns
    -------
    dict of str to dict of str to float
        ``macro`` and ``micro``, each with ``precision``, ``recall``, ``f1``, ``iou`` and
        ``accuracy``; ``macro`` also with ``average_precision`` if there are `scores`. Each macro
        average is over the classes for which that metric is defined: a class that does not occur
        counts with 0 in F1, IoU and precision if there is a false alarm of it, but never in
        recall and average precision. nan if there is no such class.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    reference, estimated = _check_labels(reference, estimated)
    counts = _counts(reference, estimated)
    each = pd.DataFrame(segment_ratios(*counts))
    if scores is not None:
        each["average_precision"] = average_precision(reference, scores)
    return {"macro": each.mean().to_dict(), "micro": _micro(counts)}


def smoothed_metrics_vtt2018(reference, estimated, classes):
    """Evaluate each class with the smoothed formulas of the 2018 experiment.

    Precision is (TP+1)/(TP+FP+1), recall (TP+.01)/(TP+FN+.01), F1 2PR/(P+R+.01) and accuracy
    (TP+TN+.01)/(n+.01); IoU is not smoothed. A class that is never predicted has a precision of
    1. Use them only to compare with the table that was published.

    Source: ``evaluate.py`` of github.com/vtt-project/vtt-sound-event-detection.

    Parameters
    ----------
    reference, estimated : array-like of bool, shape (n_segments, n_classes)
        Ground truth and predictions.
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
    reference, estimated = _check_labels(reference, estimated)
    tp, fp, fn, tn = _counts(reference, estimated)
    precision = (tp + 1) / (tp + fp + 1)
    recall = (tp + 0.01) / (tp + fn + 0.01)
    smoothed = {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall + 0.01),
        "iou": divide(tp, tp + fp + fn),
        "accuracy": (tp + tn + 0.01) / (len(reference) + 0.01),
        "support": tp + fn,
    }
    return pd.DataFrame(smoothed).set_axis(pd.Index(classes, name="event_label"))


def confusion(reference, estimated, classes):
    """Confusion matrix of segments that may have several labels.

    In a segment, a class is missed if it is in the ground truth and not predicted, and a false
    alarm if it is predicted and not in the ground truth. Of the segments with class i in the
    ground truth, row i gives the share

    - in column i: in which i is predicted (its recall);
    - in column j: in which i is missed and j is a false alarm;
    - in column ``no false alarm``: in which i is missed and there is no false alarm.

    Of the segments in which no class is missed, the row ``no miss`` gives the share with a
    false alarm of j, and with none. A row adds up to more than 1 where a segment has several
    false alarms. With one label and one prediction for each segment, the rows of the classes are
    those of the usual confusion matrix divided by its row sums.

    Parameters
    ----------
    reference, estimated : array-like of bool, shape (n_segments, n_classes)
        Ground truth and predictions.
    classes : sequence of str
        Names of the columns.

    Returns
    -------
    pandas.DataFrame, shape (n_classes + 1, n_classes + 1)
        Index ``reference``, columns ``estimated``; values in [0, 1], nan in the row of a class
        that does not occur.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    reference, estimated = _check_labels(reference, estimated)
    missed = _append_no_label(reference & ~estimated)
    false_alarms = _append_no_label(estimated & ~reference)
    hits = np.append((reference & estimated).sum(axis=0), 0)
    segments = np.append(reference.sum(axis=0), missed[:, -1].sum())
    shares = divide(missed.T @ false_alarms + np.diag(hits), segments[:, None])
    index = pd.Index([*classes, NO_MISS], name="reference")
    columns = pd.Index([*classes, NO_FALSE_ALARM], name="estimated")
    return pd.DataFrame(shares, index, columns)


def segment_based(reference, estimated, durations, classes, resolution=1.0):
    """Segment-based precision, recall, F1 and error rate of event lists.

    A recording is cut into segments of `resolution` seconds; the last one may reach past its
    end. A segment has a label if an event of the class overlaps it, however little; one that
    only touches it does not. An event of no length counts inside a segment, not on an edge.
    Whatever lies past the last segment is ignored. Times are exact to the microsecond, so that
    2.3 s is 23 segments of 0.1 s (sed_eval truncates the floating-point quotient and has 22).

    In a segment with N labels in the ground truth, M predicted ones and H in both, there are
    min(N, M) - H substitutions, max(0, N - M) deletions and max(0, M - N) insertions (micro);
    of a single class, deletions are its false negatives and insertions its false positives.
    Error rates are their sums divided by the sum of N.

    Source: Mesaros, Heittola, Virtanen, "Metrics for polyphonic sound event detection",
    Applied Sciences 6 (2016) 162, as in sed_eval.

    Parameters
    ----------
    reference, estimated : pandas.DataFrame
        Event tables of any number of recordings: ground truth and predictions. Events of one
        class may overlap and may have no length.
    durations : mapping of str to float
        Length in seconds of every recording that is evaluated.
    classes : sequence of str
        All labels that may occur.
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
        raise ValueError("no recording to evaluate; give the duration of each")
    if not resolution > 0:
        raise ValueError(f"resolution {resolution} s is not above 0")
    reference, estimated = (
        event_roll(by_recording(events, classes, durations), durations, classes, resolution)
        for events in (reference, estimated)
    )
    counts = _counts(reference, estimated)
    tp, fp, fn, _ = counts
    each = segment_ratios(*counts) | error_rates(tp + fn, fn, fp)
    return evaluation(classes, tp + fn, each, _micro(counts) | _error_rate(reference, estimated))


def _error_rate(reference, estimated):
    """Return the error rate of all classes together and its parts, as `segment_based` has them."""
    n, m = reference.sum(axis=1), estimated.sum(axis=1)
    rates = error_rates(
        n.sum(),
        deletions=np.maximum(0, n - m).sum(),
        insertions=np.maximum(0, m - n).sum(),
        substitutions=(np.minimum(n, m) - (reference & estimated).sum(axis=1)).sum(),
    )
    return {name: float(rate) for name, rate in rates.items()}


def event_roll(recordings, durations, classes, resolution=1.0):
    """Label the segments of all recordings, one after the other, as `segment_based` does.

    Parameters
    ----------
    recordings : dict of str to sedlib.metrics.event_lists.Events
    durations, classes, resolution
        As those of `segment_based`.

    Returns
    -------
    numpy.ndarray of bool, shape (n_segments, n_classes)
    """
    segment = resolution * SECOND
    rolls = []
    for name, events in recordings.items():
        # Times are exact to half a microsecond, so a time that close to an edge lies on it.
        length = np.ceil((microseconds(durations[name]) - 0.5) / segment).astype(int)
        first = np.floor((events.onset + 0.5) / segment).astype(int)
        stop = np.ceil((events.offset - 0.5) / segment).astype(int)
        roll = np.zeros((length, len(classes)), dtype=bool)
        for start, end, label in zip(first, stop, events.label, strict=True):
            roll[start:end, label] = True
        rolls.append(roll)
    return np.concatenate(rolls)


def edge_segments(events, durations, classes):
    """Mark the segments of one second in which an event of a class begins or ends.

    Parameters
    ----------
    events : pandas.DataFrame
        Event table of any number of recordings.
    durations : mapping of str to float
        Length in seconds of every recording, in the order of the segments returned.
    classes : sequence of str
        All labels that may occur.

    Returns
    -------
    numpy.ndarray of bool, shape (n_segments, n_classes)
        Of the whole seconds of all recordings, one after the other. An event that ends on the
        edge between two segments ends in the first of them.

    Raises
    ------
    sedlib.annotations.AnnotationError
        As `segment_based`.
    """
    parts = []
    for name, own in by_recording(events, classes, durations).items():
        edges = np.zeros((microseconds(durations[name]) // SECOND, len(classes)), dtype=bool)
        first = own.onset // SECOND
        for segment in (first, np.maximum(-(-own.offset // SECOND) - 1, first)):
            inside = segment < len(edges)
            edges[segment[inside], own.label[inside]] = True
        parts.append(edges)
    return np.concatenate(parts)


def edge_errors(reference, estimated, edges, classes):
    """Compare the errors in segments where an event of the class begins or ends with the others.

    Parameters
    ----------
    reference, estimated, edges : numpy.ndarray of bool, shape (n_segments, n_classes)
        Ground truth, predictions, and what `edge_segments` returns.
    classes : sequence of str
        Names of the columns.

    Returns
    -------
    pandas.DataFrame
        A row for each class and one for ``all classes``. ``share of segments`` and ``share of
        errors``: how many of them are in edge segments; ``wrong at edges`` and ``wrong elsewhere``:
        the share of wrong labels among edge segments and among the others. Values in [0, 1], nan
        where there is no such segment or error. ``all classes`` counts pairs of a segment and a
        class.
    """
    errors = reference != estimated
    counts = pd.DataFrame({"segments": len(errors), "edges": edges.sum(axis=0)}, classes)
    counts["errors"], counts["edge errors"] = errors.sum(axis=0), (errors & edges).sum(axis=0)
    counts.loc["all classes"] = counts.sum()
    n, n_edges, n_errors, n_edge_errors = (counts[name] for name in counts)
    ratios = {
        "share of segments": n_edges / n,
        "share of errors": n_edge_errors / n_errors,
        "wrong at edges": n_edge_errors / n_edges,
        "wrong elsewhere": (n_errors - n_edge_errors) / (n - n_edges),
    }
    return pd.DataFrame(ratios)


def _check_labels(reference, estimated):
    """Return both as bool arrays if they are label arrays of one shape."""
    reference, estimated = np.asarray(reference, dtype=bool), np.asarray(estimated, dtype=bool)
    check_shapes(reference, estimated, "estimated")
    return reference, estimated


def _counts(reference, estimated):
    """TP, FP, FN, TN of each class."""
    counted = reference & estimated, ~reference & estimated, reference & ~estimated
    tp, fp, fn = (units.sum(axis=0) for units in counted)
    return tp, fp, fn, len(reference) - tp - fp - fn


def _micro(counts):
    """Ratios of the counts of all classes together."""
    pooled = segment_ratios(*(count.sum() for count in counts))
    return {name: float(ratio) for name, ratio in pooled.items()}


def _append_no_label(labels):
    """Append a column that is 1 where a segment has no label."""
    return np.column_stack([labels, ~labels.any(axis=1)]).astype(np.int64)
