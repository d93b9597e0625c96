"""Claims about running, cleaning, publishing and comparing notebooks."""

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbval_tolerance import RELATIVE, differences, named_numbers

from sedlib.reports.notebooks import (
    NotebookError,
    pair_differences,
    published_text,
    run_notebook,
)

ROOT = Path(__file__).resolve().parents[3]


def publish(source, executed):
    """Put the outputs of a run into the ``.ipynb`` file beside the ``.py`` file."""
    text = published_text(source, executed)
    Path(source).with_suffix(".ipynb").write_text(text, encoding="utf-8")


SOURCE = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A tiny notebook
# A [link](https://example.org/) may lead elsewhere.

# %% tags=["parameters"]
epochs = 3
rate, label = 0.1, "speaking"

# %%
import os, sys
from pathlib import Path
print("starts in", Path.cwd().name, "of", Path.cwd().parent)
print("imports from", Path(sys.path[0]).name)
print("runs", Path(sys.prefix).resolve() == Path(PREFIX).resolve())
print(object())

# %%
print("to stderr", file=sys.stderr)
print(f"2026-08-01 10:00:00.{os.getpid():06}: I tensorflow/port.cc:153] on", file=sys.stderr)
print("epoch 2 of 3: loss 0.5, at most 0:01 left", file=sys.stderr)
print("I0000 00:00:1754042400.123456 4711 cpu_feature_guard.cc:227] optimised", file=sys.stderr)

# %%
import warnings
from IPython.display import Audio, display
warnings.warn("a file name with a process id")
display(Audio(b"\\0" * 800, rate=8000, autoplay=False))
print(epochs * rate)
""".replace("PREFIX", repr(sys.prefix))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Make a checkout with one notebook, run twice."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "params.yaml").write_text("")
    (root / "notebooks").mkdir()
    (root / "notebooks/01_tiny.py").write_text(SOURCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("SEDLIB_WORKSPACE", raising=False)
        for folder in ("first", "second"):
            run_notebook("notebooks/01_tiny.py", folder)
    return root


@pytest.fixture
def checkout(project, tmp_path, monkeypatch):
    """Enter an own copy of the project's pair, published once."""
    (tmp_path / "01_tiny.py").write_text(SOURCE)
    executed = tmp_path / "executed.ipynb"
    executed.write_bytes((project / "first/01_tiny.ipynb").read_bytes())
    monkeypatch.chdir(tmp_path)
    publish("01_tiny.py", executed)
    return tmp_path


