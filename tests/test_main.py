import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from sedlib.__main__ import main
from sedlib.annotations import read_json
from sedlib.audio import read_audio
from sedlib.config import load_params

ROOT = Path(__file__).resolve().parents[1]
SPLIT = {"train": ["a"], "validation": ["b"], "test": ["c"]}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with a params.yaml of three short episodes; returns how to change it."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["episodes"]["duration"], raw["split"] = 10, SPLIT
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEDLIB_WORKSPACE", raising=False)

    def change(section=None, **values):
        (raw[section] if section else raw).update(values)
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
        return tmp_path

    change()
    return change


def message(*arguments):
    """Run a command that must fail; return the one sentence it ends in."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    assert isinstance(stop.value.code, str)  # Python prints it and exits with 1
    return stop.value.code


def test_synthesise_makes_every_episode_of_the_split_and_its_annotation(checkout):
    folder = checkout() / "data" / "episodes"
    main(["synthesise"])
    params = load_params()
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        f"{name}.{kind}" for name in "abc" for kind in ("flac", "json")
    )
    sounds = [read_audio(folder / f"{name}.flac", 44100) for name in "abc"]
    assert [len(x) for x in sounds] == [10 * 44100] * 3
    assert not np.array_equal(sounds[0], sounds[1])
    events = read_json(folder / "a.json", params.classes)
    assert set(events["filename"]) == {"a"}
    assert events["offset"].max() <= 10


def test_results_go_to_the_workspace_when_one_is_named(checkout, monkeypatch):
    top = checkout(split={"train": ["a"], "validation": ["b"], "test": ["c"]})
    monkeypatch.setenv("SEDLIB_WORKSPACE", str(top / "scratch"))
    main(["synthesise"])
    assert (top / "scratch" / "data" / "episodes" / "a.flac").is_file()
    assert not (top / "data").exists()


def test_a_fault_in_the_parameters_is_one_sentence(checkout):
    checkout("train", epoch=3)
    expected = "sedlib: params.yaml: unknown key 'train.epoch'; did you mean 'epochs'?"
    assert message("synthesise") == expected
    assert message("run-notebook", str(ROOT / "notebooks" / "02_preprocess_stft.py")) == expected


def test_an_episode_on_two_sides_is_one_sentence(checkout):
    checkout(split=SPLIT | {"test": ["a"]})
    assert "episode 'a' is in train and again in test" in message("synthesise")


def test_a_class_that_cannot_be_synthesised_is_one_sentence(checkout):
    checkout(classes=["speaking", "yodelling"])
    assert "no sound is known for class 'yodelling'" in message("synthesise")


def test_a_notebook_that_is_not_there_is_one_sentence(checkout):
    checkout()
    assert "none.py: no such notebook" in message("run-notebook", "none.py")


def test_the_report_is_written_from_the_results_alone(checkout):
    top = checkout()
    (top / "reports").mkdir()
    (top / "data" / "model").mkdir(parents=True)
    (top / "README.md").write_text("a\n<!-- results -->\nold\n<!-- /results -->\nb\n")
    metrics = json.loads((ROOT / "reports" / "metrics.json").read_text())
    (top / "reports" / "metrics.json").write_text(json.dumps(metrics))
    description = {
        "preset": "compact",
        "classes": ["speaking"],
        "features": load_params().features.model_dump(),
        "thresholds": {"speaking": 0.25},
        "trained_on": ["a"],
        "validated_on": ["b"],
        "seed": 1,
        "versions": {"keras": "3"},
    }
    (top / "data" / "model" / "model.json").write_text(json.dumps(description))
    main(["report"])
    readme, card = (top / "README.md").read_text(), (top / "reports/model_card.md").read_text()
    f1 = f"{metrics['test']['classes']['speaking']['f1']:.2f}"
    assert "old" not in readme and f"| {f1} |" in readme
    assert f"| {f1} |" in card and "| speaking | 0.25 |" in card
