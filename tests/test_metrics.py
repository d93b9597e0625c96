"""Metrics beside a slow count and scikit-learn."""

import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn_metrics

from sedlib.metrics import NOTHING, averages, confusion, reference_metrics, segment_metrics

CLASSES = ("speaking", "laughing", "door bell")


claim = settings(deadline=None, database=None)
sizes = st.integers(1, 20)


@st.composite
def predictions(draw):
    shape = (draw(sizes), len(CLASSES))
    scores = draw(arrays(float, shape, elements=st.integers(0, 8).map(lambda n: n / 8)))
    return draw(arrays(bool, shape)), scores >= 0.5, scores


def slow_counts(truth, predicted):
    counts = dict.fromkeys(["tp", "fp", "fn", "tn"], 0)
    for true, said in zip(truth, predicted, strict=True):
        counts[("t" if true == said else "f") + ("p" if said else "n")] += 1
    return counts["tp"], counts["fp"], counts["fn"], counts["tn"]


def slow_ratios(tp, fp, fn, tn):
    def ratio(part, whole):
        return part / whole if whole else math.nan

    return {
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, tp + fn),
        "f1": ratio(tp, tp + (fp + fn) / 2),
        "iou": ratio(tp, tp + fp + fn),
        "accuracy": ratio(tp + tn, tp + fp + fn + tn),
    }


def slow_average_precision(truth, scores):
    """Precision at each score that adds recall, weighted by the recall it adds."""
    total, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        tp, fp, fn, _ = slow_counts(truth, scores >= threshold)
        recall = tp / (tp + fn) if tp + fn else math.nan
        total, before = total + (recall - before) * tp / (tp + fp), recall
    return total


@claim
@given(predictions())
def test_class_metrics_agree_with_a_slow_count(case):
    truth, predicted, scores = case
    table = segment_metrics(truth, predicted, CLASSES, scores)
    assert table.index.tolist() == list(CLASSES)
    for column, label in enumerate(CLASSES):
        expected = slow_ratios(*slow_counts(truth[:, column], predicted[:, column]))
        expected["average_precision"] = slow_average_precision(truth[:, column], scores[:, column])
        expected["support"] = truth[:, column].sum()
        assert table.loc[label].to_dict() == pytest.approx(expected, nan_ok=True)
        assert list(table.columns) == list(expected)


@settings(claim, max_examples=30)
@given(predictions())
def test_averages_agree_with_scikit_learn_when_zero_division_is_nan(case):
    truth, predicted, scores = case
    result = averages(truth, predicted, scores)
    for average in ("macro", "micro"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = sklearn_metrics.precision_recall_fscore_support(
                truth, predicted, average=average, zero_division=np.nan
            )[:3]
        ours = [result[average][name] for name in ("precision", "recall", "f1")]
        assert ours == pytest.approx(expected, nan_ok=True)
    union = (truth | predicted).any(axis=0)
    if union.any():
        iou = sklearn_metrics.jaccard_score(truth, predicted, average=None, zero_division=0)
        assert result["macro"]["iou"] == pytest.approx(iou[union].mean())
    assert result["micro"]["accuracy"] == pytest.approx((truth == predicted).mean())
    if truth.any():
        present = truth.any(axis=0)
        precision = sklearn_metrics.average_precision_score(truth[:, present], scores[:, present])
        assert result["macro"]["average_precision"] == pytest.approx(precision)


def test_averages_can_be_written_as_json():
    result = averages([[1, 0], [1, 1]], [[1, 0], [0, 1]], [[0.9, 0.1], [0.4, 0.6]])
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert all(type(value) is float for mean in result.values() for value in mean.values())


def test_a_class_in_neither_truth_nor_prediction_is_nan_and_left_out_of_the_mean():
    truth, predicted = np.array([[1, 0], [0, 0]]), np.array([[1, 0], [0, 0]])
    table = segment_metrics(truth, predicted, ["a", "b"], truth)
    undefined = ["precision", "recall", "f1", "iou", "average_precision"]
    assert table.loc["b", undefined].isna().all()
    assert table.loc["b", "accuracy"] == 1
    assert averages(truth, predicted)["macro"]["f1"] == 1


def test_a_class_that_is_never_predicted_counts_as_zero_in_the_mean_of_f1():
    truth, predicted = np.array([[1, 1], [1, 1]]), np.array([[1, 0], [1, 0]])
    table = segment_metrics(truth, predicted, ["a", "b"])
    assert table.loc["b", ["recall", "f1", "iou"]].tolist() == [0, 0, 0]
    assert math.isnan(table.loc["b", "precision"])
    assert averages(truth, predicted)["macro"]["f1"] == 0.5


def test_without_scores_there_is_no_average_precision():
    truth = np.array([[1, 0], [0, 1]])
    assert segment_metrics(truth, truth, ["a", "b"])["average_precision"].isna().all()
    assert "average_precision" not in averages(truth, truth)["macro"]


@claim
@given(predictions())
def test_the_reference_smooths_as_its_code_did(case):
    truth, predicted, _ = case
    table = reference_metrics(truth, predicted, CLASSES)
    for column, label in enumerate(CLASSES):
        tp, fp, fn, tn = slow_counts(truth[:, column], predicted[:, column])
        p, r = (tp + 1) / (tp + fp + 1), (tp + 0.01) / (tp + fn + 0.01)
        expected = {
            "precision": p,
            "recall": r,
            "f1": 2 * p * r / (p + r + 0.01),
            "iou": slow_ratios(tp, fp, fn, tn)["iou"],
            "accuracy": (tp + tn + 0.01) / (tp + fn + tn + fp + 0.01),
            "support": tp + fn,
        }
        assert table.loc[label].to_dict() == pytest.approx(expected, nan_ok=True)
        assert set(table.columns) == set(expected)


@claim
@given(predictions())
def test_confusions_agree_with_a_slow_count(case):
    truth, predicted, _ = case
    table = confusion(truth, predicted, CLASSES)
    names = [*CLASSES, NOTHING]
    assert table.index.tolist() == table.columns.tolist() == names
    for i, row in enumerate(names):
        clips, shares = 0, dict.fromkeys(names, 0)
        for true, said in zip(truth, predicted, strict=True):
            missed = [t and not s for t, s in zip(true, said, strict=True)]
            alarms = [s and not t for t, s in zip(true, said, strict=True)]
            if any(missed) if row == NOTHING else not true[i]:
                continue
            clips += 1
            if row != NOTHING and said[i]:
                shares[row] += 1
                continue
            shares[NOTHING] += not any(alarms)
            for j, label in enumerate(CLASSES):
                shares[label] += alarms[j]
        expected = {name: n / clips if clips else math.nan for name, n in shares.items()}
        assert table.loc[row].to_dict() == pytest.approx(expected, nan_ok=True)


@claim
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1))
def test_with_one_label_a_clip_it_is_the_usual_confusion_matrix(pairs):
    truth, said = np.array(pairs).T
    table = confusion(np.eye(3)[truth], np.eye(3)[said], CLASSES)
    counts = sklearn_metrics.confusion_matrix(truth, said, labels=[0, 1, 2])
    present = counts.sum(axis=1) > 0
    expected = counts[present] / counts[present].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(table.iloc[:3, :3].to_numpy()[present], expected)


def test_arrays_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match=r"truth has shape \(3, 2\) and prediction \(2, 2\)"):
        averages(np.zeros((3, 2)), np.zeros((2, 2)))
