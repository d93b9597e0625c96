"""Claims about the notebooks: pairs agree, outputs are one full run, no cell escapes comparison."""

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml

from sedlib.reports.notebooks import pair_differences

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "notebooks").glob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TAGS = {"parameters", "trained"}  # those a cell may have: none keeps nbval from comparing it
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    """Read the code cells of a notebook."""
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


def outputs(path):
    """Read all outputs of a notebook."""
    return [output for cell in code_cells(path) for output in cell.outputs]


def test_every_notebook_is_a_pair():
    assert [p.stem for p in SOURCES] == [p.stem for p in NOTEBOOKS]


def test_nbval_collects_every_code_cell_of_every_notebook():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "notebooks"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    for path in NOTEBOOKS:
        assert done.stdout.count(f"{path.name}::") == len(code_cells(path)) > 0, path.name


def test_nbval_borrows_episodes_only_where_dvc_finds_them_up_to_date(tmp_path):
    up_to_date = runpy.run_path(str(ROOT / "conftest.py"))["episodes_up_to_date"]
    stage = {"cmd": "cp seed episodes", "deps": ["seed"], "outs": ["episodes"]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"episodes": stage}}))
    (tmp_path / "seed").write_text("1")
    assert not up_to_date(tmp_path)  # no repository
    for command in ("init --no-scm", "repro"):
        subprocess.run([sys.executable, "-m", "dvc", *command.split(), "-q"], cwd=tmp_path)
    assert up_to_date(tmp_path)
    (tmp_path / "seed").write_text("2")
    assert not up_to_date(tmp_path)
    (tmp_path / "seed").write_text("1")
    (tmp_path / "episodes").unlink()
    assert not up_to_date(tmp_path)


@each_notebook
def test_the_two_files_of_a_pair_agree(path):
    assert pair_differences(path.with_suffix(".py"), path) == []


@each_notebook
def test_the_stored_outputs_are_one_full_run_in_order(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))
    kinds = {o.get("name", o.output_type) for o in outputs(path)}
    assert kinds & {"error", "stderr"} == set(), "a warning or an error is stored"


@each_notebook
def test_no_cell_escapes_the_comparison(path):
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
    assert len(cells) <= 30
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in cells) == 1
    for cell in cells:
        assert len(cell.source.splitlines()) <= 25
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert not any(isinstance(node, defined) for node in ast.walk(ast.parse(cell.source)))


def test_half_of_the_code_cells_have_at_most_six_lines():
    lengths = [len(cell.source.splitlines()) for path in NOTEBOOKS for cell in code_cells(path)]
    assert np.median(lengths) <= 6
