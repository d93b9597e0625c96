"""Event-based metrics beside all pairings there are."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referees import CLASSES, event_lists

from sedlib.annotations import AnnotationError, event_table
from sedlib.metrics import event_based, event_counts_by_segment
from sedlib.metrics.event_lists import by_recording

claim = settings(deadline=None, database=None, max_examples=30)


def table(*rows):
    return event_table(("one", *row) for row in rows)


def in_tenths(rows):
    return event_table((name, a / 10, b / 10, label) for name, a, b, label in rows)


@st.composite
def crowded(draw):
    """Reference and estimated events in tenths of a second, close enough to be confused."""
    reference = draw(event_lists(12, size=4, gap=-12))[:4]
    estimated = draw(event_lists(12, reference, size=3, gap=-12))[:4]
    return reference, estimated


def near(ref, est, collar, share):
    """Say it in tenths of a second, exactly; `share` in tenths as well."""
    tolerance = max(10 * collar, share * (ref[2] - ref[1]))
    return (
        ref[0] == est[0]
        and abs(ref[1] - est[1]) <= collar
        and 10 * abs(ref[2] - est[2]) <= tolerance
    )


def slow_pairing(reference, estimated, collar, share):
    """Try every pairing; the most true positives, and then the most substitutions."""
    if not reference:
        return 0, 0
    first, *rest = reference
    best = slow_pairing(rest, estimated, collar, share)
    for at, est in enumerate(estimated):
        if near(first, est, collar, share):
            right, swapped = slow_pairing(rest, estimated[:at] + estimated[at + 1 :], collar, share)
            same = first[3] == est[3]
            best = max(best, (right + same, swapped + (not same)))
    return best


@claim
@given(crowded(), st.sampled_from([0, 1, 2, 5]), st.sampled_from([0, 2, 5, 10]))
def test_event_based_metrics_agree_with_the_best_of_all_pairings(case, collar, share):
    reference, estimated = case
    ours = event_based(in_tenths(reference), in_tenths(estimated), CLASSES, collar / 10, share / 10)
    right, swapped = slow_pairing(reference, estimated, collar, share)
    n, m = len(reference), len(estimated)
    expected = {
        "precision": right / m if m else math.nan,
        "recall": right / n if n else math.nan,
        "f1": 2 * right / (n + m) if n + m else math.nan,
        "error_rate": (n + m - 2 * right - swapped) / n if n else math.nan,
        "substitution_rate": swapped / n if n else math.nan,
        "deletion_rate": (n - right - swapped) / n if n else math.nan,
        "insertion_rate": (m - right - swapped) / n if n else math.nan,
    }
    assert ours.micro == pytest.approx(expected, nan_ok=True)
    for label in CLASSES:
        ref, est = ([row for row in rows if row[3] == label] for rows in case)
        right, _ = slow_pairing(ref, est, collar, share)
        n, m = len(ref), len(est)
        row = ours.per_class.loc[label]
        assert row["support"] == n
        assert row["f1"] == pytest.approx(2 * right / (n + m) if n + m else math.nan, nan_ok=True)
        rate = (n + m - 2 * right) / n if n else math.nan
        assert row["error_rate"] == pytest.approx(rate, nan_ok=True)


@claim
@given(crowded(), st.randoms(use_true_random=False))
def test_the_order_of_the_events_does_not_matter(case, random):
    shuffled = [random.sample(rows, len(rows)) for rows in case]
    one, other = (event_based(*map(in_tenths, pair), CLASSES) for pair in (case, shuffled))
    assert one.micro == pytest.approx(other.micro, nan_ok=True)
    assert one.per_class.equals(other.per_class)


@pytest.mark.parametrize(("onset", "f1"), [(1.2, 1), (0.8, 1), (1.200001, 0), (0.799999, 0)])
def test_an_onset_200_ms_away_is_found_and_a_microsecond_more_is_not(onset, f1):
    ours = event_based(table((1.0, 1.5, "a")), table((onset, 1.5, "a")), CLASSES)
    assert ours.micro["f1"] == f1


def test_times_that_differ_by_a_rounding_error_are_the_same():
    assert 0.1 + 0.2 > 0.3 > 0.7 - 0.4
    for onset in (0.1 + 0.2, 0.7 - 0.4):
        ours = event_based(table((0.3, 0.6, "a")), table((onset, 2 * onset, "a")), CLASSES, 0, 0)
        assert ours.micro["f1"] == 1


@pytest.mark.parametrize(("offset", "f1"), [(2.5, 1), (3.5, 1), (3.500001, 0), (2.499999, 0)])
def test_an_offset_a_fifth_of_the_true_length_away_is_found_and_more_is_not(offset, f1):
    # the estimated event is longer or shorter, and its own length does not count
    ours = event_based(table((0.5, 3.0, "a")), table((0.5, offset, "a")), CLASSES)
    assert ours.micro["f1"] == f1


@pytest.mark.parametrize(
    ("length", "late", "f1"),
    [
        (1.500002, 300_000, 1),  # a fifth is 300000.4 microseconds
        (1.500002, 300_001, 0),
        (1.500003, 300_001, 1),  # 300000.6
        (1.500003, 300_002, 0),
    ],
)
def test_a_fifth_of_the_length_is_rounded_to_whole_microseconds(length, late, f1):
    estimated = table((0.0, length + late / 1e6, "a"))
    assert event_based(table((0.0, length, "a")), estimated, CLASSES).micro["f1"] == f1


@pytest.mark.parametrize(("offset", "f1"), [(1.3, 1), (0.9, 1), (1.31, 0), (0.89, 0)])
def test_the_offset_of_a_short_event_may_be_200_ms_away(offset, f1):
    ours = event_based(table((0.8, 1.1, "a")), table((0.8, offset, "a")), CLASSES)
    assert ours.micro["f1"] == f1


def test_a_long_event_has_more_tolerance_at_its_end_than_at_its_beginning():
    late_end = event_based(table((1.0, 6.0, "a")), table((1.0, 7.0, "a")), CLASSES)
    late_start = event_based(table((1.0, 6.0, "a")), table((2.0, 6.0, "a")), CLASSES)
    assert (late_end.micro["f1"], late_start.micro["f1"]) == (1, 0)


def mirrored(row):
    return (10 - row[1], 10 - row[0], row[2])


def test_two_events_are_both_found_though_the_first_estimated_one_fits_both():
    # The first reference event matches either estimated one, the second only the first.
    reference = table((1.0, 6.0, "a"), (1.1, 5.2, "a"))
    estimated = table((1.05, 5.5, "a"), (1.1, 6.5, "a"))
    assert event_based(reference, estimated, CLASSES).micro["f1"] == 1


def test_a_right_label_comes_before_two_substitutions():
    # The first estimated event is near both reference events, the second near one only.
    reference = [(1.0, 2.0, "a"), (1.3, 2.3, "b")]
    estimated = [(1.15, 2.15, "a"), (0.85, 1.85, "c")]
    for turn in (tuple, mirrored):
        ours = event_based(
            *(table(*map(turn, rows)) for rows in (reference, estimated)), CLASSES
        ).micro
        assert (ours["recall"], ours["substitution_rate"]) == (0.5, 0)
        assert ours["deletion_rate"] == ours["insertion_rate"] == 0.5
    # with another label there, both are substitutions
    estimated[0] = (1.15, 2.15, "c")
    ours = event_based(table(*reference), table(*estimated), CLASSES).micro
    assert (ours["recall"], ours["substitution_rate"], ours["error_rate"]) == (0, 1, 1)


def test_an_event_of_another_recording_is_not_the_same():
    reference = event_table([("one", 1.0, 2.0, "a")])
    estimated = event_table([("two", 1.0, 2.0, "a")])
    ours = event_based(reference, estimated, CLASSES).micro
    assert (ours["f1"], ours["error_rate"], ours["substitution_rate"]) == (0, 2, 0)


def test_macro_is_the_mean_over_the_classes_that_have_a_value():
    reference = table((0.0, 1.0, "a"), (2.0, 3.0, "a"), (0.0, 1.0, "b"))
    estimated = table((0.0, 1.0, "a"))
    ours = event_based(reference, estimated, CLASSES)
    assert ours.per_class["f1"].tolist()[:2] == [pytest.approx(2 / 3), 0]
    assert math.isnan(ours.per_class.loc["c", "f1"])
    assert ours.macro["f1"] == pytest.approx(1 / 3)
    assert ours.macro["precision"] == 1


def test_an_evaluation_can_be_written_as_json():
    ours = event_based(table((0.0, 1.0, "a")), table((0.0, 1.0, "a")), ["a"])
    kept = {"macro": ours.macro, "micro": ours.micro, "classes": ours.per_class.to_dict("index")}
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept


def test_nothing_true_and_nothing_found_has_no_metrics():
    ours = event_based(event_table(), event_table(), CLASSES)
    assert all(map(math.isnan, ours.micro.values()))
    assert ours.per_class["support"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1.0, 2.0, "aa"), r"one: 'aa' from 1.0 to 2.0 s has an unknown label, .* is 'a'"),
        ((2.0, 1.0, "a"), r"one: 'a' from 2.0 to 1.0 s does not .* or later; correct"),
        ((-1.0, 1.0, "a"), r"does not begin at 0 s or later"),
        ((1.0, math.nan, "a"), r"from 1.0 to nan s does not"),
        ((1.0, math.inf, "a"), r"from 1.0 to inf s does not"),
    ],
)
def test_a_bad_event_is_refused_by_name(row, message):
    for pair in ((table(row), event_table()), (event_table(), table(row))):
        with pytest.raises(AnnotationError, match=message):
            event_based(*pair, CLASSES)


# --- segment by segment ----------------------------------------------------------------------

TWO = ["a", "b"]
DURATIONS = {"one": 4.5, "two": 3.0}

times = st.integers(0, 29).map(lambda tenths: tenths / 10)
events = st.lists(
    st.tuples(st.sampled_from(list(DURATIONS)), times, times, st.sampled_from(TWO))
    .filter(lambda row: row[1] != row[2])
    .map(lambda row: (row[0], *sorted(row[1:3]), row[3])),
    max_size=8,
).map(event_table)


@claim
@given(events, events)
def test_the_counts_of_all_segments_make_the_event_based_metrics(reference, estimated):
    tp, fp, fn = (
        count.sum(axis=0) for count in event_counts_by_segment(reference, estimated, DURATIONS, TWO)
    )
    whole = event_based(reference, estimated, TWO)
    np.testing.assert_array_equal(tp + fn, whole.per_class["support"])
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(2 * tp / (2 * tp + fp + fn), whole.per_class["f1"])


@claim
@given(events)
def test_an_event_counts_in_the_segment_in_which_it_begins(reference):
    tp, fp, fn = event_counts_by_segment(reference, reference, DURATIONS, TWO)
    assert fp.sum() == fn.sum() == 0
    first = {"one": 0, "two": 4}
    expected = np.zeros((7, 2), dtype=int)
    for event in reference.itertuples():
        expected[first[event.filename] + int(event.onset), TWO.index(event.event_label)] += 1
    np.testing.assert_array_equal(tp, expected)


def test_a_missed_event_and_a_false_alarm_count_where_each_begins():
    reference = event_table([("one", 0.5, 2.0, "a")])
    estimated = event_table([("one", 1.5, 2.0, "a")])
    tp, fp, fn = event_counts_by_segment(reference, estimated, DURATIONS, TWO)
    assert tp.sum() == 0
    assert np.argwhere(fn).tolist() == [[0, 0]]
    assert np.argwhere(fp).tolist() == [[1, 0]]


def test_what_begins_after_the_last_whole_second_counts_in_it():
    late = event_table([("one", 4.2, 4.5, "b")])
    tp, _, _ = event_counts_by_segment(late, late, DURATIONS, TWO)
    assert np.argwhere(tp).tolist() == [[3, 1]]


def test_a_recording_shorter_than_a_second_is_refused():
    with pytest.raises(ValueError, match=r"'x' lasts 0\.9 s; it must last at least one second"):
        event_counts_by_segment(event_table(), event_table(), {"x": 0.9}, TWO)


def test_names_of_recordings_are_looked_up_not_compared_one_by_one():
    class Name(str):
        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other):
            Name.compared += 1
            return str(self) == str(other)

    names = [f"r{i}" for i in range(200)]
    events = event_table((name, 0.0, 1.0, "a") for name in names)
    parts = by_recording(events, ["a"], map(Name, names))
    assert [len(part.onset) for part in parts.values()] == [1] * 200
    assert Name.compared <= 5 * len(names)
