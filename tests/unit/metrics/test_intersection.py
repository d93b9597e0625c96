"""Intersection-based F1 and PSDS beside sets of ticks and every threshold in turn."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referees import CLASSES, decoded, event_lists, score_cases, tables

from sedlib.annotations import AnnotationError, event_table
from sedlib.detection import score_table
from sedlib.metrics import (
    PSDS_SCENARIO_1,
    PSDS_SCENARIO_2,
    PSDSScenario,
    intersection_based,
    intersection_marks,
    psds,
)

claim = settings(deadline=None, database=None, max_examples=30)


def table(*rows):
    return event_table(("one", *row) for row in rows)


def in_tenths(rows):
    return event_table((name, a / 10, b / 10, label) for name, a, b, label in rows)


def ticks(row):
    return {(row[0], tick) for tick in range(row[1], row[2])}


def slow_counts(reference, estimated, label, dtc, gtc, cttc=None):
    """Count true positives, false positives, and cross-triggers by class; times are whole."""
    own = [ticks(row) for row in reference if row[3] == label]
    own_estimated = [ticks(row) for row in estimated if row[3] == label]
    of_class = set().union(*own)
    relevant = [a for a in own_estimated if len(a & of_class) >= dtc * len(a)]
    wrong = [a for a in own_estimated if a not in relevant]
    covered = set().union(*relevant)
    tp = sum(len(t & covered) >= gtc * len(t) for t in own)
    triggers = {}
    for other in CLASSES:
        of_other = set().union(*(ticks(row) for row in reference if row[3] == other))
        if other != label and cttc is not None:
            triggers[other] = sum(len(a & of_other) >= cttc * len(a) for a in wrong if a & of_other)
    return tp, len(wrong), triggers


def slow_staircase(points, rate):
    """Best ratio of the (rate, ratio) points at a rate or less."""
    return max([0.0, *(ratio for at, ratio in points if at <= rate + 1e-12)])


def slow_psds(reference, points, seconds, scenario, unit):
    """PSDS of the events at each threshold, of all classes and of each; times are whole units."""
    criteria = scenario.dtc_threshold, scenario.gtc_threshold, scenario.cttc_threshold
    criteria = [None if value is None else Fraction(str(value)) for value in criteria]
    occur = [label for label in CLASSES if any(row[3] == label for row in reference)]
    curves = {}
    for label in occur:
        n = sum(row[3] == label for row in reference)
        curves[label] = []
        for estimated in points:
            tp, fp, triggers = slow_counts(reference, estimated, label, *criteria)
            rates = [
                triggers.get(other, 0)
                / (unit * sum(row[2] - row[1] for row in reference if row[3] == other))
                for other in occur
                if other != label
            ]
            rate = fp / seconds + scenario.alpha_ct * (sum(rates) / len(rates) if rates else 0)
            curves[label].append((3600 * rate, tp / n))
    edges = sorted({0.0, scenario.max_efpr, *(at for c in curves.values() for at, _ in c)})
    areas = np.zeros(1 + len(occur))
    for left, right in itertools.pairwise(edges):
        if right <= scenario.max_efpr and occur:
            ratios = [slow_staircase(curves[label], left) for label in occur]
            height = np.mean(ratios) - scenario.alpha_st * np.std(ratios)
            areas += np.array([max(height, 0), *ratios]) * (right - left)
    value, *per_class = areas / scenario.max_efpr
    return value if occur else math.nan, dict(zip(occur, per_class, strict=True))


@st.composite
def disjoint(draw):
    reference = draw(event_lists(30, size=8))
    return reference, draw(event_lists(30, reference, size=5))


thresholds = st.sampled_from(["0.1", "0.25", "0.5", "0.7", "1"])


@claim
@given(disjoint(), thresholds, thresholds)
def test_intersection_based_f1_agrees_with_sets_of_ticks(case, dtc, gtc):
    ours = intersection_based(*map(in_tenths, case), CLASSES, float(dtc), float(gtc))
    sums = np.zeros(3)
    for label in CLASSES:
        n = sum(row[3] == label for row in case[0])
        tp, fp, _ = slow_counts(*case, label, Fraction(dtc), Fraction(gtc))
        sums += tp, fp, n
        row = ours.per_class.loc[label]
        assert row["support"] == n
        assert row["precision"] == pytest.approx(
            tp / (tp + fp) if tp + fp else math.nan, nan_ok=True
        )
        assert row["recall"] == pytest.approx(tp / n if n else math.nan, nan_ok=True)
        f1 = 2 * tp / (tp + fp + n) if tp + fp + n else math.nan
        assert row["f1"] == pytest.approx(f1, nan_ok=True)
    tp, fp, n = sums
    f1 = 2 * tp / (tp + fp + n) if tp + fp + n else math.nan
    assert ours.micro["f1"] == pytest.approx(f1, nan_ok=True)


@settings(claim, max_examples=15)
@given(score_cases())
def test_psds_of_scores_is_that_of_the_events_of_every_threshold(case):
    """The scores have nine values, so that there are nine thresholds to try."""
    reference, unit = event_table(case["reference"]), case["hop"] / 4
    estimated = [decoded(case, eighths / 8) for eighths in range(9)]
    in_units = [
        [(name, round(a / unit), round(b / unit), label) for name, a, b, label in rows]
        for rows in [case["reference"], *(f.iloc[:, :4].itertuples(index=False) for f in estimated)]
    ]
    seconds = sum(case["durations"].values())
    for scenario in (PSDSScenario(**case["scenario"]), PSDS_SCENARIO_2):
        ours = psds(tables(case), reference, case["durations"], scenario)
        value, per_class = slow_psds(in_units[0], in_units[1:], seconds, scenario, unit)
        assert ours.value == pytest.approx(value, abs=1e-9, nan_ok=True)
        for label in CLASSES:
            expected = per_class.get(label, math.nan)
            assert ours.per_class[label] == pytest.approx(expected, abs=1e-9, nan_ok=True)


@settings(claim, max_examples=15)
@given(score_cases())
def test_psds_does_not_change_with_a_rising_function_of_the_scores(case):
    reference = event_table(case["reference"])
    one = psds(tables(case), reference, case["durations"], PSDS_SCENARIO_2)
    bent = {}
    for name, scores in tables(case).items():
        bent[name] = scores.copy()
        bent[name][CLASSES] = scores[CLASSES] ** 3 / 2
    other = psds(bent, reference, case["durations"], PSDS_SCENARIO_2)
    assert one.value == pytest.approx(other.value, nan_ok=True)


def perfect(events, duration, classes=CLASSES):
    """Scores of 1 while an event goes on and of 0 elsewhere, in rows from edge to edge."""
    edges = sorted({0.0, float(duration), *events["onset"], *events["offset"]})
    scores = pd.DataFrame({"onset": edges[:-1], "offset": edges[1:]})
    for label in classes:
        own = events[events["event_label"] == label]
        goes_on = [((own["onset"] <= t) & (t < own["offset"])).any() for t in edges[:-1]]
        scores[label] = np.array(goes_on, dtype=np.float32)
    return {"one": scores}


def test_psds_of_perfect_scores_is_one():
    reference = table((1.0, 3.0, "a"), (4.0, 5.0, "a"), (2.0, 6.0, "b"), (0.0, 1.0, "c"))
    for scenario in (PSDS_SCENARIO_1, PSDS_SCENARIO_2):
        assert psds(perfect(reference, 8), reference, {"one": 8.0}, scenario).value == 1


def test_the_order_of_the_recordings_does_not_matter_to_psds():
    reference = event_table(
        [("one", 1.0, 3.0, "a"), ("two", 2.0, 6.0, "b"), ("two", 1.0, 2.0, "a")]
    )
    rng = np.random.default_rng(1)
    durations = {"one": 6.0, "two": 9.0}
    scores = {
        name: score_table(rng.integers(0, 9, (int(steps), 3)) / 8, CLASSES)
        for name, steps in durations.items()
    }
    scenario = PSDSScenario(0.3, 0.3, 0.3, alpha_ct=0.5, alpha_st=1.0, max_efpr=5000.0)
    one = psds(scores, reference, durations, scenario)
    other = psds(scores, reference, dict(reversed(durations.items())), scenario)
    assert one.value == other.value > 0


def test_scores_that_say_nothing_find_one_long_event_which_scenario_2_takes_in_short_recordings():
    reference = table((1.0, 3.0, "a"))
    for steps, expected in ((8, 1), (40, 0)):
        nothing = {"one": score_table(np.full((steps, 1), 0.5), ["a"])}
        durations = {"one": float(steps)}
        assert psds(nothing, reference, durations, PSDS_SCENARIO_1).value == 0
        assert psds(nothing, reference, durations, PSDS_SCENARIO_2).value == expected


def test_the_scenarios_are_those_of_dcase():
    one = PSDSScenario(
        dtc_threshold=0.7,
        gtc_threshold=0.7,
        cttc_threshold=None,
        alpha_ct=0.0,
        alpha_st=1.0,
        max_efpr=100.0,
    )
    two = PSDSScenario(
        dtc_threshold=0.1,
        gtc_threshold=0.1,
        cttc_threshold=0.3,
        alpha_ct=0.5,
        alpha_st=1.0,
        max_efpr=100.0,
    )
    assert (one, two) == (PSDS_SCENARIO_1, PSDS_SCENARIO_2)


def test_a_false_alarm_an_hour_costs_a_hundredth_of_psds():
    scenario = PSDSScenario(0.5, 0.5, None, alpha_ct=0.0, alpha_st=0.0, max_efpr=100.0)
    reference = table((10.0, 20.0, "a"))
    scores = np.zeros((3600, 1))
    scores[10:20], scores[100:110] = 0.5, 0.9
    scored = {"one": score_table(scores, ["a"])}
    ours = psds(scored, reference, {"one": 3600.0}, scenario)
    assert ours.value == pytest.approx(0.99)
    assert ours.roc["effective_fp_rate"].tolist() == [0, 1, 100]
    assert ours.roc["effective_tp_ratio"].tolist() == [0, 1, 1]
    assert ours.per_class.to_dict() == {"a": pytest.approx(0.99)}


def test_a_cross_trigger_costs_its_rate_in_the_time_of_the_other_class():
    scenario = PSDSScenario(0.5, 0.5, 0.5, alpha_ct=1.0, alpha_st=0.0, max_efpr=1000.0)
    reference = table((0.0, 100.0, "a"), (200.0, 300.0, "b"))
    # Half of the false positive lies in the other class, and that is enough. It is one in an
    # hour, and one cross-trigger in 100 s. Two microseconds longer it is none.
    for onset, rate in ((180.0, 37), (179.999998, 1)):
        estimated = table((0.0, 100.0, "a"), (onset, 220.0, "a"), (200.0, 300.0, "b"))
        ours = psds(perfect(estimated, 3600, "ab"), reference, {"one": 3600.0}, scenario)
        assert ours.per_class.to_dict() == {"a": pytest.approx(1 - rate / 1000), "b": 1}


def test_a_class_that_does_not_occur_does_not_thin_out_the_cost_of_cross_triggers():
    scenario = PSDSScenario(0.5, 0.5, 0.5, alpha_ct=1.0, alpha_st=0.0, max_efpr=1000.0)
    reference = table((0.0, 100.0, "a"), (200.0, 300.0, "b"))
    estimated = table((0.0, 100.0, "a"), (180.0, 220.0, "a"), (200.0, 300.0, "b"))
    for classes in (["a", "b"], ["a", "b", "c"]):
        ours = psds(perfect(estimated, 3600, classes), reference, {"one": 3600.0}, scenario)
        assert ours.per_class["a"] == pytest.approx(1 - 37 / 1000)
        assert ours.value == pytest.approx(1 - 37 / 2000)


def test_a_class_that_does_not_occur_changes_nothing():
    reference = table((1.0, 3.0, "a"), (2.0, 6.0, "b"))
    scores = np.random.default_rng(1).integers(0, 9, (8, 3)) / 8
    with_c = {"one": score_table(scores, CLASSES)}
    without = {"one": score_table(scores[:, :2], CLASSES[:2])}
    scenario = PSDSScenario(0.3, 0.3, 0.3, alpha_ct=0.5, alpha_st=1.0, max_efpr=5000.0)
    one, other = (psds(s, reference, {"one": 8.0}, scenario) for s in (with_c, without))
    assert one.value == other.value > 0
    assert math.isnan(one.per_class["c"])
    assert math.isnan(psds(with_c, event_table(), {"one": 8.0}, scenario).value)


@pytest.mark.parametrize(
    ("estimated", "precision", "recall"),
    [
        ((0.0, 10.0, "a"), 1, 1),  # half of it is in the reference
        ((0.0, 10.000002, "a"), 0, 0),
        ((5.0, 7.5, "a"), 1, 1),  # it covers half
        ((5.0, 7.499999, "a"), math.nan, 0),
    ],
)
def test_half_is_enough_and_a_microsecond_less_is_not(estimated, precision, recall):
    ours = intersection_based(table((5.0, 10.0, "a")), table(estimated), ["a"]).micro
    assert [ours["precision"], ours["recall"]] == pytest.approx([precision, recall], nan_ok=True)


@pytest.mark.parametrize(
    ("microseconds", "bound"),
    [
        (1_000_000, 700_000),
        (1_000_002, 700_001),  # 0.7 of it is 700001.4
        (1_000_001, 700_001),  # 700000.7
    ],
)
def test_the_bounds_of_all_criteria_are_whole_microseconds(microseconds, bound):
    length = microseconds / 1e6
    for covered, enough in ((bound / 1e6, True), ((bound - 1) / 1e6, False)):
        part, whole = table((0.0, covered, "a")), table((0.0, length, "a"))
        # so much of the estimated event is right, and it covers all of the reference
        ours = intersection_based(part, whole, ["a"], dtc_threshold=0.7)
        assert ours.micro["recall"] == enough
        # so much of the reference is covered
        ours = intersection_based(whole, part, ["a"], gtc_threshold=0.7)
        assert ours.micro["recall"] == enough
        # so much of a false positive lies in another class
        scenario = PSDSScenario(0.7, 0.7, 0.7, alpha_ct=1.0, alpha_st=0.0, max_efpr=100000.0)
        reference = table((0.0, covered, "b"), (5.0, 6.0, "a"))
        estimated = table((0.0, length, "a"), (5.0, 6.0, "a"))
        ours = psds(perfect(estimated, 3600, "ab"), reference, {"one": 3600.0}, scenario)
        rate = 1 + 3600 / covered * enough
        assert ours.per_class["a"] == pytest.approx(1 - rate / 100000)


def test_an_event_of_ten_microseconds_where_nothing_happens_is_wrong():
    ours = intersection_based(event_table(), table((1.0, 1.00001, "a")), ["a"], 0.1)
    assert ours.micro["precision"] == 0


def test_a_relevant_event_that_covers_too_little_is_neither_right_nor_wrong():
    ours = intersection_based(table((0.0, 10.0, "a")), table((0.0, 4.9, "a")), ["a"])
    assert math.isnan(ours.micro["precision"])
    assert ours.micro["recall"] == 0


def test_two_estimated_events_together_cover_one():
    ours = intersection_based(
        table((0.0, 10.0, "a")), table((0.0, 2.0, "a"), (5.0, 8.0, "a")), ["a"]
    )
    assert (ours.micro["precision"], ours.micro["recall"]) == (1, 1)


def test_events_that_overlap_in_a_class_or_have_no_length_are_refused():
    reference = table((1.0, 3.0, "a"), (2.0, 4.0, "a"), (2.0, 4.0, "b"))
    with pytest.raises(AnnotationError, match=r"one: 'a' from 2.0 s begins before .* 1.0 s"):
        intersection_based(reference, event_table(), CLASSES)
    with pytest.raises(AnnotationError, match=r"one: 'b' at 2.0 s has no length"):
        intersection_based(event_table(), table((2.0, 2.0, "b")), CLASSES)
    touching = table((1.0, 3.0, "a"), (3.0, 4.0, "a"))
    assert intersection_based(touching, touching, CLASSES).micro["f1"] == 1


@pytest.mark.parametrize("threshold", [0.0, 1.1, math.nan])
def test_a_criterion_out_of_range_is_refused(threshold):
    with pytest.raises(ValueError, match=r"gtc_threshold .* is not in \(0, 1\]"):
        intersection_based(event_table(), event_table(), CLASSES, gtc_threshold=threshold)
    with pytest.raises(ValueError, match=r"dtc_threshold .* is not in \(0, 1\]"):
        PSDSScenario(threshold, 0.5, None, alpha_ct=0.0, alpha_st=0.0, max_efpr=1.0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha_ct": 0.5}, r"cttc_threshold None does not fit alpha_ct 0\.5"),
        ({"cttc_threshold": 0.3}, r"cttc_threshold 0\.3 does not fit alpha_ct 0"),
        ({"cttc_threshold": 0.0, "alpha_ct": 0.5}, r"cttc_threshold 0\.0 is not in \(0, 1\]"),
        ({"cttc_threshold": 0.3, "alpha_ct": 1.1}, r"alpha_ct 1\.1 must be in \[0, 1\]"),
        ({"alpha_ct": -0.1}, r"alpha_ct -0\.1 must be in \[0, 1\]"),
        ({"alpha_st": -0.1}, r"alpha_st -0\.1 of 0 or more"),
        ({"max_efpr": 0.0}, r"max_efpr 0\.0 above 0"),
        ({"max_efpr": -1.0}, r"max_efpr -1\.0 above 0"),
    ],
)
def test_a_scenario_whose_parameters_do_not_fit_or_are_out_of_range_is_refused(parameters, message):
    fine = {"cttc_threshold": None, "alpha_ct": 0.0, "alpha_st": 0.0, "max_efpr": 1.0}
    PSDSScenario(0.5, 0.5, **fine)
    PSDSScenario(1.0, 1.0, **fine | {"cttc_threshold": 1.0, "alpha_ct": 1.0})
    with pytest.raises(ValueError, match=message):
        PSDSScenario(0.5, 0.5, **fine | parameters)


def test_scores_of_other_recordings_or_classes_are_refused():
    reference, scores = event_table(), perfect(event_table(), 4)
    with pytest.raises(ValueError, match=r"scores of \['one'\] and durations of \['two'\]"):
        psds(scores, reference, {"two": 4.0}, PSDS_SCENARIO_1)
    scores["two"] = scores["one"].drop(columns="b")
    with pytest.raises(ValueError, match=r"two: scores of classes \['a', 'c'\]"):
        psds(scores, reference, {"one": 4.0, "two": 4.0}, PSDS_SCENARIO_1)
    with pytest.raises(AnnotationError, match="of no recording that is evaluated"):
        psds(perfect(reference, 4), event_table([("x", 0, 1, "a")]), {"one": 4.0}, PSDS_SCENARIO_1)


def test_a_recording_without_scores_is_refused():
    scores = perfect(event_table(), 4)
    with pytest.raises(ValueError, match=r"scores of \['one'\] and durations of \['one', 'two'\]"):
        psds(scores, event_table(), {"one": 4.0, "two": 4.0}, PSDS_SCENARIO_1)


def test_no_scores_at_all_are_refused():
    with pytest.raises(ValueError, match=r"scores of \[\] and durations of \[\]"):
        psds({}, event_table(), {}, PSDS_SCENARIO_1)


def test_marks_are_in_the_order_of_the_rows():
    first, second = CLASSES[:2]
    reference = table((6.0, 8.0, first), (0.0, 4.0, first), (0.0, 4.0, second))
    estimated = table((5.0, 6.5, first), (1.0, 3.0, first), (4.0, 5.0, second))
    detected, relevant = intersection_marks(reference, estimated, CLASSES)
    assert detected.tolist() == [False, True, False]
    assert relevant.tolist() == [False, True, False]


def test_the_psds_of_a_recording_without_scores_is_that_of_no_detection():
    scores = {"e": score_table(np.empty((0, len(CLASSES))), CLASSES)}
    reference = event_table([("e", 0.0, 1.0, CLASSES[0])])
    assert psds(scores, reference, {"e": 2.0}, PSDS_SCENARIO_1).value == 0
