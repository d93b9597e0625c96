"""Impulse responses of synthetic rooms."""

import numpy as np
from scipy import signal

from sedlib.synthesis.shaping import DECAY


def impulse_response(rng, rate, reverberation, direct=1.0):
    """Draw the impulse response of a room.

    It consists of the direct sound, four to eight early reflections, and noise that decays
    by 60 dB in `reverberation` seconds. High frequencies decay faster, because air and cloth
    absorb them more.

    Parameters
    ----------
    rng : numpy.random.Generator
    rate : int
        Sample rate in Hz.
    reverberation : float
        Time in seconds in which the response decays by 60 dB.
    direct : float
        Linear gain of the direct sound; the rest has unit energy.

    Returns
    -------
    ndarray of float64, shape (n,)
        ``n = int(1.1 * reverberation * rate)``.
    """
    n = int(1.1 * reverberation * rate)
    t = np.arange(n) / rate
    decay = np.exp(-DECAY * t / reverberation)
    bright = rng.standard_normal(n)
    dull = signal.lfilter([0.25], [1, -0.75], rng.standard_normal(n))
    tail = 0.3 * (bright * decay) * decay + dull * decay  # high frequencies decay twice as fast
    start = int(rng.uniform(0.004, 0.02) * rate)
    tail[:start] = 0
    for delay in rng.uniform(0.002, 0.03, rng.integers(4, 9)):
        tail[int(delay * rate)] += rng.choice((-1, 1)) * rng.uniform(1, 4) * np.exp(-delay / 0.02)
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] += direct
    return tail
