"""Random cases, the results of other libraries on them, and how ours must agree with them.

The referees cannot be test dependencies: dcase_util, which sed_eval needs, imports
pkg_resources, which setuptools no longer has, and a system's libmagic; psds_eval fails with
pandas 3 and NumPy 2.4; sed_scores_eval needs a C compiler, and sed_eval. So the numbers they
give are kept in ``referees.json``, which test_referees.py reads. To draw
fresh cases, compare sedlib with the referees on each of them, and keep some, in the root of
the repository::

    python3.11 -m venv referees
    referees/bin/pip install "setuptools<81" "numpy<2.4" "pandas<3" scipy scikit-learn \
        pydantic pyyaml hypothesis sed_eval==0.2.1 sed_scores_eval==0.0.4 psds_eval==0.5.3
    PYTHONPATH=. referees/bin/python -W ignore tests/unit/metrics/referees.py
"""

import json
import math
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from sedlib.annotations import event_table
from sedlib.detection import score_table, scores_to_events

NUMBERS = Path(__file__).with_suffix(".json")
COMPARED, KEPT = 1000, 25  # cases of each kind
CLASSES = ["a", "b", "c"]
FILES = ["one", "two"]

# Where sed_eval decides otherwise than we do; see the tests of the same names.
DIFFERENT = {
    "decimal_collar": {
        "reference": [["one", 0.6, 1.6, "a"]],
        "estimated": [["one", 0.8, 1.6, "a"]],
    },
    "decimal_segment": {
        "reference": [["one", 0.0, 2.3, "a"]],
        "estimated": [["one", 2.3, 2.4, "a"]],
        "resolution": 0.1,
    },
    "substitutions_in_one_order": {
        "reference": [["one", 1.0, 2.0, "a"], ["one", 1.5, 2.5, "b"]],
        "estimated": [["one", 1.25, 2.25, "c"], ["one", 0.75, 1.75, "c"]],
        "t_collar": 0.25,
    },
    "substitutions_in_the_other_order": {
        "reference": [["one", 1.5, 2.5, "b"], ["one", 1.0, 2.0, "a"]],
        "estimated": [["one", 1.25, 2.25, "c"], ["one", 0.75, 1.75, "c"]],
        "t_collar": 0.25,
    },
    "one_class_never_found": {
        "reference": [["one", 1.0, 2.0, "a"], ["one", 1.0, 2.0, "b"]],
        "estimated": [["one", 1.0, 2.0, "a"]],
    },
    "one_class_never_true": {
        "reference": [["one", 1.0, 2.0, "a"]],
        "estimated": [["one", 1.0, 2.0, "a"], ["one", 1.0, 2.0, "b"]],
    },
}
USUAL = {
    "durations": {"one": 3.0},
    "resolution": 1.0,
    "t_collar": 0.2,
    "percentage_of_length": 0.2,
}


# --- cases ---------------------------------------------------------------------------------


@st.composite
def event_lists(draw, end, origin=(), size=6, gap=0):
    """Rows of events, in whole units of time; some near the events of `origin`.

    Events of one class in one recording are at least `gap` apart. With less than 0 they may
    overlap, and be of no length.
    """
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(FILES),
                st.integers(0, end - 1),
                st.integers(0, end // 2),
                st.sampled_from(CLASSES),
            ),
            max_size=size,
        )
    )
    rows = [(name, onset, onset + length, label) for name, onset, length, label in rows]
    shift = st.sampled_from([-5, -4, -3, 0, 0, 0, 1, 3, 4, 5])
    for name, onset, offset, label in origin:
        if draw(st.booleans()):
            other = draw(st.sampled_from([label, label, label, *CLASSES]))
            rows.append((name, onset + draw(shift), offset + draw(shift), other))
    kept = []
    for row in rows:
        name, onset, offset, label = row
        apart = all(
            (name, label) != (other[0], other[3])
            or offset + gap <= other[1]
            or other[2] + gap <= onset
            for other in kept
        )
        if apart and 0 <= onset <= offset <= end and (onset < offset or gap < 0):
            kept.append(row)
    return kept


