"""Claims about the environment: what is asked for, what is locked, what is tested on what."""

import os
import re
import runpy
import tomllib
from collections import OrderedDict
from itertools import chain
from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]


def pins():
    """List the (package, version) of requirements.lock."""
    text = (ROOT / "requirements.lock").read_text()
    return re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;]+)", text, re.MULTILINE)


def test_the_lock_pins_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    more = project["project"]["optional-dependencies"] | project["dependency-groups"]
    for text in chain(project["project"]["dependencies"], *more.values()):
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
    # Modules that Python 3.13 dropped and audioread needs; a decorator and what Dask needs that
    # 3.12 brought itself.
    known = {"audioop-lts", "standard-aifc", "standard-chunk", "standard-sunau", "overrides"}
    known |= {"importlib-metadata", "lazy-importer", "zipp"}
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


@pytest.mark.parametrize(("processes", "threads"), [(1, "8"), (3, "2"), (16, "1")])
def test_each_test_process_gets_its_share_of_the_processors(monkeypatch, processes, threads):
    share = runpy.run_path(str(ROOT / "conftest.py"))["pytest_xdist_setupnodes"]
    monkeypatch.setitem(share.__globals__, "count_processors", lambda: 8)
    environment = {"OPENBLAS_NUM_THREADS": "5"}  # the user's own value is kept
    monkeypatch.setattr(os, "environ", environment)
    share([None] * processes)
    assert environment.pop("OPENBLAS_NUM_THREADS") == "5"
    assert set(environment) == {"TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"}
    assert set(environment.values()) == {threads}


@pytest.mark.parametrize(("made", "order"), [(True, ["judging", "a"]), (False, ["a", "judging"])])
def test_notebooks_that_judge_a_model_run_as_soon_as_the_features_are_made(tmp_path, made, order):
    conftest = runpy.run_path(str(ROOT / "conftest.py"))
    if made:
        done = tmp_path / "building" / conftest["LAST_USED"]
        done.parent.mkdir()
        done.touch()
    scheduler, node = object.__new__(conftest["ByFile"]), Mock()
    scheduler.config = Mock(stash={conftest["SCRATCH"]: str(tmp_path)})
    scheduler.workqueue = OrderedDict(a={"a test": False}, judging={"a cell": False})
    scheduler.assigned_work = {}
    scheduler.registered_collections = {node: ["a test", "a cell"]}
    while scheduler.workqueue:
        scheduler._assign_work_unit(node)
    assert list(scheduler.assigned_work[node]) == order
