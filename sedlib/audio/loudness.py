"""The loudness of a recording, as ITU-R BS.1770 defines it for one channel."""

import numpy as np

HOP = 0.1  # s; a block of 0.4 s begins at every hop
HOPS_PER_BLOCK = 4
ABSOLUTE_GATE = -70.0  # LUFS; quieter blocks do not count
RELATIVE_GATE = -10.0  # LU, relative to the loudness of the blocks that pass the absolute gate
_AT_ONCE = 2**16  # samples; longer stretches do not stay in the cache of a processor


def measure_loudness(blocks, sample_rate):
    """Measure the integrated loudness of a stream of sound, without holding the sound in memory.

    The sound is filtered as BS.1770-5 [1]_ says, by a shelf for the effect of the head and a
    high-pass (K-weighting). The loudness is that of the mean power of all blocks of 0.4 s, at
    a hop of 0.1 s, that pass two gates: blocks below -70 LUFS do not count, nor do those more
    than 10 LU below the loudness of all blocks that pass the first gate. Long pauses therefore
    hardly change the result.

    Parameters
    ----------
    blocks : iterable of numpy.ndarray of float32, shape (n_samples,)
        Mono sound. The result does not depend on the lengths of the blocks.
    sample_rate : int
        In Hz.

    Returns
    -------
    float
        In LUFS; a sine of 997 Hz at full scale has -3.01. ``-inf`` if no block of 0.4 s is
        louder than -70 LUFS. Sound shorter than 0.4 s counts as one block.

    References
    ----------
    .. [1] Recommendation ITU-R BS.1770-5, "Algorithms to measure audio programme loudness and
       true-peak audio level", 2023. EBU R 128 adopts this measure.

    Examples
    --------
    >>> sine = np.sin(2 * np.pi * 997 / 48000 * np.arange(48000))
    >>> round(measure_loudness([sine], 48000), 1)
    -3.0
    """
    from scipy import signal  # here, because a rerun of `detect` with nothing to do is quick

    weighting, hop = k_weighting(sample_rate), round(HOP * sample_rate)
    state, rest = np.zeros((len(weighting), 2)), np.empty(0)
    powers, n_samples, total = [np.empty(0)], 0, 0.0
    for block in _cut(blocks):
        weighted, state = signal.sosfilt(weighting, block.astype(np.float64), zi=state)
        n_samples, total = n_samples + len(block), total + np.square(weighted).sum()
        held = np.concatenate([rest, weighted])
        whole = len(held) - len(held) % hop
        powers.append(np.square(held[:whole]).reshape(-1, hop).mean(axis=1))
        rest = held[whole:]
    power = np.concatenate(powers)
    if len(power) < HOPS_PER_BLOCK:
        power = np.full(HOPS_PER_BLOCK, total / max(n_samples, 1))
    power = np.convolve(power, np.full(HOPS_PER_BLOCK, 1 / HOPS_PER_BLOCK), "valid")
    power = power[power > _power(ABSOLUTE_GATE)]
    if not len(power):
        return -np.inf
    power = power[power > power.mean() * 10 ** (RELATIVE_GATE / 10)]
    return float(-0.691 + 10 * np.log10(power.mean()))


def _cut(blocks):
    """Cut blocks into stretches of at most `_AT_ONCE` samples."""
    for block in blocks:
        for start in range(0, len(block), _AT_ONCE):
            yield block[start : start + _AT_ONCE]


def k_weighting(sample_rate):
    """Design the K-weighting filter for a sample rate.

    BS.1770 gives the coefficients for 48 kHz alone. The frequencies, quality factors and gains
    below are those of the analogue filters that lead to these coefficients by the bilinear
    transform, which then gives the coefficients for any other rate.

    Parameters
    ----------
    sample_rate : int
        In Hz.

    Returns
    -------
    numpy.ndarray, shape (2, 6)
        Second-order sections: the shelf and the high-pass.
    """
    sections = []
    for frequency, q, high, band, low in (
        (1681.974450955533, 0.7071752369554196, 1.5848647011308556, 1.2587209302325, 1.0),
        (38.13547087602444, 0.5003270373238773, 1.0, 0.0, 0.0),
    ):
        # A rate below 3.4 kHz has no room for the shelf, which is then as high as it can be.
        k = np.tan(np.pi * min(frequency / sample_rate, 0.49))
        denominator = [1 + k / q + k**2, 2 * (k**2 - 1), 1 - k / q + k**2]
        numerator = [
            high + band * k / q + low * k**2,
            2 * (low * k**2 - high),
            high - band * k / q + low * k**2,
        ]
        sections.append([*numerator, *denominator])
    sections = np.array(sections)
    sections[0] /= sections[0, 3]
    sections[1, 3:] /= sections[1, 3]  # BS.1770 gives the high-pass a numerator of 1, -2, 1
    return sections


def _power(loudness):
    """Mean power of K-weighted sound of a loudness in LUFS."""
    return 10 ** ((loudness + 0.691) / 10)
