"""Claims about the released model, on a small sound bank of noise."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from sedlib import experiments, models
from sedlib.config import ConfigError, Params
from sedlib.reports import cards

CLASSES = ["speaking", "knocking"]
CREDIT = {"author_or_credit": "A. | Author", "source_repo": "a/b", "source_file": "c.wav"}


@pytest.fixture
def small(make_params, tmp_path, monkeypatch):
    """Parameters for short episodes of two classes; `data/soundbank` is in the folder."""
    raw = make_params().model_dump(mode="json")
    raw["classes"] = CLASSES
    raw["stft"]["sample_rate"] = 22050  # the synthesis needs more than 8 kHz
    raw["episodes"] |= {"duration": 24, "evaluation_duration": 24}
    raw["experiments"] |= {"aliases": {}, "release_episodes": 1, "release_epochs": 2}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()
    return Params.model_validate(raw)


def write_soundbank(folder, licences, n=12):
    """Twelve recordings of noise for each class; `licences` by name, CC0 by default."""
    rows = []
    for k, label in enumerate(CLASSES):
        (folder / label).mkdir(parents=True)
        for i in range(n):
            name = f"{label}/{i}.wav"
            sound = np.random.default_rng([k, i]).uniform(-0.5, 0.5, 4000)
            soundfile.write(folder / name, sound, 8000)
            licence = licences.get(name, "CC0; a collection under CC BY-NC")
            rows.append({"path": name, "notes": "", "licence": licence, **CREDIT})
    pd.DataFrame([row for row in rows if row["licence"]]).to_csv(folder / "sources.csv")


@pytest.mark.parametrize(
    "licence, permitted",
    [
        ("CC0", True),
        ("CC BY-SA 4.0", True),
        ("CC BY (clip); ESC-50 as a dataset CC BY-NC 3.0", True),
        ("CC BY-NC (clip); ESC-50 as a dataset CC BY-NC 3.0", False),
        ("CC BY-NC-SA 4.0", False),
        ("CC BY-ND 4.0", False),
        ("cc by-nc 3.0", False),
        ("Attribution-NonCommercial 4.0", False),
        ("https://creativecommons.org/licenses/by-nc/4.0/", False),
        ("https://creativecommons.org/licenses/by/4.0/", True),
        ("http://creativecommons.org/publicdomain/zero/1.0/", True),
        ("public domain", True),
        ("Apache 2.0", True),
        ("CC BY, no derivatives", False),
        ("all rights reserved", False),
        ("Sampling Plus 1.0", False),
        ("CC BY 3.0 according to the list of a benchmark", True),
        ("CC0 1.0 sources (LICENSES.md), edited derivative", True),
        ("Creative Commons Attribution 4.0 International", True),
        ("https://creativecommons.org/publicdomain/mark/1.0/", True),
        ("BSD-3-Clause", True),
        ("Creative Commons Attribution NoDerivatives 4.0 International", False),
        ("CC BY 4.0 (commercial use forbidden)", False),
        ("CC BY 4.0, commercial use prohibited", False),
        ("CC BY 4.0, except commercial use", False),
        ("CC BY 4.0 without commercial use", False),
        ("Apache 2.0 with Commons Clause", False),
        ("Creative Commons Attribution Sampling Plus 1.0", False),
        ("Creative Commons Attribution-NonCommercial 4.0", False),
        ("CC BY Non Commercial 4.0", False),
        ("CC BY\u2011NC 4.0", False),
        ("CC BY-NC4.0", False),
        ("CC BY-NCSA 4.0", False),
        ("CC BY N.C.", False),
        ("no commercial use, CC BY", False),
        ("CC BY (personal use)", False),
        ("CC BY 4.0 for research only", False),
        ("not in the public domain", False),
        ("CC0?", False),
        ("All rights reserved by MIT", False),
        ("Nutzung nur mit Genehmigung", False),
        ("https://freesound.org/by/someone", False),
        (" ", False),
        ("; CC0", False),
    ],
)
def test_only_a_licence_that_allows_commercial_use_and_changes_permits_the_release(
    licence, permitted
):
    assert experiments.permits_release(licence) == permitted


def test_the_released_model_is_stored_with_results_on_both_kinds_of_episodes(small, tmp_path):
    write_soundbank(tmp_path / "data/soundbank", {"knocking/0.wav": "CC BY-NC 4.0"})
    target = tmp_path / "model"
    results, counts, credits = experiments.make_release(small, tmp_path / "scratch", target)
    _, description = models.load_model(target)
    assert description["trained_on"][:2] == ["synthetic/a", "synthetic/b"]
    assert len(description["trained_on"]) == 6 and set(description["frames"]) >= {"thresholds"}
    assert list(results) == ["synthetic", "recordings"]
    for by_class in results.values():
        assert list(by_class) == [*CLASSES, "macro"]
        assert all(by_class[c]["support"] > 0 for c in CLASSES)
        assert "support" not in by_class["macro"]  # a segment may have several classes
    heard = sum(counts[c][s][0] for c in CLASSES for s in ("train", "validation"))
    assert len(credits) == heard and "knocking/0.wav" not in credits
    assert sum(counts["knocking"][s][0] for s in ("train", "validation", "test")) == 11
    card = cards.release_card(results, counts, credits, description)
    said = " ".join(card.split())
    assert "2 epochs on 3 synthetic episodes and on 3 episodes mixed from recordings" in said
    table = cards.credits_table(credits)
    assert all(f"| {name} | A. \\| Author | CC0;" in table for name in credits)


def test_a_recording_that_nobody_is_credited_for_is_named(small, tmp_path):
    write_soundbank(tmp_path / "data/soundbank", {"speaking/3.wav": ""})
    with pytest.raises(ConfigError, match=r"3\.wav: sources\.csv does not say where it comes from"):
        experiments.make_release(small, tmp_path / "scratch", tmp_path / "model")


def test_a_class_whose_licences_are_too_narrow_is_named(small, tmp_path):
    narrow = {f"knocking/{i}.wav": "CC BY-NC 3.0" for i in range(11)}
    write_soundbank(tmp_path / "data/soundbank", narrow)
    with pytest.raises(ConfigError, match=r"no recording of 'knocking' for .* licence permits"):
        experiments.make_release(small, tmp_path / "scratch", tmp_path / "model")