def printed(notebook):
    """All that a notebook wrote to stdout and stderr."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


def edit(path, old, new):
    """Replace a text that occurs in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_two_runs_write_the_same_bytes(project):
    first, second = (project / folder / "01_tiny.ipynb" for folder in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_a_run_leaves_its_file_and_no_other(project):
    assert [p.name for p in (project / "first").iterdir()] == ["01_tiny.ipynb"]


def test_the_kernel_is_ours_starts_beside_the_notebook_and_finds_this_checkout_first(project):
    text = printed(nbformat.read(project / "first/01_tiny.ipynb", 4))
    assert "starts in notebooks" in text
    assert f"imports from {project.name}" in text
    assert "runs True" in text


def test_what_differs_between_runs_is_cleaned_and_the_rest_kept(project):
    notebook = nbformat.read(project / "first/01_tiny.ipynb", 4)
    nbformat.validate(notebook)
    text = printed(notebook)
    assert "to stderr\n" in text and "<cell>" in text and "object at 0x..." in text
    assert not re.search("tensorflow|cpu_feature_guard|epoch 2 of 3", text)
    assert str(project) not in text
    assert notebook.metadata.language_info == {"name": "python"}
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == [1, 2, 3, 4]
    assert notebook.cells[1].metadata == {"tags": ["parameters"]}


def test_a_parameter_replaces_the_one_in_the_notebook(project, tmp_path):
    path = run_notebook(project / "notebooks/01_tiny.py", tmp_path, {"epochs": 5})
    assert printed(nbformat.read(path, 4)).endswith("0.5\n")


def test_an_unknown_parameter_is_refused_by_name(project, tmp_path):
    with pytest.raises(NotebookError, match=r"no parameter 'epoch'; .*: epochs, rate, label$"):
        run_notebook(project / "notebooks/01_tiny.py", tmp_path / "out", {"epoch": 5})
    assert not (tmp_path / "out").exists()


def test_a_missing_notebook_is_refused(tmp_path):
    with pytest.raises(NotebookError, match=r"05_absent\.py: no such notebook"):
        run_notebook(tmp_path / "05_absent.py", tmp_path / "out")


def test_a_failing_cell_is_shown_and_nothing_is_written(tmp_path):
    source = tmp_path / "02_fails.py"
    source.write_text("# %%\nprint(1)\n\n# %%\nhalf = 1 / 0\n\n# %%\nprint(2)\n")
    with pytest.raises(NotebookError) as error:
        run_notebook(source, tmp_path / "out")
    message = str(error.value)
    assert message.startswith("02_fails.py: cell [2] failed with ZeroDivisionError: division by")
    assert "half = 1 / 0" in message and "\x1b" not in message
    assert not (tmp_path / "out").exists()


def test_a_published_pair_agrees_and_shows_the_outputs(checkout):
    assert pair_differences("01_tiny.py", "01_tiny.ipynb") == []
    assert "to stderr" in printed(nbformat.read("01_tiny.ipynb", 4))


def test_publishing_again_changes_no_byte(checkout):
    before = Path("01_tiny.ipynb").read_bytes()
    publish("01_tiny.py", "executed.ipynb")
    assert Path("01_tiny.ipynb").read_bytes() == before


def test_a_half_edited_by_hand_is_not_overwritten(checkout):
    edit(Path("01_tiny.ipynb"), "epochs = 3", "epochs = 4")
    before = Path("01_tiny.ipynb").read_bytes()
    with pytest.raises(NotebookError, match=r"edited by hand, .*jupytext --sync 01_tiny\.ipynb"):
        publish("01_tiny.py", "executed.ipynb")
    assert Path("01_tiny.ipynb").read_bytes() == before


def test_a_half_that_lost_its_outputs_by_hand_is_filled_again(checkout):
    whole = Path("01_tiny.ipynb").read_bytes()
    notebook = nbformat.read("01_tiny.ipynb", 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    nbformat.write(notebook, "01_tiny.ipynb")
    publish("01_tiny.py", "executed.ipynb")
    assert Path("01_tiny.ipynb").read_bytes() == whole


def test_an_edit_in_both_halves_is_published_with_its_new_run(checkout):
    for name in ("01_tiny.ipynb", "01_tiny.py", "executed.ipynb"):
        edit(Path(name), "epochs = 3", "epochs = 4")
    publish("01_tiny.py", "executed.ipynb")
    assert pair_differences("01_tiny.py", "01_tiny.ipynb") == []


def test_an_edit_of_the_text_half_alone_is_published_with_its_new_run(checkout):
    for name in ("01_tiny.py", "executed.ipynb"):
        edit(Path(name), "epochs = 3", "epochs = 4")
    publish("01_tiny.py", "executed.ipynb")
    assert pair_differences("01_tiny.py", "01_tiny.ipynb") == []


def test_a_run_of_other_cells_is_not_published(checkout):
    edit(Path("01_tiny.py"), "epochs = 3", "epochs = 4")
    with pytest.raises(NotebookError, match=r"executed\.ipynb: not a run of 01_tiny\.py \(cell 2"):
        publish("01_tiny.py", "executed.ipynb")


# Cells, and what is stored as their output before nbval reruns them.
F1 = "print('F1', 0.8123, 'of', 120)"
WHERE = "import os; print(os.environ['SEDLIB_WORKSPACE'] + '/data/x.wav')"
MADE = "os.environ['SEDLIB_WORKSPACE'] + '/data/made'"
MODEL = "os.environ['SEDLIB_WORKSPACE'] + '/data/model/model.json'"
PICTURE = "from IPython.display import SVG\nSVG('<svg/>')"
TWIN = {"text/plain": "<IPython.core.display.SVG object>"}
SHOWN = {
    "same": (F1, [], "F1 0.8123 of 120\n"),
    "rounding": (F1, [], "F1 0.81231 of 120\n"),
    "decimal": (F1, [], "F1 0.8935 of 120\n"),
    "integer": (F1, [], "F1 0.8123 of 121\n"),
    "word": (F1, [], "F2 0.8123 of 120\n"),
    "nothing": (F1, [], None),
    "trained_same": (F1, ["trained"], "F1 0.8023 of 120\n"),
    "trained_decimal": (F1, ["trained"], "F1 0.7823 of 120\n"),
    "trained_integer": (F1, ["trained"], "F1 0.8123 of 121\n"),
    "scratch": (WHERE, [], "data/x.wav\n"),
    "picture": (PICTURE, [], {"image/svg+xml": "<svg/>"} | TWIN),
    "no_picture": (PICTURE, [], TWIN),
    "leaves_a_file": (f"open({MADE}, 'w').close()", [], None),
    "trains_a_model": (f"print(open({MODEL}, 'r+').write('trained here'))", [], "12\n"),
}
AGREES = "same rounding trained_same scratch picture leaves_a_file trains_a_model".split()
LATER = {  # a notebook that judges a model
    "import": ("import os", [], None),
    "an earlier file": (f"open({MADE}).close()", [], None),
    "the model": (f"print(open({MODEL}).read())", [], "of the checkout\n"),
}


@pytest.fixture(scope="module")
def rerun(tmp_path_factory):
    """Let two processes rerun the notebooks SHOWN and LATER; return the outcome of each cell."""
    root = tmp_path_factory.mktemp("nbval")
    conftest = (ROOT / "conftest.py").read_text()
    (root / "conftest.py").write_text(
        f"{conftest}\n\ndef make_episodes(environment):\n    pass\n\n\n"
        "BUILDING, JUDGING, LAST_USED = ['cells'], ['later'], 'cells'\n"
        "BORROWED = ['data/made']\n\n\n"
        "def tolerances():\n    return {'F1': 0.02}\n"
    )
    shutil.copy(ROOT / "dvc.yaml", root)
    (root / "models" / "default").mkdir(parents=True)
    (root / "models" / "default" / "model.json").write_text("of the checkout")
    (root / "pytest.ini").write_text("[pytest]\n")
    for name, cells in (("cells", SHOWN.values()), ("later", LATER.values())):
        notebook = nbformat.v4.new_notebook()
        for count, (code, tags, stored) in enumerate(cells, start=1):
            cell = nbformat.v4.new_code_cell(code, execution_count=count, metadata={"tags": tags})
            if isinstance(stored, dict):
                cell.outputs = [nbformat.v4.new_output("display_data", stored)]
            elif stored:
                cell.outputs = [nbformat.v4.new_output("stream", text=stored)]
            notebook.cells.append(cell)
        nbformat.write(notebook, root / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-rA", "-q"]
    command += ["--numprocesses=2", "--dist=loadscope", "--color=no", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command,
        cwd=root,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "repository"), str(ROOT)])},
        capture_output=True,
        text=True,
    )
    found = re.findall(
        r"^(PASSED|FAILED|ERROR) (\w+)\.ipynb::Cell (\d+)", done.stdout, re.MULTILINE
    )
    assert len(found) == len(SHOWN) + len(LATER), done.stdout + done.stderr
    names = {"cells": list(SHOWN), "later": list(LATER)}
    outcomes = {names[file][int(cell)]: outcome for outcome, file, cell in found}
    return outcomes | {"lent from": (root / "models" / "default" / "model.json").read_text()}


