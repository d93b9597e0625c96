"""Claims about the package: data flows one way, the core needs no toolkit, modules are short."""

import ast
import subprocess
import sys

import pytest
from dependencies import PACKAGE, ROOT, closure, imported, module_files

# A package or module may import those before it: data flows from sound to reports.
CORE = [
    "errors",
    "names",
    "files",
    "places",
    "config",
    "workers",
    "cluster",
    "audio",
    "annotations",
    "synthesis",
    "episodes",
    "sources",
    "features",
    "labels",
    "corpus",
    "models",
    "training",
    "detection",
    "metrics",
    "experiments",
    "reports",
]
# Around the core: what people call on files of their own. No notebook needs it.
TOOLKIT = ["export", "engine", "batch", "check", "progress", "arguments", "cli", "__main__"]
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
each_module = pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))


def room(file):
    """Name the package or module directly under ``sedlib`` that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_the_order_names_every_package_and_module():
    assert {room(path) for path in MODULES} - {"__init__"} == {*CORE, *TOOLKIT}


@each_module
def test_data_flows_one_way(path):
    order = ["__init__", *CORE, *TOOLKIT]
    used = {room(file) for file in module_files(imported(ast.parse(path.read_text())))}
    later = used - set(order[: order.index(room(path)) + 1])
    assert later == set(), f"{path.relative_to(ROOT)} imports from further down the line"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_notebook_needs_the_toolkit(path):
    used = {room(file) for file in closure({path}) if PACKAGE in file.parents}
    assert used <= set(CORE)


@each_module
def test_a_module_is_short(path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_a_package_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_the_unit_tests_mirror_the_package():
    rooms = {*CORE, *TOOLKIT}
    for file in sorted((ROOT / "tests" / "unit").rglob("test_*.py")):
        parts = file.relative_to(ROOT / "tests" / "unit").parts
        assert parts[0].removeprefix("test_").removesuffix(".py") in rooms, file


@pytest.mark.parametrize("command", [["check", "."], ["format", "--check", "."]], ids=" ".join)
def test_the_linter_is_content(command):
    # Here and not in CI alone, so that one command and one report say whether all is well.
    ruff = [sys.executable, "-m", "ruff", *command]
    done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
