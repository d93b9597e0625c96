"""Publish the results of a run: copy them to the version-controlled files."""

from pathlib import Path

from sedlib.files import read_json, replacing
from sedlib.reports import cards, tables
from sedlib.reports.notebooks import published_text

EXECUTED = Path("reports", "notebooks")  # what the stages of the notebooks write
FIGURES = Path("reports", "figures")
MODEL = Path("data", "model")
PUBLISHED_MODEL = Path("models", "default")
SUMMARY = "summary.json"


def publish_results(params, work, top):
    """Copy the results of the last run to the version-controlled files.

    These are the outputs of the notebooks (into their ``.ipynb`` files), the figures, the model
    with the summary of its results, both cards, the page of results, the table in the README and
    the list of formats in ``docs/detection.md``. Everything is read and checked before the first
    file is written.

    Parameters
    ----------
    params : sedlib.config.Params
    work : pathlib.Path
        The workspace, with the results.
    top : pathlib.Path
        The checkout, which receives them.

    Returns
    -------
    list of pathlib.Path
        The files that were written, below `top`.

    Raises
    ------
    sedlib.errors.SedlibError
        If a result is missing, damaged or of another notebook, or an ``.ipynb`` file was edited by
        hand.
    OSError
        If a figure or the weights cannot be read.
    """
    executed, figures = work / EXECUTED, work / EXECUTED / "figures"
    texts = {
        source.with_suffix(".ipynb"): published_text(source, executed / f"{source.stem}.ipynb")
        for source in sorted((top / "notebooks").glob("*.py"))
    }
    texts |= _texts(params, work, top)
    copies = {
        top / FIGURES / path.relative_to(figures): path.read_bytes()
        for path in sorted(figures.rglob("*.png"))
    }
    copies |= {
        top / PUBLISHED_MODEL / path.name: path.read_bytes()
        for path in (*sorted((work / MODEL).iterdir()), work / "reports" / SUMMARY)
    }
    written = {path: text.encode() for path, text in texts.items()} | copies
    for path, content in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_bytes(content)
    _remove_outdated_figures(top, copies)
    return sorted(path.relative_to(top) for path in written)


def _texts(params, work, top):
    """Build the texts of the cards, the page of results and the README, by their paths."""
    reports = work / "reports"
    metrics, description = (
        read_json(reports / "metrics.json"),
        read_json(work / MODEL / "model.json"),
    )
    ablation = read_json(reports / "experiments" / "ablation_metrics.json")
    transfer = read_json(reports / "experiments" / "transfer_metrics.json")
    readme, detection = top / "README.md", top / "docs" / "detection.md"
    spread = read_json(top / "reports" / "training_spread.json")
    results, formats = tables.results_block(metrics, params, spread), tables.formats_block()
    page = tables.results_page(metrics, ablation, transfer, params.episodes.source)
    return {
        top / "reports" / "model_card.md": cards.model_card(metrics, description),
        top / "reports" / "data_card.md": cards.data_card(params, work / "data" / "episodes"),
        top / "reports" / "results.md": page,
        readme: tables.replace_block(readme.read_text("utf-8"), "results", results),
        detection: tables.replace_block(detection.read_text("utf-8"), "formats", formats),
    }


def _remove_outdated_figures(top, copies):
    """Remove the figures that a notebook wrote once and no longer writes."""
    for folder in {path.parent for path in copies if FIGURES in path.relative_to(top).parents}:
        for path in folder.glob("*.png"):
            if path not in copies:
                path.unlink()
