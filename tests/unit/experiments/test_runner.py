"""Experiments: which scores are kept, and how a run resumes after an interruption."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest

from sedlib import annotations, experiments, features, models
from sedlib.experiments import runner

VARIANTS = [
    experiments.Variant("old one", "as before", "vtt2018", "crops", {"frame_weight": 0.0}),
    experiments.Variant("new one", "as now"),
]


def read(folder, name):
    with np.load(folder / f"{name}.npz") as stored:
        return dict(stored), json.loads((folder / f"{name}.json").read_text())


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
def finished(tmp_path_factory, params, corpora):
    folder = tmp_path_factory.mktemp("experiment")
    where = folder / "runs", folder / "reports"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "_network", small_network)
        run = experiments.run_experiment("old_and_new", VARIANTS, corpora[:1], params, *where)
        lines = list(run)
    return folder, lines


def test_an_experiment_keeps_the_scores_of_all_runs_and_the_reference(finished, corpora):
    folder, lines = finished
    assert len(lines) == 4
    arrays, description = read(folder / "reports", "old_and_new")
    subsets = ("validation", "test")
    runs = {
        f"{v.name}/{s}/{subset}/synthetic" for v in VARIANTS for s in (4, 5) for subset in subsets
    }
    rules = ("half", "whole")
    reference = {f"reference/{rule}/{subset}/synthetic" for rule in rules for subset in subsets}
    assert arrays.keys() == runs | reference
    for name in runs:
        assert arrays[name].shape == (24, 2)
        assert arrays[name].dtype == np.float16
        assert ((arrays[name] >= 0) & (arrays[name] <= 1)).all()
    events = annotations.read(corpora[0].episodes / "d.json")
    labels = arrays["reference/half/test/synthetic"]
    for event in events.itertuples():
        assert labels[int(event.onset), ["low", "high"].index(event.event_label)]
    assert labels.sum() == len(events)
    lengths = {"validation": {"c": 24}, "test": {"d": 24}}
    assert description["lengths"] == {"synthetic": lengths}
    assert description["examples_per_epoch"] == 48
    assert description["minutes"].keys() == {"old one/4", "old one/5", "new one/4", "new one/5"}


def test_seeds_differ_and_the_same_seed_gives_the_same(finished, corpora, params, tmp_path, quick):
    arrays, _ = read(finished[0] / "reports", "old_and_new")
    one, other = arrays["new one/4/test/synthetic"], arrays["new one/5/test/synthetic"]
    assert not np.array_equal(one, other)
    where = tmp_path, tmp_path
    list(experiments.run_experiment("again", VARIANTS[1:], corpora[:1], params, *where))
    again, _ = read(tmp_path, "again")
    np.testing.assert_array_equal(again["new one/4/test/synthetic"], one)


def test_a_finished_run_is_reused_unless_something_changed(finished, corpora, make_params, quick):
    folder, _ = finished
    where = folder / "runs", folder / "more"
    same, changed = make_params(), make_params(learning_rate=1e-3)
    lines = list(experiments.run_experiment("more", VARIANTS, corpora[:1], same, *where))
    assert all(line.endswith("finished before") for line in lines)
    lines = list(experiments.run_experiment("more", VARIANTS[1:], corpora[:1], changed, *where))
    assert not any(line.endswith("finished before") for line in lines)


def test_a_finished_run_that_is_damaged_is_trained_again(corpora, params, tmp_path, quick):
    def run():
        lines = experiments.run_experiment("e", VARIANTS[1:], corpora[:1], params, *2 * [tmp_path])
        return [line.endswith("finished before") for line in lines]

    assert run() == [False, False]
    damaged = tmp_path / "new_one_4.npz"
    content = damaged.read_bytes()
    scores = content.index(b"test/synthetic.npy") + 100  # of the first array of that name
    for worse in (b"", content[:1000], content[:scores] + bytes(100) + content[scores + 100 :]):
        damaged.write_bytes(worse)
        assert run() == [False, True]


def test_parallel_runs_train_the_networks_of_their_variants(corpora, params, tmp_path):
    where = tmp_path, tmp_path, 10**11  # processes; no more are started than there are runs
    run = experiments.run_experiment("parallel", VARIANTS[:1], corpora[:1], params, *where)
    assert [line.partition(":")[0] for line in run] == ["old one, seed 4", "old one, seed 5"]
    arrays, _ = read(tmp_path, "parallel")
    scores = [arrays[f"old one/{seed}/test/synthetic"] for seed in (4, 5)]
    assert not np.array_equal(*scores)


def test_a_variant_trained_on_one_corpus_is_tested_on_all(corpora, params, tmp_path, quick):
    one, _, both, *_ = experiments.transfer_variants(*corpora)
    where = tmp_path, tmp_path
    list(experiments.run_experiment("transfer", [one, both], corpora, params, *where))
    arrays, description = read(tmp_path, "transfer")
    kept = {
        name: {"/".join(key.split("/")[2:]) for key in arrays if key.startswith(f"{name}/4/")}
        for name in ("synthetic", "both")
    }
    assert kept["synthetic"] == {"validation/synthetic", "test/synthetic", "test/other"}
    assert kept["both"] == kept["synthetic"] | {"validation/other"}
    assert description["lengths"].keys() == {"synthetic", "other"}


def test_a_variant_on_two_corpora_sees_as_many_examples_as_one_on_one(corpora, params):
    counts = []
    for variant in experiments.transfer_variants(*corpora):
        own = [corpus for corpus in corpora if corpus.name in variant.corpora]
        batches = runner._examples(variant, own, params.train, 0, params)(0)
        counts.append(sum(len(batches[i][0]) for i in range(len(batches))))
    assert counts == [48] * 5


def test_the_description_names_variants_seeds_and_facts(finished, corpora, params, tmp_path, quick):
    _, description = read(finished[0] / "reports", "old_and_new")
    assert description["seeds"] == [4, 5]
    assert description["variants"] == {"old one": "as before", "new one": "as now"}
    where = tmp_path, tmp_path, 0, {"weather": "rain"}
    list(experiments.run_experiment("more", VARIANTS[1:], corpora[:1], params, *where))
    assert read(tmp_path, "more")[1]["weather"] == "rain"


def test_the_key_of_a_run_depends_on_data_variant_and_parameters(corpora, params, tmp_path):
    variant, other = VARIANTS
    wide = params.model_copy(
        update={"experiments": params.experiments.model_copy(update={"width": 0.5})}
    )
    rule = params.model_copy(update={"labels": params.labels.model_copy(update={"rule": "any"})})
    shutil.copytree(corpora[0].episodes, tmp_path / "episodes")
    moved = [dataclasses.replace(corpora[0], episodes=tmp_path / "episodes")]

    def key(variant=variant, seed=4, corpora=corpora[:1], params=params):
        return runner._run_key(variant, seed, params.train, corpora, params)

    assert key() == key(corpora=moved)
    different = [
        key(other), key(seed=5), key(corpora=corpora), key(params=wide), key(params=rule)
    ]  # fmt: skip
    (tmp_path / "episodes" / "a.json").write_text("[]")
    assert len({key(), key(corpora=moved), *different}) == 7


def test_a_run_on_another_split_of_the_same_episodes_is_another_run(corpora, params):
    def key(**subsets):
        split = corpora[0].split.model_copy(update=subsets)
        corpus = dataclasses.replace(corpora[0], split=split)
        return runner._run_key(VARIANTS[1], 4, params.train, [corpus], params)

    assert key() == key(train=("a", "b"))
    assert key() != key(train=("a",), validation=("b", "c"))


def test_a_run_on_other_features_is_another_run(corpora, params):
    def key():
        return runner._run_key(VARIANTS[1], 4, params.train, corpora[:1], params)

    path = corpora[0].features / "a.npy"
    before, content = key(), path.read_bytes()
    assert key() == before
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    changed = key()
    path.write_bytes(content)
    assert changed != before


def test_a_variant_of_an_unknown_network_is_refused(params):
    with pytest.raises(KeyError, match="compcat"):
        runner._network("compcat", params)
