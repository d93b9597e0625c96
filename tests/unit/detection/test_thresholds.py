"""Thresholds are compared with a slow search and with scikit-learn.

The order of the segments and the type of the scores must not matter.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from sedlib.detection import choose_thresholds

claim = settings(deadline=None, database=None, max_examples=60)
coarse_scores = st.integers(0, 8).map(lambda n: n / 8)
fine_scores = st.floats(0, 1)
GRID = [1 / (1 + np.exp(-0.025 * k)) for k in range(-480, 481)]


@st.composite
def validations(draw, score=coarse_scores | fine_scores):
    """Labels and scores of one class; at least one segment is positive."""
    n = draw(st.integers(1, 25))
    labels = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    labels[0] = True
    return labels[:, None], np.array(draw(st.lists(score, min_size=n, max_size=n)))[:, None]


def f1_curve(labels, scores):
    """Slow and obvious: F1 at every threshold of the grid, one after the other."""
    curve = []
    for threshold in GRID:
        detected = scores >= threshold
        hits = np.sum(labels & detected)
        curve.append(2 * hits / (labels.sum() + detected.sum()))
    return curve


def slow_smoothing(curve, deviation):
    """The mean of the curve around each threshold, weighted by a Gaussian window of 4 sigma."""
    steps = deviation / 0.025
    reach = int(4 * steps + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / steps) ** 2)
    padded = np.pad(curve, reach, mode="edge")
    return [np.average(padded[k : k + 2 * reach + 1], weights=weights) for k in range(len(curve))]


@settings(deadline=None, database=None, max_examples=10)
@given(validations(), st.sampled_from([0.0, 0.1, 1.0]))
def test_no_threshold_nearer_to_one_half_has_a_smoothed_f1_within_the_margin(case, margin):
    labels, scores = case
    smooth = np.array(slow_smoothing(f1_curve(labels[:, 0], scores[:, 0]), 0.5))
    chosen = choose_thresholds(labels, scores, margin=margin)[0]
    place = np.argmin(np.abs(np.array(GRID) - chosen))
    assert chosen == pytest.approx(GRID[place])
    error = np.sqrt(smooth.max() * (1 - smooth.max()) / labels.sum())
    least = smooth.max() - margin * error
    assert smooth[place] >= least - 1e-9
    middle = GRID.index(0.5)
    nearer = np.abs(np.arange(len(GRID)) - middle) < abs(place - middle)
    assert (smooth[nearer] < least + 1e-9).all()


@settings(deadline=None, database=None, max_examples=10)
@given(validations(score=st.floats(1e-4, 1 - 1e-4)))
def test_without_smoothing_and_margin_the_threshold_has_the_highest_f1_of_the_grid(case):
    labels, scores = case
    detected = scores >= choose_thresholds(labels, scores, smoothing=0, margin=0)
    curve = f1_curve(labels[:, 0], scores[:, 0])
    assert f1_score(labels[:, 0], detected[:, 0]) == pytest.approx(max(curve))


def test_of_two_thresholds_that_are_as_good_and_as_near_the_lower_one_is_taken():
    # F1 is 2/3 up to 0.4, where everything is detected, and from 0.6 on; between them it is lower.
    labels, scores = [[True], [True], [False], [False]], [[0.9], [0.4], [0.6], [0.6]]
    assert 0.39 < choose_thresholds(labels, scores, smoothing=0, margin=0)[0] < 0.4


def test_with_few_positives_smoothed_thresholds_vary_less_and_detect_as_well():
    # About as many positives as a rare class has in a validation episode, drawn a hundred times.
    thresholds, f1 = {0.5: [], 0.0: []}, {0.5: [], 0.0: []}
    labels = np.arange(1320) < 18
    for seed in range(100):
        rng = np.random.default_rng(seed)
        chosen_on, others = (
            np.where(labels, rng.beta(3, 2, 1320), rng.beta(1, 9, 1320)) for _ in range(2)
        )
        for smoothing, found in thresholds.items():
            options = {"smoothing": smoothing, "margin": 0}
            threshold = choose_thresholds(labels[:, None], chosen_on[:, None], **options)[0]
            found.append(threshold)
            f1[smoothing].append(f1_score(labels, others >= threshold))
    assert np.std(thresholds[0.5]) < 0.8 * np.std(thresholds[0.0])
    assert np.mean(f1[0.5]) >= np.mean(f1[0.0])


def test_with_few_positives_the_margin_loses_less_against_one_half_and_detects_as_well():
    # The scores are such that 0.5 is a good threshold.
    lost = {0.0: [], 0.1: []}
    labels = np.arange(1320) < 18
    for seed in range(100):
        rng = np.random.default_rng(seed)
        chosen_on, others = (
            np.where(labels, rng.beta(3, 2, 1320), rng.beta(1, 9, 1320)) for _ in range(2)
        )
        for margin, found in lost.items():
            threshold = choose_thresholds(labels[:, None], chosen_on[:, None], margin=margin)[0]
            found.append(f1_score(labels, others >= 0.5) - f1_score(labels, others >= threshold))
    assert np.mean(lost[0.1]) <= np.mean(lost[0.0])
    assert np.quantile(lost[0.1], 0.9) < np.quantile(lost[0.0], 0.9)


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
@pytest.mark.parametrize(("low", "high"), [(0.2, 0.8), (0.01, 0.99), (0.001, 0.999)])
def test_between_scores_that_one_half_separates_it_is_the_threshold(low, high, smoothing):
    labels = np.arange(120)[:, None] < 60
    threshold = choose_thresholds(labels, np.where(labels, high, low), smoothing)[0]
    # With smoothing it lies lower if the gap is narrow: F1 is 2/3 below the gap and 0 above it.
    assert threshold == pytest.approx(0.5, abs=0.1 if smoothing and low == 0.2 else 1e-12)


def test_a_class_that_cannot_be_detected_gets_one_half():
    without_positives = choose_thresholds(np.zeros((5, 2), dtype=bool), np.ones((5, 2)))
    assert without_positives.tolist() == [0.5, 0.5]
    assert choose_thresholds([[True], [False]], [[0.0], [0.5]])[0] == 0.5


def test_scores_of_one_are_detected():
    scores = np.ones((2, 1))
    assert (scores >= choose_thresholds(scores > 0, scores)).all()


@pytest.mark.parametrize("score", [np.nan, -0.1, 1.1, np.inf])
def test_a_score_that_is_none_is_refused(score):
    with pytest.raises(ValueError, match=r"a score is not in \[0, 1\]"):
        choose_thresholds([[True], [False]], [[0.5], [score]])


def test_labels_and_scores_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"labels have shape \(1, 2\), scores \(2, 2\)"):
        choose_thresholds([[True, False]], np.ones((2, 2)))


@claim
@given(validations(), validations(), st.randoms(use_true_random=False))
def test_each_class_is_chosen_by_itself_and_in_any_order_of_segments(one, other, random):
    n = min(len(one[0]), len(other[0]))
    labels, scores = (np.hstack([a[:n], b[:n]]) for a, b in zip(one, other, strict=True))
    thresholds = choose_thresholds(labels, scores)
    assert ((thresholds > 0) & (thresholds < 1)).all()
    alone = [choose_thresholds(labels[:, [c]], scores[:, [c]])[0] for c in range(2)]
    assert thresholds.tolist() == alone
    order = random.sample(range(n), n)
    assert choose_thresholds(labels[order], scores[order]).tolist() == thresholds.tolist()


@claim
@given(validations(score=st.floats(0, 1, width=32)))
def test_float32_scores_are_as_the_same_numbers_in_float64(case):
    labels, scores = case
    single = choose_thresholds(labels, scores.astype(np.float32))
    assert single.dtype == np.float64
    assert single.tolist() == choose_thresholds(labels, scores).tolist()
