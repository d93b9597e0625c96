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
        hits, _, swaps = _pair(true, said, t_collar, percentage_of_length)
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


def event_counts(truth, found, durations, classes, t_collar=0.2, percentage_of_length=0.2):
    """Count right and wrong events second by second, as `event_based` pairs them.

    An event counts in the second in which it begins: a true one that is found as a true
    positive, one that is not as a false negative, a found one that is not right as a false
    positive. For intervals, see `sedlib.metrics.resampled_ratios`.

    Parameters
    ----------
    truth, found, classes, t_collar, percentage_of_length
        As those of `event_based`.
    durations : mapping of str to float
        Length in seconds of every recording, in the order of the seconds returned.

    Returns
    -------
    tp, fp, fn : numpy.ndarray of int64, shape (n_seconds, n_classes)
        Of the whole seconds of all recordings, one after the other. What begins after the
        last whole second of a recording counts in it.

    Raises
    ------
    sedlib.annotations.AnnotationError
        As `event_based`, and if an event is of a recording without duration.
    ValueError
        If a recording is shorter than a second.
    """
    truth, found = (by_recording(events, classes, durations) for events in (truth, found))
    parts = []
    for name, duration in durations.items():
        n_seconds = int(microseconds(duration) // microseconds(1.0))
        if n_seconds < 1:
            raise ValueError(f"'{name}' lasts {duration} s; it must be a second at least")
        true, said = truth[name], found[name]
        hits, right, _ = _pair(true, said, t_collar, percentage_of_length)
        missed = np.delete(np.arange(len(true.onset)), hits)
        wrong = np.delete(np.arange(len(said.onset)), right)
        counts = np.zeros((3, n_seconds, len(classes)), dtype=np.int64)
        kinds = ((true, hits), (said, wrong), (true, missed))
        for count, (events, chosen) in zip(counts, kinds, strict=True):
            second = np.minimum(events.onset[chosen] // microseconds(1.0), n_seconds - 1)
            np.add.at(count, (second, events.label[chosen]), 1)
        parts.append(counts)
    return tuple(np.concatenate(parts, axis=1))


def _pair(true, said, t_collar, percentage_of_length):
    """Return the indices of both events of each right pair, and the number of substitutions."""
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
    hits = chosen == right
    return rows[hits], columns[hits], np.count_nonzero(chosen == 1)