@st.composite
def list_cases(draw):
    """Two event lists, in sixteenths of a second, which floating point holds exactly."""
    unit, end = 1 / 16, 96
    gap = draw(st.sampled_from([0, 0, -end]))
    reference = draw(event_lists(end, gap=gap))
    estimated = draw(event_lists(end, reference, gap=gap))
    return {
        "disjoint": gap == 0,
        "durations": dict.fromkeys(FILES, end * unit),
        "reference": _in_seconds(reference, unit),
        "estimated": _in_seconds(estimated, unit),
        "resolution": draw(st.sampled_from([0.1, 0.25, 1.0, 2.0])),
        "t_collar": draw(st.sampled_from([0.2, 0.25, 1.0])),
        "percentage_of_length": draw(st.sampled_from([0.0, 0.2, 0.25, 0.5])),
        "dtc_threshold": draw(st.sampled_from([0.125, 0.5, 1.0])),
        "gtc_threshold": draw(st.sampled_from([0.125, 0.5, 1.0])),
    }


@st.composite
def score_cases(draw):
    """Scores and ground truth, on a grid of decimal or of binary fractions of a second."""
    hop = draw(st.sampled_from([0.1, 0.5, 1.0]))
    steps = draw(st.integers(2, 12))
    reference = draw(event_lists(4 * steps, size=10, gap=1))
    shape = (steps, len(CLASSES))
    row = st.lists(st.integers(0, 8), min_size=shape[1], max_size=shape[1])
    grid = st.lists(row, min_size=steps, max_size=steps)
    ct = draw(st.sampled_from([0.0, 0.5, 1.0]))
    criterion = st.sampled_from([0.125, 0.25, 0.5, 1.0])
    scenario = {
        "dtc_threshold": draw(criterion),
        "gtc_threshold": draw(criterion),
        "cttc_threshold": draw(criterion) if ct else None,
        "alpha_ct": ct,
        "alpha_st": draw(st.sampled_from([0.0, 0.5, 1.0])),
        "max_efpr": draw(st.sampled_from([100.0, 1000.0, 10000.0])),
    }
    return {
        "durations": dict.fromkeys(FILES, round(hop * steps, 6)),
        "reference": _in_seconds(reference, hop / 4),
        "hop": hop,
        "scores": {name: draw(grid) for name in FILES},  # in eighths
        "threshold": 0.5,
        "t_collar": draw(st.sampled_from([0.05, 0.2, 0.5])),
        "percentage_of_length": draw(st.sampled_from([0.0, 0.2, 0.5])),
        "scenario": scenario,
    }


def _in_seconds(rows, unit):
    return [[name, round(a * unit, 6), round(b * unit, 6), label] for name, a, b, label in rows]


def tables(case):
    """Return the score table of each recording of a case."""
    return {
        name: score_table(np.array(scores) / 8, CLASSES, case["hop"])
        for name, scores in case["scores"].items()
    }


def decoded(case, threshold):
    """Return the event table of a case at a threshold."""
    rows = [
        row
        for name, table in tables(case).items()
        for row in scores_to_events(table, threshold, name).itertuples(index=False)
    ]
    return event_table(rows)


# --- the referees --------------------------------------------------------------------------


def by_sed_eval(case):
    """Segment-based and event-based metrics of two event lists."""
    from sed_eval import sound_event

    segment = sound_event.SegmentBasedMetrics(CLASSES, time_resolution=case["resolution"])
    options = {key: case[key] for key in ("t_collar", "percentage_of_length")}
    event = sound_event.EventBasedMetrics(CLASSES, **options)
    for name, duration in case["durations"].items():
        reference, estimated = (
            [
                {"file": row[0], "event_onset": row[1], "event_offset": row[2]}
                | {"event_label": row[3]}
                for row in case[kind]
                if row[0] == name
            ]
            for kind in ("reference", "estimated")
        )
        segment.evaluate(reference, estimated, evaluated_length_seconds=duration)
        event.evaluate(reference, estimated)
    judged = {"segment": segment.results(), "event": event.results()}
    for results in judged.values():
        for of_class in results["class_wise"].values():
            del of_class["accuracy"]
    return judged


def by_psds_eval(case):
    """F1 of each class of two event lists; it wants classes that occur, without overlap."""
    import pandas as pd
    from psds_eval import PSDSEval

    occur = sorted({row[3] for row in case["reference"]})
    if not occur or not case["disjoint"]:
        return {}
    judge = PSDSEval(
        case["dtc_threshold"],
        case["gtc_threshold"],
        class_names=occur,
        ground_truth=event_table(case["reference"]),
        metadata=pd.DataFrame(case["durations"].items(), columns=["filename", "duration"]),
    )
    estimated = event_table(row for row in case["estimated"] if row[3] in occur)
    return judge.compute_macro_f_score(estimated)[1]


