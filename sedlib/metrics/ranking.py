"""Metrics of the order of scores, whatever the threshold."""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score


def average_precision(truth, scores):
    """Average precision of each class.

    The step-wise area under precision over recall, without interpolation
    (`sklearn.metrics.average_precision_score`); the mean over classes is the mAP of audio
    tagging.

    Parameters
    ----------
    truth : array-like of bool, shape (n_segments, n_classes)
    scores : array-like of float, shape (n_segments, n_classes)
        The higher, the surer.

    Returns
    -------
    numpy.ndarray of float64, shape (n_classes,)
        In [0, 1]; nan for a class without positives.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    return np.array(
        [average_precision_score(t, s) if t.any() else np.nan for t, s in _columns(truth, scores)]
    )


def roc_auc(truth, scores):
    """Area under the ROC curve of each class.

    The share of pairs of a positive and a negative clip in which the positive has the
    higher score, ties counting half (`sklearn.metrics.roc_auc_score`).

    Parameters
    ----------
    truth : array-like of bool, shape (n_segments, n_classes)
    scores : array-like of float, shape (n_segments, n_classes)
        The higher, the surer.

    Returns
    -------
    numpy.ndarray of float64, shape (n_classes,)
        In [0, 1]; nan for a class without positives or without negatives.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    return np.array(
        [
            roc_auc_score(t, s) if t.any() and not t.all() else np.nan
            for t, s in _columns(truth, scores)
        ]
    )


def _columns(truth, scores):
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores)
    if truth.shape != scores.shape or truth.ndim != 2:
        raise ValueError(
            f"truth has shape {truth.shape} and scores {scores.shape}; "
            "both must be (n_segments, n_classes)"
        )
    return list(zip(truth.T, scores.T, strict=True))
