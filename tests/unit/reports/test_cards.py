import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from sedlib import annotations, audio
from sedlib.config import Params, load_params
from sedlib.episodes import write_remarks
from sedlib.reports import cards

ROOT = Path(__file__).resolve().parents[3]


def metrics():
    row = dict.fromkeys(cards.COLUMNS, 0.25) | {"support": 7}
    other = row | {"precision": float("nan"), "f1": 0.999}
    mean = dict.fromkeys(cards.COLUMNS, 0.5)
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
    lines = cards.results_table(metrics()).splitlines()
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
    table = cards.literature_table({"literature": values, "literature_intervals": bounds})
    assert table.splitlines() == [
        "| metric, test episodes | by the second | by the frame |",
        "|---|---:|---:|",
        "| PSDS scenario 1 | 0.25 | 0.30 |",
        "| F1 | – | 0.13 [0.10, 0.20] |",
        "| AUC | 0.50 | – |",
    ]


def test_nothing_is_less_than_nothing():
    assert cards._number(-0.004) == "0.00"
    assert cards._number(-0.006) == "-0.01"


def interval(estimate):
    return {"estimate": estimate, "low": estimate - 0.1, "high": estimate + 0.1}


def test_what_the_studies_found_has_a_row_a_change_and_a_row_a_test():
    steps = {
        "old": {"reached": interval(0.2)},
        "better": {"reached": interval(0.5), "gain": interval(0.3)},
    }
    made = {"seeds": 3, "epochs": 22, "examples": 2880, "width": 0.5, "hours": 1.5}
    made |= {"episodes": "made", "classes": 2}
    comparison = {"macro F1": steps, "whole gain in macro F1": interval(0.3)}
    comparison["made"] = made | {"processor": "an abacus"}
    recordings = {
        "made": {"made": {"macro": interval(0.6)}, "both": {"macro": interval(0.7)}},
        "heard": {"made": {"macro": interval(0.3)}, "both": {"macro": interval(0.4)}},
    }
    assert cards.studies_block(comparison, recordings).splitlines() == [
        "On made episodes of 2 classes; 3 seeds a recipe, 22 epochs of 2880 examples; the network "
        "of 2018 at 0.5 of its width; 1.5 hours of training on an abacus.",
        "",
        "| macro F1 | reached | gain |",
        "|---|---:|---:|",
        "| old | 0.20 [0.10, 0.30] | |",
        "| + better | 0.50 [0.40, 0.60] | 0.30 [0.20, 0.40] |",
        "| **all together** | | **0.30 [0.20, 0.40]** |",
        "",
        "| macro F1 | trained on made | trained on both |",
        "|---|---:|---:|",
        "| tested on made | 0.60 [0.50, 0.70] | 0.70 [0.60, 0.80] |",
        "| tested on heard | 0.30 [0.20, 0.40] | 0.40 [0.30, 0.50] |",
    ]


@pytest.fixture
def small(tmp_path):
    """Parameters of three episodes of 4 s, and the folder they are in."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["split"] = {"train": ["a"], "validation": ["b"], "test": ["c"]}
    raw["classes"] = ["speaking", "door bell"]
    events = {
        "a": [("a", 0.0, 2.0, "speaking"), ("a", 3.0, 4.0, "door bell")],
        "b": [("b", 1.0, 4.0, "speaking")],
        "c": [],
    }
    for name, rows in events.items():
        audio.write_flac(tmp_path / f"{name}.flac", np.zeros(4 * 44100, np.float32), 44100)
        annotations.write_json(annotations.event_table(rows), tmp_path / f"{name}.json")
    slips = annotations.correct_events(annotations.event_table())[1]
    write_remarks(tmp_path, slips, pd.DataFrame([("d", "unreadable")], columns=["name", "reason"]))
    return Params.model_validate(raw), tmp_path


def test_the_facts_of_the_episodes_are_those_of_their_annotations(small):
    params, folder = small
    episodes, classes = cards.episode_facts(folder, params.split, params.classes, "half")
    assert episodes.reset_index().to_numpy().tolist() == [
        ["a", "train", 4.0, 2, 0.75],
        ["b", "validation", 4.0, 1, 0.75],
        ["c", "test", 4.0, 0, 0.0],
    ]
    columns = ["train", "validation", "test", "events", "length"]
    assert classes.loc["speaking", columns].tolist() == [2, 3, 0, 2, 2.5]
    assert classes.loc["door bell", columns].tolist() == [1, 0, 0, 1, 1.0]


@pytest.mark.parametrize("source", cards.SOURCES)
def test_the_data_card_says_what_there_is_and_what_was_left_out(small, source):
    params, folder = small
    options = params.episodes.model_copy(update={"source": source})
    card = cards.data_card(params.model_copy(update={"episodes": options}), folder)
    assert "| a | train | 4 | 2 | 0.75 |" in card
    assert "| door bell | 1 | 0 | 0 | 1 | 1.00 |" in card
    assert "Slips of the\nannotation mended: 0. Files left out: 1." in card
    assert all(text in card for text in cards.SOURCES[source])


def test_a_block_is_replaced_and_all_else_kept():
    text = "a\n<!-- x -->\nold\nolder\n<!-- /x -->\nb \\1\n"
    once = cards.replace_block(text, "x", "new \\1")
    assert once == "a\n<!-- x -->\nnew \\1\n<!-- /x -->\nb \\1\n"
    assert cards.replace_block(once, "x", "new \\1") == once


def test_a_text_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="no <!-- x -->"):
        cards.replace_block("text", "x", "block")


def test_readme_shows_the_results_of_the_last_run():
    results = json.loads((ROOT / "reports" / "metrics.json").read_text())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = cards.results_block(results, load_params(ROOT / "params.yaml").episodes.source)
    assert cards.replace_block(readme, "results", block) == readme
    studies = [
        json.loads((ROOT / "reports" / "studies" / f"{name}_metrics.json").read_text())
        for name in ("comparison", "recordings")
    ]
    assert cards.replace_block(readme, "studies", cards.studies_block(*studies)) == readme
