"""Metrics beside a slow count and scikit-learn."""

import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from referees import CLASSES as LABELS
from referees import FILES, event_lists
from sklearn import metrics as sklearn_metrics

from sedlib.annotations import AnnotationError, event_table
from sedlib.metrics import (
    NO_FALSE_ALARM,
    NO_MISS,
    averages,
    confusion,
    edge_errors,
    edge_segments,
    segment_based,
    segment_metrics,
    smoothed_metrics_vtt2018,
)

CLASSES = ("speaking", "laughing", "door bell")


claim = settings(deadline=None, database=None)
sizes = st.integers(1, 20)


@st.composite
def predictions(draw):
    shape = (draw(sizes), len(CLASSES))
    scores = draw(arrays(float, shape, elements=st.integers(0, 8).map(lambda n: n / 8)))
    return draw(arrays(bool, shape)), scores >= 0.5, scores


def slow_counts(reference, estimated):
    counts = dict.fromkeys(["tp", "fp", "fn", "tn"], 0)
    for ref, est in zip(reference, estimated, strict=True):
        counts[("t" if ref == est else "f") + ("p" if est else "n")] += 1
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


def slow_average_precision(reference, scores):
    """Precision at each score that adds recall, weighted by the recall it adds."""
    total, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        tp, fp, fn, _ = slow_counts(reference, scores >= threshold)
        recall = tp / (tp + fn) if tp + fn else math.nan
        total, before = total + (recall - before) * tp / (tp + fp), recall
    return total


@claim
@given(predictions())
def test_class_metrics_agree_with_a_slow_count(case):
    reference, estimated, scores = case
    table = segment_metrics(reference, estimated, CLASSES, scores)
    assert table.index.tolist() == list(CLASSES)
    for column, label in enumerate(CLASSES):
        expected = slow_ratios(*slow_counts(reference[:, column], estimated[:, column]))
        expected["average_precision"] = slow_average_precision(
            reference[:, column], scores[:, column]
        )
        expected["support"] = reference[:, column].sum()
        assert table.loc[label].to_dict() == pytest.approx(expected, nan_ok=True)
        assert list(table.columns) == list(expected)


@settings(claim, max_examples=30)
@given(predictions())
def test_averages_agree_with_scikit_learn_when_zero_division_is_nan(case):
    reference, estimated, scores = case
    result = averages(reference, estimated, scores)
    for average in ("macro", "micro"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = sklearn_metrics.precision_recall_fscore_support(
                reference, estimated, average=average, zero_division=np.nan
            )[:3]
        ours = [result[average][name] for name in ("precision", "recall", "f1")]
        assert ours == pytest.approx(expected, nan_ok=True)
    union = (reference | estimated).any(axis=0)
    if union.any():
        iou = sklearn_metrics.jaccard_score(reference, estimated, average=None, zero_division=0)
        assert result["macro"]["iou"] == pytest.approx(iou[union].mean())
    assert result["micro"]["accuracy"] == pytest.approx((reference == estimated).mean())
    if reference.any():
        present = reference.any(axis=0)
        precision = sklearn_metrics.average_precision_score(
            reference[:, present], scores[:, present]
        )
        assert result["macro"]["average_precision"] == pytest.approx(precision)


def test_averages_can_be_written_as_json():
    result = averages([[1, 0], [1, 1]], [[1, 0], [0, 1]], [[0.9, 0.1], [0.4, 0.6]])
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert all(type(value) is float for mean in result.values() for value in mean.values())


def test_a_class_in_neither_reference_nor_estimate_is_nan_and_left_out_of_the_mean():
    reference, estimated = np.array([[1, 0], [0, 0]]), np.array([[1, 0], [0, 0]])
    table = segment_metrics(reference, estimated, ["a", "b"], reference)
    undefined = ["precision", "recall", "f1", "iou", "average_precision"]
    assert table.loc["b", undefined].isna().all()
    assert table.loc["b", "accuracy"] == 1
    assert averages(reference, estimated)["macro"]["f1"] == 1


def test_a_class_that_is_never_predicted_counts_as_zero_in_the_mean_of_f1():
    reference, estimated = np.array([[1, 1], [1, 1]]), np.array([[1, 0], [1, 0]])
    table = segment_metrics(reference, estimated, ["a", "b"])
    assert table.loc["b", ["recall", "f1", "iou"]].tolist() == [0, 0, 0]
    assert math.isnan(table.loc["b", "precision"])
    assert averages(reference, estimated)["macro"]["f1"] == 0.5


def test_without_scores_there_is_no_average_precision():
    reference = np.array([[1, 0], [0, 1]])
    assert segment_metrics(reference, reference, ["a", "b"])["average_precision"].isna().all()
    assert "average_precision" not in averages(reference, reference)["macro"]


@claim
@given(predictions())
def test_the_formulas_of_2018_smooth_as_its_code_did(case):
    reference, estimated, _ = case
    table = smoothed_metrics_vtt2018(reference, estimated, CLASSES)
    for column, label in enumerate(CLASSES):
        tp, fp, fn, tn = slow_counts(reference[:, column], estimated[:, column])
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
    reference, estimated, _ = case
    table = confusion(reference, estimated, CLASSES)
    rows, columns = [*CLASSES, NO_MISS], [*CLASSES, NO_FALSE_ALARM]
    assert (table.index.tolist(), table.columns.tolist()) == (rows, columns)
    for i, row in enumerate(rows):
        segments, shares = 0, dict.fromkeys(columns, 0)
        for ref, est in zip(reference, estimated, strict=True):
            missed = [t and not s for t, s in zip(ref, est, strict=True)]
            alarms = [s and not t for t, s in zip(ref, est, strict=True)]
            if any(missed) if row == NO_MISS else not ref[i]:
                continue
            segments += 1
            if row != NO_MISS and est[i]:
                shares[row] += 1
                continue
            shares[NO_FALSE_ALARM] += not any(alarms)
            for j, label in enumerate(CLASSES):
                shares[label] += alarms[j]
        expected = {name: n / segments if segments else math.nan for name, n in shares.items()}
        assert table.loc[row].to_dict() == pytest.approx(expected, nan_ok=True)


@claim
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1))
def test_with_one_label_for_each_segment_it_is_the_usual_confusion_matrix(pairs):
    reference, est = np.array(pairs).T
    table = confusion(np.eye(3)[reference], np.eye(3)[est], CLASSES)
    counts = sklearn_metrics.confusion_matrix(reference, est, labels=[0, 1, 2])
    present = counts.sum(axis=1) > 0
    expected = counts[present] / counts[present].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(table.iloc[:3, :3].to_numpy()[present], expected)


