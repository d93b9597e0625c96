"""Claims about the stages: they depend on what they use, and the results in git are theirs."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml
from dependencies import stage_dependencies
from dvc.parsing import DataResolver
from dvc.repo import Repo

from sedlib.config import load_params
from sedlib.reports import cards, tables

ROOT = Path(__file__).resolve().parents[2]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = DataResolver(Repo(ROOT), str(ROOT), PIPELINE).resolve()["stages"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
MODEL = ROOT / "models" / "default"
each_stage = pytest.mark.parametrize("stage", STAGES)
# `dvc repro` leaves the long experiments alone. Their results say themselves what they were made
# with and need not be made again with every change of a module.
FROZEN = {name for name, stage in STAGES.items() if stage.get("frozen")}
each_living_stage = pytest.mark.parametrize("stage", [s for s in STAGES if s not in FROZEN])


def listed(stage, kind):
    """List the (path, options) of the dependencies or outputs of a stage in dvc.yaml."""
    entries = stage.get(kind, [])
    return [next(iter(e.items())) if isinstance(e, dict) else (e, {}) for e in entries]


def dvc_md5(path):
    """Hash a file or a folder as DVC 3 does."""
    if not path.is_dir():
        return hashlib.md5(path.read_bytes()).hexdigest()
    files = [p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return folder_md5({p.relative_to(path).as_posix(): dvc_md5(p) for p in files})


def folder_md5(hashes):
    """Hash a folder as DVC 3 does, from the hashes of its files by their relative paths."""
    entries = [{"md5": md5, "relpath": path} for path, md5 in sorted(hashes.items())]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"


@pytest.fixture(scope="module")
def lock():
    """Read dvc.lock: what the stored results were made from."""
    return yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]


@pytest.fixture
def published():
    """Skip where the last run is not published, so that its results are not those in git."""

    def changed(*paths):
        command = ["git", "status", "--porcelain", "--", *paths]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout

    if changed("dvc.lock") and not changed("models/default/summary.json", "notebooks/*.ipynb"):
        pytest.skip("the last run is not published; see `make publish`")


def test_every_stage_has_run(lock):
    assert lock.keys() == STAGES.keys()


@each_stage
def test_the_results_were_made_by_the_stage_as_it_is(lock, stage):
    assert lock[stage]["cmd"] == STAGES[stage]["cmd"]
    for kind in ("deps", "outs"):
        paths = {path for path, _ in listed(STAGES[stage], kind)}
        assert {entry["path"] for entry in lock[stage].get(kind, [])} == paths


def test_the_long_experiments_and_they_alone_are_frozen():
    assert {"experiment_ablation", "experiment_transfer", "release"} == FROZEN


def test_every_notebook_has_a_stage_that_runs_it():
    commands = [stage["cmd"] for stage in STAGES.values()]
    for path in NOTEBOOKS:
        assert commands.count(f"python -m sedlib run-notebook notebooks/{path.name}") == 1


def test_nbval_knows_which_notebooks_need_what_others_make(pytestconfig):
    path = str(ROOT / "conftest.py")
    plugins = pytestconfig.pluginmanager.get_plugins()
    (conftest,) = [p for p in plugins if getattr(p, "__file__", None) == path]
    living = [stage for name, stage in STAGES.items() if name not in FROZEN]
    made = {out for stage in living for out, _ in listed(stage, "outs")}
    needed = {
        Path(match[1]).stem: made & {path for path, _ in listed(stage, "deps")}
        for stage in living
        if (match := re.search(r"run-notebook (\S+)", stage["cmd"]))
    }
    judging = {name for name, needs in needed.items() if "data/model" in needs}
    assert judging == set(conftest.JUDGING)
    assert {name for name, needs in needed.items() if needs} - judging == set(conftest.BUILDING)
    assert all(needed[n] <= {"data/model", *conftest.BORROWED} for n in judging)


@each_living_stage
def test_the_results_belong_to_the_code_and_the_data(lock, stage):
    made = {out["path"]: out["md5"] for s in lock.values() for out in s.get("outs", [])}
    for dep in lock[stage]["deps"]:
        path = dep["path"]
        now = made[path] if path in made else dvc_md5(ROOT / path)
        assert dep["md5"] == now, f"{path} changed since {stage} ran; run `make reproduce`"


@each_stage
def test_the_results_in_git_are_those_of_the_last_run(lock, stage):
    kept = {
        path for path, options in listed(STAGES[stage], "outs") if options.get("cache") is False
    }
    for out in lock[stage]["outs"]:
        if out["path"] in kept:
            message = f"{out['path']} is not what {stage} made; run `make reproduce`"
            assert out["md5"] == dvc_md5(ROOT / out["path"]), message


@each_living_stage
def test_the_results_were_made_with_the_parameters_in_params_yaml(lock, stage):
    recorded = lock[stage].get("params", {}).get("params.yaml", {})
    assert recorded.keys() == set(STAGES[stage].get("params", []))
    for key, value in recorded.items():
        now = PARAMS
        for part in key.split("."):
            now = now[part]
        assert value == now, f"{key} changed since {stage} ran; run `make reproduce`"


@each_living_stage
def test_a_fresh_clone_runs_the_stage(stage):
    assert any(options.get("cache", True) for _, options in listed(STAGES[stage], "outs"))


@each_living_stage
def test_a_run_changes_nothing_in_git_but_metrics_and_plots(stage):
    kept = [out for out, options in listed(STAGES[stage], "outs") if not options.get("cache", True)]
    named = r"reports/(metrics\.json|summary\.json|plots|training|experiments/\w+_metrics\.json)"
    assert [out for out in kept if not re.fullmatch(named, out)] == []


@each_stage
def test_a_stage_depends_on_the_code_that_it_runs_and_on_no_other(stage):
    listed_code = {
        path
        for path, _ in listed(STAGES[stage], "deps")
        if path.startswith("sedlib/") or path.endswith(".py")
    }
    code = stage_dependencies(STAGES[stage]["cmd"])
    if "sedlib/reports/tables.py" in code:
        code.add("sedlib/reports/templates")  # which it fills
    assert listed_code == code


@pytest.mark.parametrize("stage", [n for n in STAGES if "run-notebook" in STAGES[n]["cmd"]])
def test_a_stage_depends_on_every_parameter_that_its_notebook_reads(stage):
    tracked = {key.split(".")[0] for key in STAGES[stage].get("params", [])}
    notebook = re.search(r"run-notebook (\S+)", STAGES[stage]["cmd"])[1]
    read = set(re.findall(r"\bparams\.(\w+)", (ROOT / notebook).read_text()))
    assert read - {"yaml"} <= tracked


def test_the_weights_in_git_are_those_that_their_description_names():
    weights, description = (MODEL / name for name in ("model.weights.h5", "model.json"))
    named = json.loads(description.read_text())["weights_sha256"]
    assert named == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_the_published_model_is_that_of_the_last_run(lock, published):
    entries = [e for s in lock.values() for kind in ("deps", "outs") for e in s.get(kind, [])]
    hashes = {entry["md5"] for entry in entries if entry["path"] == "data/model"}
    names = "model.weights.h5", "model.json"
    expected = folder_md5({name: dvc_md5(MODEL / name) for name in names})
    assert hashes == {expected}, "the published model is not what train made; run `make publish`"


def test_the_published_summary_is_that_of_the_last_run(published):
    assert (MODEL / "summary.json").read_text() == (ROOT / "reports" / "summary.json").read_text()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_published_notebook_and_its_figures_are_those_of_the_last_run(
    lock, path, tmp_path, published
):
    outs = {out["path"]: out["md5"] for stage in lock.values() for out in stage.get("outs", [])}
    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    for added in ("jupytext", "sedlib"):
        del notebook.metadata[added]
    executed = tmp_path / "executed.ipynb"
    executed.write_text(nbformat.writes(notebook) + "\n")
    number = path.name[:2]
    message = "run `make publish`"
    assert outs[f"reports/notebooks/{path.stem}.ipynb"] == dvc_md5(executed), message
    figures = dvc_md5(ROOT / "reports" / "figures" / number)
    assert outs[f"reports/notebooks/figures/{number}"] == figures, message


def test_the_published_texts_follow_from_the_results_of_the_last_run(published):
    reports = ROOT / "reports"
    metrics, ablation, transfer = (
        json.loads((reports / name).read_text())
        for name in (
            "metrics.json",
            "experiments/ablation_metrics.json",
            "experiments/transfer_metrics.json",
        )
    )
    params, description = load_params(), json.loads((MODEL / "model.json").read_text())
    page = tables.results_page(metrics, ablation, transfer, params.episodes.source)
    assert (reports / "results.md").read_text() == page
    assert (reports / "model_card.md").read_text() == cards.model_card(metrics, description)
    spread = json.loads((reports / "training_spread.json").read_text())
    assert tables.results_block(metrics, params, spread) in (ROOT / "README.md").read_text()
    assert tables.formats_block() in (ROOT / "docs" / "detection.md").read_text()


def test_the_model_stays_until_another_one_is_trained():
    assert dict(listed(STAGES["train"], "outs"))["data/model"] == {"persist": True}


def test_neither_gitignore_nor_clean_touches_what_git_is_to_hold():
    kept = {out for s in STAGES.values() for out, o in listed(s, "outs") if o.get("cache") is False}
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    makefile = (ROOT / "Makefile").read_text()
    removed = {path for line in re.findall(r"\trm -rf (.*)", makefile) for path in line.split()}
    assert "reports/summary.json" in kept and {"data/features", "data/model"} <= ignored & removed
    for path in kept:
        above = {path, *map(str, Path(path).parents)}
        assert not above & (ignored | removed), path


def test_registered_metrics_and_plots_are_in_the_repository():
    paths = list(PIPELINE["metrics"])
    for plot in PIPELINE["plots"]:
        for name, options in plot.items():
            source = options.get("y")
            paths.extend(source if isinstance(source, dict) else [name])
    assert [path for path in paths if not (ROOT / path).is_file()] == []
