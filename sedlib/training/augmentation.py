"""Data augmentation: balanced drawing, mixup-style mixing, random noise, level, filter, masks.

Segments are changed in place and one after the other, because one segment fits into the cache of
a processor and a batch does not.
"""

import numpy as np

SIGNAL_TO_NOISE = 2.0, 37.0  # dB, of the random noise
NOISE_SHAPE = 12.0  # dB, by which its spectrum differs from that of white noise


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
    segments = {c: np.flatnonzero(labels[:, c]) for c in present}
    return np.array([rng.choice(segments[c]) for c in rng.choice(present, size=n)], dtype=int)


def mixup(x, x2, rng):
    """Mix a segment into another in place, as if the two had sounded at once.

    Powers add, as those of independent sounds do on average. The level of the second segment
    changes by -9 to 6 dB. The method follows mixup (Zhang et al., "mixup: Beyond Empirical Risk
    Minimization", ICLR 2018), but sounds and labels are added instead of interpolated.

    Parameters
    ----------
    x : numpy.ndarray of float32, shape (frames, bins)
        Magnitudes; changed in place.
    x2 : numpy.ndarray of float32, shape (frames, bins)
    rng : numpy.random.Generator
    """
    gain = np.float32(10 ** (rng.uniform(-9, 6) / 20))
    np.sqrt(x**2 + (x2 * gain) ** 2, out=x)


def add_noise(x, share, rng):
    """Add steady noise to some segments, as microphones, rooms and encoders do.

    The spectrum of the noise, its level and the segments are random. The network thus learns not
    to rely on what lies far below the loudest sounds, which differs from recording to recording.
    All segments take their noise from one random field, each shifted by one more bin, because new
    random numbers for every segment would take most of the time.

    Parameters
    ----------
    x : numpy.ndarray of float32, shape (n, frames, bins)
        Magnitudes; changed in place.
    share : float
        Probability in [0, 1] that a segment gets noise.
    rng : numpy.random.Generator
    """
    chosen = np.flatnonzero(rng.random(len(x)) < share)
    frames, bins = x.shape[1:]
    curves = draw_curves(rng, len(chosen), bins, NOISE_SHAPE, knots=4)
    spectrum = (10 ** (curves / 10)).astype(np.float32)
    ratios = 10 ** (-rng.uniform(*SIGNAL_TO_NOISE, len(chosen)) / 10)
    # The power of a bin of Gaussian noise has an exponential distribution.
    field = rng.standard_exponential((frames, bins + len(chosen)), dtype=np.float32)
    for shift, (i, shape, ratio) in enumerate(zip(chosen, spectrum, ratios, strict=True)):
        power = np.square(x[i], out=x[i])
        noise = field[:, shift : shift + bins] * shape
        noise *= ratio * power.mean() / noise.mean()
        power += noise
        np.sqrt(power, out=power)


def draw_curves(rng, n, bins, depth, knots):
    """Draw smooth random curves: straight lines in dB between knots that are spaced as pitch is.

    Parameters
    ----------
    rng : numpy.random.Generator
    n, bins : int
        Number of curves, and of frequency bins.
    depth : float
        Largest absolute value in dB.
    knots : int

    Returns
    -------
    numpy.ndarray, shape (n, bins)
        In dB.
    """
    values = rng.uniform(-depth, depth, (n, knots))
    at = np.log1p(np.arange(bins) / 16) / np.log1p(bins / 16) * (knots - 1)
    left = np.minimum(at.astype(int), knots - 2)
    return values[:, left] * (1 - at + left) + values[:, left + 1] * (at - left)


def augment_spectrograms(x, augment, rng):
    """Add noise to segments, change their level and spectral shape, and mask parts, in place.

    Masking bands and frames follows SpecAugment (Park et al., "SpecAugment: A Simple Data
    Augmentation Method for Automatic Speech Recognition", Interspeech 2019).

    Parameters
    ----------
    x : numpy.ndarray of float32, shape (n, frames, bins)
        Magnitudes; changed in place.
    augment : sedlib.config.Augmentation
    rng : numpy.random.Generator
    """
    n, frames, bins = x.shape
    add_noise(x, augment.noise, rng)
    level = rng.uniform(-augment.gain, augment.gain, (n, 1))
    curves = 10 ** ((level + draw_curves(rng, n, bins, augment.filter, knots=6)) / 20)
    for segment, curve in zip(x, curves.astype(np.float32), strict=True):
        segment *= curve
        low, start = rng.integers(0, bins), rng.integers(0, frames)
        # The mask is narrower at low frequencies, where a mel band holds fewer bins, and ends
        # with the last bin, so that it never has all of `mask_bins`.
        width = rng.integers(0, 1 + augment.mask_bins) * (low + 64) // (bins + 64)
        segment[:, low : low + width] = 0
        segment[start : start + rng.integers(0, 1 + augment.mask_frames)] = 0
