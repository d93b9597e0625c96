"""Run notebooks without a browser, and publish what they showed.

The ``.py`` file of a pair (percent format) is the source that is executed. The
``.ipynb`` file holds the outputs of the last full run, for readers. What two
equal runs would not share (times, addresses, random ids) is cleaned away, so
that equal runs are equal files.
"""

import ast
import hashlib
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from unittest import mock

import jupytext
import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from traitlets.config import Config

from sedlib.config import HEADLESS_VARIABLE, repository, workspace
from sedlib.errors import SedlibError
from sedlib.files import write_text

# What is in stderr and would differ between two equal runs: notices of TensorFlow and XLA, with
# times and process ids, and the lines of `sedlib.reports.plots.EpochLines`.
_NOISE = re.compile(
    r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] |[IWE]\d{4} \d\d:\d\d:\d\d"
    r"|WARNING: All log messages before absl::|To enable the following instructions: "
    r"|epoch \d+ of \d+: ).*\n?",
    re.MULTILINE,
)
# What a .py file without a header means.
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# What jupytext adds, as jupytext.toml has it, when JupyterLab saves a notebook: with it in place,
# saving a notebook that nobody changed changes nothing.
_PAIRING = {"cell_metadata_filter": "tags,-all", "notebook_metadata_filter": "kernelspec,-all"}
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class NotebookError(SedlibError):
    """A notebook that failed or cannot be published; the message says where and why."""


def run_notebook(source, output_dir, parameters=None):
    """Execute the ``.py`` file of a notebook; write the result as ``.ipynb``.

    The kernel is this Python's own, starts in the notebook's folder and finds
    this checkout first. What the cells print appears at once. The file is
    written after the last cell, or not at all.

    Parameters
    ----------
    source : path-like
        A notebook in percent format, ``.py``.
    output_dir : path-like
        Folder for ``NAME.ipynb``; made if missing.
    parameters : dict, optional
        Values that replace those of the cell tagged ``parameters``, by name.

    Returns
    -------
    pathlib.Path
        The executed ``.ipynb``.

    Raises
    ------
    NotebookError
        If the source is missing or no notebook, a parameter is not one of the
        notebook's, a cell fails, the kernel dies or a folder is in the place of
        the output.
    """
    source, output_dir = Path(source).resolve(), Path(output_dir)
    target = output_dir / f"{source.stem}.ipynb"
    if target.is_dir():
        raise NotebookError(f"{target}: is a folder, where a file is to be written; remove it")
    notebook = _read_source(source)
    parameters = dict(parameters or {})
    known = _parameter_names(notebook)
    for name in parameters:
        if name not in known:
            raise NotebookError(
                f"{source.name}: no parameter '{name}'; "
                f"the notebook has: {', '.join(known) or 'none'}"
            )
    executed = clean(_execute(notebook, source, parameters))
    output_dir.mkdir(parents=True, exist_ok=True)
    write_text(nbformat.writes(executed) + "\n", target)
    return target


def _read_source(source):
    """Read a ``.py`` file."""
    try:
        return jupytext.read(source, fmt="py:percent")
    except FileNotFoundError:
        raise NotebookError(f"{source}: no such notebook; name a .py file") from None
    except OSError:
        raise
    except Exception as error:  # jupytext and the YAML of the header raise many classes
        reason = " ".join(str(error).split())
        raise NotebookError(f"{source}: not a notebook in percent format ({reason})") from None


