"""Calibration: how well scores agree with the fraction of positives among them."""

import numpy as np
import pandas as pd

from sedlib.metrics.ratios import divide


def reliability_curve(reference, scores, bins=15):
    """Compare the scores with the fraction of positives, bin by bin.

    As `sklearn.calibration.calibration_curve`, with the empty bins and the number of scores
    in each, which the expected calibration error needs. A bin is open below and closed
    above, (lower, upper]; the first holds its lower edge as well.

    Parameters
    ----------
    reference : array-like of bool, shape (n,)
        Ground truth.
    scores : array-like of float, shape (n,)
        In [0, 1].
    bins : int
        Number of bins, of equal width over [0, 1].

    Returns
    -------
    pandas.DataFrame, one row a bin
        ``lower``, ``upper``: its edges; ``mean_score`` and ``fraction_of_positives`` in
        [0, 1], nan for an empty bin; ``count``.

    Raises
    ------
    ValueError
        If the shapes differ, there is nothing, or a score is not in [0, 1].
    """
    reference, scores = np.asarray(reference, dtype=bool), np.asarray(scores, dtype=np.float64)
    if reference.shape != scores.shape or reference.ndim != 1 or not len(reference):
        raise ValueError(
            f"reference has shape {reference.shape} and scores {scores.shape}; "
            "both must be (n,) with n of 1 or more"
        )
    faults = np.flatnonzero(~((scores >= 0) & (scores <= 1)))
    if len(faults):
        at = faults[0]
        raise ValueError(f"score {at + 1} is {scores[at]}, not in [0, 1]; give probabilities")
    edges = np.linspace(0, 1, bins + 1)
    index = np.searchsorted(edges[1:-1], scores, side="left")
    count = np.bincount(index, minlength=bins)
    return pd.DataFrame(
        {
            "lower": edges[:-1],
            "upper": edges[1:],
            "mean_score": divide(np.bincount(index, scores, bins), count),
            "fraction_of_positives": divide(np.bincount(index, reference, bins), count),
            "count": count,
        }
    )


def expected_calibration_error(reference, scores, bins=15):
    """Mean distance of the scores of a bin from its fraction of positives (ECE).

    The sum over bins of count / n * abs(fraction of positives - mean score). For several
    classes take the mean over them (class-wise ECE). It depends on the bins, so say which;
    15 of equal width are the usual ones.

    Sources: Naeini, Cooper, Hauskrecht, "Obtaining well calibrated probabilities using
    Bayesian binning", AAAI 2015; Guo, Pleiss, Sun, Weinberger, "On calibration of modern
    neural networks", ICML 2017.

    Parameters
    ----------
    reference : array-like of bool, shape (n,)
        Ground truth.
    scores : array-like of float, shape (n,)
        In [0, 1].
    bins : int
        See `reliability_curve`.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        As `reliability_curve`.
    """
    curve = reliability_curve(reference, scores, bins)
    distance = (curve["fraction_of_positives"] - curve["mean_score"]).abs()
    return float((distance * curve["count"]).sum() / curve["count"].sum())
