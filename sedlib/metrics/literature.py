"""The metrics that the literature reports, by their names, for the events of one time grid."""

from sedlib.metrics.bootstrap import confidence_intervals, resampled_metrics, resampled_ratios
from sedlib.metrics.event import event_based, event_counts_by_segment
from sedlib.metrics.event_lists import by_recording
from sedlib.metrics.intersection import intersection_based
from sedlib.metrics.psd_roc import PSDS_SCENARIO_1, PSDS_SCENARIO_2, psds
from sedlib.metrics.segment import event_roll, segment_based

SEGMENT_F1 = "segment-based F1 (1 s)"
EVENT_F1 = "event-based F1 (200 ms, 20 %)"


def literature_metrics(scores, reference, estimated, durations):
    """Evaluate events, and the scores that they come from, by the metrics of the DCASE challenges.

    Parameters
    ----------
    scores : mapping of str to pandas.DataFrame
        Score table of each recording, all of the same classes.
    reference, estimated : pandas.DataFrame
        Event tables of the recordings: ground truth and predictions. Events of one class must
        not overlap.
    durations : mapping of str to float
        Length in seconds of each recording.

    Returns
    -------
    dict of str to float
        By name: F1 and error rate of `segment_based`, F1 of `event_based` and of
        `intersection_based`, and `psds` in both scenarios.

    Raises
    ------
    sedlib.annotations.AnnotationError, ValueError
        As `psds`.
    """
    classes = list(next(iter(scores.values())).columns[2:])
    of_segments = segment_based(reference, estimated, durations, classes)
    of_events = event_based(reference, estimated, classes)
    overlapping = intersection_based(reference, estimated, classes)
    return {
        f"{SEGMENT_F1}, macro": of_segments.macro["f1"],
        f"{SEGMENT_F1}, micro": of_segments.micro["f1"],
        "segment-based error rate (1 s), micro": of_segments.micro["error_rate"],
        f"{EVENT_F1}, macro": of_events.macro["f1"],
        f"{EVENT_F1}, micro": of_events.micro["f1"],
        "intersection-based F1 (0.5), macro": overlapping.macro["f1"],
        "PSDS scenario 1": psds(scores, reference, durations, PSDS_SCENARIO_1).value,
        "PSDS scenario 2": psds(scores, reference, durations, PSDS_SCENARIO_2).value,
    }


def literature_intervals(reference, estimated, durations, classes, weights):
    """Confidence intervals of the segment-based and the event-based F1 of `literature_metrics`.

    Parameters
    ----------
    reference, estimated : pandas.DataFrame
        Event tables of the recordings: ground truth and predictions.
    durations : mapping of str to int
        Length of each recording in whole seconds, in the order of the weights.
    classes : sequence of str
    weights : numpy.ndarray, shape (1 + n_resamples, n_segments)
        As `block_bootstrap` draws them.

    Returns
    -------
    dict of str to [float, float]
        The lower and the upper bound by the name of the metric.

    Raises
    ------
    sedlib.annotations.AnnotationError
        As `segment_based`.
    ValueError
        If the weights are not of as many segments as there are seconds.
    """
    rolls = [
        event_roll(by_recording(events, classes, durations), durations, classes)
        for events in (reference, estimated)
    ]
    counts = event_counts_by_segment(reference, estimated, durations, classes)
    samples = {
        SEGMENT_F1: resampled_metrics(*rolls, weights, classes),
        EVENT_F1: resampled_ratios(*counts, weights, classes),
    }
    bounds = {}
    for name, table in samples.items():
        intervals = confidence_intervals(table).xs("f1", level="metric")
        for mean in ("macro", "micro"):
            bounds[f"{name}, {mean}"] = intervals.loc[mean, ["low", "high"]].tolist()
    return bounds