@pytest.mark.parametrize("name", AGREES)
def test_nbval_passes_an_output_that_agrees(rerun, name):
    assert rerun[name] == "PASSED"


@pytest.mark.parametrize("name", [name for name in SHOWN if name not in AGREES])
def test_nbval_catches_a_changed_output(rerun, name):
    assert rerun[name] == "FAILED"


def test_a_notebook_in_another_process_waits_for_what_an_earlier_makes(rerun):
    assert rerun["an earlier file"] == "PASSED"


def test_a_notebook_judges_the_model_of_the_checkout_and_not_one_trained_in_the_rerun(rerun):
    assert rerun["trains_a_model"] == rerun["the model"] == "PASSED"
    assert rerun["lent from"] == "of the checkout"


decimals = st.floats(0.3, 1e6).map(lambda x: float(f"{x:.7g}"))


@given(decimals, st.sampled_from([1.1, 0.9, 1 / 1.1]))
def test_a_decimal_changed_by_a_tenth_is_found(number, factor):
    assert differences(f"F1 {number!r}", f"F1 {number * factor!r}")


@given(decimals, st.sampled_from([-1.02, 1.02]), st.floats(0.001, 1))
def test_a_trained_number_beyond_the_tolerance_of_its_kind_is_found(number, factor, tolerance):
    # the relative tolerance of all numbers comes on top where it is the wider one
    other = number + factor * max(tolerance, 2 * RELATIVE * number)
    assert differences(f"F1 {number!r}", f"F1 {other!r}", {"F1": tolerance, "loss": 1e9})


