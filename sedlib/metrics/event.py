"""Event-based metrics: an event counts when its onset and its offset are found."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from sedlib.metrics.evaluation import error_rates, evaluation, precision_recall_f1
from sedlib.metrics.event_lists import by_recording, microseconds


def event_based(truth, found, classes, t_collar=0.2, percentage_of_length=0.2):
    """Event-based precision, recall, F1 and error rate.

    A found event may stand for a true one if its onset is at most `t_collar` away and its
    offset at most the greater of `t_collar` and `percentage_of_length` of the true event's
    length; both bounds belong to it. Each event stands for one at most. Events are paired
    so that as many as possible are right (same label: true positives), and then as many
    more as possible are substitutions (another label, micro only). True events left over are
    deletions (of a class alone: all that are not found), found ones insertions.

    The rule is sed_eval's with ``event_matching_type='optimal'``, its default; the collars
    are those of the DCASE challenges (sed_eval's own default is half of the length). The
    pairing does not depend on the order of the events. sed_eval's true positives do not
    either, but it takes substitutions as they come, so that in rare cases its overall error
    rate is greater than this one, which is the smallest over all orders.

    Source: Mesaros, Heittola, Virtanen, "Metrics for polyphonic sound event detection",
    Applied Sciences 6 (2016) 162.

    Parameters
    ----------
    truth, found : pandas.DataFrame
        Event tables of any number of recordings. Events of one class may overlap, and be of
        no length.
    classes : sequence of str
        All the labels there are.
    t_collar : float
        In seconds.
    percentage_of_length : float
        In [0, 1].

    Returns
    -------
    Evaluation
        ``precision``, ``recall``, ``f1``, ``error_rate``, ``deletion_rate``,
        ``insertion_rate``; micro also ``substitution_rate``. Support in events.

    Raises
    ------
    sedlib.annotations.AnnotationError
        If an event has an unknown label, begins before 0, or ends before it begins.
    """
    recordings = dict.fromkeys([*truth["filename"], *found["filename"]])
    truth, found = (by_recording(events, classes, recordings) for events in (truth, found))
    support, answers, tp = np.zeros((3, len(classes)), dtype=np.int64)
    substitutions = 0
    for name in recordings:
        true, said = truth[name], found[name]
        hits, swaps = _pair(true, said, t_collar, percentage_of_length)
        support += np.bincount(true.label, minlength=len(classes))
        answers += np.bincount(said.label, minlength=len(classes))
        tp += np.bincount(true.label[hits], minlength=len(classes))
        substitutions += swaps
    fp, fn = answers - tp, support - tp
    return evaluation(
        classes,
        support,
        precision_recall_f1(tp, fp, fn) | error_rates(support, fn, fp),
        precision_recall_f1(tp.sum(), fp.sum(), fn.sum())
        | error_rates(
            support.sum(), fn.sum() - substitutions, fp.sum() - substitutions, substitutions
        ),
    )


def _pair(true, said, t_collar, percentage_of_length):
    """Return the indices of the true events found, and the number of substitutions."""
    collar = microseconds(t_collar)
    length = true.offset - true.onset
    tolerance = np.maximum(collar, np.rint(percentage_of_length * length).astype(np.int64))
    near = np.abs(true.onset[:, None] - said.onset) <= collar
    near &= np.abs(true.offset[:, None] - said.offset) <= tolerance[:, None]
    # A right pair outweighs all substitutions there can be, so the heaviest pairing has
    # the most right pairs, and of those pairings one with the most substitutions.
    right = 1 + min(near.shape)
    weight = near * np.where(true.label[:, None] == said.label, right, 1)
    rows, columns = linear_sum_assignment(weight, maximize=True)
    chosen = weight[rows, columns]
    return rows[chosen == right], np.count_nonzero(chosen == 1)
