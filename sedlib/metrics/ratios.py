"""Ratios of counts, where 0/0 is nan. Counts are integers, or arrays of the same shape."""

import numpy as np


def precision_recall_f1(tp, fp, fn):
    """Precision TP/(TP+FP), recall TP/(TP+FN) and F1 2TP/(2TP+FP+FN).

    Parameters
    ----------
    tp, fp, fn : int or numpy.ndarray
        True positives, false positives and false negatives.

    Returns
    -------
    dict of str to (numpy.ndarray of) float
        ``precision``, ``recall``, ``f1`` in [0, 1], or nan where it is 0/0.
    """
    return {
        "precision": divide(tp, tp + fp),
        "recall": divide(tp, tp + fn),
        "f1": divide(2 * tp, 2 * tp + fp + fn),
    }


def segment_ratios(tp, fp, fn, tn=None):
    """Precision, recall, F1, IoU TP/(TP+FP+FN) and accuracy (TP+TN)/(TP+FP+FN+TN).

    Parameters
    ----------
    tp, fp, fn : int or numpy.ndarray
        True positives, false positives and false negatives.
    tn : int or numpy.ndarray, optional
        True negatives; without them there is no accuracy.

    Returns
    -------
    dict of str to (numpy.ndarray of) float
        ``precision``, ``recall``, ``f1``, ``iou``, ``accuracy`` in [0, 1], or nan where it is 0/0.
    """
    ratios = precision_recall_f1(tp, fp, fn) | {"iou": divide(tp, tp + fp + fn)}
    return ratios if tn is None else ratios | {"accuracy": divide(tp + tn, tp + fp + fn + tn)}


def error_rates(support, deletions, insertions, substitutions=None):
    """Errors divided by the number of segments or events of the ground truth.

    Parameters
    ----------
    support, deletions, insertions : int or numpy.ndarray of int
    substitutions : int, optional
        Not for a single class, because a substitution is between two classes.

    Returns
    -------
    dict of str to (numpy.ndarray of) float
        ``error_rate`` and its parts ``substitution_rate`` (if there are `substitutions`),
        ``deletion_rate`` and ``insertion_rate``; at least 0, perhaps above 1, and nan without
        support.
    """
    parts = {"deletion_rate": deletions, "insertion_rate": insertions}
    if substitutions is not None:
        parts = {"substitution_rate": substitutions, **parts}
    support = np.where(np.equal(support, 0), np.nan, support)
    return {
        "error_rate": sum(parts.values()) / support,
        **{name: count / support for name, count in parts.items()},
    }


def divide(part, whole):
    """Divide; 0/0 is nan."""
    with np.errstate(invalid="ignore"):
        return np.divide(part, whole)


def mean_of_defined(values, axis):
    """Mean of the values that are not nan along an axis; nan where there are none."""
    defined = ~np.isnan(values)
    return divide(np.where(defined, values, 0).sum(axis=axis), defined.sum(axis=axis))
