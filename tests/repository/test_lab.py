"""Claims about `make lab`: what is saved in JupyterLab reaches both files of a pair."""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from jupytext import AsyncTextFileContentsManager

from sedlib.reports.notebooks import pair_differences

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.py"))
SUFFIXES = (".ipynb", ".py")


class Lab:
    """The contents manager of JupyterLab, with jupytext, on a copy of the project."""

    def __init__(self, root):
        self.notebooks = root / "notebooks"
        self.notebooks.mkdir()
        shutil.copy(ROOT / "jupytext.toml", root)
        for name in NAMES:
            for suffix in SUFFIXES:
                shutil.copy(ROOT / "notebooks" / f"{name}{suffix}", self.notebooks)
        self.manager = AsyncTextFileContentsManager(root_dir=str(root))

    def open(self, file):
        return asyncio.run(self.manager.get(f"notebooks/{file}", type="notebook", content=True))

    def save(self, model, file):
        asyncio.run(self.manager.save(model, f"notebooks/{file}"))

    def bytes(self, name):
        return [(self.notebooks / f"{name}{suffix}").read_bytes() for suffix in SUFFIXES]

    def differences(self, name):
        return pair_differences(*(self.notebooks / f"{name}{suffix}" for suffix in SUFFIXES[::-1]))


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))  # for signatures
    (tmp_path / "root").mkdir()
    return Lab(tmp_path / "root")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", NAMES)
def test_opening_and_saving_a_notebook_unchanged_changes_nothing(lab, name, suffix):
    before = lab.bytes(name)
    lab.save(lab.open(name + suffix), name + suffix)
    assert lab.bytes(name) == before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_edit_in_the_browser_reaches_both_files_and_keeps_the_outputs(lab, suffix):
    name = NAMES[0]
    model = lab.open(name + suffix)
    shown = next(cell for cell in model["content"]["cells"] if cell.get("outputs"))
    before = shown["outputs"]
    shown["source"] += "\n# edited in the browser"
    lab.save(model, name + suffix)
    notebook, text = (content.decode() for content in lab.bytes(name))
    assert text.count("# edited in the browser") == 1
    assert notebook.count("# edited in the browser") == 1
    assert lab.differences(name) == []
    saved = lab.open(f"{name}.ipynb")["content"]["cells"]
    assert next(cell for cell in saved if cell["source"] == shown["source"])["outputs"] == before


def test_an_edit_of_the_text_is_what_the_browser_opens(lab):
    name = NAMES[0]
    path = lab.notebooks / f"{name}.py"
    path.write_text(path.read_text().replace("# %% [markdown]", "# %% [markdown]\n# edited", 1))
    os.utime(path, (2e9, 2e9))
    model = lab.open(f"{name}.ipynb")
    assert "edited" in model["content"]["cells"][0]["source"]
    lab.save(model, f"{name}.ipynb")
    assert lab.differences(name) == []


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.parametrize("root", [True, False], ids=["as root", "as a user"])
def test_the_server_has_its_root_in_the_checkout_and_runs_as_root_only_for_root(tmp_path, root):
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {0 if root else 1000}\n")
    (tmp_path / "id").chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = subprocess.run(
        ["make", "-n", "lab"], cwd=ROOT, env=os.environ | {"PATH": path}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    [command] = re.findall(r"\S+jupyter lab\b.*", done.stdout.replace("\\\n", " "))
    words = command.split()[2:]
    assert all(word.startswith("--") for word in words)  # a folder would be the server's root
    assert ("--allow-root" in words) is root
