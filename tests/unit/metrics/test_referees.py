"""Our metrics beside sed_eval, sed_scores_eval and psds_eval, on the cases they have evaluated.

referees.py says where the numbers come from and draws more of them.
"""

import json
import math

import pytest
from referees import CLASSES, NUMBERS, decoded, tables

from sedlib import metrics
from sedlib.annotations import event_table

JUDGED = json.loads(NUMBERS.read_text())
each_pair_of_lists = pytest.mark.parametrize(("case", "judged"), JUDGED["lists"])
each_set_of_scores = pytest.mark.parametrize(("case", "judged"), JUDGED["scores"])

SED_EVAL_NAMES = {"f1": "f_measure"}
RATES = ["error_rate", "deletion_rate", "insertion_rate"]


def close(value):
    return pytest.approx(math.nan if value is None else value, rel=0, abs=1e-9, nan_ok=True)


def lists(case):
    return event_table(case["reference"]), event_table(case["estimated"])


def agrees_with_sed_eval(ours, judged):
    """Compare all but the overall error rate, of segments or of events.

    Where precision or recall is 0/0, sed_eval has no F1, and we have 0. Where the reference is
    empty, it divides by the smallest number there is, and we have no error rate.
    """
    for label in CLASSES:
        row, theirs = ours.per_class.loc[label], judged["class_wise"][label]
        assert row["support"] == theirs["count"]["Nref"]
        for name in ("precision", "recall"):
            assert row[name] == close(theirs["f_measure"][name])
        if None in theirs["f_measure"].values():
            assert row["f1"] == 0 or (math.isnan(row["precision"]) and math.isnan(row["recall"]))
        else:
            assert row["f1"] == close(theirs["f_measure"]["f_measure"])
        for name in RATES:
            if row["support"]:
                assert row[name] == close(theirs["error_rate"][name])
            else:
                assert math.isnan(row[name])
    theirs = judged["overall"]["f_measure"]
    for name in ("precision", "recall"):
        assert ours.micro[name] == close(theirs[name])
    if None not in theirs.values():
        assert ours.micro["f1"] == close(theirs["f_measure"])


@each_pair_of_lists
def test_segment_based_metrics_agree_with_sed_eval(case, judged):
    ours = metrics.segment_based(*lists(case), case["durations"], CLASSES, case["resolution"])
    agrees_with_sed_eval(ours, judged["sed_eval"]["segment"])
    overall = judged["sed_eval"]["segment"]["overall"]
    assert ours.micro["accuracy"] == close(overall["accuracy"]["accuracy"])
    for name in ("substitution_rate", *RATES):
        expected = overall["error_rate"][name] if ours.per_class["support"].any() else None
        assert ours.micro[name] == close(expected)


@each_pair_of_lists
def test_event_based_metrics_agree_with_sed_eval(case, judged):
    collars = case["t_collar"], case["percentage_of_length"]
    ours = metrics.event_based(*lists(case), CLASSES, *collars)
    agrees_with_sed_eval(ours, judged["sed_eval"]["event"])
    if case["reference"]:
        lowest = judged["sed_eval"]["event"]["overall"]["error_rate"]
        for name in ("substitution_rate", *RATES):
            assert ours.micro[name] == close(lowest[name])


@each_pair_of_lists
def test_intersection_based_f1_agrees_with_psds_eval(case, judged):
    """It has no F1, and we have 0, of a class without true positives."""
    if judged["psds_eval"]:
        criteria = case["dtc_threshold"], case["gtc_threshold"]
        ours = metrics.intersection_based(*lists(case), CLASSES, *criteria).per_class["f1"]
        for label, theirs in judged["psds_eval"].items():
            assert ours[label] == close(0 if theirs is None else theirs)


@each_set_of_scores
def test_metrics_at_a_threshold_agree_with_sed_scores_eval(case, judged):
    """Where precision is 0/0, it has 0."""
    pair = event_table(case["reference"]), decoded(case, case["threshold"])
    collars = case["t_collar"], case["percentage_of_length"]
    criteria = case["scenario"]["dtc_threshold"], case["scenario"]["gtc_threshold"]
    ours = {
        "segment": metrics.segment_based(*pair, case["durations"], CLASSES, case["hop"]),
        "event": metrics.event_based(*pair, CLASSES, *collars),
        "intersection": metrics.intersection_based(*pair, CLASSES, *criteria),
    }
    for kind in judged["sed_scores_eval"].keys() & ours.keys():
        f1, precision, recall = judged["sed_scores_eval"][kind]
        for label in f1.keys() & set(CLASSES):
            row = ours[kind].per_class.loc[label]
            assert row["f1"] == close(f1[label])
            assert row["recall"] == close(recall[label])
            if not math.isnan(row["precision"]):
                assert row["precision"] == close(precision[label])


