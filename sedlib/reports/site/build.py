"""Build the report site from the results of the other stages."""

import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sedlib import annotations
from sedlib.episodes import usable_split
from sedlib.files import read_json, staging_folder, write_text
from sedlib.reports import cards, tables
from sedlib.reports.site import charts, gallery
from sedlib.reports.site.markup import from_markdown
from sedlib.reports.site.notebooks import read_notebook
from sedlib.reports.site.pages import SITE, render
from sedlib.reports.timeline import mark_events, timeline_page


@dataclass(frozen=True)
class Episode:
    """A test episode: its sound, its scores, its reference and estimated events.

    Scores and estimated events are those of frames where the network scores frames.
    """

    sound: Path
    scores: pd.DataFrame
    reference: pd.DataFrame
    estimated: pd.DataFrame


def write_site(params, data, reports, threads):
    """Write ``index.html`` and the folder ``site`` beside it, in place of what was there.

    Parameters
    ----------
    params : sedlib.config.Params
    data, reports : pathlib.Path
        The folders that the stages before have filled.
    threads : int
        How many timelines and clips are made at a time.

    Returns
    -------
    pathlib.Path
        ``index.html``. Equal results give equal pages.
    """
    metrics = read_json(reports / "metrics.json")
    description = read_json(data / "model" / "model.json")
    level, thresholds = "", description["thresholds"]
    if "frames" in description:
        level, thresholds = "frames", description["frames"]["thresholds"]
    classes, episodes = params.classes, _read_episodes(params, data, level)
    with ThreadPoolExecutor(threads) as pool, staging_folder(reports) as staging:
        site = staging / "site"
        for folder in (site / "timelines", site / "notebooks"):
            folder.mkdir(parents=True)

        def write_timeline(name):
            episode = episodes[name]
            page = timeline_page(
                episode.sound,
                classes,
                scores=episode.scores,
                thresholds=thresholds,
                events=episode.estimated,
                reference=episode.reference,
                title=name,
                annotated=classes,
                home=("../../index.html", f"Overview: {SITE}"),
            )
            write_text(page, site / "timelines" / f"{name}.html")

        timelines = pool.map(write_timeline, episodes)
        notebooks = _write_notebooks(reports / "notebooks", site / "notebooks")
        described = _describe(params, data, reports, metrics, description)
        for title, card in described.items():
            page = render("card.html.j2", title, card=from_markdown(card))
            write_text(page, site / f"{title.lower().replace(' ', '_')}.html")
        marked = {
            name: mark_events(e.reference, e.estimated, list(classes), e.scores, classes)
            for name, e in episodes.items()
        }
        errors = _gather_errors(episodes, marked, classes, pool)
        page = render("errors.html.j2", "Errors to listen to", classes, errors=errors)
        write_text(page, site / "errors.html")
        page = render(
            "index.html.j2",
            SITE,
            classes,
            depth=0,
            limits=tables.LIMITS[params.episodes.source],
            bars=charts.bar_rows(metrics),
            table=from_markdown(tables.results_table(metrics)),
            curves=charts.learning_curves(reports / "training" / "plots" / "metrics"),
            precision_recall=charts.precision_recall(
                reports / "plots" / "precision_recall.csv", metrics, classes
            ),
            notebooks=notebooks,
            marks=_count_marks(marked),
            errors=errors,
            cards=described,
        )
        write_text(page, staging / "index.html")
        list(timelines)  # wait for all, and raise the error of any
        shutil.rmtree(reports / "site", ignore_errors=True)
        os.replace(site, reports / "site")
        os.replace(staging / "index.html", reports / "index.html")
    return reports / "index.html"


def _read_episodes(params, data, level):
    """Read what is known of each test episode; the level is a subfolder of scores and events."""
    episodes = {}
    for name in usable_split(params.split, data / "episodes").test:
        episodes[name] = Episode(
            data / "episodes" / f"{name}.flac",
            pd.read_csv(data / "scores" / level / f"{name}.tsv", sep="\t"),
            annotations.read(data / "episodes" / f"{name}.json", params.classes),
            annotations.read(data / "events" / level / f"{name}.json", params.classes),
        )
    return episodes


def _write_notebooks(executed, folder):
    """Write the page of each executed notebook; return the notebooks."""
    notebooks = [read_notebook(path) for path in sorted(executed.glob("*.ipynb"))]
    around = [None, *notebooks, None]
    for notebook, before, after in zip(notebooks, around, around[2:], strict=False):
        values = {"notebook": notebook, "before": before, "after": after, "depth": 2}
        page = render("notebook_page.html.j2", notebook.title, **values)
        write_text(page, folder / f"{notebook.name}.html")
    return notebooks


def _describe(params, data, reports, metrics, description):
    """Return the cards by their titles, in Markdown."""
    described = {
        "Model card": cards.model_card(metrics, description),
        "Data card": cards.data_card(params, data / "episodes"),
    }
    benchmarks = reports / "benchmarks.json"
    if benchmarks.is_file():
        described["Speed"] = cards.speed_card(read_json(benchmarks))
    return described


def _count_marks(marked):
    """Count hits, misses and false alarms; a hit is one in both tables, and counted once."""
    return {
        name: Counter(e["mark"] for e in events if (e["kind"], e["mark"]) != ("estimated", "hit"))
        for name, events in marked.items()
    }


def _gather_errors(episodes, marked, classes, pool):
    """List the kinds of errors of each class: title, the number of errors, of events, clips."""
    errors = {}
    for label in classes:
        errors[label] = []
        own = [e for events in marked.values() for e in events if e["class"] == label]
        for kind, title in gallery.KINDS.items():
            table = "reference" if kind == "miss" else "estimated"
            worst = gallery.worst_errors(marked, label, kind)
            errors[label].append(
                {
                    "kind": kind,
                    "title": title,
                    "count": sum(e["mark"] == kind for e in own),
                    "total": sum(e["kind"] == table for e in own),
                    "clips": list(
                        pool.map(lambda e: gallery.cut_clip(episodes[e[0]].sound, *e), worst)
                    ),
                }
            )
    return errors
