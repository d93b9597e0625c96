"""Counts -> precision, recall, F1, error rate; per class, macro and micro."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Evaluation:
    """Metrics of each class and of all classes together.

    Attributes
    ----------
    per_class : pandas.DataFrame
        Index ``event_label``; a column for each metric, nan where it is 0/0, and
        ``support``, the true segments or events.
    macro : dict of str to float
        Mean of each column but ``support`` over the classes where it is not nan.
    micro : dict of str to float
        The same metrics from the counts of all classes together.
    """

    per_class: pd.DataFrame
    macro: dict
    micro: dict


def evaluation(classes, support, per_class, micro):
    """Put metrics together.

    Parameters
    ----------
    classes : sequence of str
    support : array-like of int, shape (n_classes,)
    per_class : mapping of str to array-like of float, shape (n_classes,)
    micro : mapping of str to float

    Returns
    -------
    Evaluation
    """
    table = pd.DataFrame(dict(per_class)).set_axis(pd.Index(classes, name="event_label"))
    return Evaluation(
        per_class=table.assign(support=support),
        macro=table.mean().to_dict(),
        micro={name: float(value) for name, value in micro.items()},
    )


def precision_recall_f1(tp, fp, fn):
    """Precision TP/(TP+FP), recall TP/(TP+FN), F1 2TP/(2TP+FP+FN).

    Parameters
    ----------
    tp, fp, fn : int or numpy.ndarray of int

    Returns
    -------
    dict of str to (numpy.ndarray of) float
        In [0, 1], or nan where it is 0/0.
    """
    return {
        "precision": divide(tp, tp + fp),
        "recall": divide(tp, tp + fn),
        "f1": divide(2 * tp, 2 * tp + fp + fn),
    }


def error_rates(support, deletions, insertions, substitutions=None):
    """Errors by the number of true segments or events.

    Parameters
    ----------
    support, deletions, insertions : int or numpy.ndarray of int
    substitutions : int, optional
        Not for one class alone: a substitution is between classes.

    Returns
    -------
    dict of str to (numpy.ndarray of) float
        ``error_rate``, its parts ``substitution_rate`` (if there are `substitutions`),
        ``deletion_rate`` and ``insertion_rate``; of 0 or more, above 1 where there is more
        wrong than true; nan where nothing is true.
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
