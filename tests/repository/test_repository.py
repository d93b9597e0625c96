"""Claims about the repository itself: results, notebooks, stages, environment, imports."""

import ast
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from sedlib.reports.notebooks import pair_differences

ROOT = Path(__file__).resolve().parents[2]

# A module may import those before it. Data flows audio -> features -> scores -> events -> metrics.
ORDER = [
    "config",
    "annotations",
    "audio",
    "episodes",
    "synthesis",
    "sources",
    "features",
    "clips",
    "model",
    "training",
    "study",
    "uncertainty",
    "decoding",
    "metrics",
    "detection",
    "batch",
    "check",
    "plots",
    "report",
    "notebooks",
    "__main__",
]

# Tags a cell may have: none of them keeps nbval from comparing it.
TAGS = {"parameters", "trained"}

SOURCES = sorted((ROOT / "notebooks").glob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
# As DVC does: `${section.key}` is the value in params.yaml.
PIPELINE = re.sub(
    r"\$\{(\w+)\.(\w+)\}",
    lambda key: PARAMS[key[1]][key[2]],
    (ROOT / "dvc.yaml").read_text(),
)
STAGES = yaml.safe_load(PIPELINE)["stages"]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_stage = pytest.mark.parametrize("stage", STAGES)
# `dvc repro` leaves the long studies alone. Their results say themselves what they were made with
# and need not be made again with every change of a module.
FROZEN = {name for name, stage in STAGES.items() if stage.get("frozen")}
each_living_stage = pytest.mark.parametrize("stage", [s for s in STAGES if s not in FROZEN])


def code_cells(path):
    """Read the code cells of a notebook."""
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


def outputs(path):
    """Read all outputs of a notebook."""
    return [output for cell in code_cells(path) for output in cell.outputs]


# --- notebooks -----------------------------------------------------------------------------


def test_every_notebook_has_both_halves_and_a_stage_that_runs_it():
    assert [p.stem for p in SOURCES] == [p.stem for p in NOTEBOOKS]
    run = {f"python -m sedlib run-notebook notebooks/{p.name}" for p in SOURCES}
    assert run == {s["cmd"] for s in STAGES.values() if "run-notebook" in s["cmd"]}
    published = {f"notebooks/{p.name}" for p in NOTEBOOKS}
    assert published == {path for path, _ in listed(STAGES["publish"], "outs")}


def test_nbval_collects_every_code_cell_of_every_notebook():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "notebooks"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    for path in NOTEBOOKS:
        assert done.stdout.count(f"{path.name}::") == len(code_cells(path)) > 0, path.name


@each_notebook
def test_the_halves_of_a_pair_agree(path):
    assert pair_differences(path.with_suffix(".py"), path) == []


@each_notebook
def test_the_stored_outputs_are_one_full_run_in_order(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))
    kinds = {o.get("name", o.output_type) for o in outputs(path)}
    assert kinds & {"error", "stderr"} == set(), "a warning or an error is stored"


@each_notebook
def test_no_cell_dodges_the_comparison(path):
    for cell in code_cells(path):
        assert set(cell.metadata.get("tags", [])) <= TAGS
        assert not re.search(r"NBVAL|PYTEST_VALIDATE", cell.source)
        # nbval does not see that a magic is unknown
        assert not re.search(r"^\s*[%!]", cell.source, re.MULTILINE)
    for output in outputs(path):
        data = output.get("data", {})
        if "<table" in data.get("text/html", ""):
            assert not data["text/plain"].startswith("<"), "a table without a twin in text"


@each_notebook
def test_no_output_holds_a_path_or_an_address_of_the_machine(path):
    for output in outputs(path):
        data = output.get("data", {})
        for text in (output.get("text", ""), data.get("text/plain", "")):
            assert not re.search(r"(?<![\w.])/(home|root|Users|tmp|work|var|opt)/", text)
            assert not re.search(r"\b0x[0-9a-f]{6,}", text)


@each_notebook
def test_a_notebook_is_short_and_defines_nothing(path):
    cells = code_cells(path)
    assert len(cells) <= 20
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in cells) == 1
    for cell in cells:
        assert len(cell.source.splitlines()) <= 25
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert not any(isinstance(node, defined) for node in ast.walk(ast.parse(cell.source)))


# --- stages and results --------------------------------------------------------------------


def listed(stage, kind):
    """List the (path, options) of the dependencies or outputs of a stage in dvc.yaml."""
    entries = stage.get(kind, [])
    return [next(iter(e.items())) if isinstance(e, dict) else (e, {}) for e in entries]


def dvc_md5(path):
    """Hash a file or a folder as DVC 3 does."""
    if not path.is_dir():
        return hashlib.md5(path.read_bytes()).hexdigest()
    files = [p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    entries = [{"md5": dvc_md5(p), "relpath": p.relative_to(path).as_posix()} for p in files]
    entries.sort(key=lambda entry: entry["relpath"])
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"


@pytest.fixture(scope="module")
def lock():
    """Read dvc.lock: what the stored results were made from."""
    return yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]


def test_every_stage_has_run(lock):
    assert lock.keys() == STAGES.keys()


@each_stage
def test_the_results_were_made_by_the_stage_as_it_is(lock, stage):
    assert lock[stage]["cmd"] == STAGES[stage]["cmd"]
    for kind in ("deps", "outs"):
        paths = {path for path, _ in listed(STAGES[stage], kind)}
        assert {entry["path"] for entry in lock[stage].get(kind, [])} == paths


