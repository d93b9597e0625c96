from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from sedlib import annotations, audio
from sedlib.config import Params
from sedlib.episodes import write_remarks
from sedlib.reports import cards

ROOT = Path(__file__).resolve().parents[3]


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
        annotations.write(annotations.event_table(rows), tmp_path / f"{name}.json")
    corrections = annotations.correct_events(annotations.event_table())[1]
    left_out = pd.DataFrame([("d", "unreadable")], columns=["name", "reason"])
    write_remarks(tmp_path, corrections, left_out)
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


@pytest.mark.parametrize("source", cards.ORIGINS)
def test_the_data_card_describes_the_episodes_and_what_was_left_out(small, source):
    params, folder = small
    options = params.episodes.model_copy(update={"source": source})
    card = cards.data_card(params.model_copy(update={"episodes": options}), folder)
    assert "| a | train | 4 | 2 | 0.75 |" in card
    assert "| door bell | 1 | 0 | 0 | 1 | 1.00 |" in card
    assert "\nCorrections of the annotations: 0. Files left out: 1.\n" in card
    assert cards.ORIGINS[source] in card
    assert cards.LIMITS[source] in card


def test_a_class_or_episode_with_markup_in_its_name_is_text_in_both_cards(small):
    params, folder = small
    odd = "<script>a|b</script>"
    changed = params.model_copy(update={"classes": ("speaking", "door bell", odd)})
    assert "| \\<script\\>a\\|b\\</script\\> | 0 | 0 | 0 | 0 | – |" in cards.data_card(
        changed, folder
    )
    row = dict.fromkeys(["precision", "recall", "f1", "iou", "accuracy", "average_precision"], 0.5)
    scores = {"classes": {odd: row | {"support": 1}}, "macro": row}
    metrics = {
        "test": scores | {"intervals": {"macro": {}}},
        "baseline": scores,
        "literature": {},
        "literature_intervals": {},
        "bootstrap": {"resamples": 2000, "block": 17},
    }
    described = {"preset": "compact", "classes": [odd], "stft": params.stft.model_dump()}
    described |= {"thresholds": {odd: 0.5}, "trained_on": [odd], "validated_on": [odd]}
    card = cards.model_card(metrics, described | {"seed": 1, "versions": {}})
    assert card.count("\\<script\\>a\\|b\\</script\\>") == 4
    assert "(2000 resamples,\nblocks of 17 s)" in card
    assert "<script>" not in card
    assert "to -23 LUFS by a single gain of at most 40 dB. A file below -63 LUFS" in card
    del described["stft"]["loudness"]  # a model from before there was a loudness
    card = cards.model_card(metrics, described | {"seed": 1, "versions": {}})
    assert "The level of a recording is left as it is." in card
