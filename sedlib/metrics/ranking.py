"""Metrics of how well scores rank segments, at any threshold."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score


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
    pairs = _columns(reference, scores)
    return np.array([average_precision_score(r, s) if r.any() else np.nan for r, s in pairs])


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
    pairs = _columns(reference, scores)
    return np.array([roc_auc_score(r, s) if r.any() and not r.all() else np.nan for r, s in pairs])


def precision_recall_curves(reference, scores, classes, max_points=200):
    """Precision over recall of each class, as the threshold falls.

    Parameters
    ----------
    reference : array-like of bool, shape (n_segments, n_classes)
        Ground truth.
    scores : array-like of float, shape (n_segments, n_classes)
        Higher where a class is more likely.
    classes : sequence of str
        Names of the columns.
    max_points : int
        A curve with more points is thinned to so many, evenly; both ends stay. At least 2.

    Returns
    -------
    pandas.DataFrame
        ``event_label``, ``recall`` (rising from 0 to 1) and ``precision``, the highest at that
        recall. Before it is thinned, the step-wise area under a curve is the average precision.
        A class without positives has no curve.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    curves = [pd.DataFrame({"event_label": [], "recall": [], "precision": []})]
    for label, (ref, score) in zip(classes, _columns(reference, scores), strict=True):
        if ref.any():
            precision, recall, _ = precision_recall_curve(ref, score)
            curve = pd.DataFrame({"event_label": label, "recall": recall, "precision": precision})
            curve = curve[::-1].drop_duplicates("recall")
            n_points = min(len(curve), max_points)
            curves.append(curve.iloc[np.linspace(0, len(curve) - 1, n_points).round().astype(int)])
    return pd.concat(curves[1:] or curves, ignore_index=True)


def _columns(reference, scores):
    """Pair the columns of both, class by class."""
    reference, scores = np.asarray(reference, dtype=bool), np.asarray(scores)
    check_shapes(reference, scores, "scores")
    return list(zip(reference.T, scores.T, strict=True))


def check_shapes(reference, other, name):
    """Raise a ValueError unless both arrays are of the same segments and classes."""
    if reference.shape != other.shape or reference.ndim != 2:
        raise ValueError(
            f"reference has shape {reference.shape} and {name} {other.shape}; "
            "both must be (n_segments, n_classes)"
        )
