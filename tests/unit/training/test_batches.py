import numpy as np
import pytest
from small_training import (
    BINS,
    FRAMES,
    NO_AUGMENTATION,
    SMALL_STFT,
    examples,
    late_frame_labels,
    options,
)

from sedlib import training
from sedlib.config import Augmentation
from sedlib.training import batches as module


def test_without_augmentation_an_epoch_shows_every_segment_once_as_it_is():
    magnitudes, labels, frame_labels = examples()
    chosen = options(NO_AUGMENTATION)
    batches = training.Batches(magnitudes, labels, frame_labels, chosen, seed=1, epoch=0)
    x = np.concatenate([batches[i][0] for i in range(len(batches))])[..., 0]
    y = np.concatenate([batches[i][1] for i in range(len(batches))])
    assert sorted(batches.order) == list(range(50))
    np.testing.assert_array_equal(x, np.concatenate(magnitudes)[batches.order])
    np.testing.assert_array_equal(y, labels[batches.order])


def test_a_batch_depends_on_seed_epoch_and_number_alone():
    batches = [training.Batches(*examples(), options(), 1, e) for e in (0, 0, 1)]
    late, _ = batches[0][3], batches[0][0]
    np.testing.assert_array_equal(late[0], batches[1][3][0])
    assert not np.array_equal(late[0], batches[2][3][0])


def test_a_mixed_segment_has_the_labels_of_both_in_the_segment_and_in_its_frames():
    magnitudes, labels, frame_labels = examples()
    mixed = Augmentation(mixup=1.0, noise=0.0, gain=0.0, filter=0.0, mask_bins=0, mask_frames=0)
    chosen = options(mixed, frame_weight=1.0)
    batches = training.Batches(magnitudes, labels, frame_labels, chosen, 3, 0)
    more = 0
    for i in range(len(batches)):
        x, y = batches[i]
        own = batches.order[i * 8 : (i + 1) * 8]
        assert (y["scores"] >= labels[own]).all()
        assert (x[..., 0] >= np.concatenate(magnitudes)[own]).all()
        np.testing.assert_array_equal(y["frames"], late_frame_labels(y["scores"].astype(bool)))
        more += (y["scores"] > labels[own]).sum()
    assert more > 0


def test_an_epoch_may_show_a_share_of_the_segments_each_epoch_others():
    shown = [training.Batches(*examples(), options(), 1, e, share=0.5).order for e in (0, 1)]
    assert [len(set(order)) for order in shown] == [25, 25]
    assert set(shown[0]) != set(shown[1])


def test_crops_are_seconds_of_stretches_with_all_their_labels():
    # Sample number and label of each second say where a crop was taken from.
    rate = SMALL_STFT.sample_rate
    labels = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=bool)
    tones = np.array([0.0, 500, 500, 500, 2000])
    sound = np.sin(2 * np.pi * np.repeat(tones, rate) * np.arange(5 * rate) / rate)
    arguments = [sound.astype(np.float32)], [labels], SMALL_STFT, options()
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
    rate = SMALL_STFT.sample_rate
    labels = np.array([[1, 0, 0]] * 4 + [[0, 0, 0]], dtype=bool)
    ramp = np.arange(5 * rate, dtype=np.float32)
    crops = training.Crops([ramp], [labels], SMALL_STFT, options(), seed=0, epoch=0)
    crops.place = np.array([0.0, 1.0, 0.5, 0.25, 0.1])
    heard = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "spectrogram", lambda crops, _: heard.append(crops) or crops)
        crops[0]
    starts, ends = heard[0][:, 0] / rate, (heard[0][:, -1] + 1) / rate
    np.testing.assert_allclose(starts, [0, 3, 1.5, 0.75, 0.3], atol=1e-3)
    np.testing.assert_allclose(ends - starts, 1)
