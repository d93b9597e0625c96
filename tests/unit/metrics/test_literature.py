"""The metrics of the literature beside the functions that compute each of them."""

import math

import pytest

from sedlib.annotations import event_table
from sedlib.detection import score_table
from sedlib.metrics import (
    block_bootstrap,
    event_based,
    intersection_based,
    literature_intervals,
    literature_metrics,
    segment_based,
)

CLASSES = ["a", "b", "c"]
DURATIONS = {"one": 6, "two": 4}
REFERENCE = event_table(
    [("one", 0.1, 2.0, "a"), ("one", 3.5, 5.0, "b"), ("two", 1.0, 2.5, "a"), ("two", 3.0, 3.5, "b")]
)
ESTIMATED = event_table([("one", 0.0, 2.0, "a"), ("one", 2.0, 3.0, "b"), ("two", 1.0, 3.0, "a")])
WEIGHTS = block_bootstrap(list(DURATIONS.values()), seed=1, block=2, n_resamples=200)


def scored(value):
    tables = {}
    for name, seconds in DURATIONS.items():
        scores = [[value * (row % 3 == column) for column in range(3)] for row in range(seconds)]
        tables[name] = score_table(scores, CLASSES)
    return tables


def test_each_metric_is_what_its_function_returns():
    values = literature_metrics(scored(0.9), REFERENCE, ESTIMATED, DURATIONS)
    segment = segment_based(REFERENCE, ESTIMATED, DURATIONS, CLASSES)
    event = event_based(REFERENCE, ESTIMATED, CLASSES)
    overlap = intersection_based(REFERENCE, ESTIMATED, CLASSES)
    assert values["segment-based F1 (1 s), macro"] == segment.macro["f1"]
    assert values["segment-based F1 (1 s), micro"] == segment.micro["f1"]
    assert values["segment-based error rate (1 s), micro"] == segment.micro["error_rate"]
    assert values["event-based F1 (200 ms, 20 %), macro"] == event.macro["f1"]
    assert values["event-based F1 (200 ms, 20 %), micro"] == event.micro["f1"]
    assert values["intersection-based F1 (0.5), macro"] == overlap.macro["f1"]
    assert len(values) == 8
    assert all(0 <= values[f"PSDS scenario {i}"] <= 1 for i in (1, 2))


def test_an_interval_has_the_name_of_its_metric_and_holds_its_value():
    bounds = literature_intervals(REFERENCE, ESTIMATED, DURATIONS, CLASSES, WEIGHTS)
    values = literature_metrics(scored(0.9), REFERENCE, ESTIMATED, DURATIONS)
    assert len(bounds) == 4
    assert all(low <= values[name] <= high for name, (low, high) in bounds.items())


@pytest.mark.filterwarnings("error")
def test_a_model_that_detects_nothing_is_evaluated_quietly():
    nothing = event_table()
    values = literature_metrics(scored(0.0), REFERENCE, nothing, DURATIONS)
    assert values["segment-based F1 (1 s), micro"] == 0
    assert values["event-based F1 (200 ms, 20 %), macro"] == 0
    bounds = literature_intervals(REFERENCE, nothing, DURATIONS, CLASSES, WEIGHTS)
    assert set(map(tuple, bounds.values())) == {(0, 0)}


def test_nothing_true_and_nothing_detected_has_no_interval():
    nothing = event_table()
    bounds = literature_intervals(nothing, nothing, DURATIONS, CLASSES, WEIGHTS)
    assert all(math.isnan(bound) for pair in bounds.values() for bound in pair)
