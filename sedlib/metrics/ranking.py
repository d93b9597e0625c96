"""Metrics of how well scores rank segments, at any threshold."""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score


def average_precision(reference, scores):
    """Average precision of each class.

    The step-wise area under precision over recall, without interpolation
    (`sklearn.metrics.average_precision_score`); the mean over classes is the mAP of audio
    tagging.

    Parameters
    ----------
    reference : array-like of bool, shape (n_segments, n_classes)
        Ground truth.
    scores : array-like of float, shape (n_segments, n_classes)
        Higher where a class is more likely.

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
        [
            average_precision_score(ref, score) if ref.any() else np.nan
            for ref, score in _columns(reference, scores)
        ]
    )


def roc_auc(reference, scores):
    """Area under the ROC curve of each class.

    The share of pairs of a positive and a negative segment in which the positive has the
    higher score, ties counting half (`sklearn.metrics.roc_auc_score`).

    Parameters
    ----------
    reference : array-like of bool, shape (n_segments, n_classes)
        Ground truth.
    scores : array-like of float, shape (n_segments, n_classes)
        Higher where a class is more likely.

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
            roc_auc_score(ref, score) if ref.any() and not ref.all() else np.nan
            for ref, score in _columns(reference, scores)
        ]
    )


def _columns(reference, scores):
    """Pair the columns of both, class by class."""
    reference, scores = np.asarray(reference, dtype=bool), np.asarray(scores)
    if reference.shape != scores.shape or reference.ndim != 2:
        raise ValueError(
            f"reference has shape {reference.shape} and scores {scores.shape}; "
            "both must be (n_segments, n_classes)"
        )
    return list(zip(reference.T, scores.T, strict=True))
