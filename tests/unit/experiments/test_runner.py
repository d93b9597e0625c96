"""The long studies: one change at a time, what is kept, going on after an interruption."""

import itertools
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml

from sedlib import annotations, audio, experiments, features, models
from sedlib.config import ConfigError, Params, Split
from sedlib.experiments import runner

PARAMS = Path(__file__).parents[3] / "params.yaml"
RATE = 8000
SPLIT = {"train": ["a", "b"], "validation": ["c"], "test": ["d"]}


def small_params(**train):
    raw = yaml.safe_load(PARAMS.read_text())
    raw["classes"] = ["low", "high"]
    raw["split"] = SPLIT
    raw["features"] = {
        "sample_rate": RATE, "n_fft": 256, "hop_length": 800, "win_length": 200,
    }  # fmt: skip
    raw["train"] |= {"epochs": 1, "batch_size": 16} | train
    raw["study"]["seeds"] = [4, 5]
    return Params.model_validate(raw)


def make_corpus(folder, params, name="made", seed=0):
    """Episodes of 24 s in which tones of 300 and 3000 Hz come and go by the second."""
    corpus = experiments.Corpus(name, folder / "episodes", folder / "features", Split(**SPLIT))
    corpus.episodes.mkdir(parents=True)
    corpus.features.mkdir()
    rng = np.random.default_rng(seed)
    for episode in "abcd":
        on = rng.random((24, 2)) < 0.4
        tones = np.sin(2 * np.pi * np.outer([300, 3000], np.arange(24 * RATE) / RATE))
        sound = 0.2 * (tones * np.repeat(on, RATE, axis=0).T).sum(axis=0)
        sound = (sound + 0.01 * rng.normal(size=len(sound))).astype(np.float32)
        audio.write_flac(corpus.episodes / f"{episode}.flac", sound, RATE)
        rows = [
            (episode, float(s), s + 1.0, params.classes[c]) for s, c in np.argwhere(on).tolist()
        ]
        annotations.write_json(annotations.event_table(rows), corpus.episodes / f"{episode}.json")
        clips = features.split_segments(sound, params.stft)
        features.write_features(
            corpus.features / f"{episode}.npy", features.spectrogram(clips, params.stft)
        )
    return corpus


RECIPES = [
    experiments.Recipe("old one", "as before", "2018", "crops", {"frame_weight": 0.0}),
    experiments.Recipe("new one", "as now"),
]