def psds_by_psds_eval(case):
    """PSDS of the events at every score there is.

    None where it cannot judge: decimal times, as it compares floating-point sums, and one
    class, as it takes the mean of the others.
    """
    import pandas as pd
    from psds_eval import PSDSEval

    occur = sorted({row[3] for row in case["reference"]})
    scenario = case["scenario"]
    if len(occur) < 2 or case["hop"] == 0.1:
        return None
    judge = PSDSEval(
        scenario["dtc_threshold"],
        scenario["gtc_threshold"],
        scenario["cttc_threshold"] or 0.5,
        class_names=occur,
        ground_truth=event_table(case["reference"]),
        metadata=pd.DataFrame(case["durations"].items(), columns=["filename", "duration"]),
    )
    for eighths in range(9):
        estimated = decoded(case, eighths / 8)
        judge.add_operating_point(estimated[estimated["event_label"].isin(occur)])
    value = judge.psds(scenario["alpha_ct"], scenario["alpha_st"], scenario["max_efpr"]).value
    return value


def by_sed_scores_eval(case):
    """All that it has, of scores; it wants classes that occur."""
    from sed_scores_eval import collar_based, intersection_based, segment_based

    occur = [label for label in CLASSES if any(row[3] == label for row in case["reference"])]
    if not occur:
        return {}
    scores = {name: table[["onset", "offset", *occur]] for name, table in tables(case).items()}
    reference = {name: [] for name in scores}
    for name, onset, offset, label in case["reference"]:
        reference[name].append((onset, offset, label))
    scenario, durations = case["scenario"], case["durations"]
    criteria = {key: scenario[key] for key in ("dtc_threshold", "gtc_threshold")}
    # It finds what is above a threshold, we what is at it as well.
    below = case["threshold"] - 1 / 16
    collars = {
        "onset_collar": case["t_collar"],
        "offset_collar": case["t_collar"],
        "offset_collar_rate": case["percentage_of_length"],
    }
    segment = segment_based.fscore(scores, reference, durations, below, segment_length=case["hop"])
    event = collar_based.fscore(scores, reference, below, **collars)
    intersection = intersection_based.fscore(scores, reference, below, **criteria)
    judged = {"segment": segment[:3], "event": event[:3], "intersection": intersection[:3]}
    if scenario["alpha_ct"] == 0 or len(occur) > 1:  # else it fails
        value, per_class, *_ = intersection_based.psds(scores, reference, durations, **scenario)
        judged |= {"psds": value, "psds_per_class": per_class}
    return judged


# --- keeping and comparing -----------------------------------------------------------------


def judge_lists(case):
    """Return what the referees say of two event lists."""
    return plain({"sed_eval": by_sed_eval(case), "psds_eval": by_psds_eval(case)})


def judge_scores(case):
    """Return what the referees say of scores."""
    return plain(
        {"sed_scores_eval": by_sed_scores_eval(case), "psds_eval": psds_by_psds_eval(case)}
    )


def plain(value):
    """Make a value ready for JSON, which has no nan: null."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if value is None or math.isnan(value) else float(value)


def gather(cases, judge, claims):
    """Compare sedlib with the referees on cases of a kind, and return the first of them."""
    kept = []

    @seed(20180101)
    @settings(
        max_examples=COMPARED,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def compare(case):
        judged = judge(case)
        for claim in claims:
            claim(case, judged)
        if case["reference"] and len(kept) < KEPT:
            kept.append([case, judged])

    compare()
    return kept


def main():
    """Write the numbers."""
    if not NUMBERS.exists():
        NUMBERS.write_text('{"lists": [], "scores": [], "different": {}}', encoding="utf-8")
    import test_referees as claims

    numbers = {
        "made_with": {
            name: version(name)
            for name in ("sed_eval", "sed_scores_eval", "psds_eval", "numpy", "pandas")
        },
        "different": {
            name: [USUAL | case, plain(by_sed_eval(USUAL | case))]
            for name, case in DIFFERENT.items()
        },
        "lists": gather(list_cases(), judge_lists, claims.OF_LISTS),
        "scores": gather(score_cases(), judge_scores, claims.OF_SCORES),
    }
    text = json.dumps(numbers, separators=(",", ":")).replace('],[{"', '],\n[{"')
    NUMBERS.write_text(text + "\n", encoding="utf-8")
    print(f"{COMPARED} cases of each kind agree; kept {KEPT} of each in {NUMBERS.name}")


if __name__ == "__main__":
    sys.exit(main())