def test_the_long_studies_and_they_alone_are_frozen():
    assert {f"study_{name}" for name in ("comparison", "recordings")} == FROZEN


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
    outs = listed(STAGES[stage], "outs")
    # what these two write is in git, and follows from the stages before
    assert stage in {"publish", "report"} or any(options.get("cache", True) for _, options in outs)


@each_stage
def test_a_stage_depends_on_every_module_that_it_imports(stage):
    deps = {path for path, _ in listed(STAGES[stage], "deps")}
    for dep in deps - {"sedlib/__main__.py"}:
        if dep.startswith(("sedlib", "notebooks")) and stage != "publish":
            files = sorted((ROOT / dep).rglob("*.py")) or [ROOT / dep]
            needed = set().union(*(imports(file) for file in files if file.suffix == ".py"))
            assert {module_path(name) for name in needed} <= deps, dep


@each_stage
def test_a_stage_depends_on_every_parameter_that_its_notebook_reads(stage):
    tracked = {key.split(".")[0] for key in STAGES[stage].get("params", [])}
    match = re.search(r"run-notebook (\S+)", STAGES[stage]["cmd"])
    if match:
        read = set(re.findall(r"\bparams\.(\w+)", (ROOT / match[1]).read_text()))
        assert read - {"yaml"} <= tracked


def test_registered_metrics_and_plots_are_in_the_repository():
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    paths = list(pipeline["metrics"])
    for plot in pipeline["plots"]:
        for name, options in plot.items():
            source = options.get("y")
            paths.extend(source if isinstance(source, dict) else [name])
    assert [path for path in paths if not (ROOT / path).is_file()] == []


# --- modules -------------------------------------------------------------------------------


def imports(file):
    """Names of the modules of sedlib that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "sedlib":
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sedlib."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found.update(name[1] for name in names if name[0] == "sedlib" and len(name) > 1)
    return found


def module_path(name):
    """Path of a module or package of sedlib, as dvc.yaml writes it."""
    return f"sedlib/{name}" if (ROOT / "sedlib" / name).is_dir() else f"sedlib/{name}.py"


def test_data_flows_one_way():
    names = {p.stem for p in (ROOT / "sedlib").iterdir() if p.suffix == ".py" or p.is_dir()}
    assert names - {"__init__", "__pycache__"} == set(ORDER)
    for name in ORDER:
        path = ROOT / module_path(name)
        for file in sorted(path.rglob("*.py")) or [path]:
            later = imports(file) - set(ORDER[: ORDER.index(name) + 1])
            assert later == set(), f"{file.relative_to(ROOT)} imports from further down the line"


@pytest.mark.parametrize("command", [["check", "."], ["format", "--check", "."]], ids=" ".join)
def test_the_linter_is_content(command):
    # Here and not in CI alone, so that one command and one report say whether all is well.
    ruff = [sys.executable, "-m", "ruff", *command]
    done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# --- environment ---------------------------------------------------------------------------


def pins():
    """List the (package, version) of requirements.lock."""
    text = (ROOT / "requirements.lock").read_text()
    return re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;]+)", text, re.MULTILINE)


def test_the_lock_pins_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for text in chain(project["project"]["dependencies"], *project["dependency-groups"].values()):
        wanted = Requirement(text)
        assert any(name == wanted.name and v in wanted.specifier for name, v in pins()), text


def test_the_lock_has_a_hash_for_each_package_and_names_no_place():
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)
    assert not any(re.search(r"://| @ |--index|--find|--extra", block) for block in blocks)


def test_the_lock_has_one_version_of_a_package_for_every_python():
    versions = {}
    for name, version in pins():
        versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_what_the_lock_adds_for_some_pythons_alone_is_known():
    # Modules that Python 3.13 dropped and audioread needs; a decorator that 3.12 brought itself.
    known = {"audioop-lts", "standard-aifc", "standard-chunk", "standard-sunau", "overrides"}
    text = (ROOT / "requirements.lock").read_text()
    assert set(re.findall(r"^([\w.-]+)==\S+ ; .*python_(?:full_)?version", text, re.M)) == known


def test_conda_the_workflow_and_the_makefile_know_the_same_pythons():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    allowed = SpecifierSet(project["project"]["requires-python"])
    pythons = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in allowed]
    assert project["tool"]["tox"]["env_list"] == pythons
    assert project["tool"]["tox"]["env"]["lowest"]["base_python"] == pythons[:1]
    assert project["tool"]["tox"]["env"]["newest"]["base_python"] == pythons[-1:]
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == pythons
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert f"python={pythons[0]}" in conda
    assert conda[-1] == {"pip": ["-r requirements.lock"]}
    makefile, ci = (ROOT / "Makefile").read_text(), (ROOT / ".ci/run").read_text()
    assert f"--python-version {pythons[0]} " in makefile
    assert " ".join(f"python{version}" for version in pythons) in makefile
    assert " ".join(reversed(pythons)) in ci


def test_ci_runs_what_the_readme_says():
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]
    assert jobs["test"]["steps"][-1] == {"run": "make test"}
    assert "&& make test || exit\n" in (ROOT / ".ci/run").read_text()
    assert "make test " in (ROOT / "README.md").read_text()