@each_set_of_scores
def test_psds_agrees_with_sed_scores_eval(case, judged):
    scenario = metrics.PSDSScenario(**case["scenario"])
    ours = metrics.psds(tables(case), event_table(case["reference"]), case["durations"], scenario)
    theirs = judged["sed_scores_eval"]
    if "psds" in theirs:
        assert ours.value == close(theirs["psds"])
        for label in CLASSES:
            assert ours.per_class[label] == close(theirs["psds_per_class"].get(label))


@each_set_of_scores
def test_psds_agrees_with_psds_eval_at_every_score(case, judged):
    if judged["psds_eval"] is not None:
        scenario = metrics.PSDSScenario(**case["scenario"])
        ours = metrics.psds(
            tables(case), event_table(case["reference"]), case["durations"], scenario
        )
        assert ours.value == close(judged["psds_eval"])


OF_LISTS = [
    test_segment_based_metrics_agree_with_sed_eval,
    test_event_based_metrics_agree_with_sed_eval,
    test_intersection_based_f1_agrees_with_psds_eval,
]
OF_SCORES = [
    test_metrics_at_a_threshold_agree_with_sed_scores_eval,
    test_psds_agrees_with_sed_scores_eval,
    test_psds_agrees_with_psds_eval_at_every_score,
]


# --- where we decide otherwise -------------------------------------------------------------


def different(name):
    case, judged = JUDGED["different"][name]
    segment = metrics.segment_based(*lists(case), case["durations"], CLASSES, case["resolution"])
    collars = case["t_collar"], case["percentage_of_length"]
    event = metrics.event_based(*lists(case), CLASSES, *collars)
    return segment, event, judged["segment"], judged["event"]


def test_decimal_collars_hold_to_the_microsecond_where_sed_eval_misses_by_a_rounding_error():
    _, ours, _, theirs = different("decimal_collar")
    assert 0.8 - 0.6 > 0.2
    assert ours.micro["f1"] == 1
    assert theirs["overall"]["f_measure"]["f_measure"] == 0


def test_an_event_from_2_3_s_begins_segment_23_of_a_tenth_where_sed_eval_has_22():
    ours, _, theirs, _ = different("decimal_segment")
    assert 2.3 / 0.1 < 23
    assert ours.micro["f1"] == 0
    assert theirs["overall"]["f_measure"]["recall"] == close(1 / 23)


def test_the_error_rate_of_events_is_that_of_the_best_order_for_sed_eval():
    one, other = (f"substitutions_in_{order}_order" for order in ("one", "the_other"))
    (_, ours, _, greater), (_, same, _, smaller) = different(one), different(other)
    assert ours.micro == pytest.approx(same.micro, nan_ok=True)
    assert ours.micro["substitution_rate"] == ours.micro["error_rate"] == 1
    assert smaller["overall"]["error_rate"]["error_rate"] == close(1)
    assert greater["overall"]["error_rate"]["error_rate"] == close(1.5)


def test_a_class_never_found_counts_as_zero_where_sed_eval_leaves_it_out():
    for ours, theirs in pairs("one_class_never_found"):
        assert ours.macro["f1"] == 0.5
        assert theirs["class_wise_average"]["f_measure"]["f_measure"] == 1


def test_a_class_never_true_counts_as_zero_and_has_no_error_rate_where_sed_eval_has_1e15():
    for ours, theirs in pairs("one_class_never_true"):
        assert ours.macro["f1"] == 0.5
        assert theirs["class_wise_average"]["f_measure"]["f_measure"] == 1
        assert ours.macro["error_rate"] == 0
        assert theirs["class_wise_average"]["error_rate"]["error_rate"] > 1e15


def pairs(name):
    segment, event, *judged = different(name)
    return zip((segment, event), judged, strict=True)
