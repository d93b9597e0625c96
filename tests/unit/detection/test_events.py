"""Scores to events, beside a slow decoder; thresholds; tuning; score files."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.special import expit, logit

from sedlib.annotations import event_table
from sedlib.detection import (
    Decoding,
    DecodingError,
    ScoresError,
    choose_thresholds,
    decode,
    drop_short,
    hysteresis,
    mean_filter,
    median_filter,
    positive_steps,
    read_scores,
    score_table,
    scores_to_events,
    steps_to_events,
    threshold_table,
    tune_decoding,
    write_scores,
)
from sedlib.labels import label_segments
from sedlib.metrics import block_bootstrap

CLASSES = ("speaking", "laughing", "door bell")

claim = settings(deadline=None, database=None, max_examples=50)
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
    np.testing.assert_array_equal(label_segments(events, duration, CLASSES, rule, hop), labels)


def decoded(scores, *arguments, hop=1.0):
    table = score_table(np.array(scores)[:, None], ["speaking"], hop)
    events = scores_to_events(table, *arguments)
    return list(zip(events["onset"], events["offset"], strict=True))


def test_an_event_open_at_the_end_of_the_file_is_kept():
    assert decoded([0.0, 0.9, 0.9], 0.5, "e") == [(1.0, 3.0)]
    assert decoded([0.9], 0.5, "e") == [(0.0, 1.0)]


def test_times_follow_the_hop():
    assert decoded([0, 0, 0, 1, 1, 1, 0], 0.5, "e", hop=0.1) == [(0.3, 0.6)]


def test_times_are_whole_microseconds():
    table = score_table(np.zeros((3, 1)), ["a"], hop=1 / 3)
    assert table["onset"].tolist() == [0, 0.333333, 0.666667]
    assert table["offset"].tolist() == [0.333333, 0.666667, 1]


def test_a_score_at_the_threshold_is_positive():
    assert decoded([0.5, 0.25], 0.5, "e") == [(0.0, 1.0)]


def test_a_threshold_between_two_float32_scores_tells_them_apart():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    between = (np.float64(low) * 9 + np.float64(high)) / 10
    assert decoded([low, high], float(between), "e") == [(1.0, 2.0)]


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


@claim
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 15))
def test_the_mean_filter_averages_the_steps_around_with_the_ends_repeated(seed, n, length):
    scores = np.random.default_rng(seed).random((n, 2), dtype=np.float32)
    smooth = mean_filter(scores, length)
    assert smooth.dtype == scores.dtype
    for step in range(n):
        around = np.arange(step - length // 2, step - length // 2 + length).clip(0, n - 1)
        expected = scores[around].astype(float).mean(axis=0)
        np.testing.assert_allclose(smooth[step], expected, atol=1e-6)


def test_the_mean_of_scores_stays_a_score_and_of_one_step_is_the_score():
    ones = np.ones((50, 1), np.float32)
    assert (mean_filter(ones, 7) <= 1).all()
    scores = np.random.default_rng(0).random((9, 2))
    np.testing.assert_array_equal(mean_filter(scores, 1.4), scores)


@pytest.mark.parametrize("length", [0, -1, float("nan")])
def test_a_mean_over_nothing_is_refused(length):
    with pytest.raises(ValueError, match=r"mean filter length .* is not positive"):
        mean_filter([[0.5]], length)


@pytest.mark.parametrize("length", [0, 2, -1])
def test_an_even_median_length_is_refused(length):
    with pytest.raises(ValueError, match=f"length {length} is not odd and positive"):
        median_filter(np.zeros((4, 1)), length)


def slow_hysteresis(scores, high, low):
    """From each step that starts an event, walk back and forth while the score is not low."""
    positive = np.zeros(scores.shape, dtype=bool)
    for column in range(scores.shape[1]):
        for start in np.flatnonzero(scores[:, column] >= high):
            for way in (-1, 1):
                step = start
                while 0 <= step < len(scores) and scores[step, column] >= low:
                    positive[step, column] = True
                    step += way
    return positive


levels = st.integers(0, 4).map(lambda n: n / 4)
pairs = st.tuples(levels, levels).map(sorted)


@claim
@given(coarse, pairs)
def test_hysteresis_agrees_with_a_slow_walk(scores, pair):
    low, high = pair
    np.testing.assert_array_equal(hysteresis(scores, high, low), slow_hysteresis(scores, high, low))


@claim
@given(scores, levels)
def test_hysteresis_with_equal_thresholds_is_plain_thresholding(scores, threshold):
    np.testing.assert_array_equal(hysteresis(scores, threshold, threshold), scores >= threshold)


@claim
@given(coarse, pairs, pairs)
def test_raising_a_threshold_never_adds_a_positive_step(scores, lows, highs):
    for low, raised in (lows, (lows[0], lows[0])):
        for high, higher in (highs, (highs[0], highs[0])):
            if raised <= high:
                assert (hysteresis(scores, high, low) >= hysteresis(scores, higher, raised)).all()


def test_the_thresholds_of_hysteresis_are_per_class():
    rising = np.array([[0.3, 0.3], [0.6, 0.6], [0.3, 0.3], [0.0, 0.3]])
    positive = hysteresis(rising, [0.5, 0.7], [0.3, 0.3])
    assert positive[:, 0].tolist() == [True, True, True, False]
    assert not positive[:, 1].any()


@pytest.mark.parametrize(
    ("high", "low", "fault"),
    [
        (0.5, 0.6, r"a low threshold of 0\.6 is above the high one of 0\.5"),
        ([0.5, 0.5], [0.5, 0.6], r"of \[0\.5, 0\.6\] is above the high one of \[0\.5, 0\.5\]"),
    ],
)
def test_a_low_threshold_above_the_high_one_is_refused(high, low, fault):
    with pytest.raises(ValueError, match=fault):
        hysteresis(np.zeros((2, 2)), high, low)


@claim
@given(labels, hops, st.sampled_from([0.0, 0.2, 0.3, 1.0, 2.0]))
def test_dropping_short_events_or_their_steps_is_one(positive, hop, minimum):
    table = score_table(positive, CLASSES, hop)
    kept = steps_to_events(drop_short(positive, table, minimum), table, "e")
    pd.testing.assert_frame_equal(kept, scores_to_events(table, 0.5, "e", minimum))


def test_a_shorter_last_step_counts_with_its_own_length():
    table = score_table([[0.0], [1.0], [1.0]], ["a"])
    table.loc[2, "offset"] = 2.4
    assert drop_short(np.array([[0], [1], [1]], dtype=bool), table, 1.4).any()
    assert not drop_short(np.array([[0], [1], [1]], dtype=bool), table, 1.5).any()


def test_an_event_less_than_a_millisecond_shorter_than_the_minimum_is_dropped():
    table = score_table([[0.0], [1.0], [0.0]], ["a"], hop=0.2996)
    positive = np.array([[0], [1], [0]], dtype=bool)
    assert not drop_short(positive, table, 0.3).any()
    assert drop_short(positive, table, 0.2996).any()


@st.composite
def decodings(draw, classes=CLASSES):
    thresholds = {label: draw(levels) for label in classes}
    return Decoding(
        thresholds,
        {label: draw(st.sampled_from([0.0, 0.5, 1.0])) * t for label, t in thresholds.items()},
        {label: draw(st.sampled_from([1, 3, 5])) for label in classes},
        {label: draw(st.sampled_from([0.0, 1.0, 2.0])) for label in classes},
    )


@claim
@given(coarse, decodings(), hops)
def test_decoding_is_filter_hysteresis_and_minimum_length_in_that_order(scores, decoding, hop):
    table = score_table(scores, CLASSES, hop)
    rows = []
    for column, label in enumerate(CLASSES):
        filtered = median_filter(scores[:, [column]], decoding.median_lengths[label])
        high, low = decoding.thresholds[label], decoding.low_thresholds[label]
        walked = np.zeros(scores.shape)
        walked[:, [column]] = slow_hysteresis(filtered, high, low)
        rows += slow_events(walked, [0.5] * 3, hop, decoding.minimum_lengths[label])
    rows.sort(key=lambda row: (row[1], CLASSES.index(row[3])))
    pd.testing.assert_frame_equal(decode(table, decoding, "e"), event_table(rows))


@claim
@given(coarse, decodings())
def test_decoding_commutes_with_splitting_by_class(scores, decoding):
    together = positive_steps(score_table(scores, CLASSES), decoding)
    for column, label in enumerate(CLASSES):
        alone = positive_steps(score_table(scores[:, [column]], [label]), decoding)
        np.testing.assert_array_equal(alone[:, 0], together[:, column])


@claim
@given(scores, levels)
def test_a_decoding_of_thresholds_alone_is_plain_thresholding(scores, threshold):
    table = score_table(scores, CLASSES)
    decoding = Decoding(dict.fromkeys(CLASSES, threshold))
    np.testing.assert_array_equal(positive_steps(table, decoding), scores >= threshold)


def test_an_event_open_at_the_end_of_the_file_survives_every_step_of_decoding():
    table = score_table([[0.0], [0.0], [0.9], [0.9], [0.4]], ["a"])
    decoding = Decoding({"a": 0.8}, {"a": 0.3}, {"a": 3}, {"a": 3.0})
    events = decode(table, decoding, "e")
    assert events[["onset", "offset"]].to_numpy().tolist() == [[2.0, 5.0]]


@claim
@given(decodings())
def test_a_decoding_comes_back_from_json(decoding):
    assert Decoding(**json.loads(json.dumps(asdict(decoding)))) == decoding


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (({"a": 1.2},), r"thresholds of 'a' is 1\.2; it must be in \[0, 1\]"),
        (({"a": -0.1},), r"thresholds of 'a' is -0\.1"),
        (({"a": np.nan},), "thresholds of 'a' is nan"),
        (({"a": 0.5}, {"a": 0.6}), r"low_thresholds of 'a' is 0\.6; .* in \[0, 0\.5\]"),
        (({"a": 0.5}, {"a": -0.1}), r"low_thresholds of 'a' is -0\.1"),
        (({"a": 0.5}, {}, {"a": 2}), "median_lengths of 'a' is 2; it must be odd"),
        (({"a": 0.5}, {}, {"a": -1}), "median_lengths of 'a' is -1; it must be odd"),
        (({"a": 0.5}, {}, {}, {"a": -1.0}), r"minimum_lengths of 'a' is -1\.0; .* 0 or more"),
        (({"a": 0.5}, {"b": 0.1}), "low_thresholds has 'b', which has no threshold"),
    ],
)
def test_a_decoding_that_cannot_be_is_refused(values, fault):
    with pytest.raises(DecodingError, match=fault):
        Decoding(*values)


def test_a_class_without_a_threshold_is_named():
    with pytest.raises(DecodingError, match="the scores have 'b', which has no threshold"):
        decode(score_table([[0.1, 0.2]], ["a", "b"]), Decoding({"a": 0.5}), "e")


def f1(truth, predicted):
    return 2 * (truth & predicted).sum() / (truth.sum() + predicted.sum())


def simulated(rng, n, n_positive, slope=1.0, offset=0.0):
    """Labels and scores of one class; as probabilities, but for slope and offset."""
    label = np.zeros(n, dtype=bool)
    label[rng.permutation(n)[:n_positive]] = True
    # The log odds of two normal distributions 3 apart, with this share of positives.
    odds = 3 * rng.normal(3 * label, 1) - 4.5 + logit(n_positive / n)
    return label[:, None], expit((odds - offset) / slope)[:, None]


def slow_threshold(label, score):
    """The same estimate, summed over a fine grid of slopes and offsets one by one."""
    x, total, probability = logit(score), 0.0, 0.0
    line = np.linspace(-14, 14, 2801)
    for log_slope in np.linspace(-0.9, 0.9, 31):
        for offset in np.linspace(-5, 5, 201):
            p = expit(np.exp(log_slope) * x + offset)
            likelihood = np.prod(np.where(label, p, 1 - p))
            prior = np.exp(-((log_slope / 0.25) ** 2) / 2 - (offset / 0.7) ** 2 / 2)
            total += likelihood * prior
            probability += likelihood * prior * expit(np.exp(log_slope) * np.r_[x, line] + offset)
    p, on_line = np.split(probability / total, [len(x)])
    best = max(2 * p[x >= cut].sum() / ((x >= cut).sum() + p.sum()) for cut in x)
    return expit(np.interp(best / 2, on_line, line))


@pytest.mark.parametrize("n_positive", [1, 4, 20])
def test_thresholds_agree_with_a_slow_sum_over_slopes_and_offsets(n_positive):
    rng = np.random.default_rng(n_positive)
    label, score = simulated(rng, 60, n_positive, slope=0.8, offset=1.0)
    expected = slow_threshold(label[:, 0], score[:, 0])
    assert choose_thresholds(label, score)[0] == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("offset", [3.5, -3.5])  # the slow grid reaches from -5 to 5
def test_thresholds_agree_with_the_slow_sum_where_scores_are_far_off(offset):
    label, score = simulated(np.random.default_rng(9), 60, 20, offset=offset)
    expected = slow_threshold(label[:, 0], score[:, 0])
    assert logit(choose_thresholds(label, score)[0]) == pytest.approx(logit(expected), abs=0.02)


def test_with_many_positives_the_threshold_reaches_the_best_f1_whatever_the_scale():
    rng = np.random.default_rng(0)
    for slope, offset in ((1, 0), (0.7, 1), (1.4, -1)):
        label, score = simulated(rng, 6000, 600, slope, offset)
        best = max(f1(label, score >= cut) for cut in np.quantile(score, np.linspace(0.5, 1, 500)))
        assert f1(label, score >= choose_thresholds(label, score)) > best - 0.01


def test_the_threshold_for_probabilities_is_half_the_best_f1():
    label, score = simulated(np.random.default_rng(1), 20000, 2000)
    threshold = choose_thresholds(label, score)[0]
    assert threshold == pytest.approx(f1(label, score >= threshold) / 2, abs=0.02)


def test_a_few_lucky_clips_do_not_set_the_threshold():
    """On fresh clips the rule loses less than the threshold of the best F1 does."""
    rng = np.random.default_rng(2)
    fresh = simulated(rng, 40000, 500)
    lost = []
    for _ in range(30):
        label, score = simulated(rng, 480, 6)
        luckiest = max(score.ravel(), key=lambda cut, y=label, s=score: f1(y, s >= cut))
        cuts = luckiest, choose_thresholds(label, score)[0]
        lost.append([f1(fresh[0], fresh[1] >= cut) for cut in cuts])
    lucky, ours = np.mean(lost, axis=0)
    assert ours > lucky + 0.01


@settings(claim, max_examples=30)
@given(scores, st.randoms(use_true_random=False))
def test_thresholds_are_in_range_and_by_class_whatever_the_scores(scores, random):
    truth = np.array([[random.random() < 0.4 for _ in CLASSES] for _ in scores])
    thresholds = choose_thresholds(truth, scores)
    assert ((thresholds >= 0) & (thresholds <= 1)).all()
    np.testing.assert_array_equal(thresholds[~truth.any(axis=0)], 0.5)
    alone = [choose_thresholds(truth[:, [c]], scores[:, [c]])[0] for c in range(3)]
    np.testing.assert_allclose(alone, thresholds)


def test_a_class_that_is_always_there_is_always_found_whatever_the_scores():
    truth = np.ones((500, 1), dtype=bool)
    for score in (0.0, 1e-3, 0.5):
        assert choose_thresholds(truth, np.full((500, 1), score))[0] <= max(score, 1e-5)


def test_scores_of_0_and_1_are_as_those_a_millionth_away():
    label, score = simulated(np.random.default_rng(11), 200, 40)
    score[[0, 1]], score[[2, 3]], label[[0, 2]], label[[1, 3]] = 0, 1, True, False
    assert choose_thresholds(label, score) == pytest.approx(
        choose_thresholds(label, score.clip(1e-6, 1 - 1e-6)), abs=1e-9
    )


def test_the_order_of_clips_does_not_matter_to_the_threshold():
    label, score = simulated(np.random.default_rng(3), 200, 20)
    order = np.random.default_rng(4).permutation(200)
    assert choose_thresholds(label[order], score[order]) == pytest.approx(
        choose_thresholds(label, score), abs=1e-9
    )


def test_a_threshold_has_an_interval_that_narrows_with_more_positives():
    rng = np.random.default_rng(5)
    rare, common = simulated(rng, 400, 5), simulated(rng, 400, 120)
    label, score = np.hstack([rare[0], common[0]]), np.hstack([rare[1], common[1]])
    table = threshold_table(label, score, ["rare", "common"], [250, 150], 0, n_resamples=200)
    np.testing.assert_array_equal(table["threshold"], choose_thresholds(label, score))
    assert (table["threshold_low"] < table["threshold"]).all()
    assert (table["threshold"] < table["threshold_high"]).all()
    f1_width = table["f1_high"] - table["f1_low"]
    assert f1_width["rare"] > 2 * f1_width["common"]
    assert table["f1"].tolist() == pytest.approx(
        [
            f1(*pair)
            for pair in zip(label.T, (score >= table["threshold"].to_numpy()).T, strict=True)
        ]
    )


@pytest.mark.parametrize("n_positive", [2, 15])  # two, so that some resamples have none
def test_the_interval_of_a_threshold_is_of_choosing_it_on_the_clips_of_each_resample(n_positive):
    label, score = simulated(np.random.default_rng(6), 90, n_positive)
    table = threshold_table(label, score, ["a"], [90], seed=1, n_resamples=40)
    weights = block_bootstrap([90], 1, n_resamples=40)[1:]
    chosen = [
        choose_thresholds(label[clips], score[clips])[0]
        for weight in weights
        if label[clips := np.repeat(np.arange(90), weight.astype(int))].any()
    ]
    assert (len(chosen) < len(weights)) == (n_positive == 2)
    ends = table.loc["a", ["threshold_low", "threshold_high"]].tolist()
    assert ends == pytest.approx(np.quantile(chosen, [0.025, 0.975]), abs=1e-6)


def test_the_interval_of_f1_is_of_one_threshold_on_the_clips_of_each_resample():
    label, score = simulated(np.random.default_rng(7), 90, 20)
    row = threshold_table(label, score, ["a"], [50, 40], seed=1, n_resamples=40).loc["a"]
    said = score >= row["threshold"]
    assert (label != said).any() and row["positives"] == 20
    drawn = [
        f1(label[clips], said[clips])
        for weight in block_bootstrap([50, 40], 1, n_resamples=40)[1:]
        for clips in [np.repeat(np.arange(90), weight.astype(int))]
    ]
    ends = row[["f1_low", "f1_high"]].tolist()
    assert ends == pytest.approx(np.quantile(drawn, [0.025, 0.975]))


def test_unless_told_otherwise_there_are_2000_resamples():
    label, score = simulated(np.random.default_rng(10), 60, 12)
    usual = threshold_table(label, score, ["a"], [60], 0)
    assert usual.equals(threshold_table(label, score, ["a"], [60], 0, n_resamples=2000))


def test_blocks_of_a_choice_do_not_cross_the_edge_between_episodes():
    label, score = simulated(np.random.default_rng(8), 40, 10)
    labels = [label[:20], label[20:]]
    tables = [score_table(part, ["a"]) for part in (score[:20], score[20:])]
    with pytest.raises(ValueError, match="has 20 clips, no more than a block of 20"):
        tune_decoding(labels, tables, [0.5], 0, n_resamples=10)
    with pytest.raises(ValueError, match="has 20 clips, no more than a block of 20"):
        threshold_table(label, score, ["a"], [20, 20], 0, n_resamples=10)


def test_a_class_with_fewer_than_ten_positives_is_flagged():
    label = np.zeros((60, 3), dtype=bool)
    label[:9, 0] = label[:10, 1] = True
    score = np.where(label, 0.8, 0.2)
    table = threshold_table(label, score, CLASSES, [60], 0, n_resamples=20)
    assert table["positives"].tolist() == [9, 10, 0]
    assert table["few"].tolist() == [True, False, True]
    assert table.loc["door bell", "threshold"] == 0.5
    assert np.isnan(table.loc["door bell", ["threshold_low", "f1"]].to_numpy()).all()


def flickering(rng, n=600):
    """A class of long events with flickering scores, and one of single steps with sure ones."""
    long = np.repeat(rng.random(n // 20) < 0.5, 20)
    short = rng.random(n) < 0.1
    labels = np.stack([long, short], axis=1)
    wrong = np.stack([rng.random(n) < 0.2, np.zeros(n, dtype=bool)], axis=1)
    return labels, np.where(labels ^ wrong, 0.9, 0.1)


def test_a_filter_is_chosen_where_it_helps_beyond_doubt_and_only_there():
    rng = np.random.default_rng(0)
    episodes = [flickering(rng) for _ in range(2)]
    labels = [label for label, _ in episodes]
    tables = [score_table(score, ["long", "short"]) for _, score in episodes]
    decoding = tune_decoding(labels, tables, [0.5, 0.5], seed=0, n_resamples=200)
    assert decoding.median_lengths == {"long": 5, "short": 1}
    assert decoding.low_thresholds["short"] == 0.5
    assert decoding.minimum_lengths["short"] == 0.0
    fresh, score = flickering(np.random.default_rng(1))
    gained = f1(fresh, positive_steps(score_table(score, ["long", "short"]), decoding))
    assert gained > f1(fresh, score >= 0.5) + 0.05


def test_a_gain_that_may_be_luck_changes_nothing():
    # A median or a minimum length would drop the one false alarm; few resamples hold it twice.
    label = np.repeat([False, True, False, True], 25)[:, None]
    scores = np.where(label, 0.9, 0.1)
    scores[10] = 0.9
    decoding = tune_decoding([label], [score_table(scores, ["a"])], [0.5], 0, n_resamples=100)
    assert decoding == Decoding({"a": 0.5}, {"a": 0.5}, {"a": 1}, {"a": 0.0})


def test_of_decodings_better_beyond_doubt_that_of_the_best_f1_is_chosen_not_the_surest():
    # A median drops the lone alarms, surely. A lower threshold keeps the fading events as
    # well, which are in one place, for a step too many at the end of the others.
    usual = [0.1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.3, 0.1, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1]
    fading = [0.1, 0.9, 0.9, 0.9, *[0.3] * 10, 0.1]
    scores = np.array(usual * 36 + fading * 4)[:, None]
    label = np.array(([0] + [1] * 6 + [0] * 8) * 36 + ([0] + [1] * 13 + [0]) * 4)[:, None]
    decoding = tune_decoding([label], [score_table(scores, ["a"])], [0.5], 0, n_resamples=100)
    assert decoding == Decoding({"a": 0.5}, {"a": 0.25}, {"a": 3}, {"a": 0.0})


def test_of_decodings_that_are_equally_good_the_simplest_is_chosen():
    label = np.repeat([False, True, False, True], 25)[:, None]
    table = score_table(np.where(label, 0.9, 0.1), ["a"])
    decoding = tune_decoding([label], [table], [0.4], seed=0, n_resamples=50)
    assert decoding == Decoding({"a": 0.4}, {"a": 0.4}, {"a": 1}, {"a": 0.0})


def test_of_ways_that_are_equally_good_a_median_comes_before_a_minimum_length():
    # A median of three steps drops the lone alarms, and so does a minimum of two.
    label = np.tile([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], 30).astype(bool)[:, None]
    alarm = np.tile([0, 0, 0, 0, 0, 0, 0, 1, 0, 0], 30).astype(bool)[:, None]
    table = score_table(np.where(label | alarm, 0.9, 0.1), ["a"])
    decoding = tune_decoding([label], [table], [0.5], seed=0, n_resamples=50)
    assert decoding == Decoding({"a": 0.5}, {"a": 0.5}, {"a": 3}, {"a": 0.0})


def test_the_minimum_length_that_is_chosen_is_in_seconds():
    # A median of three steps would drop the false alarm and fill the gap before it as well.
    label = np.tile([1, 1, 0, 1, 1, 0, 0, 0, 0, 0], 30).astype(bool)[:, None]
    alarm = np.tile([0, 0, 0, 0, 0, 0, 0, 1, 0, 0], 30).astype(bool)[:, None]
    table = score_table(np.where(label | alarm, 0.9, 0.1), ["a"], hop=0.1)
    decoding = tune_decoding([label], [table], [0.5], seed=0, n_resamples=50)
    assert decoding == Decoding({"a": 0.5}, {"a": 0.5}, {"a": 1}, {"a": 0.2})


def test_a_minimum_of_three_steps_is_not_tried():
    # It alone would drop the alarms of two steps; a median of five fills gaps of two as well.
    label = np.tile([1, 1, 1, 0, 0, 1, 1, 1, *[0] * 12], 20).astype(bool)[:, None]
    alarm = np.tile([*[0] * 13, 1, 1, *[0] * 5], 20).astype(bool)[:, None]
    table = score_table(np.where(label | alarm, 0.9, 0.1), ["a"])
    decoding = tune_decoding([label], [table], [0.5], seed=0, n_resamples=50)
    assert decoding == Decoding({"a": 0.5}, {"a": 0.5}, {"a": 1}, {"a": 0.0})


def test_a_low_threshold_is_chosen_where_scores_fade_within_events():
    label = np.tile([1, 1, 1, 1, 1, 0, 0, 0, 0, 0], 30).astype(bool)[:, None]
    scores = np.tile([0.9, 0.3, 0.3, 0.3, 0.3, 0.1, 0.1, 0.3, 0.1, 0.1], 30)[:, None]
    decoding = tune_decoding([label], [score_table(scores, ["a"])], [0.5], 0, n_resamples=50)
    assert decoding == Decoding({"a": 0.5}, {"a": 0.25}, {"a": 1}, {"a": 0.0})


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
        ("onset\toffset\ta\tb\n0\t1\t0\t0\n0.5\t1.5\t0\t0\n", "row 2 begins at 0.5 .* ends at 1"),
    ],
)
def test_a_bad_score_file_is_refused_in_one_sentence(tmp_path, content, fault):
    path = tmp_path / "e.tsv"
    path.write_text(content)
    with pytest.raises(ScoresError, match=f"e.tsv: {fault}") as error:
        read_scores(path, ["a", "b"])
    assert "\n" not in str(error.value)


def test_times_that_differ_by_less_than_a_microsecond_are_no_gap(tmp_path):
    path = tmp_path / "e.tsv"
    path.write_text("onset\toffset\ta\n0\t0.3333333\t0\n0.333333\t0.6666667\t1\n")
    assert read_scores(path, ["a"])["a"].tolist() == [0, 1]
    path.write_text("onset\toffset\ta\n0\t0.3333333\t0\n0.333330\t0.6666667\t1\n")
    with pytest.raises(ScoresError, match="row 2 begins at"):
        read_scores(path, ["a"])


def test_a_missing_score_file_is_named(tmp_path):
    with pytest.raises(ScoresError, match=r"gone\.tsv: no such file"):
        read_scores(tmp_path / "gone.tsv", ["a"])


@pytest.mark.parametrize("score", [-0.1, 1.1, np.nan])
def test_a_score_outside_its_range_is_refused(score):
    with pytest.raises(ScoresError, match=r"row 2: score .* of 'a' is not in"):
        score_table([[0.5], [score]], ["a"])
