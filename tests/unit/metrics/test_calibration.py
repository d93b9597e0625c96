"""Ranking and calibration beside slow counts and scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from sedlib.metrics import (
    average_precision,
    expected_calibration_error,
    precision_recall_curves,
    reliability_curve,
    roc_auc,
)

claim = settings(deadline=None, database=None, max_examples=30)


@st.composite
def scored(draw):
    """Ground truth and scores; in tenths, so that many are on the edge of a bin."""
    n = draw(st.integers(1, 30))
    reference = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    scores = draw(st.lists(st.integers(0, 10), min_size=n, max_size=n))
    return np.array(reference), np.array(scores) / 10


@claim
@given(scored())
def test_roc_auc_is_the_share_of_pairs_in_order(case):
    reference, scores = case
    pairs = [(p > n) + (p == n) / 2 for p in scores[reference] for n in scores[~reference]]
    expected = np.mean(pairs) if pairs else math.nan
    assert roc_auc(reference[:, None], scores[:, None]) == pytest.approx([expected], nan_ok=True)


@pytest.mark.filterwarnings("error")
def test_ranking_is_of_each_class_and_quietly_nan_without_positives():
    reference = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1]])
    scores = np.array([[0.9, 0.1, 0.3], [0.5, 0.2, 0.2], [0.4, 0.3, 0.1]])
    np.testing.assert_allclose(average_precision(reference, scores), [5 / 6, np.nan, 1])
    np.testing.assert_allclose(roc_auc(reference, scores), [0.5, np.nan, np.nan])
    for metric in (average_precision, roc_auc):
        with pytest.raises(ValueError, match=r"reference has shape \(3, 3\) and scores \(3, 2\)"):
            metric(reference, scores[:, :2])


def test_scores_of_one_axis_cannot_be_ranked():
    for metric in (average_precision, roc_auc):
        with pytest.raises(ValueError, match=r"reference has shape \(2,\) and scores \(2,\)"):
            metric([1, 0], [0.5, 0.2])


@claim
@given(scored(), st.integers(1, 12))
def test_the_reliability_curve_agrees_with_scikit_learn(case, bins):
    reference, scores = case
    curve = reliability_curve(reference, scores, bins)
    filled = curve[curve["count"] > 0]
    positives, mean = calibration_curve(reference, scores, n_bins=bins)
    np.testing.assert_allclose(filled["fraction_of_positives"], positives)
    np.testing.assert_allclose(filled["mean_score"], mean)
    assert len(curve) == bins
    assert curve["count"].sum() == len(reference)
    empty = curve.loc[curve["count"] == 0, ["fraction_of_positives", "mean_score"]]
    assert empty.isna().all().all()


@claim
@given(scored(), st.integers(1, 12))
def test_the_expected_calibration_error_agrees_with_a_slow_count(case, bins):
    reference, scores = case
    edges = reliability_curve(reference, scores, bins)[["lower", "upper"]].to_numpy()
    error, placed = 0.0, 0
    for index, (lower, upper) in enumerate(edges):
        first = index == 0
        held = [
            at for at, score in enumerate(scores) if (lower < score or first) and score <= upper
        ]
        placed += len(held)
        if held:
            gap = abs(sum(reference[held]) / len(held) - sum(scores[held]) / len(held))
            error += len(held) / len(scores) * gap
    assert placed == len(scores)
    assert expected_calibration_error(reference, scores, bins) == pytest.approx(error)


def test_bins_of_equal_width_span_0_to_1_and_hold_their_upper_edge():
    curve = reliability_curve([0, 1, 1, 0], [0.0, 0.25, 0.5, 1.0], bins=4)
    assert curve["lower"].tolist() == [0, 0.25, 0.5, 0.75]
    assert curve["upper"].tolist() == [0.25, 0.5, 0.75, 1]
    assert curve["count"].tolist() == [2, 1, 0, 1]


def test_scores_that_are_right_as_often_as_they_say_have_no_error():
    reference = [0, 0, 0, 1, 1, 1, 1, 0]
    scores = [0.25] * 4 + [0.75] * 4
    assert expected_calibration_error(reference, scores) == 0
    assert expected_calibration_error(reference, np.full(8, 0.9)) == pytest.approx(0.4)


def test_unless_told_otherwise_there_are_15_bins_of_equal_width():
    rng = np.random.default_rng(0)
    reference, scores = rng.random(200) < 0.5, rng.random(200) ** 2
    assert reliability_curve(reference, scores).equals(reliability_curve(reference, scores, 15))
    ours = expected_calibration_error(reference, scores)
    assert ours == expected_calibration_error(reference, scores, 15)
    # other numbers of bins would show
    assert (
        len({ours, *(expected_calibration_error(reference, scores, n) for n in (10, 14, 16))}) == 4
    )


@pytest.mark.parametrize(
    ("reference", "scores", "message"),
    [
        ([1, 0], [0.5], r"reference has shape \(2,\) and scores \(1,\)"),
        ([[1, 0]], [[0.5, 0.5]], r"reference has shape \(1, 2\) and scores \(1, 2\)"),
        ([], [], "n of 1 or more"),
        ([1, 0], [0.5, 1.5], r"score 2 is 1.5, not in \[0, 1\]"),
        ([1, 0], [0.5, -0.1], r"score 2 is -0\.1, not in \[0, 1\]"),
        ([1, 0], [math.nan, 0.5], "score 1 is nan"),
    ],
)
def test_what_cannot_be_binned_is_refused(reference, scores, message):
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(reference, scores)


@claim
@given(scored())
def test_the_area_under_a_precision_recall_curve_is_the_average_precision(case):
    reference, scores = (part[:, None] for part in case)
    curve = precision_recall_curves(reference, scores, ["a"])
    if not reference.any():
        assert curve.empty
    else:
        recall, precision = curve["recall"].to_numpy(), curve["precision"].to_numpy()
        assert recall[[0, -1]].tolist() == [0, 1]
        area = (np.diff(recall) * precision[1:]).sum()
        assert area == pytest.approx(average_precision(reference, scores)[0])


def test_a_thinned_curve_keeps_its_ends_and_a_class_without_positives_has_none():
    rng = np.random.default_rng(0)
    reference = np.column_stack([rng.random(500) < 0.5, np.zeros(500)])
    scores = rng.random((500, 2))
    whole = precision_recall_curves(reference, scores, ["a", "b"], max_points=1000)
    thin = precision_recall_curves(reference, scores, ["a", "b"], max_points=20)
    assert set(thin["event_label"]) == {"a"}
    assert len(whole) > len(thin) == 20
    assert thin.iloc[[0, -1]].to_numpy().tolist() == whole.iloc[[0, -1]].to_numpy().tolist()
