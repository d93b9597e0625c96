"""Labels of segments and frames against slow, exact counts; the split and its leakage."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.annotations import AnnotationError, event_table
from sedlib.config import STFTParams
from sedlib.labels import (
    label_frames,
    label_segments,
    label_stretches,
    microseconds,
)

CLASSES = ("speaking", "laughing")

claim = settings(deadline=None, database=None)
# Tenths and eighths of a second make ties and touching events likely.
times = st.one_of(
    st.integers(0, 80).map(lambda tenths: tenths / 10),
    st.integers(0, 64).map(lambda eighths: eighths / 8),
    st.integers(0, 8000).map(lambda milliseconds: milliseconds / 1000),
)
events = st.lists(
    st.tuples(st.just("e"), times, times, st.sampled_from(CLASSES))
    .filter(lambda event: event[1] != event[2])
    .map(lambda event: (event[0], min(event[1:3]), max(event[1:3]), event[3])),
    max_size=8,
).map(event_table)


def exact(seconds):
    return Fraction(str(seconds))


def slow_labels(events, duration, classes, rule):
    """Segment by segment, event by event, in exact arithmetic."""
    labels = [
        [slow_label(events, label, rule, start, start + 1) for label in classes]
        for start in range(int(exact(duration)))
    ]
    return np.array(labels, dtype=bool).reshape(-1, len(classes))


def slow_label(events, label, rule, start, end):
    spans = [
        (exact(event.onset), exact(event.offset))
        for event in events.itertuples()
        if event.event_label == label
    ]
    if rule == "any":
        return any(onset < end and offset > start for onset, offset in spans)
    if rule == "whole":
        return any(onset <= start + Fraction(1, 10) and offset >= end for onset, offset in spans)
    joined = []
    for onset, offset in sorted(spans):
        if joined and onset <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(offset, joined[-1][1]))
        else:
            joined.append((onset, offset))
    inside = [(max(0, min(offset, end) - max(onset, start)), offset - onset)
              for onset, offset in joined]  # fmt: skip
    if 2 * sum(part for part, _ in inside) >= end - start:
        return True
    return any(length < end - start and 2 * part >= length for part, length in inside)


@pytest.mark.parametrize("rule", ["half", "whole", "any"])
@claim
@given(events, times)
def test_labels_agree_with_a_slow_exact_count(rule, events, duration):
    labels = label_segments(events, duration, CLASSES, rule)
    np.testing.assert_array_equal(labels, slow_labels(events, duration, CLASSES, rule))
    assert labels.dtype == bool


def labelled(*spans, rule="half", duration=6.0):
    events = event_table(("e", onset, offset, "speaking") for onset, offset in spans)
    return np.flatnonzero(label_segments(events, duration, CLASSES, rule)[:, 0]).tolist()


def test_half_a_segment_is_enough():
    assert labelled((1.5, 3.5)) == [1, 2, 3]
    assert labelled((1.500001, 3.499999)) == [2]


def test_a_short_event_labels_the_segment_that_holds_half_of_it():
    assert labelled((2.9, 3.3)) == [3]
    assert labelled((2.65, 2.75)) == [2]


def test_an_event_in_exact_halves_labels_both_segments():
    assert labelled((2.7, 3.3)) == [2, 3]
    assert labelled((2.9, 3.1)) == [2, 3]


def test_overlapping_events_are_not_counted_twice():
    assert labelled((1.0, 2.3), (1.2, 2.2), (1.5, 2.3)) == [1]


def test_short_events_that_touch_are_one():
    assert labelled((2.6, 2.8), (2.8, 3.3)) == [2]
    assert labelled((2.6, 2.8), (2.801, 3.3)) == [2, 3]


def test_parts_of_a_segment_add_up():
    assert labelled((1.0, 2.25), (2.75, 4.0)) == [1, 2, 3]


def test_the_rule_whole_lets_an_event_be_a_tenth_late():
    assert labelled((1.1, 3.0), rule="whole") == [1, 2]
    assert labelled((1.11, 2.99), rule="whole") == []


def test_the_rule_whole_asks_for_one_event():
    assert labelled((1.0, 1.5), (1.5, 2.0), rule="whole") == []
    assert labelled((1.0, 1.5), (1.5, 2.0), rule="half") == [1]


def test_the_rule_any_takes_a_millisecond_but_no_touching():
    assert labelled((1.999, 3.0), rule="any") == [1, 2]


@pytest.mark.parametrize("rule", ["half", "any"])
def test_what_lies_before_the_recording_labels_no_segment(rule):
    assert labelled((-0.5, -0.1), rule=rule) == []
    assert labelled((-0.1, 0.3), rule=rule) == [0]
    assert labelled((-5.0, 1.5), rule=rule) == [0, 1]


def test_a_remainder_shorter_than_a_segment_has_no_label():
    assert label_segments(event_table(), 359.99, CLASSES).shape == (359, 2)
    assert label_segments(event_table(), 360.0, CLASSES).shape == (360, 2)
    assert labelled((3.0, 3.7), duration=3.7) == []


def test_by_default_half_of_a_segment_of_one_second_is_needed():
    events = event_table([("e", 1.5, 2.4, "speaking"), ("e", 2.9, 3.3, "laughing")])
    usual = label_segments(events, 6.0, CLASSES)
    assert usual.tolist() == label_segments(events, 6.0, CLASSES, rule="half").tolist()
    assert usual.tolist() != label_segments(events, 6.0, CLASSES, rule="any").tolist()


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="rule 'most' is not one of 'half', 'whole' and 'any'"):
        label_segments(event_table(), 3.0, CLASSES, "most")


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([("e", 0, 1, "speaking"), ("f", 0, 1, "speaking")], "events of 2 recordings"),
        (
            [("e", 0, 1, "speaking"), ("e", 0, 1, "coughing")],
            "e: event at 0.0 s: unknown label 'coughing', the most similar class is",
        ),
        (
            [("e", 3, 3, "speaking")],
            "e: event at 3.0 s: 'speaking' lasts from 3.0 to 3.0 s; correct",
        ),
        (
            [("e", 3, 2, "speaking")],
            "e: event at 3.0 s: 'speaking' lasts from 3.0 to 2.0 s; correct",
        ),
    ],
)
def test_events_that_cannot_be_labelled_are_refused(rows, fault):
    with pytest.raises(AnnotationError, match=fault):
        label_segments(event_table(rows), 5.0, CLASSES)


@claim
@given(events)
def test_a_frame_has_the_label_of_an_event_that_is_active_at_its_centre(table):
    stft = STFTParams(sample_rate=800, n_fft=64, hop_length=80, win_length=48)
    labels = label_frames(table, 5, CLASSES, stft)
    assert labels.shape == (5, 11, 2)
    spans = {label: [] for label in CLASSES}
    for event in table.itertuples():
        spans[event.event_label].append((event.onset, event.offset))
    for segment, frame, column in np.ndindex(labels.shape):
        centre = segment + frame / 10
        own = spans[CLASSES[column]]
        expected = any(onset <= centre < offset for onset, offset in own)
        assert labels[segment, frame, column] == expected


@claim
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))
def test_stretches_are_the_longest_runs_of_equal_labels_and_those_without_any_are_left_out(rows):
    labels = np.array(rows, dtype=bool).reshape(-1, 2)
    stretches = label_stretches(labels)
    covered = np.zeros(len(labels), dtype=bool)
    for start, stop, label in stretches:
        assert (labels[start:stop] == label).all() and label.any()
        assert start == 0 or (labels[start - 1] != label).any()
        assert stop == len(labels) or (labels[stop] != label).any()
        assert not covered[start:stop].any()
        covered[start:stop] = True
    np.testing.assert_array_equal(covered, labels.any(axis=1))


@pytest.mark.parametrize("seconds", [np.nan, np.inf, [0.0, 1e300], [-np.inf, 1.0]])
def test_what_is_no_time_is_refused_not_rounded(seconds):
    with pytest.raises(ValueError, match="not times in a recording"):
        microseconds(seconds)
