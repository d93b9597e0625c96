"""Claims about publishing: everything that a run made arrives, or nothing is written."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest
import yaml

from sedlib.__main__ import main
from sedlib.config import load_params
from sedlib.reports.notebooks import clean

ROOT = Path(__file__).resolve().parents[3]
RESULTS = "metrics", "summary", "experiments/ablation_metrics", "experiments/transfer_metrics"


NOTEBOOK = "# %% [markdown]\n# # A\n\n# %%\nprint(6 * 7)\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A checkout with a notebook, and a workspace in it with the results of a run."""
    top = tmp_path_factory.mktemp("checkout")
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["episodes"] |= {"duration": 10, "evaluation_duration": 10}
    raw["split"] = {"train": ["a"], "validation": ["b"], "test": ["c"]}
    (top / "params.yaml").write_text(yaml.safe_dump(raw))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top)
        patch.setenv("SEDLIB_WORKSPACE", str(top / "work"))
        main(["episodes"])
        stft = load_params().stft.model_dump()
    reports = top / "work" / "reports"
    figures = reports / "notebooks" / "figures" / "01"
    for folder in (figures, reports / "experiments", top / "notebooks"):
        folder.mkdir(parents=True)
    (figures / "new.png").write_bytes(b"a new picture")
    (top / "notebooks" / "01_a.py").write_text(NOTEBOOK)
    write_run(reports / "notebooks" / "01_a.ipynb", "print(6 * 7)")
    for name in RESULTS:
        (reports / f"{name}.json").write_text((ROOT / "reports" / f"{name}.json").read_text())
    (top / "reports").mkdir()
    shutil.copy(ROOT / "reports" / "training_spread.json", top / "reports")
    (top / "README.md").write_text("a\n<!-- results -->\nold\n<!-- /results -->\nb\n")
    (top / "docs").mkdir()
    (top / "docs/detection.md").write_text("<!-- formats -->\nold\n<!-- /formats -->\n")
    model = {"preset": "compact", "classes": ["speaking"], "thresholds": {"speaking": 0.25}}
    model |= {"trained_on": ["a"], "validated_on": ["b"], "stft": stft, "seed": 1}
    (top / "work" / "data" / "model").mkdir()
    text = json.dumps(model | {"versions": {"keras": "3"}})
    (top / "work" / "data" / "model" / "model.json").write_text(text)
    (top / "work" / "data" / "model" / "model.weights.h5").write_bytes(b"weights")
    return top


@pytest.fixture
def checkout(run, tmp_path, monkeypatch):
    """An own copy of the checkout and its workspace."""
    top = shutil.copytree(run, tmp_path / "checkout")
    monkeypatch.chdir(top)
    monkeypatch.setenv("SEDLIB_WORKSPACE", str(top / "work"))
    return top


def write_run(path, code):
    """Write an executed notebook of two cells."""
    cell = nbformat.v4.new_code_cell(code, execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", text="42\n")]
    cells = [nbformat.v4.new_markdown_cell("# A"), cell]
    path.write_text(nbformat.writes(clean(nbformat.v4.new_notebook(cells=cells))))


def content(folder):
    """The bytes of all files of a checkout outside its workspace."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {p: p.read_bytes() for p in files if folder / "work" not in p.parents}


def test_publishing_writes_texts_outputs_figures_and_the_model(checkout, capsys):
    main(["publish"])
    metrics = json.loads((ROOT / "reports" / "metrics.json").read_text())
    ablation = json.loads((ROOT / "reports/experiments/ablation_metrics.json").read_text())
    low, high = metrics["test"]["intervals"]["speaking"]["f1"]
    f1 = f"{metrics['test']['classes']['speaking']['f1']:.2f} [{low:.2f}, {high:.2f}]"
    text = {name: (checkout / name).read_text() for name in capsys.readouterr().out.splitlines()}
    assert "\nold\n" not in text["README.md"] and f"| {f1} |" in text["README.md"]
    assert "- `eaf`: " in text["docs/detection.md"]
    card = text["reports/model_card.md"]
    assert f"| {f1} |" in card and "| speaking | 0.25 | – |" in card
    assert f"| {next(iter(ablation['macro F1']))} |" in text["reports/results.md"]
    assert "| c | test | 10 |" in text["reports/data_card.md"]
    assert "42" in text["notebooks/01_a.ipynb"]
    assert text["reports/figures/01/new.png"] == "a new picture"
    assert text["models/default/model.weights.h5"] == "weights"
    summary = (ROOT / "reports" / "summary.json").read_text()
    assert text["models/default/summary.json"] == summary


def test_publishing_twice_changes_nothing(checkout):
    main(["publish"])
    before = content(checkout)
    main(["publish"])
    assert content(checkout) == before


def test_figures_that_are_no_longer_made_are_removed_and_others_are_kept(checkout):
    figures = checkout / "reports" / "figures"
    for name in ("01/old.png", "01/notes.txt", "other/own.png"):
        (figures / name).parent.mkdir(parents=True, exist_ok=True)
        (figures / name).touch()
    main(["publish"])
    left = {path.relative_to(figures).as_posix() for path in figures.rglob("*.*")}
    assert left == {"01/new.png", "01/notes.txt", "other/own.png"}


@pytest.mark.parametrize("fault", ["run of other cells", "no model", "damaged metrics"])
def test_nothing_is_written_when_one_result_cannot_be_published(checkout, fault):
    work = checkout / "work"
    if fault == "run of other cells":
        write_run(work / "reports" / "notebooks" / "01_a.ipynb", "print(42)")
    elif fault == "no model":
        (work / "data" / "model" / "model.json").unlink()
    else:
        (work / "reports" / "metrics.json").write_text("{")
    before = content(checkout)
    with pytest.raises(SystemExit) as stop:
        main(["publish"])
    assert isinstance(stop.value.code, str) and len(stop.value.code.splitlines()) == 1
    assert content(checkout) == before
