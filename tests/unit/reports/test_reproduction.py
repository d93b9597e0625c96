"""Claims about the comparison of a run with the published results."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sedlib.errors import SedlibError
from sedlib.reports.reproduction import compare_summaries, reproduction_text

ROOT = Path(__file__).resolve().parents[3]
rng = np.random.default_rng(1)


def summary(values):
    """Two sections, of one and of three numbers."""
    return {"macro": {"f1": values[0]}, "f1": dict(zip("abc", values[1:], strict=True))}


@pytest.mark.parametrize("trial", range(20))
def test_a_result_may_differ_by_twice_the_range_or_twice_the_median_range(trial):
    runs = rng.uniform(0.4, 0.6, (3, 4))
    published, obtained = runs[0], runs[0] + rng.uniform(-0.5, 0.5, 4)
    table = compare_summaries(summary(obtained), summary(published), list(map(summary, runs)))
    ranges = np.ptp(runs, axis=0)
    allowed = 2 * np.array([ranges[0], *(max(r, np.median(ranges[1:])) for r in ranges[1:])])
    assert list(table.index) == ["macro: f1", "f1: a", "f1: b", "f1: c"]
    np.testing.assert_allclose(table["allowed"].astype(float), allowed)
    np.testing.assert_array_equal(table["agrees"], np.abs(obtained - published) <= allowed)


def test_a_number_that_no_training_changes_must_be_the_same():
    published, trainings = {"f1": {"a": 0.5}, "baseline": {"f1": 0.3}}, [{"f1": {"a": 0.5}}] * 2
    table = compare_summaries(published, published, trainings)
    assert table["agrees"].all()
    moved = published | {"baseline": {"f1": 0.31}}
    assert not compare_summaries(moved, published, trainings).loc["baseline: f1", "agrees"]


def test_what_is_undefined_agrees_with_what_is_undefined_alone():
    defined, undefined = ({"f1": {"a": value, "b": 0.5}} for value in (0.5, None))
    for runs, agrees in (((undefined, undefined), True), ((undefined, defined), False)):
        for pair in (runs, runs[::-1]):
            table = compare_summaries(*pair, [defined, undefined])
            assert table["agrees"].tolist() == [agrees, True]
    missing = {"f1": {"b": 0.5}}
    assert not compare_summaries(missing, undefined, [defined]).loc["f1: a", "agrees"]


@pytest.fixture
def places(tmp_path):
    """A workspace and a checkout with the same results."""
    work, top = tmp_path / "work", tmp_path / "top"
    shutil.copytree(ROOT / "models" / "default", top / "models" / "default")
    shutil.copytree(ROOT / "models" / "default", work / "data" / "model")
    for folder in (top, work):
        (folder / "reports").mkdir()
        for name in ("summary", "training_spread"):
            shutil.copy(ROOT / "reports" / f"{name}.json", folder / "reports")
    return work, top


def edit(path, change):
    """Change what a JSON file holds."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_the_published_results_are_reproduced_by_themselves(places):
    text = reproduction_text(*places)
    count = len(text.split("\n\n")[0].splitlines()) - 1
    assert f"{count} of {count} results agree with the published ones: " in text
    assert "the same, bit for bit" in text


def test_a_result_outside_its_spread_is_named(places):
    edit(places[0] / "reports" / "summary.json", lambda s: s["f1"].update({"speaking": 0.1}))
    edit(places[0] / "data/model/model.json", lambda m: m.update(weights_sha256="another"))
    text = reproduction_text(*places)
    (row,) = [line for line in text.splitlines() if line.endswith("NO")]
    assert row.startswith("f1: speaking ") and " 0.100 " in row
    assert text.endswith("The weights of the model differ.")


def test_a_result_that_is_undefined_is_shown_as_a_dash(places):
    for path in (places[0] / "reports", places[1] / "models" / "default"):
        edit(path / "summary.json", lambda s: s["f1"].update({"speaking": None}))
    [row] = [line for line in reproduction_text(*places).splitlines() if "f1: speaking" in line]
    assert row.split()[2:4] == ["–", "–"] and row.endswith("yes")


def test_results_of_other_parameters_are_not_compared(places):
    edit(places[0] / "data/model/model.json", lambda m: m.update(seed=7))
    text = reproduction_text(*places)
    assert text.startswith("This model differs from the published one in seed, so")


@pytest.mark.parametrize("content", ["[1]", '{"f1": 0.5}', '{"f1": {"a": "high"}}', "{"])
def test_a_damaged_summary_is_one_sentence(places, content):
    path = places[0] / "reports" / "summary.json"
    path.write_text(content)
    with pytest.raises(SedlibError, match=r"summary\.json: not .*; restore"):
        reproduction_text(*places)
