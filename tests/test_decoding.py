"""Scores to events, beside a slow decoder; thresholds; score files."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sedlib.annotations import event_table
from sedlib.clips import label_clips
from sedlib.decoding import (
    ScoresError,
    choose_thresholds,
    median_filter,
    read_scores,
    score_table,
    scores_to_events,
    write_scores,
)

CLASSES = ("speaking", "laughing", "door bell")

claim = settings(deadline=None, database=None)
shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=30).map(lambda s: (s[0], 3))
scores = arrays(np.float32, shapes, elements=st.floats(0, 1, width=32))
coarse = arrays(np.float32, shapes, elements=st.integers(0, 4).map(lambda n: n / 4))
labels = arrays(bool, shapes)
hops = st.sampled_from([1.0, 0.5, 0.2, 0.1])


def slow_events(scores, thresholds, hop, minimum_length):
    """Walk over the steps of each class with an open event in hand."""
    found = []
    for column, label in enumerate(CLASSES):
        start = None
        for step in range(len(scores) + 1):
            positive = step < len(scores) and scores[step, column] >= thresholds[column]
            if positive and start is None:
                start = step
            if not positive and start is not None:
                onset, offset = round(start * hop, 6), round(step * hop, 6)
                if round(offset - onset, 6) >= minimum_length:
                    found.append((onset, column, offset, label))
                start = None
    return [("e", onset, offset, label) for onset, _, offset, label in sorted(found)]


@claim
@given(coarse, st.tuples(*3 * [st.integers(0, 4).map(lambda n: n / 4)]), hops,
       st.sampled_from([0.0, 0.2, 0.3, 1.0, 2.0]))  # fmt: skip
def test_events_agree_with_a_slow_decoder(scores, thresholds, hop, minimum_length):
    table = score_table(scores, CLASSES, hop)
    events = scores_to_events(table, thresholds, "e", minimum_length)
    pd.testing.assert_frame_equal(
        events, event_table(slow_events(scores, thresholds, hop, minimum_length))
    )


@claim
@given(labels, hops, st.sampled_from(["half", "whole", "any"]))
def test_labels_become_events_and_the_same_labels_again(labels, hop, rule):
    events = scores_to_events(score_table(labels, CLASSES, hop), 0.5, "e")
    duration = hop * len(labels)
    if rule == "whole" and hop <= 0.1:
        return  # an event may then be late by a whole clip
    np.testing.assert_array_equal(label_clips(events, duration, CLASSES, rule, hop), labels)


def decoded(scores, *arguments, hop=1.0):
    table = score_table(np.array(scores)[:, None], ["speaking"], hop)
    events = scores_to_events(table, *arguments)
    return list(zip(events["onset"], events["offset"], strict=True))


def test_an_event_open_at_the_end_of_the_file_is_kept():
    assert decoded([0.0, 0.9, 0.9], 0.5, "e") == [(1.0, 3.0)]
    assert decoded([0.9], 0.5, "e") == [(0.0, 1.0)]


def test_times_follow_the_hop():
    assert decoded([0, 0, 0, 1, 1, 1, 0], 0.5, "e", hop=0.1) == [(0.3, 0.6)]


def test_a_score_at_the_threshold_is_positive():
    assert decoded([0.5, 0.25], 0.5, "e") == [(0.0, 1.0)]


def test_a_threshold_between_two_float32_scores_tells_them_apart():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    between = (np.float64(low) * 9 + np.float64(high)) / 10
    assert decoded([low, high], between, "e") == [(1.0, 2.0)]


def test_an_event_as_long_as_the_minimum_is_kept():
    assert decoded([1, 1, 1, 0, 1, 1], 0.5, "e", 0.3, hop=0.1) == [(0.0, 0.3)]


def test_thresholds_and_minimum_lengths_are_per_class():
    table = score_table([[0.6, 0.6], [0.6, 0.0], [0.0, 0.0], [0.6, 0.6]], ["a", "b"])
    events = scores_to_events(table, [0.5, 0.7], "e")
    assert events["event_label"].tolist() == ["a", "a"]
    events = scores_to_events(table, 0.5, "e", [2.0, 0.0])
    assert events["event_label"].tolist() == ["a", "b", "b"]


def test_no_steps_give_no_events():
    assert scores_to_events(score_table(np.zeros((0, 3)), CLASSES), 0.5, "e").empty


@claim
@given(coarse, st.sampled_from([1, 3, 5, 7]), st.integers(1, 4).map(lambda n: n / 4))
def test_the_median_of_scores_is_the_majority_of_decisions(scores, length, threshold):
    padded = np.pad(scores >= threshold, ((length // 2, length // 2), (0, 0)), mode="edge")
    majority = [padded[step : step + length].mean(axis=0) > 0.5 for step in range(len(scores))]
    np.testing.assert_array_equal(median_filter(scores, length) >= threshold, majority)


def test_the_median_filter_has_a_length_for_each_class():
    blip = np.array([[0, 0], [1, 1], [0, 0]], dtype=np.float32)
    np.testing.assert_array_equal(median_filter(blip, [1, 3])[:, 0], [0, 1, 0])
    np.testing.assert_array_equal(median_filter(blip, [1, 3])[:, 1], [0, 0, 0])
    np.testing.assert_array_equal(blip[1], [1, 1])


@pytest.mark.parametrize("length", [0, 2, -1])
def test_an_even_median_length_is_refused(length):
    with pytest.raises(ValueError, match=f"length {length} is not odd and positive"):
        median_filter(np.zeros((4, 1)), length)


def f1(truth, predicted):
    return 2 * (truth & predicted).sum() / (truth.sum() + predicted.sum())


@claim
@given(scores, st.randoms(use_true_random=False))
def test_chosen_thresholds_are_within_the_plateau_of_the_best_f1(scores, random):
    truth = np.array([[random.random() < 0.4 for _ in CLASSES] for _ in scores])
    thresholds = choose_thresholds(truth, scores)
    for column, threshold in enumerate(thresholds):
        label, score = truth[:, column], scores[:, column].astype(np.float64)
        if not label.any():
            assert threshold == 0.5
            continue
        best = max(f1(label, score >= candidate) for candidate in score)
        assert f1(label, score >= threshold) >= best - 0.05 - 1e-9


def test_the_threshold_of_a_lone_positive_lies_midway_to_the_next_score():
    truth = np.array([[1], [0], [0]])
    assert choose_thresholds(truth, [[0.9], [0.1], [0.05]]) == pytest.approx([0.5])
    assert choose_thresholds(truth, [[0.09], [0.01], [0.0]]) == pytest.approx([0.05])


def test_a_lucky_spike_does_not_set_the_threshold():
    # F1 is 1 in (0.59, 0.6] and 20/21 in the wide (0.1, 0.59].
    truth = np.array([1] * 10 + [0, 0])[:, None]
    scores = np.append(np.linspace(0.99, 0.6, 10), [0.59, 0.1])[:, None]
    assert choose_thresholds(truth, scores)[0] == pytest.approx(0.35)


@pytest.mark.parametrize(
    ("scores", "middle"),
    [
        ([0.9, 0.8, 0.75, 0.7, 0.69, 0.6, 0.2], 0.4),
        ([0.9, 0.8, 0.75, 0.7, 0.3, 0.29, 0.28], 0.5),
    ],
)
def test_of_two_good_ranges_the_wider_one_is_taken(scores, middle):
    # F1 is 8/9 after the fourth score, 8/10 after the fifth, 10/11 after the sixth.
    truth = np.array([1, 1, 1, 1, 0, 1, 0])[:, None]
    assert choose_thresholds(truth, np.array(scores)[:, None])[0] == pytest.approx(middle)


def test_a_class_without_positives_has_threshold_one_half():
    assert choose_thresholds(np.zeros((3, 1)), [[0.9], [0.1], [0.05]]).tolist() == [0.5]


@claim
@given(scores, hops)
def test_scores_are_read_as_they_were_written(tmp_path_factory, scores, hop):
    path = tmp_path_factory.getbasetemp() / "scores.tsv"
    table = score_table(scores, CLASSES, hop)
    write_scores(table, path)
    back = read_scores(path, CLASSES)
    pd.testing.assert_frame_equal(back, table, check_exact=True)
    np.testing.assert_array_equal(back[list(CLASSES)].to_numpy(), scores)


def test_a_score_file_has_the_layout_of_sed_scores_eval(tmp_path):
    path = tmp_path / "scores.tsv"
    write_scores(score_table([[0.5, 0.25], [1, 0.1]], ["a", "b"], 0.5), path)
    assert path.read_bytes() == (
        b"onset\toffset\ta\tb\n0\t0.5\t0.5\t0.25\n0.5\t1\t1\t0.100000001\n"
    )


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "not a tab separated table"),
        ("onset\toffset\tb\ta\n0\t1\t0\t0\n", "has columns .* score again"),
        ("onset\toffset\ta\tb\n0\t1\t0\tmuch\n", "could not convert .* score again"),
        ("onset\toffset\ta\tb\n0\t1\t0\t1.5\n", "row 1: score 1.5 of 'b' is not in"),
        ("onset\toffset\ta\tb\n0\t1\t0\t\n", "row 1: score nan of 'b' is not in"),
        ("onset\toffset\ta\tb\n0\t1\t0\t0\n2\t3\t0\t0\n", "row 2 begins at 2.* ends at 1"),
    ],
)
def test_a_bad_score_file_is_refused_in_one_sentence(tmp_path, content, fault):
    path = tmp_path / "e.tsv"
    path.write_text(content)
    with pytest.raises(ScoresError, match=f"e.tsv: {fault}") as error:
        read_scores(path, ["a", "b"])
    assert "\n" not in str(error.value)


def test_a_missing_score_file_is_named(tmp_path):
    with pytest.raises(ScoresError, match=r"gone\.tsv: no such file"):
        read_scores(tmp_path / "gone.tsv", ["a"])


@pytest.mark.parametrize("score", [-0.1, 1.1, np.nan])
def test_a_score_outside_its_range_is_refused(score):
    with pytest.raises(ScoresError, match=r"row 2: score .* of 'a' is not in"):
        score_table([[0.5], [score]], ["a"])
