"""How well predicted labels fit the truth, clip by clip.

Conventions
-----------
- Truth and prediction are 0/1 arrays of the same shape (n_clips, n_classes), over all
  clips of all episodes at once ("segment-based" in DCASE, the clip being the segment).
- With the true positives TP, false positives FP, false negatives FN, true negatives TN of
  a class: precision TP/(TP+FP), recall TP/(TP+FN), F1 2TP/(2TP+FP+FN), IoU TP/(TP+FP+FN),
  accuracy (TP+TN)/(TP+FP+FN+TN). Average precision is scikit-learn's: the step-wise area
  under precision over recall, without interpolation. Support is the positives, TP+FN.
- 0/0 is nan, not 0 or 1: no prediction has no precision; no positive has no recall and no
  average precision; a class in neither has no F1 and no IoU. A class that occurs and is
  never predicted has F1 0. As scikit-learn with ``zero_division=numpy.nan``.
- Macro is the mean over the classes whose value is not nan; micro pools the counts of all
  classes first.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

NOTHING = "nothing"


def segment_metrics(truth, predicted, classes, scores=None):
    """Score each class.

    Parameters
    ----------
    truth, predicted : array-like of bool, shape (n_clips, n_classes)
    classes : sequence of str
        Names of the columns.
    scores : array-like of float, shape (n_clips, n_classes), optional
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
    table["average_precision"] = _average_precisions(truth, scores)
    table["support"] = truth.sum(axis=0)
    return table.set_axis(pd.Index(classes, name="event_label"))


def averages(truth, predicted, scores=None):
    """Score all classes together.

    Parameters
    ----------
    truth, predicted : array-like of bool, shape (n_clips, n_classes)
    scores : array-like of float, shape (n_clips, n_classes), optional
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
        each["average_precision"] = _average_precisions(truth, scores)
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
    truth, predicted : array-like of bool, shape (n_clips, n_classes)
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
    truth, predicted : array-like of bool, shape (n_clips, n_classes)
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
    shares = _divide(missed.T @ alarms + np.diag(found), clips[:, None])
    names = [*classes, NOTHING]
    return pd.DataFrame(shares, pd.Index(names, name="truth"), pd.Index(names, name="predicted"))


def _binary(truth, predicted):
    truth, predicted = np.asarray(truth, dtype=bool), np.asarray(predicted, dtype=bool)
    if truth.shape != predicted.shape or truth.ndim != 2:
        raise ValueError(
            f"truth has shape {truth.shape} and prediction {predicted.shape}; "
            "both must be (n_clips, n_classes)"
        )
    return truth, predicted


def _counts(truth, predicted):
    """TP, FP, FN, TN of each class."""
    pairs = ((truth, predicted), (~truth, predicted), (truth, ~predicted), (~truth, ~predicted))
    return [(one & other).sum(axis=0) for one, other in pairs]


def _ratios(tp, fp, fn, tn):
    return pd.DataFrame(
        {
            "precision": _divide(tp, tp + fp),
            "recall": _divide(tp, tp + fn),
            "f1": _divide(2 * tp, 2 * tp + fp + fn),
            "iou": _divide(tp, tp + fp + fn),
            "accuracy": _divide(tp + tn, tp + fp + fn + tn),
        }
    )


def _divide(part, whole):
    with np.errstate(invalid="ignore"):
        return np.divide(part, whole)


def _average_precisions(truth, scores):
    if scores is None:
        return np.nan
    columns = zip(truth.T, np.asarray(scores).T, strict=True)
    return [average_precision_score(t, s) if t.any() else np.nan for t, s in columns]


def _or_nothing(labels):
    """Add a column that says where no label is set."""
    return np.column_stack([labels, ~labels.any(axis=1)]).astype(np.int64)
