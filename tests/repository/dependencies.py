"""What a stage depends on, read from the imports of what it runs."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "sedlib"
CLI = PACKAGE / "cli.py"

# A change of a card or of the page of a notebook must not rerun the figures, and the other way
# round; any other package is a dependency as a whole.
BY_MODULE = PACKAGE / "reports"


def imported(tree):
    """List the dotted names under ``sedlib`` that a syntax tree imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sedlib":
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name for a in node.names if a.name.split(".")[0] == "sedlib"}
    return names


def module_files(names):
    """List the files of the modules and packages among dotted names."""
    files = set()
    for name in names:
        path = ROOT.joinpath(*name.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file() and path != PACKAGE:
                files.add(file)
    return files


def closure(files):
    """List the files that `files` import, directly or through others, with themselves."""
    found, waiting = set(), set(files)
    while waiting:
        file = waiting.pop()
        found.add(file)
        waiting |= module_files(imported(ast.parse(file.read_text()))) - found
    return found


def as_dependency(file):
    """Name a file of the package as a stage lists it: the package that it belongs to, or itself."""
    top = BY_MODULE if BY_MODULE in file.parents else PACKAGE
    parts = file.relative_to(top).parts
    return (top / parts[0]).relative_to(ROOT).as_posix()


def command_imports(name):
    """Parse what a command of the command line imports: its function, and the top of its module."""
    tree = ast.parse(CLI.read_text())
    wanted = f"{name.replace('-', '_')}_command"
    own = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
    own += [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == wanted]
    return ast.Module(own, [])


def stage_dependencies(command):
    """List what a stage must depend on within ``sedlib``, and the notebook that it runs.

    Parameters
    ----------
    command : str
        ``python -m sedlib COMMAND ...``, as in dvc.yaml.

    Returns
    -------
    set of str
        Paths from the top of the repository.
    """
    name = re.search(r"-m sedlib ([\w-]+)", command)[1]
    notebook = re.search(r"run-notebook (\S+)", command)
    if notebook:
        # The command line itself decides nothing about a notebook: its results are not made
        # again when a help text changes.
        files = closure({ROOT / notebook[1], PACKAGE / "reports" / "notebooks.py"})
        return {notebook[1]} | {as_dependency(f) for f in files if PACKAGE in f.parents} - {
            "sedlib/reports/__init__.py"
        }
    files = closure(module_files(imported(command_imports(name)))) | {CLI}
    return {as_dependency(file) for file in files} - {"sedlib/reports/__init__.py"}
