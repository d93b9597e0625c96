"""The threshold of each class, chosen on validation segments."""

import numpy as np

DEFAULT_THRESHOLD = 0.5
MINIMUM_POSITIVES = 100  # segments; below it, the position of the highest F1 is mostly chance


def choose_thresholds(labels, scores, minimum_positives=MINIMUM_POSITIVES):
    """Choose a threshold for each class by its F1.

    A class with many positive segments gets the threshold with the highest F1. Each distinct
    score is tried; of several with the same F1 the highest is taken. The result lies halfway
    between that score and the next lower one (0 below the lowest score), so that it detects the
    same segments and does not depend on the last digit of a score.

    With few positive segments, the position of the highest F1 is mostly chance, but its value is
    less so. Half of the highest F1 is the best threshold for scores that are probabilities [1]_;
    but mixup shows a rare class more often than it occurs, so that its scores are higher than
    probabilities. Such a class gets the mean of half of the highest F1 and of 0.5. A class
    without positive segments gets 0.5.

    The F1 on the segments given is optimistic, because the threshold was chosen on them.

    Parameters
    ----------
    labels : array-like of bool, shape (n_segments, n_classes)
        Ground truth of the validation segments.
    scores : array-like, shape (n_segments, n_classes)
        In [0, 1].
    minimum_positives : int
        How many positive segments a class needs for the first rule.

    Returns
    -------
    numpy.ndarray of float64, shape (n_classes,)
        In [0, 1].

    References
    ----------
    .. [1] Lipton, Elkan, Naryanaswamy, "Optimal thresholding of classifiers to maximize F1
       measure", ECML PKDD 2014.
    """
    labels, scores = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=np.float64)
    thresholds = []
    for label, score in zip(labels.T, scores.T, strict=True):
        if not label.any():
            thresholds.append(DEFAULT_THRESHOLD)
            continue
        threshold, f1 = _highest_f1(label, score)
        shrunk = (f1 / 2 + DEFAULT_THRESHOLD) / 2
        thresholds.append(threshold if label.sum() >= minimum_positives else shrunk)
    return np.array(thresholds)


def _highest_f1(label, score):
    """Return threshold and F1 of one class that has at least one positive segment."""
    order = np.argsort(-score, kind="stable")
    score, tp = score[order], np.cumsum(label[order])
    last = np.flatnonzero(np.diff(score, append=-1))  # the last of each run of equal scores
    distinct = np.append(score[last], 0.0)
    # 2 TP / (detected + positives); as many are detected as have the score or a higher one.
    f1 = 2 * tp[last] / (last + 1 + tp[-1])
    best, lower = distinct[np.argmax(f1) :][:2]
    middle = (best + lower) / 2
    return middle if middle > lower else best, f1.max()  # there may be no number between the two