@given(decimals, st.floats(-0.9, 0.9))
def test_a_rounding_error_is_no_difference(number, part):
    nearby = number * (1 + part * RELATIVE)
    assert differences(f"F1 {number!r}", f"F1   {nearby!r}\n") == []


@given(st.floats(0, 1), st.floats(-0.9, 0.9), st.floats(0.001, 1))
def test_trained_numbers_of_a_kind_agree_within_its_tolerance(number, part, tolerance):
    nearby = abs(number + part * tolerance)
    assert differences(f"F1 {number:.9f}", f"F1 {nearby:.9f}", {"F1": tolerance}) == []


def test_a_trained_number_of_no_kind_must_be_equal():
    assert differences("counts 12 0.5", "counts 13 0.5", {"F1": 0.5})
    assert differences("share 0.50", "share 0.51", {"F1": 0.5})


TABLE = """\
            positives  threshold    F1  highest F1
speaking          344       0.82  0.95        0.95
door 2 bell         8       0.38  0.67        0.75
"""


def test_the_numbers_of_a_table_are_named_by_row_and_column():
    named = {name: (kind, number) for name, kind, number in named_numbers(TABLE)}
    assert named["speaking: positives"] == (None, "344")
    assert named["speaking: threshold"] == ("threshold, many positives", "0.82")
    assert named["speaking: F1"] == ("F1, many positives", "0.95")
    assert named["door 2 bell: highest F1"] == ("highest F1, few positives", "0.75")
    assert named["door 2 bell: F1"] == ("F1, few positives", "0.67")


def test_the_numbers_of_a_sentence_are_named_by_the_words_before_them():
    text = "The average precision is 0.84; that of random scores 0.14.\nloss: 0.30"
    assert named_numbers(text) == [
        ("The average precision is", "average precision", "0.84"),
        ("that of random scores", None, "0.14"),
        ("loss", None, "0.30"),
    ]


@given(st.integers(-(10**9), 10**9), st.integers(1, 5))
def test_an_integer_must_be_equal(number, step):
    assert differences(f"clips {number:,}", f"clips {number}") == []
    assert differences(f"clips {number}", f"clips {number + step}")