def test_arrays_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match=r"reference has shape \(3, 2\) and estimated \(2, 2\)"):
        averages(np.zeros((3, 2)), np.zeros((2, 2)))


def test_arrays_of_one_axis_are_refused():
    with pytest.raises(ValueError, match=r"reference has shape \(3,\) and estimated \(3,\)"):
        averages(np.zeros(3), np.zeros(3))


# --- segment-based, from event lists -------------------------------------------------------


def slow_roll(rows, name, segments, per_segment):
    """Labels of the segments of a recording; times and segments are whole ticks."""
    return np.array(
        [
            [
                any(
                    row[0] == name
                    and row[3] == label
                    and row[1] < (k + 1) * per_segment
                    and row[2] > k * per_segment
                    for row in rows
                )
                for label in LABELS
            ]
            for k in range(segments)
        ]
    )


@settings(claim, max_examples=30)
@given(st.data(), st.sampled_from([1, 2, 3, 10, 25]), st.integers(20, 40))
def test_segment_based_metrics_of_events_are_those_of_their_segments(data, per_segment, end):
    """In tenths of a second, which floating point does not hold."""
    reference = data.draw(event_lists(40, gap=-40))
    estimated = data.draw(event_lists(40, reference, gap=-40))
    tables = [
        event_table((n, a / 10, b / 10, label) for n, a, b, label in r)
        for r in (reference, estimated)
    ]
    durations = dict.fromkeys(FILES, end / 10)
    ours = segment_based(*tables, durations, LABELS, per_segment / 10)
    segments = math.ceil(end / per_segment)
    ref, est = (
        np.concatenate([slow_roll(rows, name, segments, per_segment) for name in FILES])
        for rows in (reference, estimated)
    )
    expected = segment_metrics(ref, est, LABELS).drop(columns="average_precision")
    for name in expected:
        np.testing.assert_allclose(ours.per_class[name], expected[name])
    counts = [slow_counts(ref[:, c], est[:, c]) for c in range(len(LABELS))]
    for label, (tp, fp, fn, _) in zip(LABELS, counts, strict=True):
        rates = [ours.per_class.loc[label, f"{x}_rate"] for x in ("error", "deletion", "insertion")]
        n = tp + fn or math.nan
        assert rates == pytest.approx([(fp + fn) / n, fn / n, fp / n], nan_ok=True)
    means = averages(ref, est)
    assert ours.micro == pytest.approx(means["micro"] | slow_error_rate(ref, est), nan_ok=True)
    assert {k: ours.macro[k] for k in means["macro"]} == pytest.approx(means["macro"], nan_ok=True)


