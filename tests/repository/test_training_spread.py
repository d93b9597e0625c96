"""Claims about the tolerances of nbval: what is judged strictly, and what was measured."""

import pytest
from nbval_tolerance import ABSOLUTE, RELATIVE, ROOT, SPREAD, tolerances
from training_spread import (
    RUNS,
    SOURCE,
    STORED,
    collect_values,
    largest_range,
    summary_of_training,
    trained_numbers,
)

from sedlib.config import load_params
from sedlib.files import read_json

MEASURED = read_json(SPREAD)
STRICT = [path for path in sorted((ROOT / "notebooks").glob("*.py")) if path != SOURCE]


@pytest.mark.parametrize("path", STRICT, ids=lambda path: path.stem)
def test_a_notebook_that_trains_nothing_has_no_tolerance_above_a_thousandth(path):
    assert max(RELATIVE, ABSOLUTE) <= 1e-3
    assert '"trained"' not in path.read_text(encoding="utf-8")


def test_no_tolerance_is_wider_than_twice_the_measured_spread():
    for kind, tolerance in tolerances().items():
        rows = MEASURED["values"][kind].values()
        assert {len(row) for row in rows} == {len(MEASURED["runs"])}
        assert tolerance <= 2 * max(max(row) - min(row) for row in rows) + 1e-9, kind


def test_every_trained_number_has_a_tolerance_that_was_measured():
    kinds = {kind for _, kind, _ in trained_numbers(SOURCE.with_suffix(".ipynb"))} - {None}
    assert kinds == tolerances().keys() == MEASURED["values"].keys()


def test_the_spread_was_measured_over_seeds_and_processors():
    assert MEASURED["runs"].keys() == {STORED, *RUNS}, "run `make spread`"
    assert MEASURED["summaries"].keys() == MEASURED["runs"].keys()
    changed = [(parameters, *environment) for parameters, environment in RUNS.values()]
    assert any("seed" in parameters for parameters, *_ in changed)
    for variable in ("ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE"):
        assert any(variable in names for _, *names in changed)


def test_the_published_results_are_among_those_that_the_spread_was_measured_from():
    published = summary_of_training(ROOT / "models" / "default" / "summary.json")
    assert MEASURED["summaries"][STORED] == published, "run `make spread`"


def test_the_spread_was_measured_with_the_training_that_is_used():
    assert MEASURED["train"] == load_params().train.model_dump(), "run `make spread`"


RUN = [("score", "F1", "0.80"), ("rare: F1", "F1", "0.50"), ("count", None, "12")]


def test_the_spread_of_a_kind_is_the_largest_difference_between_two_runs():
    other = [("score", "F1", "0.82"), ("rare: F1", "F1", "0.35"), ("count", None, "12")]
    values = collect_values([RUN, other, RUN])
    assert values == {"F1": {"score": [0.8, 0.82, 0.8], "rare: F1": [0.5, 0.35, 0.5]}}
    assert largest_range(values["F1"]) == 0.15


def test_a_number_that_moves_and_has_no_kind_stops_the_measurement():
    with pytest.raises(SystemExit, match="'count' is 12, 13: add its kind"):
        collect_values([RUN, [*RUN[:2], ("count", None, "13")]])


@pytest.mark.parametrize("other", [RUN[:2], [("share", "F1", "0.80"), *RUN[1:]]])
def test_runs_of_another_notebook_stop_the_measurement(other):
    with pytest.raises(SystemExit, match="different numbers; run `make reproduce` first"):
        collect_values([RUN, other])