@pytest.mark.parametrize(
    ("shown", "computed"),
    [
        ("s01_ep03", "s01_ep04"),
        ("44x1025", "44x1024"),
        ("speaking 1.0", "shouting 1.0"),
        ("nan", "0.1"),
        ("1.0 2.0", "1.0"),
        ("12.5 %", "12.5"),
        ("-0.5", "0.5"),
        ("1e3", "1e4"),
        ("0.", "1."),
    ],
)
@pytest.mark.parametrize("tolerances", [None, {"F1": 0.3}])
def test_a_word_a_sign_and_a_missing_number_are_found(shown, computed, tolerances):
    assert differences(shown, computed, tolerances)


def test_the_width_of_columns_and_rules_does_not_matter():
    assert differences("a   b\n-----\n1.0 2", "a b\n------\n1.00001   2") == []


def test_the_lines_of_a_training_are_shown_at_once_and_are_not_in_the_notebook(tmp_path, capsys):
    (tmp_path / "trains.py").write_text(
        "import pandas as pd\nfrom sedlib.reports import plots\n"
        "lines = plots.EpochLines(2)\n"
        'row = {"loss": 0.5, "val_loss": 0.4, "val_average_precision": 0.3}\n'
        "for epoch in (1, 2): lines(pd.DataFrame([row] * epoch))\n"
    )
    notebook = nbformat.read(run_notebook(tmp_path / "trains.py", tmp_path / "out"), 4)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert notebook.cells[0].outputs == []


def test_a_notebook_without_a_header_is_run(tmp_path):
    (tmp_path / "02_bare.py").write_text("# %%\nprint(6 * 7)\n")
    path = run_notebook(tmp_path / "02_bare.py", tmp_path / "out")
    assert printed(nbformat.read(path, 4)) == "42\n"
    publish(tmp_path / "02_bare.py", path)
    assert pair_differences(tmp_path / "02_bare.py", tmp_path / "02_bare.ipynb") == []


def test_a_folder_in_the_place_of_the_file_is_refused_before_the_run(project, tmp_path):
    (tmp_path / "01_tiny.ipynb").mkdir()
    with pytest.raises(NotebookError, match=r"01_tiny\.ipynb: is a folder, where a file"):
        run_notebook(project / "notebooks/01_tiny.py", tmp_path)


def test_a_run_that_cannot_write_its_file_leaves_none(tmp_path, monkeypatch):
    (tmp_path / "02_bare.py").write_text("# %%\nprint(6 * 7)\n")
    write = Path.write_text

    def fill_the_disk(path, *arguments, **options):
        if path.name.endswith(".ipynb"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", fill_the_disk)
    with pytest.raises(OSError, match="No space left") as error:
        run_notebook(tmp_path / "02_bare.py", tmp_path / "out")
    assert error.value.filename == str(tmp_path / "out" / "02_bare.ipynb")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("content", [b"\xff\xfe", "# %%\nprint(1)".encode("utf-16")])
def test_a_source_that_is_no_notebook_is_one_sentence(tmp_path, content):
    (tmp_path / "02_odd.py").write_bytes(content)
    with pytest.raises(NotebookError, match=r"02_odd\.py: not a notebook in percent format"):
        run_notebook(tmp_path / "02_odd.py", tmp_path / "out")


_UNTYPED = '{"cells": [{}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 1}', _UNTYPED, "[" * 100_000])
def test_an_executed_notebook_that_is_damaged_is_one_sentence(checkout, content):
    Path("executed.ipynb").write_text(content)
    with pytest.raises(NotebookError, match=r"^executed\.ipynb: not a notebook .*delete it$"):
        publish("01_tiny.py", "executed.ipynb")


def test_a_cell_of_parameters_with_a_syntax_error_is_shown(tmp_path):
    (tmp_path / "02_odd.py").write_text('# %% tags=["parameters"]\nepochs = = 3\n')
    with pytest.raises(NotebookError, match=r"02_odd\.py: cell \[1\] failed with SyntaxError"):
        run_notebook(tmp_path / "02_odd.py", tmp_path / "out")