def read(folder, name):
    with np.load(folder / f"{name}.npz") as stored:
        return dict(stored), json.loads((folder / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def params():
    return small_params()


@pytest.fixture(scope="module")
def corpora(tmp_path_factory, params):
    folder = tmp_path_factory.mktemp("corpora")
    return [
        make_corpus(folder / "made", params),
        make_corpus(folder / "other", params, "other", seed=1),
    ]


def small_network(_, params):
    """A network that is quick to compile; the real ones have tests of their own."""
    inputs = keras.Input((*features.segment_shape(params.stft), 1))
    x = keras.layers.AveragePooling2D((1, 16))(inputs)
    x = keras.layers.Reshape((inputs.shape[1], -1))(x)
    frames = keras.layers.Dense(len(params.classes), "sigmoid", name="frames")(x)
    return keras.Model(inputs, models.LinearSoftmax(name="scores")(frames))


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(runner, "_network", small_network)


@pytest.fixture(scope="module")
def conducted(tmp_path_factory, params, corpora):
    folder = tmp_path_factory.mktemp("study")
    runs, target = folder / "runs", folder / "reports"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "_network", small_network)
        said = list(experiments.conduct("old_and_new", RECIPES, corpora[:1], params, runs, target))
    return folder, said


def test_a_study_keeps_the_scores_of_every_recipe_and_seed_and_the_truth(conducted, corpora):
    folder, said = conducted
    assert len(said) == 4
    arrays, described = read(folder / "reports", "old_and_new")
    sides = ("validation", "test")
    runs = {f"{r.name}/{s}/{side}/made" for r in RECIPES for s in (4, 5) for side in sides}
    truth = {f"truth/{rule}/{side}/made" for rule in ("half", "whole") for side in sides}
    assert arrays.keys() == runs | truth
    for name in runs:
        assert arrays[name].shape == (24, 2)
        assert arrays[name].dtype == np.float16
        assert ((arrays[name] >= 0) & (arrays[name] <= 1)).all()
    events = annotations.read_json(corpora[0].episodes / "d.json")
    truth = arrays["truth/half/test/made"]
    for event in events.itertuples():
        assert truth[int(event.onset), ["low", "high"].index(event.event_label)]
    assert truth.sum() == len(events)
    assert described["lengths"] == {"made": {"validation": {"c": 24}, "test": {"d": 24}}}
    assert described["examples an epoch"] == 48
    assert described["minutes"].keys() == {"old one/4", "old one/5", "new one/4", "new one/5"}


def test_seeds_differ_and_the_same_seed_gives_the_same(conducted, corpora, params, tmp_path, quick):
    arrays, _ = read(conducted[0] / "reports", "old_and_new")
    one, other = arrays["new one/4/test/made"], arrays["new one/5/test/made"]
    assert not np.array_equal(one, other)
    list(experiments.conduct("again", RECIPES[1:], corpora[:1], params, tmp_path, tmp_path))
    again, _ = read(tmp_path, "again")
    np.testing.assert_array_equal(again["new one/4/test/made"], one)


def test_what_is_done_is_not_done_again_unless_something_changed(conducted, corpora, quick):
    folder, _ = conducted
    arguments = corpora[:1], small_params(), folder / "runs", folder / "more"
    said = list(experiments.conduct("more", RECIPES, *arguments))
    assert all(line.endswith("done before") for line in said)
    changed = corpora[:1], small_params(learning_rate=1e-3), folder / "runs", folder / "more"
    said = list(experiments.conduct("more", RECIPES[1:], *changed))
    assert not any(line.endswith("done before") for line in said)


def test_runs_side_by_side_train_the_networks_of_their_recipes(corpora, params, tmp_path):
    said = list(
        experiments.conduct("side", RECIPES[:1], corpora[:1], params, tmp_path, tmp_path, 2)
    )
    assert [line.partition(":")[0] for line in said] == ["old one, seed 4", "old one, seed 5"]
    arrays, _ = read(tmp_path, "side")
    scores = [arrays[f"old one/{seed}/test/made"] for seed in (4, 5)]
    assert not np.array_equal(*scores)


def test_a_recipe_trained_on_one_corpus_is_judged_on_all(corpora, params, tmp_path, quick):
    one, both = experiments.recordings(*corpora)[::2]
    list(experiments.conduct("transfer", [one, both], corpora, params, tmp_path, tmp_path))
    arrays, described = read(tmp_path, "transfer")
    of_one = {"/".join(key.split("/")[2:]) for key in arrays if key.startswith("made/4/")}
    assert of_one == {"validation/made", "test/made", "test/other"}
    of_both = {"/".join(key.split("/")[2:]) for key in arrays if key.startswith("both/4/")}
    assert of_both == of_one | {"validation/other"}
    assert described["lengths"].keys() == {"made", "other"}


def test_a_recipe_on_two_corpora_sees_as_many_examples_as_one_on_one(corpora, params):
    one, other, both = experiments.recordings(*corpora)
    seen = []
    for recipe in (one, other, both):
        own = [corpus for corpus in corpora if corpus.name in recipe.corpora]
        batches = experiments._examples(recipe, own, params.train, 0, params)(0)
        seen.append(sum(len(batches[i][0]) for i in range(len(batches))))
    assert seen == [48, 48, 48]


def test_the_recipes_lead_from_2018_to_ours_one_change_at_a_time(params):
    recipes = experiments.comparison(params.train)
    first, last = recipes[0], recipes[-1]
    assert (first.network, first.examples) == ("2018", "crops")
    assert first.changes["learning_rate"] == 1e-4
    assert first.changes["batch_size"] == 32
    assert first.changes["augment"] == experiments.NOT_VARIED
    assert (last.network, last.examples, last.changes) == ("compact", "seconds", {})
    for before, after in itertools.pairwise(recipes):
        options = [
            params.train.model_copy(update=dict(r.changes)).model_dump() for r in (before, after)
        ]
        changed = [before.network != after.network, before.examples != after.examples]
        changed.append(options[0] != options[1])
        assert sum(changed) == 1, after.name


def test_what_is_described_says_what_was_done(conducted, corpora, params, tmp_path, quick):
    _, described = read(conducted[0] / "reports", "old_and_new")
    assert described["seeds"] == [4, 5]
    assert described["recipes"] == {"old one": "as before", "new one": "as now"}
    where = tmp_path, tmp_path, 0, {"weather": "rain"}
    list(experiments.conduct("more", RECIPES[1:], corpora[:1], params, *where))
    assert read(tmp_path, "more")[1]["weather"] == "rain"


def test_what_is_not_the_way_from_2018_to_ours_is_refused(params):
    for changes, key in (
        ({"preset": "reference"}, "preset is reference"),
        ({"frame_weight": 0.0}, "frame_weight is 0"),
        ({"augment": experiments.NOT_VARIED}, r"augment\.mix is 0"),
    ):
        with pytest.raises(ConfigError, match=rf"train\.{key}.*; the comparison leads"):
            experiments.comparison(params.train.model_copy(update=changes))


def test_another_code_makes_another_run(corpora, params, tmp_path, monkeypatch):
    arguments = RECIPES[0], 4, params.train, corpora, params
    before = experiments._key(*arguments)
    assert experiments._key(*arguments) == before
    changed = tmp_path / "training.py"
    changed.write_text("# another one")
    monkeypatch.setattr(experiments.training, "__file__", str(changed))
    assert experiments._key(*arguments) != before


def test_recordings_that_are_not_there_are_named(params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"data/bank: no such folder; .* study\.recordings"):
        experiments.mix_recordings(params, tmp_path)
