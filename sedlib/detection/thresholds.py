"""The threshold of each class, chosen on validation segments."""

import numpy as np

DEFAULT_THRESHOLD = 0.5
MINIMUM_POSITIVES = 10  # segments; with fewer, a class keeps the default threshold


def choose_thresholds(labels, scores, minimum_positives=MINIMUM_POSITIVES):
    """Choose the threshold with the highest F1 for each class.

    Each distinct score of a class is tried as its threshold; of several with the same F1 the
    highest is taken. The result lies halfway between that score and the next lower one (0
    below the lowest score), so that it detects the same segments and does not depend on the
    last digit of a score.

    The F1 on the segments given is optimistic, because the threshold was chosen on them. With
    few positives the choice is mostly chance, hence `minimum_positives`.

    Parameters
    ----------
    labels : array-like of bool, shape (n_segments, n_classes)
        Ground truth of the validation segments.
    scores : array-like, shape (n_segments, n_classes)
        In [0, 1].
    minimum_positives : int
        A class with fewer positive segments gets 0.5; at least 1.

    Returns
    -------
    numpy.ndarray of float64, shape (n_classes,)
        In [0, 1].
    """
    labels, scores = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=np.float64)
    return np.array(
        [
            _best_f1_threshold(label, score)
            if label.sum() >= minimum_positives
            else DEFAULT_THRESHOLD
            for label, score in zip(labels.T, scores.T, strict=True)
        ]
    )


def _best_f1_threshold(label, score):
    """Return the threshold of one class that has at least one positive segment."""
    order = np.argsort(-score, kind="stable")
    score, tp = score[order], np.cumsum(label[order])
    last = np.flatnonzero(np.diff(score, append=-1))  # the last of each run of equal scores
    distinct = np.append(score[last], 0.0)
    # 2 TP / (detected + positives); as many are detected as have the score or a higher one.
    f1 = 2 * tp[last] / (last + 1 + tp[-1])
    best, lower = distinct[np.argmax(f1) :][:2]
    middle = (best + lower) / 2
    return middle if middle > lower else best  # there may be no number between the two