def _read_outputs(path):
    """Read an ``.ipynb`` file."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)  # reading only logs that cells have no type, for example
        return notebook
    except OSError:
        raise
    except Exception as error:  # nbformat raises many classes
        reason = " ".join(str(error).split())[:200]
        raise NotebookError(f"{path}: not a notebook ({reason}); delete it") from None


def _parameter_names(notebook):
    """Return the names that the cells tagged ``parameters`` assign, in order."""
    names = []
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            with suppress(SyntaxError):  # running the cell says what is wrong
                found = (n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Name))
                names += [name.id for name in found if isinstance(name.ctx, ast.Store)]
    return names


def _execute(notebook, source, parameters):
    """Run all cells in a new kernel; return the notebook with its outputs."""
    path = os.pathsep.join(filter(None, [str(repository()), os.environ.get("PYTHONPATH")]))
    # The kernel inherits these. JUPYTER_PATH: no kernel of that name elsewhere comes first.
    kernels = {"PYTHONPATH": path, "JUPYTER_PATH": str(Path(sys.prefix, "share", "jupyter"))}
    kernels[HEADLESS_VARIABLE] = "1"
    try:
        with mock.patch.dict(os.environ, kernels):
            return papermill.execute_notebook(
                notebook,
                None,
                parameters=parameters,
                kernel_name="python3",
                cwd=source.parent,
                progress_bar=False,
                stdout_file=sys.stdout,
                stderr_file=sys.stderr,
                config=Config(KernelManager={"transport_encryption": "auto"}),
                # Else the kernel calls it an error that it is interrupted at its end.
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
            )
    except papermill.PapermillExecutionError as error:
        traceback = _ANSI.sub("", "\n".join(error.traceback))
        raise NotebookError(
            f"{source.name}: cell [{error.exec_count}] failed with {error.ename}: {error.evalue}\n"
            f"\n{error.source}\n\n{traceback}"
        ) from None
    except DeadKernelError:
        raise NotebookError(
            f"{source.name}: the kernel died; was there enough memory? Nothing was written"
        ) from None


def clean(notebook):
    """Take out of an executed notebook what two equal runs would not share.

    Cell ids become hashes of position and source; of the metadata only tags,
    kernel and the language's name stay; neighbouring pieces of a
    stream are joined, TensorFlow's notices dropped, addresses and absolute
    paths made neutral.

    Parameters
    ----------
    notebook : nbformat.NotebookNode

    Returns
    -------
    nbformat.NotebookNode
        A new notebook.
    """
    metadata = {
        "language_info": {"name": "python"},
        "kernelspec": notebook.metadata.get("kernelspec", _KERNEL),
    }
    cells = []
    for position, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags")
        kept = {
            "id": hashlib.sha256(f"{position}\n{cell.source}".encode()).hexdigest()[:8],
            "cell_type": cell.cell_type,
            "metadata": {"tags": tags} if tags else {},
            "source": cell.source,
        }
        if cell.cell_type == "code":
            kept["execution_count"] = cell.execution_count
            kept["outputs"] = _clean_outputs(cell.outputs)
        cells.append(kept)
    return nbformat.from_dict(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    )


def _clean_outputs(outputs):
    """Clean the outputs of one cell."""
    cleaned = []
    for output in outputs:
        output = nbformat.from_dict(output)
        if output.output_type == "stream":
            last = cleaned[-1] if cleaned else {}
            if last.get("name") == output.name:
                last.text += output.text
                continue
        for kind, text in output.get("data", {}).items():
            if kind.startswith("text/"):
                output.data[kind] = neutral(text)
        cleaned.append(output)
    for output in cleaned:
        if output.output_type == "stream":
            text = _NOISE.sub("", output.text) if output.name == "stderr" else output.text
            output.text = neutral(text)
    return [output for output in cleaned if output.get("text") != ""]


def neutral(text, folders=None):
    """Replace addresses and absolute paths in a text by what every run shares.

    Parameters
    ----------
    text : str
    folders : iterable of path-like, optional
        Paths become relative to these; default: the workspace and the checkout.

    Returns
    -------
    str
    """
    text = re.sub(r"\b0x[0-9a-f]{6,}", "0x...", text)
    if "ipykernel_" in text:  # else slow on embedded sounds, which are one long word
        text = re.sub(r"[^\s\"'(]*ipykernel_\d+/\d+\.py", "<cell>", text)
    for folder in folders or (workspace(), repository()):
        folder = str(Path(folder).resolve())
        text = re.sub(rf"{re.escape(folder)}(?![\w-])", ".", text.replace(folder + os.sep, ""))
    return text


def published_text(source, executed):
    """Return what the ``.ipynb`` file beside a ``.py`` file is to hold after a run.

    The ``.ipynb`` file stores a hash of its cells. A file whose cells are
    neither those last published nor those of the ``.py`` file was edited by
    hand, and may not be replaced.

    Parameters
    ----------
    source : path-like
        The ``.py`` file.
    executed : path-like
        What `run_notebook` wrote for it.

    Returns
    -------
    str

    Raises
    ------
    NotebookError
        If the run was of other cells (or other parameters), or the ``.ipynb``
        file was edited by hand.
    """
    source, executed = Path(source), Path(executed)
    target = source.with_suffix(".ipynb")
    stale = pair_differences(source, executed)
    if stale:
        raise NotebookError(f"{executed}: not a run of {source} ({stale[0]}); run `dvc repro`")
    if target.exists():
        old = _read_outputs(target)
        edited = old.metadata.get("sedlib") != {"published": _fingerprint(old)}
        if edited and pair_differences(source, target):
            raise NotebookError(
                f"{target}: edited by hand, and {source.name} does not have the edit; "
                f"keep it with `jupytext --sync {target}`, or drop it by deleting the file"
            )
    notebook = _read_outputs(executed)
    notebook.metadata["jupytext"] = _PAIRING
    notebook.metadata["sedlib"] = {"published": _fingerprint(notebook)}
    return nbformat.writes(notebook) + "\n"


def pair_differences(source, notebook):
    """Say where the cells of a ``.py`` and an ``.ipynb`` file differ.

    Parameters
    ----------
    source, notebook : path-like
        The ``.py`` and the ``.ipynb`` file.

    Returns
    -------
    list of str
        One sentence a difference in type, source or tags; empty for a pair
        that agrees.
    """
    text = _cells(_read_source(Path(source)))
    other = _cells(_read_outputs(notebook))
    if len(text) != len(other):
        return [f"{len(text)} cells against {len(other)}"]
    return [
        f"cell {number} differs: {cell[1].splitlines()[:1]}"
        for number, (cell, twin) in enumerate(zip(text, other, strict=True), start=1)
        if cell != twin
    ]


def _cells(notebook):
    """List what makes the cells of a notebook: type, source and tags."""
    return [(c.cell_type, c.source, c.metadata.get("tags", [])) for c in notebook.cells]


def _fingerprint(notebook):
    """Hash the cells of a notebook without their outputs."""
    return hashlib.sha256(repr(_cells(notebook)).encode()).hexdigest()