def slow_error_rate(reference, estimated):
    """Pair what is missed with what is predicted in its place, segment by segment."""
    n, swapped, deleted, inserted = 0, 0, 0, 0
    for ref, est in zip(reference.tolist(), estimated.tolist(), strict=True):
        missed = [c for c, (t, s) in enumerate(zip(ref, est, strict=True)) if t and not s]
        alarms = [c for c, (t, s) in enumerate(zip(ref, est, strict=True)) if s and not t]
        n += sum(ref)
        while missed and alarms:
            missed.pop(), alarms.pop()
            swapped += 1
        deleted, inserted = deleted + len(missed), inserted + len(alarms)
    parts = {"substitution_rate": swapped, "deletion_rate": deleted, "insertion_rate": inserted}
    rates = {name: count / n if n else math.nan for name, count in parts.items()}
    return {"error_rate": sum(rates.values()), **rates}


def one(*rows):
    return event_table(("one", *row) for row in rows)


def test_an_event_that_ends_where_a_segment_begins_does_not_touch_it():
    ours = segment_based(one((1.0, 2.0, "a")), one((0.5, 1.0, "a")), {"one": 3.0}, LABELS)
    assert (ours.micro["precision"], ours.micro["recall"]) == (0, 0)
    ours = segment_based(one((1.0, 2.0, "a")), one((0.5, 1.000001, "a")), {"one": 3.0}, LABELS)
    assert (ours.micro["precision"], ours.micro["recall"]) == (0.5, 1)


def test_an_event_that_begins_a_microsecond_before_a_segment_ends_counts_there():
    ours = segment_based(one((0.999999, 2.0, "a")), one(), {"one": 3.0}, LABELS)
    assert ours.per_class["support"].tolist() == [2, 0, 0]


def test_a_recording_a_microsecond_longer_has_one_segment_more():
    for duration, segments in ((3.0, 3), (3.000001, 4)):
        ours = segment_based(one((0.0, 1.0, "a")), one(), {"one": duration}, LABELS)
        assert ours.per_class.loc["a", "accuracy"] == pytest.approx((segments - 1) / segments)


def test_a_recording_of_no_length_has_no_segments():
    ours = segment_based(one((0.0, 1.0, "a")), one(), {"one": 2.0, "none": 0.0}, LABELS)
    assert ours.per_class.loc["a", "accuracy"] == 0.5


@settings(claim, max_examples=30)
@given(
    st.sampled_from([1 / 3, 1 / 44, 1024 / 44100, 0.02, 0.1]),
    st.lists(st.integers(0, 50_000), min_size=2, max_size=2, unique=True),
)
def test_an_event_from_edge_to_edge_fills_its_segments_however_long_they_are(resolution, edges):
    """The edges are no whole microseconds, the times of the event are."""
    first, stop = sorted(edges)
    event = one((round(first * resolution, 6), round(stop * resolution, 6), "a"))
    duration = round((stop + 1) * resolution, 6)
    ours = segment_based(event, one(), {"one": duration}, LABELS, resolution)
    assert ours.per_class["support"].tolist() == [stop - first, 0, 0]
    assert ours.per_class.loc["a", "accuracy"] == pytest.approx((first + 1) / (stop + 1))


def test_a_segment_that_the_recording_ends_in_counts_and_what_lies_past_it_does_not():
    reference, estimated = (
        one((0.0, 1.0, "a"), (2.1, 2.5, "b")),
        one((0.0, 9.0, "a"), (4.0, 5.0, "b")),
    )
    ours = segment_based(reference, estimated, {"one": 2.5}, LABELS)
    assert ours.per_class["support"].tolist() == [1, 1, 0]
    assert ours.per_class.loc["a", "precision"] == pytest.approx(1 / 3)
    assert ours.per_class.loc["b", "insertion_rate"] == 0
    assert ours.micro["accuracy"] == pytest.approx(6 / 9)


def test_macro_has_the_metrics_of_the_classes_and_micro_the_substitutions_as_well():
    ours = segment_based(one((0.0, 1.0, "a")), one((0.0, 2.0, "b")), {"one": 3.0}, LABELS)
    assert set(ours.macro) == set(ours.per_class) - {"support"}
    assert set(ours.micro) == set(ours.macro) | {"substitution_rate"}


