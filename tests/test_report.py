import json
from pathlib import Path

import pytest

from sedlib import report

ROOT = Path(__file__).resolve().parents[1]


def metrics():
    row = dict.fromkeys(report.COLUMNS, 0.25) | {"support": 7}
    other = row | {"precision": float("nan"), "f1": 0.999}
    mean = dict.fromkeys(report.COLUMNS, 0.5)
    classes = {"door bell": row, "speaking": other}
    return {
        "test": {
            "macro": mean,
            "classes": classes,
            "intervals": {"door bell": {"f1": [0.125, 0.5]}, "macro": {"f1": [0.4, 0.6]}},
        },
        "baseline": {"macro": mean, "classes": classes},
    }


def test_the_table_has_a_row_a_class_and_the_macro_mean():
    lines = report.results_table(metrics()).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| door bell | 0.25 | 0.25 | 0.25 [0.12, 0.50] |")
    assert lines[2].endswith("| 0.25 | 7 |")
    assert lines[3].startswith("| speaking | – | 0.25 | 1.00 |")
    assert lines[4].startswith("| **macro** | **0.50** | **0.50** | **0.50 [0.40, 0.60]** |")


def test_a_card_has_every_metric_of_the_literature_by_its_name():
    values = {
        "by the second": {"PSDS scenario 1": 0.251, "F1": float("nan"), "AUC": 0.5},
        "by the frame": {"PSDS scenario 1": 0.3, "F1": 0.126},
    }
    bounds = {"by the second": {}, "by the frame": {"F1": [0.1, 0.2]}}
    table = report.literature_table({"literature": values, "literature_intervals": bounds})
    assert table.splitlines() == [
        "| metric, test episodes | by the second | by the frame |",
        "|---|---:|---:|",
        "| PSDS scenario 1 | 0.25 | 0.30 |",
        "| F1 | – | 0.13 [0.10, 0.20] |",
        "| AUC | 0.50 | – |",
    ]


def test_a_block_is_replaced_and_all_else_kept():
    text = "a\n<!-- x -->\nold\nolder\n<!-- /x -->\nb \\1\n"
    once = report.replace_block(text, "x", "new \\1")
    assert once == "a\n<!-- x -->\nnew \\1\n<!-- /x -->\nb \\1\n"
    assert report.replace_block(once, "x", "new \\1") == once


def test_a_text_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="no <!-- x -->"):
        report.replace_block("text", "x", "block")


def test_readme_shows_the_results_of_the_last_run():
    results = json.loads((ROOT / "reports" / "metrics.json").read_text())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert report.replace_block(readme, "results", report.results_table(results)) == readme
