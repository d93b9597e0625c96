"""Data augmentation: balanced drawing, mixup-style mixing, random level, filter and masks."""

import numpy as np


def draw_balanced(labels, n, rng):
    """Draw segments so that each class that occurs is drawn equally often.

    Parameters
    ----------
    labels : numpy.ndarray, shape (n_segments, n_classes)
        0 or 1.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        Row numbers of `labels`, with repetition.
    """
    present = np.flatnonzero(labels.any(axis=0))
    classes = rng.choice(present, size=n)
    return np.array([rng.choice(np.flatnonzero(labels[:, c])) for c in classes], dtype=int)


def mixup(x, x2, rng):
    """Mix pairs of segments, as if the two had sounded at once.

    Powers add, as those of independent sounds do on average. The level of the second segment
    changes by -9 to 6 dB. The method follows mixup (Zhang et al., "mixup: Beyond Empirical Risk
    Minimization", ICLR 2018), but sounds and labels are added instead of interpolated.

    Parameters
    ----------
    x, x2 : numpy.ndarray of float32, shape (n, frames, bins)
        Magnitudes.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of float32, shape (n, frames, bins)
    """
    gain = 10 ** (rng.uniform(-9, 6, (len(x), 1, 1)) / 20)
    return np.sqrt(x**2 + (x2 * gain.astype(np.float32)) ** 2)


def augment_spectrograms(x, augment, rng):
    """Change the level and the spectral shape of segments at random and mask parts of them.

    Masking bands and frames follows SpecAugment (Park et al., "SpecAugment: A Simple Data
    Augmentation Method for Automatic Speech Recognition", Interspeech 2019).

    Parameters
    ----------
    x : numpy.ndarray of float32, shape (n, frames, bins)
        Magnitudes.
    augment : sedlib.config.Augmentation
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of float32, shape (n, frames, bins)
    """
    n, frames, bins = x.shape
    level = rng.uniform(-augment.gain, augment.gain, (n, 1))
    knots = rng.uniform(-augment.filter, augment.filter, (n, 6))
    # A smooth filter: straight lines in dB between six knots, spaced as pitch is.
    at = np.log1p(np.arange(bins) / 16) / np.log1p(bins / 16) * 5
    left = np.minimum(at.astype(int), 4)
    curve = level + knots[:, left] * (1 - at + left) + knots[:, left + 1] * (at - left)
    scale = np.repeat(10 ** (curve / 20)[:, np.newaxis], frames, axis=1)
    for i in range(n):
        low, start = rng.integers(0, bins), rng.integers(0, frames)
        # The mask is narrower at low frequencies, where a mel band holds fewer bins.
        width = rng.integers(0, 1 + augment.mask_bins) * (low + 64) // (bins + 64)
        scale[i, :, low : low + width] = 0
        scale[i, start : start + rng.integers(0, 1 + augment.mask_frames)] = 0
    return x * scale.astype(np.float32)
