import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from small_training import AUGMENTATION, BINS, FRAMES, NO_AUGMENTATION

from sedlib import training
from sedlib.training.augmentation import SIGNAL_TO_NOISE

ONLY_NOISE = NO_AUGMENTATION.model_copy(update={"noise": 0.5})


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_mixup_adds_powers(seed):
    rng = np.random.default_rng(seed)
    x, x2 = rng.random((2, 5, 6), dtype=np.float32)
    mixed = x.copy()
    training.mixup(mixed, x2, rng)
    gains = (mixed.astype(float) ** 2 - x.astype(float) ** 2) / x2.astype(float) ** 2
    gain = np.median(gains)
    assert -9.1 < 10 * np.log10(gain) < 6.1
    np.testing.assert_allclose(gains[x2 > 0.3], gain, rtol=0.02)


def test_drawing_is_balanced_over_the_classes_that_occur():
    labels = np.zeros((1000, 3), dtype=bool)
    labels[:, 0], labels[:10, 1] = True, True
    drawn = training.draw_balanced(labels, 4000, np.random.default_rng(0))
    assert 0.45 < labels[drawn, 1].mean() < 0.56
    assert len(np.unique(drawn[drawn < 10])) == 10


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_augmentation_keeps_levels_within_bounds_and_masks_no_more_than_allowed(seed):
    rng = np.random.default_rng(seed)
    x = np.ones((6, FRAMES, BINS), dtype=np.float32)
    noiseless = AUGMENTATION.model_copy(update={"noise": 0.0})
    training.augment_spectrograms(x, noiseless, rng)
    audible = x > 0
    level = 20 * np.log10(x[audible])
    assert (np.abs(level) <= AUGMENTATION.gain + AUGMENTATION.filter + 1e-3).all()
    assert ((~audible).all(axis=2).sum(axis=1) <= AUGMENTATION.mask_frames).all()
    assert ((~audible).all(axis=1).sum(axis=1) <= AUGMENTATION.mask_bins).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_noise_is_added_at_the_stated_ratio_to_about_the_stated_share(seed):
    rng = np.random.default_rng(seed)
    x = rng.random((40, FRAMES, BINS), dtype=np.float32)
    noisy = x.copy()
    training.augment_spectrograms(noisy, ONLY_NOISE, rng)
    added = noisy.astype(float) ** 2 - x.astype(float) ** 2
    assert added.min() > -1e-6  # rounding
    chosen = (noisy != x).any(axis=(1, 2))
    assert 0.15 < chosen.mean() < 0.85  # of 40 segments, at a share of one half
    power = np.square(x, dtype=float).mean(axis=(1, 2))
    ratio = 10 * np.log10(power[chosen] / added[chosen].mean(axis=(1, 2)))
    low, high = SIGNAL_TO_NOISE
    assert (ratio > low - 0.1).all() and (ratio < high + 0.1).all()


def test_noise_is_not_added_to_silence():
    silence = np.zeros((20, FRAMES, BINS), dtype=np.float32)
    training.augment_spectrograms(silence, ONLY_NOISE, np.random.default_rng(0))
    assert not silence.any()


def test_no_two_segments_get_the_same_noise():
    x = np.ones((40, FRAMES, BINS), dtype=np.float32)
    everywhere = NO_AUGMENTATION.model_copy(update={"noise": 1.0})
    training.augment_spectrograms(x, everywhere, np.random.default_rng(0))
    noise = x.astype(float) ** 2 - 1
    noise /= noise.mean(axis=1, keepdims=True)  # without its spectrum
    alike = np.corrcoef(noise.reshape(len(x), -1)) - np.eye(len(x))
    # Independent noise of so many values correlates by 0.03 (standard deviation).
    assert alike.max() < 0.2


def test_nothing_changes_when_all_augmentation_is_switched_off():
    x = np.random.default_rng(0).random((3, FRAMES, BINS), dtype=np.float32)
    same = x.copy()
    training.augment_spectrograms(same, NO_AUGMENTATION, np.random.default_rng(1))
    np.testing.assert_array_equal(same, x)
