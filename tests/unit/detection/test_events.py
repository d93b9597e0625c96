"""Scores to events, beside a slow walk over the rows."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sedlib.annotations import event_table
from sedlib.detection import score_table, scores_to_events
from sedlib.labels import label_segments

CLASSES = ("speaking", "laughing", "door bell")

claim = settings(deadline=None, database=None, max_examples=50)
shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=30).map(lambda s: (s[0], 3))
quarters = st.integers(0, 4).map(lambda n: n / 4)
coarse = arrays(np.float32, shapes, elements=quarters)
labels = arrays(bool, shapes)
hops = st.sampled_from([1.0, 0.5, 0.2, 0.1])


def slow_events(scores, thresholds, hop):
    """Walk over the rows of each class with an open event in hand."""
    events = []
    for column, label in enumerate(CLASSES):
        start = None
        for row in range(len(scores) + 1):
            detected = row < len(scores) and scores[row, column] >= thresholds[column]
            if detected and start is None:
                start = row
            if not detected and start is not None:
                own = [float(scores[k, column]) for k in range(start, row)]
                marks = round(sum(own) / len(own), 6), max(own)
                events.append((round(start * hop, 6), column, round(row * hop, 6), label, *marks))
                start = None
    return [("e", onset, *event) for onset, _, *event in sorted(events)]


@claim
@given(coarse, st.tuples(quarters, quarters, quarters), hops)
def test_events_agree_with_a_slow_walk(scores, thresholds, hop):
    events = scores_to_events(score_table(scores, CLASSES, hop), thresholds, "e")
    pd.testing.assert_frame_equal(events, event_table(slow_events(scores, thresholds, hop)))


@claim
@given(labels, st.sampled_from(["half", "whole", "any"]))
def test_labels_become_events_and_the_same_labels_again(labels, rule):
    events = scores_to_events(score_table(labels, CLASSES), 0.5, "e")
    np.testing.assert_array_equal(label_segments(events, len(labels), CLASSES, rule), labels)


def test_an_event_has_the_mean_and_the_peak_of_the_scores_of_its_class():
    table = score_table([[0.5, 1.0], [0.75, 1.0], [0.25, 1.0], [0.5, 0.0]], ["a", "b"])
    events = scores_to_events(table, 0.5, "e")
    assert events[["event_label", "score", "peak_score"]].to_numpy().tolist() == [
        ["a", 0.625, 0.75],
        ["b", 1.0, 1.0],
        ["a", 0.5, 0.5],
    ]


def spans(scores, threshold, hop=1.0):
    table = score_table(np.array(scores)[:, None], ["speaking"], hop)
    events = scores_to_events(table, threshold, "e")
    return list(zip(events["onset"], events["offset"], strict=True))


def test_an_event_open_at_the_end_of_the_file_is_kept():
    assert spans([0.0, 0.9, 0.9], 0.5) == [(1.0, 3.0)]
    assert spans([0.9], 0.5) == [(0.0, 1.0)]


def test_an_event_ends_with_a_shorter_last_row():
    table = score_table([[0.0], [1.0], [1.0]], ["a"])
    table.loc[2, "offset"] = 2.4
    assert scores_to_events(table, 0.5, "e")["offset"].tolist() == [2.4]


def test_times_follow_the_hop():
    assert spans([0, 0, 0, 1, 1, 1, 0], 0.5, hop=0.1) == [(0.3, 0.6)]


def test_a_score_at_the_threshold_is_detected():
    assert spans([0.5, 0.25], 0.5) == [(0.0, 1.0)]


def test_a_threshold_between_two_float32_scores_tells_them_apart():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    between = (np.float64(low) * 9 + np.float64(high)) / 10
    assert spans([low, high], float(between)) == [(1.0, 2.0)]


def test_thresholds_are_per_class():
    table = score_table([[0.6, 0.6], [0.6, 0.0], [0.0, 0.0], [0.6, 0.6]], ["a", "b"])
    events = scores_to_events(table, [0.5, 0.7], "e")
    assert events["event_label"].tolist() == ["a", "a"]
    assert scores_to_events(table, 0.5, "e")["event_label"].tolist() == ["a", "b", "a", "b"]


def test_no_rows_give_no_events():
    assert scores_to_events(score_table(np.zeros((0, 3)), CLASSES), 0.5, "e").empty
