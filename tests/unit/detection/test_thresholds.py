"""Chosen thresholds beside an obvious search, scikit-learn, and what must not matter."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbval_tolerance import FEW
from sklearn.metrics import f1_score, precision_recall_curve

from sedlib.detection import MINIMUM_POSITIVES, choose_thresholds

claim = settings(deadline=None, database=None, max_examples=60)
coarse_scores = st.integers(0, 8).map(lambda n: n / 8)
fine_scores = st.floats(0, 1)


@st.composite
def validations(draw, score=coarse_scores | fine_scores, n_positive=1):
    """Labels and scores of one class; at least so many segments are positive."""
    n = draw(st.integers(max(1, n_positive), 25))
    labels = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    labels[:n_positive] = True
    return labels[:, None], np.array(draw(st.lists(score, min_size=n, max_size=n)))[:, None]


def exact_f1(labels, detected):
    hits = sum(bool(label and found) for label, found in zip(labels, detected, strict=True))
    return Fraction(2 * hits, int(labels.sum()) + int(sum(detected)))


def slow_threshold(labels, scores):
    """Try every score from the highest to the lowest; go halfway to the next lower one."""
    distinct = sorted(set(scores.tolist()), reverse=True)
    best, best_f1 = None, Fraction(-1)
    for threshold in distinct:
        f1 = exact_f1(labels, scores >= threshold)
        if f1 > best_f1:
            best, best_f1 = threshold, f1
    lower = max([score for score in distinct if score < best], default=0.0)
    middle = (best + lower) / 2
    return middle if lower < middle else best


@claim
@given(validations())
def test_thresholds_agree_with_a_slow_search(case):
    labels, scores = case
    assert choose_thresholds(labels, scores, 1)[0] == slow_threshold(labels[:, 0], scores[:, 0])


@claim
@given(validations())
def test_the_threshold_reaches_the_best_f1_of_scikit_learns_curve(case):
    labels, scores = case
    precision, recall, _ = precision_recall_curve(labels[:, 0], scores[:, 0])
    either = precision + recall
    f1 = np.divide(2 * precision * recall, either, out=np.zeros_like(either), where=either > 0)
    detected = scores >= choose_thresholds(labels, scores, 1)
    assert f1_score(labels[:, 0], detected[:, 0]) == pytest.approx(f1.max())


def test_of_several_thresholds_with_the_same_f1_the_highest_is_chosen():
    # 0.75 finds one of two without a false alarm, 0.25 both with two: F1 is 2/3 each time.
    labels = np.array([[1], [0], [0], [1]], dtype=bool)
    scores = np.array([[0.75], [0.5], [0.25], [0.25]])
    assert choose_thresholds(labels, scores, 1)[0] == (0.75 + 0.5) / 2


def test_the_threshold_lies_halfway_to_the_next_lower_score():
    labels = np.array([[1], [1], [0], [0]], dtype=bool)
    scores = np.array([[0.9], [0.7], [0.3], [0.1]])
    assert choose_thresholds(labels, scores, 1)[0] == 0.5


def test_below_the_lowest_score_lies_zero():
    labels = np.ones((3, 1), dtype=bool)
    assert choose_thresholds(labels, [[0.9], [0.8], [0.4]], 1)[0] == 0.2
    assert choose_thresholds(labels, np.zeros((3, 1)), 1)[0] == 0


def test_a_threshold_between_neighbouring_numbers_detects_the_same_segments():
    for score in (0.3, np.nextafter(0.3, 1), 5e-324):
        scores = np.array([[score], [np.nextafter(score, 0)]])
        threshold = choose_thresholds([[True], [False]], scores, 1)[0]
        assert (scores >= threshold).ravel().tolist() == [True, False]


@pytest.mark.parametrize(("n_positive", "threshold"), [(99, 0.5), (100, 0.25)])
def test_a_class_with_few_positives_gets_the_mean_of_a_half_and_half_its_highest_f1(
    n_positive, threshold
):
    labels = (np.arange(120) < n_positive)[:, None]
    scores = np.where(labels, 0.4, 0.1)  # the F1 is 1 between 0.1 and 0.4
    assert choose_thresholds(labels, scores)[0] == pytest.approx(threshold)
    assert choose_thresholds(labels, scores, minimum_positives=100)[0] == pytest.approx(threshold)


@claim
@given(validations())
def test_half_of_the_highest_f1_agrees_with_an_exact_search(case):
    labels, scores = case[0][:, 0], case[1][:, 0]
    highest = max(exact_f1(labels, scores >= threshold) for threshold in scores)
    assert choose_thresholds(*case, 10**6)[0] == pytest.approx(float(highest / 4 + 0.25))


def test_a_class_without_positives_gets_one_half():
    assert choose_thresholds(np.zeros((5, 2), dtype=bool), np.ones((5, 2)), 1).tolist() == [
        0.5,
        0.5,
    ]


@claim
@given(validations(), validations(), st.randoms(use_true_random=False))
def test_each_class_is_chosen_by_itself_and_in_any_order_of_segments(one, other, random):
    n = min(len(one[0]), len(other[0]))
    labels, scores = (np.hstack([a[:n], b[:n]]) for a, b in zip(one, other, strict=True))
    thresholds = choose_thresholds(labels, scores, 1)
    assert ((thresholds >= 0) & (thresholds <= 1)).all()
    alone = [choose_thresholds(labels[:, [c]], scores[:, [c]], 1)[0] for c in range(2)]
    assert thresholds.tolist() == alone
    order = random.sample(range(n), n)
    assert choose_thresholds(labels[order], scores[order], 1).tolist() == thresholds.tolist()


@claim
@given(validations(score=st.floats(0, 1, width=32)))
def test_float32_scores_are_as_the_same_numbers_in_float64(case):
    labels, scores = case
    single = choose_thresholds(labels, scores.astype(np.float32), 1)
    assert single.dtype == np.float64
    assert single.tolist() == choose_thresholds(labels, scores, 1).tolist()


def test_nbval_calls_those_positives_few_that_the_rule_calls_few():
    assert FEW == MINIMUM_POSITIVES
