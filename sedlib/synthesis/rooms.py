"""Synthetic rooms: how a place answers a sound."""

import numpy as np
from scipy import signal


def impulse_response(rng, rate, reverberation, direct=1.0):
    """Draw the impulse response of a room.

    A direct sound, a handful of early reflections, and noise that decays by
    60 dB in `reverberation` seconds, faster at high frequencies as air and
    cloth swallow those first.

    Parameters
    ----------
    rng : numpy.random.Generator
    rate : int
        Hz.
    reverberation : float
        Seconds until the answer is 60 dB down.
    direct : float
        Gain of the direct sound; the rest has unit energy.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    n = int(1.1 * reverberation * rate)
    t = np.arange(n) / rate
    tail = rng.standard_normal(n) * np.exp(-6.9 * t / reverberation)
    dull = signal.lfilter([0.25], [1, -0.75], rng.standard_normal(n))
    tail = 0.3 * tail * np.exp(-6.9 * t / reverberation) + dull * np.exp(-6.9 * t / reverberation)
    start = int(rng.uniform(0.004, 0.02) * rate)
    tail[:start] = 0
    for delay in rng.uniform(0.002, 0.03, rng.integers(4, 9)):
        tail[int(delay * rate)] += rng.choice((-1, 1)) * rng.uniform(1, 4) * np.exp(-delay / 0.02)
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] += direct
    return tail
