"""Event-based metrics: an event is detected when its onset and its offset are near enough."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from sedlib.labels import microseconds
from sedlib.metrics.evaluation import evaluation
from sedlib.metrics.event_lists import SECOND, by_recording
from sedlib.metrics.ratios import error_rates, precision_recall_f1


def event_based(reference, estimated, classes, t_collar=0.2, percentage_of_length=0.2):
    """Event-based precision, recall, F1 and error rate.

    An estimated event matches a reference event if its onset is at most `t_collar` away and its
    offset at most the greater of `t_collar` and `percentage_of_length` of the reference event's
    length; both bounds belong to it. Each event matches at most one other. Events are paired so
    that as many pairs as possible have the same label (true positives) and then as many more as
    possible have different labels (substitutions, micro only). Reference events left over are
    deletions (of a single class: all that are not detected), estimated ones insertions.

    The rule is that of sed_eval with ``event_matching_type='optimal'``, its default; the collars
    are those of the DCASE challenges (sed_eval's own default is half of the length). The
    pairing does not depend on the order of the events. Nor do sed_eval's true positives, but its
    substitutions do, so that in rare cases its overall error rate is greater than this one,
    which is the smallest over all orders.

    Source: Mesaros, Heittola, Virtanen, "Metrics for polyphonic sound event detection",
    Applied Sciences 6 (2016) 162.

    Parameters
    ----------
    reference, estimated : pandas.DataFrame
        Event tables of any number of recordings: ground truth and predictions. Events of one
        class may overlap and may have no length.
    classes : sequence of str
        All labels that may occur.
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
    recordings = dict.fromkeys([*reference["filename"], *estimated["filename"]])
    reference, estimated = (
        by_recording(events, classes, recordings) for events in (reference, estimated)
    )
    support, n_estimated, tp = np.zeros((3, len(classes)), dtype=np.int64)
    substitutions = 0
    for name in recordings:
        ref, est = reference[name], estimated[name]
        hits, _, swaps = _match(ref, est, t_collar, percentage_of_length)
        support += np.bincount(ref.label, minlength=len(classes))
        n_estimated += np.bincount(est.label, minlength=len(classes))
        tp += np.bincount(ref.label[hits], minlength=len(classes))
        substitutions += swaps
    fp, fn = n_estimated - tp, support - tp
    each = precision_recall_f1(tp, fp, fn) | error_rates(support, fn, fp)
    tp, fp, fn = tp.sum(), fp.sum(), fn.sum()
    errors = error_rates(support.sum(), fn - substitutions, fp - substitutions, substitutions)
    return evaluation(classes, support, each, precision_recall_f1(tp, fp, fn) | errors)


def event_counts_by_segment(reference, estimated, durations, classes):
    """Count true and false events segment by segment, matched as by `event_based`.

    An event counts in the segment of one second in which it begins: a reference event that is
    detected as a true positive, one that is not as a false negative, an estimated event without
    a match as a false positive. `sedlib.metrics.resampled_ratios` makes confidence intervals of
    these counts.

    Parameters
    ----------
    reference, estimated, classes
        As those of `event_based`, with its default collars.
    durations : mapping of str to float
        Length in seconds of every recording, in the order of the segments returned.

    Returns
    -------
    tp, fp, fn : numpy.ndarray of int64, shape (n_segments, n_classes)
        Of the whole seconds of all recordings, one after the other. Whatever begins after the
        last whole second of a recording counts in it.

    Raises
    ------
    sedlib.annotations.AnnotationError
        As `event_based`, and if an event is of a recording without duration.
    ValueError
        If a recording is shorter than a second.
    """
    reference, estimated = (
        by_recording(events, classes, durations) for events in (reference, estimated)
    )
    parts = []
    for name, duration in durations.items():
        n_segments = int(microseconds(duration) // SECOND)
        if n_segments < 1:
            raise ValueError(f"'{name}' lasts {duration} s; it must last at least one second")
        ref, est = reference[name], estimated[name]
        hits, right, _ = _match(ref, est)
        missed = np.delete(np.arange(len(ref.onset)), hits)
        wrong = np.delete(np.arange(len(est.onset)), right)
        counts = np.zeros((3, n_segments, len(classes)), dtype=np.int64)
        kinds = ((ref, hits), (est, wrong), (ref, missed))
        for count, (events, chosen) in zip(counts, kinds, strict=True):
            segment = np.minimum(events.onset[chosen] // SECOND, n_segments - 1)
            np.add.at(count, (segment, events.label[chosen]), 1)
        parts.append(counts)
    return tuple(np.concatenate(parts, axis=1))


def _match(reference, estimated, t_collar=0.2, percentage_of_length=0.2):
    """Return the indices of both events of each true positive, and the number of substitutions."""
    collar = microseconds(t_collar)
    length = reference.offset - reference.onset
    tolerance = np.maximum(collar, np.rint(percentage_of_length * length).astype(np.int64))
    near = np.abs(reference.onset[:, None] - estimated.onset) <= collar
    near &= np.abs(reference.offset[:, None] - estimated.offset) <= tolerance[:, None]
    # A true positive outweighs all substitutions there can be, so the heaviest pairing has the
    # most true positives, and of those pairings it is one with the most substitutions.
    true_positive = 1 + min(near.shape)
    same_label = reference.label[:, None] == estimated.label
    weight = near * np.where(same_label, true_positive, 1)
    rows, columns = linear_sum_assignment(weight, maximize=True)
    chosen = weight[rows, columns]
    hits = chosen == true_positive
    return rows[hits], columns[hits], np.count_nonzero(chosen == 1)
