import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib import training
from sedlib.config import Augment, STFTParams, Train
from sedlib.models import build_model, with_frames

RECIPE = STFTParams(sample_rate=8000, n_fft=256, hop_length=800, win_length=200)
CLASSES = ["low", "high", "never"]
FRAMES, BINS = 11, 129
QUIET = Augment(mix=0.0, gain=0.0, timbre=0.0, mask_bins=0, mask_frames=0)
LOUD = Augment(mix=0.5, gain=6.0, timbre=3.0, mask_bins=20, mask_frames=3)


def options(augment=LOUD, epochs=3, patience=10, schedule="cosine", frame_weight=0.0):
    return Train(
        preset="compact",
        batch_size=8,
        epochs=epochs,
        learning_rate=3e-3,
        schedule=schedule,
        frame_weight=frame_weight,
        patience=patience,
        augment=augment,
    )


def episodes(seed=0):
    """Two episodes in which one class is energy in the low bins, another in the high."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((50, 3), dtype=bool)
    labels[:, :2] = rng.random((50, 2)) < 0.4
    x = rng.gamma(1.0, 0.1, (50, FRAMES, BINS)).astype(np.float32)
    x[labels[:, 0], :, :40] *= 5
    x[labels[:, 1], :, 40:64] *= 5
    return [x[:20], x[20:]], labels


def frames_of(labels):
    """Labels of frames: what sounds in a clip sounds in its second half."""
    late = np.arange(FRAMES) >= FRAMES // 2
    return labels[:, np.newaxis] & late[:, np.newaxis]


def fit(tmp_path, on_epoch=(), key="a", **changes):
    training.make_reproducible(7)
    network = build_model("compact", CLASSES, RECIPE)
    magnitudes, labels = episodes()
    chosen = options(**changes)
    batches = partial(training.Batches, magnitudes, labels, frames_of(labels), chosen, 7)
    validation = magnitudes[:1], labels[:20]
    checkpoint = tmp_path / "checkpoint.npz"
    history = training.train(network, batches, validation, chosen, checkpoint, key, on_epoch)
    return network.get_weights(), history


def equal(weights, others):
    return all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))


class Interrupted(Exception):
    pass


def interrupt_after(epochs):
    def tell(history):
        if len(history) == epochs:
            raise Interrupted

    return tell


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return fit(tmp_path_factory.mktemp("run"))


def test_two_runs_give_equal_weights_and_history(uninterrupted, tmp_path):
    weights, history = fit(tmp_path)
    assert equal(weights, uninterrupted[0])
    assert history.equals(uninterrupted[1])


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_run_that_was_interrupted_ends_as_one_that_was_not(uninterrupted, tmp_path, epochs):
    with pytest.raises(Interrupted):
        fit(tmp_path, [interrupt_after(epochs)])
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]
    seen = []
    weights, history = fit(tmp_path, [lambda h: seen.append(len(h))])
    assert seen == list(range(epochs + 1, 4))
    assert equal(weights, uninterrupted[0])
    assert history.equals(uninterrupted[1])
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_run_is_not_used(uninterrupted, tmp_path):
    with pytest.raises(Interrupted):
        fit(tmp_path, [interrupt_after(1)], key="another")
    weights, _ = fit(tmp_path)
    assert equal(weights, uninterrupted[0])


def test_training_stops_when_patience_is_over_and_keeps_the_best_weights(tmp_path, monkeypatch):
    script = iter([0.5, 0.7, 0.6, 0.6, 0.9])
    weights = []

    def judge(model, *_):
        weights.append(model.get_weights())
        return {"val_loss": 0.0, "val_average_precision": next(script)}

    monkeypatch.setattr(training, "validation_scores", judge)
    kept, history = fit(tmp_path, epochs=9, patience=2)
    assert len(history) == 4
    assert equal(kept, weights[1])


def test_the_loss_falls_on_what_can_be_learnt(tmp_path):
    _, history = fit(tmp_path, augment=QUIET, epochs=6)
    assert history["loss"].iloc[-1] < 0.7 * history["loss"].iloc[0]
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]


def test_without_augmentation_an_epoch_shows_every_clip_once_as_it_is():
    magnitudes, labels = episodes()
    every = magnitudes, labels, frames_of(labels)
    batches = training.Batches(*every, options(QUIET), seed=1, epoch=0)
    x = np.concatenate([batches[i][0] for i in range(len(batches))])[..., 0]
    y = np.concatenate([batches[i][1] for i in range(len(batches))])
    assert sorted(batches.order) == list(range(50))
    np.testing.assert_array_equal(x, np.concatenate(magnitudes)[batches.order])
    np.testing.assert_array_equal(y, labels[batches.order])


def test_a_batch_depends_on_seed_epoch_and_number_alone():
    magnitudes, labels = episodes()
    every = magnitudes, labels, frames_of(labels)
    batches = [training.Batches(*every, options(), 1, e) for e in (0, 0, 1)]
    late, _ = batches[0][3], batches[0][0]
    np.testing.assert_array_equal(late[0], batches[1][3][0])
    assert not np.array_equal(late[0], batches[2][3][0])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_mixing_adds_powers(seed):
    rng = np.random.default_rng(seed)
    x, x2 = rng.random((2, 4, 5, 6), dtype=np.float32)
    mixed = training.mix(x, x2, rng)
    gain = (mixed.astype(float) ** 2 - x.astype(float) ** 2) / x2.astype(float) ** 2
    spread = np.median(gain, axis=(1, 2))
    assert (10 * np.log10(spread) > -9.1).all() and (10 * np.log10(spread) < 6.1).all()
    loud = x2 > 0.3
    np.testing.assert_allclose(
        gain[loud], np.broadcast_to(spread[:, None, None], gain.shape)[loud], rtol=0.02
    )


def test_a_mixed_clip_has_the_labels_of_both_in_the_clip_and_in_its_frames():
    magnitudes, labels = episodes()
    every = magnitudes, labels, frames_of(labels)
    mixed = Augment(mix=1.0, gain=0.0, timbre=0.0, mask_bins=0, mask_frames=0)
    batches = training.Batches(*every, options(mixed, frame_weight=1.0), 3, 0)
    more = 0
    for i in range(len(batches)):
        x, y = batches[i]
        own = batches.order[i * 8 : (i + 1) * 8]
        assert (y["scores"] >= labels[own]).all()
        assert (x[..., 0] >= np.concatenate(magnitudes)[own]).all()
        np.testing.assert_array_equal(y["frames"], frames_of(y["scores"].astype(bool)))
        more += (y["scores"] > labels[own]).sum()
    assert more > 0


def test_an_epoch_may_show_a_share_of_the_clips_each_epoch_others():
    magnitudes, labels = episodes()
    every = magnitudes, labels, frames_of(labels)
    shown = [training.Batches(*every, options(), 1, e, share=0.5).order for e in (0, 1)]
    assert [len(set(order)) for order in shown] == [25, 25]
    assert set(shown[0]) != set(shown[1])


def test_crops_are_seconds_of_stretches_with_all_their_labels():
    # Sample number and label of each second say where a crop was taken from.
    rate = RECIPE.sample_rate
    labels = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=bool)
    tones = np.array([0.0, 500, 500, 500, 2000])
    sound = np.sin(2 * np.pi * np.repeat(tones, rate) * np.arange(5 * rate) / rate)
    arguments = [sound.astype(np.float32)], [labels], RECIPE, options()
    seen = []
    for epoch in range(40):
        crops = training.Crops(*arguments, seed=0, epoch=epoch)
        x, y = crops[0]
        assert x.shape == (5, FRAMES, BINS, 1)
        low, high = x[:, 2:-2, 16, 0].min(axis=1), x[:, 2:-2, 64, 0].min(axis=1)
        np.testing.assert_array_equal(low > high, y[:, 0] == 1)
        np.testing.assert_array_equal(high > low, y[:, 1] == 1)
        seen.append(y)
    share = np.concatenate(seen).mean(axis=0)
    assert 0.35 < share[0] < 0.65, "each stretch is as likely, however long"
    assert share[2] == 0


def test_a_crop_begins_anywhere_in_its_stretch_and_lies_in_it_whole():
    rate = RECIPE.sample_rate
    labels = np.array([[1, 0, 0]] * 4 + [[0, 0, 0]], dtype=bool)
    ramp = np.arange(5 * rate, dtype=np.float32)
    crops = training.Crops([ramp], [labels], RECIPE, options(), seed=0, epoch=0)
    crops.place = np.array([0.0, 1.0, 0.5, 0.25, 0.1])
    heard = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "spectrogram", lambda clips, _: heard.append(clips) or clips)
        crops[0]
    starts, ends = heard[0][:, 0] / rate, (heard[0][:, -1] + 1) / rate
    np.testing.assert_allclose(starts, [0, 3, 1.5, 0.75, 0.3], atol=1e-3)
    np.testing.assert_allclose(ends - starts, 1)


def test_the_learning_rate_stays_or_rises_and_falls():
    constant = training._learning_rate(options(schedule="constant"), steps=10)
    assert constant == 3e-3
    cosine = training._learning_rate(options(epochs=5), steps=10)
    rates = [float(cosine(step)) for step in range(51)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(3e-3)
    assert rates[-1] == pytest.approx(3e-5)


def test_with_labels_of_frames_the_frames_learn_when_a_sound_is_heard(tmp_path):
    training.make_reproducible(7)
    network = build_model("compact", CLASSES, RECIPE)
    magnitudes, labels = episodes()
    magnitudes = [m.copy() for m in magnitudes]
    for m in magnitudes:  # nothing is heard in the first half of a clip
        m[:, : FRAMES // 2] = 0.01
    chosen = options(QUIET, epochs=30, patience=30, frame_weight=1.0)
    batches = partial(training.Batches, magnitudes, labels, frames_of(labels), chosen, 7)
    validation = magnitudes[:1], labels[:20]
    training.train(network, batches, validation, chosen, tmp_path / "checkpoint.npz", "a")
    frames = with_frames(network).predict(magnitudes[1][..., np.newaxis], verbose=0)["frames"]
    early, late = frames[:, : FRAMES // 2, 0], frames[:, FRAMES // 2 :, 0]
    sounding = labels[20:, 0]
    assert late[sounding].mean() > early[sounding].mean() + 0.1


def test_drawing_is_balanced_over_the_classes_that_occur():
    labels = np.zeros((1000, 3), dtype=bool)
    labels[:, 0], labels[:10, 1] = True, True
    drawn = training.draw_balanced(labels, 4000, np.random.default_rng(0))
    assert 0.45 < labels[drawn, 1].mean() < 0.56
    assert len(np.unique(drawn[drawn < 10])) == 10


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_perturbing_keeps_levels_within_bounds_and_hides_no_more_than_allowed(seed):
    rng = np.random.default_rng(seed)
    x = np.ones((6, FRAMES, BINS), dtype=np.float32)
    changed = training.perturb(x, LOUD, rng)
    audible = changed > 0
    level = 20 * np.log10(changed[audible])
    assert (np.abs(level) <= LOUD.gain + LOUD.timbre + 1e-3).all()
    assert ((~audible).all(axis=2).sum(axis=1) <= LOUD.mask_frames).all()
    assert ((~audible).all(axis=1).sum(axis=1) <= LOUD.mask_bins).all()


def test_nothing_is_perturbed_when_all_is_switched_off():
    x = np.random.default_rng(0).random((3, FRAMES, BINS), dtype=np.float32)
    np.testing.assert_array_equal(training.perturb(x, QUIET, np.random.default_rng(1)), x)


def test_validation_ignores_classes_that_do_not_occur(tmp_path):
    training.make_reproducible(7)
    network = build_model("compact", CLASSES, RECIPE)
    magnitudes, labels = episodes()
    scores = training.validation_scores(network, magnitudes, labels)
    assert 0 < scores["val_average_precision"] <= 1
    assert scores["val_loss"] > 0


def test_the_log_holds_every_epoch_once_also_after_a_resumed_run(tmp_path):
    columns = ["learning_rate", "loss", "val_loss", "val_average_precision"]
    rows = np.random.default_rng(0).random((3, len(columns)))
    history = pd.DataFrame(rows, columns=columns)
    log = training.LiveLog(tmp_path / "log")
    log(history.iloc[:2])  # a resumed run begins with the epochs of the one before
    log(history)
    for name in columns:
        table = pd.read_csv(tmp_path / "log" / "plots" / "metrics" / f"{name}.tsv", sep="\t")
        np.testing.assert_allclose(table[name], history[name])
    assert json.loads((tmp_path / "log" / "metrics.json").read_text())["loss"] == rows[2, 1]