def test_means_and_rates_are_plain_numbers():
    ours = segment_based(one((0.0, 1.0, "a")), one((0.0, 2.0, "b")), {"one": 3.0}, LABELS)
    for values in (ours.macro, ours.micro):
        assert all(type(value) is float for value in values.values())


def test_a_class_that_does_not_occur_counts_in_macro_f1_from_its_first_false_alarm_on():
    reference, scores = np.array([[1, 0], [1, 0]]), np.array([[0.9, 0.2], [0.8, 0.6]])
    without, alarm = (averages(reference, scores >= t, scores)["macro"] for t in (0.7, 0.5))
    for name in ("f1", "iou", "precision"):
        assert (without[name], alarm[name]) == (1, 0.5)
    for name in ("recall", "average_precision"):
        assert (without[name], alarm[name]) == (1, 1)


@pytest.mark.filterwarnings("error")
def test_what_is_undefined_is_nan_without_a_warning():
    nothing = np.zeros((2, 2))
    assert math.isnan(averages(nothing, nothing)["micro"]["f1"])
    assert segment_metrics(nothing, nothing, ["a", "b"])["precision"].isna().all()
    assert math.isnan(segment_based(one(), one(), {"one": 3.0}, LABELS).micro["error_rate"])


def test_a_recording_without_events_counts_and_one_without_duration_is_refused():
    estimated = event_table([("two", 0.0, 1.0, "a")])
    ours = segment_based(one((0.0, 1.0, "a")), estimated, {"one": 1.0, "two": 1.0}, LABELS)
    assert ours.micro["insertion_rate"] == 1
    with pytest.raises(AnnotationError, match=r"two: 'a' from 0.0 to 1.0 s .* evaluated \(one\)"):
        segment_based(one((0.0, 1.0, "a")), estimated, {"one": 1.0}, LABELS)


def test_of_many_recordings_three_are_named():
    estimated = event_table([("x", 0.0, 1.0, "a")])
    for names, listed in (("abc", r"\(a, b, c\)"), ("abcd", r"\(a, b, c, \.\.\.\)")):
        with pytest.raises(AnnotationError, match=f"of no recording that is evaluated {listed}"):
            segment_based(one(), estimated, dict.fromkeys(names, 1.0), LABELS)


@pytest.mark.parametrize("resolution", [0.0, -1.0, math.nan])
def test_a_segment_that_lasts_no_time_is_refused(resolution):
    with pytest.raises(ValueError, match=r"resolution .* s is not above 0"):
        segment_based(one(), one(), {"one": 1.0}, LABELS, resolution)


def test_no_recordings_are_refused():
    with pytest.raises(ValueError, match="no recording to evaluate"):
        segment_based(one(), one(), {}, LABELS)


def test_an_event_marks_the_segment_of_its_onset_and_that_of_its_offset():
    events = event_table([("one", 0.5, 3.0, "a"), ("two", 1.0, 1.2, "b"), ("two", 0.0, 9.5, "a")])
    edges = edge_segments(events, {"one": 4.0, "two": 2.0}, ["a", "b"])
    assert edges[:, 0].tolist() == [True, False, True, False, True, False]
    assert edges[:, 1].tolist() == [False, False, False, False, False, True]


def test_an_event_without_length_marks_one_segment_and_no_events_mark_none():
    at_zero = event_table([("one", 0.0, 0.0, "a"), ("one", 2.0, 2.0, "a")])
    assert edge_segments(at_zero, {"one": 3}, ["a"])[:, 0].tolist() == [True, False, True]
    assert not edge_segments(event_table(), {"one": 3}, ["a"]).any()


@pytest.mark.filterwarnings("error")
def test_errors_at_edges_are_compared_with_those_elsewhere():
    reference = np.array([[1, 0], [1, 0], [0, 0], [0, 0]], dtype=bool)
    estimated = np.array([[0, 0], [1, 0], [0, 0], [1, 0]], dtype=bool)
    edges = np.array([[1, 0], [1, 0], [0, 0], [0, 0]], dtype=bool)
    table = edge_errors(reference, estimated, edges, ["a", "b"])
    assert table.loc["a"].tolist() == [0.5, 0.5, 0.5, 0.5]
    np.testing.assert_equal(table.loc["b"].tolist(), [0, math.nan, math.nan, 0])
    assert table.loc["all classes"].tolist() == [0.25, 0.5, 0.5, 1 / 6]
