import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score
from small_training import (
    CLASSES,
    FRAMES,
    NO_AUGMENTATION,
    SMALL_STFT,
    compact_network,
    episodes,
    equal,
    examples,
    fit,
    late_frame_labels,
    options,
    small_network,
)

from sedlib import training
from sedlib.models import with_frames
from sedlib.training import fit as module


class Interrupted(Exception):
    pass


def interrupt_after(epochs):
    def interrupt(history):
        if len(history) == epochs:
            raise Interrupted

    return interrupt


def refuse_to_train(*_, **__):
    raise AssertionError("an epoch is trained")


@pytest.fixture(scope="module")
def finished_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def uninterrupted(finished_folder):
    return fit(finished_folder)


def test_two_runs_give_equal_weights_and_history(uninterrupted, tmp_path):
    weights, history = fit(tmp_path)
    assert equal(weights, uninterrupted[0])
    assert history.equals(uninterrupted[1])


@pytest.mark.parametrize(
    ("network", "epochs"), [(small_network, 1), (small_network, 2), (compact_network, 2)]
)
def test_a_run_that_was_interrupted_ends_as_one_that_was_not(tmp_path, network, epochs):
    whole, part = tmp_path / "whole", tmp_path / "part"
    for folder in (whole, part):
        folder.mkdir()
    expected, whole_history = fit(whole, network=network)
    with pytest.raises(Interrupted):
        fit(part, [interrupt_after(epochs)], network=network)
    assert [p.name for p in part.iterdir()] == ["checkpoint.npz"]
    seen = []
    weights, history = fit(part, [lambda h: seen.append(len(h))], network=network)
    assert seen == list(range(epochs + 1, 4))
    assert equal(weights, expected)
    assert history.equals(whole_history)
    assert [p.name for p in part.iterdir()] == ["checkpoint.npz"]


def test_a_second_call_trains_no_epoch_and_gives_the_same_weights_history_and_report(
    uninterrupted, finished_folder, monkeypatch
):
    monkeypatch.setattr("keras.Model.fit", refuse_to_train)
    reported = []
    weights, history = fit(finished_folder, [reported.append])
    assert equal(weights, uninterrupted[0])
    assert history.equals(uninterrupted[1])
    assert len(reported) == 1 and reported[0].equals(history)


def test_a_run_that_was_stopped_early_is_reused_too(tmp_path, monkeypatch):
    script = iter([0.5, 0.7, 0.6])
    monkeypatch.setattr(
        module,
        "validation_scores",
        lambda *_: {"val_loss": 0.0, "val_average_precision": next(script)},
    )
    weights, history = fit(tmp_path, epochs=9, patience=1)
    monkeypatch.setattr("keras.Model.fit", refuse_to_train)
    again, same = fit(tmp_path, epochs=9, patience=1)
    assert len(history) == 3 and same.equals(history)
    assert equal(again, weights)


def test_a_checkpoint_of_another_run_is_not_used(uninterrupted, tmp_path):
    with pytest.raises(Interrupted):
        fit(tmp_path, [interrupt_after(1)], key="another")
    weights, _ = fit(tmp_path)
    assert equal(weights, uninterrupted[0])


def test_a_finished_run_of_another_key_is_trained_anew(uninterrupted, finished_folder, tmp_path):
    shutil.copytree(finished_folder, tmp_path, dirs_exist_ok=True)
    seen = []
    weights, _ = fit(tmp_path, [lambda h: seen.append(len(h))], key="another")
    assert seen == [1, 2, 3]
    assert equal(weights, uninterrupted[0])


def weights_after(epochs, folder):
    """The weights after each epoch, without any average."""
    folder.mkdir()
    weights = []

    def keep(_):
        with np.load(folder / "checkpoint.npz") as stored:
            names = [name for name in stored if name.startswith("average")]
            weights.append([stored[f"average{i}"] for i in range(len(names))])

    fit(folder, [keep], epochs=epochs, averaging=0.0)
    return weights


def test_the_weights_of_the_epochs_are_averaged_with_those_before(tmp_path, monkeypatch):
    judged = []

    def judge(model, *_):
        judged.append(model.get_weights())
        return {"val_loss": 0.0, "val_average_precision": len(judged)}

    monkeypatch.setattr(module, "validation_scores", judge)
    latest = weights_after(4, tmp_path / "latest")
    judged.clear()
    kept, _ = fit(tmp_path, epochs=4, averaging=0.625)
    # Plain means of one and two epochs, then an average that spans 2.5 epochs, 0.625 of all.
    shares = [(1,), (1 / 2, 1 / 2), (0.3, 0.3, 0.4), (0.18, 0.18, 0.24, 0.4)]
    for average, own in zip(judged, shares, strict=True):
        for array, *arrays in zip(average, *latest[: len(own)], strict=True):
            expected = sum(share * a.astype(float) for share, a in zip(own, arrays, strict=True))
            np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-7)
    assert equal(kept, judged[-1])


def test_without_averaging_the_weights_are_those_of_the_best_epoch(tmp_path, monkeypatch):
    latest = weights_after(2, tmp_path / "latest")
    script = iter([0.7, 0.6])
    monkeypatch.setattr(
        module,
        "validation_scores",
        lambda *_: {"val_loss": 0.0, "val_average_precision": next(script)},
    )
    kept, _ = fit(tmp_path, epochs=2, averaging=0.0)
    assert equal(kept, latest[0])


def test_training_stops_when_patience_is_over_and_keeps_the_best_weights(tmp_path, monkeypatch):
    script = iter([0.5, 0.7, 0.6, 0.6, 0.9])
    weights = []

    def judge(model, *_):
        weights.append(model.get_weights())
        return {"val_loss": 0.0, "val_average_precision": next(script)}

    monkeypatch.setattr(module, "validation_scores", judge)
    kept, history = fit(tmp_path, epochs=9, patience=2)
    assert len(history) == 4
    assert equal(kept, weights[1])


