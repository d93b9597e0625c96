"""Claims about the page of `dvc plots diff`: it needs no network, and every plot is right."""

import hashlib
import re
import shutil
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from browser import Tab
from dvc_render import VegaRenderer

ROOT = Path(__file__).resolve().parents[2]
PLOTS = ROOT / ".dvc" / "plots"
PAGE = (PLOTS / "page.html").read_text(encoding="utf-8")
CLASSES = ["speaking", "opening/closing doors", "background music"]  # in no alphabetical order
MODELS = ["network", "baseline"]
EPOCHS = 5
REVISIONS = ["HEAD~1", "HEAD"]


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def write_tables(folder, rng):
    """Write every file of the plots in dvc.yaml, with random values."""
    training, evaluation = folder / "reports/training/plots/metrics", folder / "reports/plots"
    for path in (training, evaluation):
        path.mkdir(parents=True, exist_ok=True)
    for name in ("loss", "val_loss", "val_average_precision"):
        table = pd.DataFrame({"step": np.arange(EPOCHS) + 1, name: rng.random(EPOCHS)})
        table.to_csv(training / f"{name}.tsv", sep="\t", index=False)
    rows = pd.MultiIndex.from_product([MODELS, CLASSES], names=["model", "event_label"])
    f1 = pd.DataFrame({"f1": rng.uniform(0.9, 1, len(rows))}, rows)  # the sum would exceed 1
    f1.to_csv(evaluation / "f1_by_class.csv")
    curves = {row: pd.DataFrame({"recall": np.linspace(0, 1, 9)}) for row in rows}
    for curve in curves.values():
        curve["precision"] = np.sort(rng.random(9))[::-1]
    curves = pd.concat(curves, names=rows.names).droplevel(2)
    curves.to_csv(evaluation / "precision_recall.csv")


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """Open the page that compares two commits of a small repository with our plots."""
    folder, rng = tmp_path_factory.mktemp("repository"), np.random.default_rng()
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache"))
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"plots": plots}, sort_keys=False))
    git(folder, "init", "--quiet")
    for name in ("first", "second"):
        write_tables(folder, rng)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", name)
    command = [sys.executable, "-m", "dvc", "plots", "diff", *REVISIONS]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tabs = []

    def open_tab(width):
        tabs.append(Tab(browser, (folder / "dvc_plots" / "index.html").as_uri(), width))
        tabs[-1].wait(f"document.querySelectorAll('svg.marks').length === {len(plots)}")
        return tabs[-1]

    yield open_tab
    for tab in tabs:
        tab.close()


@pytest.fixture(scope="module")
def tab(opened):
    """Open the page in a wide window."""
    return opened(1400)


def described(tab, plot, role):
    """List how Vega describes the marks of a plot to screen readers, as dictionaries."""
    marks = f"[id$={plot}] svg [aria-roledescription='{role}']"
    labels = tab.evaluate(
        f"[...document.querySelectorAll({marks!r})].map((e) => e.getAttribute('aria-label'))"
    )
    return [dict(part.split(": ", 1) for part in label.split("; ")) for label in labels]


def texts(tab, plot, role):
    """List the texts of a plot that have a role in Vega, apart from labels without room."""
    elements = f"document.querySelectorAll('[id$={plot}] svg .{role} text')"
    return list(filter(None, tab.evaluate(f"[...{elements}].map((e) => e.textContent)")))


def test_the_page_loads_nothing_and_complains_of_nothing(tab):
    assert tab.requests() == [] and tab.complaints() == []


@pytest.mark.parametrize("width", [390, 700, 1400])
def test_the_page_fits_and_nothing_in_it_is_cut_off_or_scrolls_sideways(opened, width):
    tab = opened(width)
    ends = tab.evaluate(
        "[...document.querySelectorAll('svg .mark-text text')].filter((e) => e.textContent)"
        ".map((e) => [e.textContent, e.getBoundingClientRect().right"
        " - e.closest('svg').getBoundingClientRect().right])"
    )
    assert len(ends) > 20 and [text for text, beyond in ends if beyond > 0] == []
    wider = "[...document.querySelectorAll('html, body > div')].map((e) => e.scrollWidth)"
    assert max(tab.evaluate(wider)) <= width
    inside = "[...document.querySelectorAll('body > div')]"
    assert tab.evaluate(f"{inside}.every((e) => e.scrollWidth <= e.clientWidth)")


def test_every_epoch_of_both_revisions_is_drawn(tab):
    for plot, subsets in (
        ("Loss_by_epoch", {"training", "validation"}),
        ("Mean_average_precision_by_epoch", {"validation"}),
    ):
        points = described(tab, plot, "point")
        drawn = Counter((p["revision"], p["subset"], int(p["epoch"])) for p in points)
        assert drawn == Counter(product(REVISIONS, subsets, range(1, EPOCHS + 1)))
        assert len(described(tab, plot, "line mark")) == len(REVISIONS) * len(subsets)


def test_f1_is_one_point_for_each_class_model_and_revision_and_never_above_1(tab):
    points = described(tab, "f1_by_class_csv", "point")
    drawn = Counter((p["class"], p["model"], p["revision"]) for p in points)
    assert drawn == Counter(product(CLASSES, MODELS, REVISIONS))
    assert all(0.9 <= float(p["F1"]) <= 1 for p in points)
    labels = texts(tab, "f1_by_class_csv", "role-axis-label")
    assert [text for text in labels if text in CLASSES] == CLASSES
    assert max(float(text) for text in labels if text not in CLASSES) == 1


def test_each_class_has_its_precision_recall_curves(tab):
    lines = described(tab, "precision_recall_csv", "line mark")
    drawn = Counter((line["model"], line["revision"]) for line in lines)
    assert drawn == {pair: len(CLASSES) for pair in product(MODELS, REVISIONS)}
    *panels, title = texts(tab, "precision_recall_csv", "role-title-text")
    assert panels == CLASSES and title.startswith("Precision and recall")


def test_the_scripts_in_the_page_are_what_the_checksums_say():
    """`make vendor` writes both, with the licence before each script."""
    found = re.findall(r"<!-- (\S+)\n\n(.*?)-->\n<script>\n(.*?)</script>", PAGE, re.DOTALL)
    sums = dict(line.split()[::-1] for line in (PLOTS / "SHA256SUMS").read_text().splitlines())
    assert [release for release, _, _ in found] == (PLOTS / "VERSION").read_text().split()
    for release, licence, script in found:
        name = release.partition("@")[0]
        assert hashlib.sha256(script.encode()).hexdigest() == sums.pop(f"{name}.min.js")
        assert "Redistribution and use in source and binary forms" in licence
    assert sums == {}


def test_vega_has_the_version_that_the_templates_of_dvc_are_made_for():
    asked = re.findall(r"/npm/(vega(?:-lite)?@[\d.]+)", VegaRenderer.SCRIPTS)
    assert len(asked) == 2 and set(asked) <= set((PLOTS / "VERSION").read_text().split())