def test_the_loss_falls_on_what_can_be_learnt(tmp_path):
    _, history = fit(tmp_path, network=compact_network, augment=NO_AUGMENTATION, epochs=6)
    assert history["loss"].iloc[-1] < 0.7 * history["loss"].iloc[0]
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]


def test_the_learning_rate_stays_or_rises_and_falls():
    constant = module._choose_learning_rate(options(schedule="constant"), steps=10)
    assert constant == 3e-3
    cosine = module._choose_learning_rate(options(epochs=5), steps=10)
    rates = [float(cosine(step)) for step in range(51)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(3e-3)
    assert rates[-1] == pytest.approx(3e-5)


def test_with_labels_of_frames_the_frames_learn_when_a_sound_is_heard(tmp_path, monkeypatch):
    better = ({"val_loss": 0.0, "val_average_precision": epoch / 30} for epoch in range(30))
    monkeypatch.setattr(module, "validation_scores", lambda *_: next(better))  # keep the last epoch
    training.make_reproducible(7)
    network = compact_network()
    magnitudes, labels = episodes()
    magnitudes = [m.copy() for m in magnitudes]
    for m in magnitudes:  # nothing is heard in the first half of a segment
        m[:, : FRAMES // 2] = 0.01
    chosen = options(NO_AUGMENTATION, epochs=30, patience=30, frame_weight=1.0, averaging=0.0)
    batches = partial(training.Batches, magnitudes, labels, late_frame_labels(labels), chosen, 7)
    training.train(network, batches, ([], []), chosen, tmp_path / "checkpoint.npz", "a")
    frames = with_frames(network).predict(magnitudes[1][..., np.newaxis], verbose=0)["frames"]
    early, late = frames[:, : FRAMES // 2, 0], frames[:, FRAMES // 2 :, 0]
    sounding = labels[20:, 0]
    assert late[sounding].mean() > early[sounding].mean() + 0.3


def test_the_next_batch_is_prepared_before_it_is_asked_for():
    prepared = threading.Event()

    class Watched(training.Batches):
        def __getitem__(self, index):
            if index == 1:
                prepared.set()
            return super().__getitem__(index)

    training.make_reproducible(0)  # where TensorFlow is most careful
    batches = Watched(*examples(), options(), seed=0, epoch=0)
    signature = keras.tree.map_structure(module._any_number, batches[0])
    ahead = iter(module._read_ahead(batches, signature))  # an iterator that is dropped stops
    next(ahead)
    assert prepared.wait(60)  # else it waits until it is asked for


def test_validation_ignores_classes_that_do_not_occur(tmp_path):
    training.make_reproducible(7)
    network = compact_network()
    magnitudes, labels = episodes()
    scores = training.validation_scores(network, magnitudes, labels)
    assert 0 < scores["val_average_precision"] <= 1
    assert scores["val_loss"] > 0


def test_the_f1_of_each_class_is_the_highest_of_all_thresholds(monkeypatch):
    labels = np.array([[1, 0, 0], [0, 0, 1], [1, 0, 1], [0, 0, 1]], dtype=bool)
    scores = np.random.default_rng(0).random((4, 3)).round(1).astype(np.float32)
    monkeypatch.setattr(module, "predict_scores", lambda model, magnitudes: scores)
    expected = [
        max(f1_score(labels[:, c], scores[:, c] >= threshold) for threshold in scores[:, c])
        for c in (0, 2)
    ]
    first, absent, third = training.validation_scores(None, [None], labels)["val_f1"]
    assert absent is None
    assert [first, third] == pytest.approx(expected)


@pytest.mark.parametrize("calls", [[1, 2, 3], [2, 3], [3]], ids=["whole", "resumed", "reused"])
def test_the_log_holds_every_epoch_once_also_after_a_resumed_or_reused_run(tmp_path, calls):
    columns = ["learning_rate", "loss", "val_loss", "val_average_precision"]
    rows = np.random.default_rng(0).random((3, len(columns)))
    history = pd.DataFrame(rows, columns=columns)
    log = training.LiveLog(tmp_path / "log")
    for epochs in calls:
        log(history.iloc[:epochs])
    for name in columns:
        table = pd.read_csv(tmp_path / "log" / "plots" / "metrics" / f"{name}.tsv", sep="\t")
        np.testing.assert_allclose(table[name], history[name])
        assert table["step"].tolist() == [1, 2, 3]
    assert json.loads((tmp_path / "log" / "metrics.json").read_text())["loss"] == rows[2, 1]


def test_a_run_that_is_killed_before_its_model_is_saved_is_not_trained_again(tmp_path, monkeypatch):
    (tmp_path / "killed.py").write_text(f"""
import os, pathlib, signal
from small_training import CLASSES, SMALL_STFT, examples, fit, options
from sedlib import training

def kill_after_two(history):
    if len(history) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

key = training.training_key(options(epochs=2), 7, CLASSES, SMALL_STFT, examples())
fit(pathlib.Path({str(tmp_path)!r}), [kill_after_two], key, epochs=2)
""")
    folders = [str(Path(__file__).parent), str(Path(training.__file__).parents[2])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    done = subprocess.run([sys.executable, tmp_path / "killed.py"], env=environment)
    assert done.returncode == -signal.SIGKILL
    key = training.training_key(options(epochs=2), 7, CLASSES, SMALL_STFT, examples())
    monkeypatch.setattr("keras.Model.fit", refuse_to_train)
    _, history = fit(tmp_path, key=key, epochs=2)
    assert len(history) == 2
