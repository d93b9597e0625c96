"""Door bells and buzzers; for the signature see `sedlib.synthesis.objects`."""

import numpy as np
from scipy import signal

from sedlib.synthesis.shaping import add, edges, modes, resonate
from sedlib.synthesis.sound import Sound


def door_bell(rng, n, rate):
    """Strike two notes on a bell, the second one lower, or sound a buzzer."""
    if rng.random() < 0.25:
        return _buzzer(rng, n, rate)
    root = rng.uniform(500, 900)
    steps = (0, -rng.choice((3, 4, 5)))
    times = (0, rng.uniform(0.28, 0.5) * min(n / rate, 1.6))
    overtones = np.array(
        ((1, 2.76, 5.4, 8.93), (1, 2, 3, 4.2), (1, 2.0, 2.4, 3.0))[rng.integers(3)]
    )
    gains = rng.uniform(0.1, 1, 4) * (1, 0.5, 0.3, 0.15)
    out = np.zeros(n)
    for step, start in zip(steps, times, strict=True):
        m = n - int(start * rate)
        decay = rng.uniform(2.5, 4.0) * m / rate  # the note falls by 15 to 24 dB
        f = root * 2 ** (step / 12) * overtones
        note = modes(rng, m, rate, f, decay * np.array([1, 0.7, 0.5, 0.4]), gains)
        hit = min(m, int(0.003 * rate))
        note[:hit] += 0.2 * rng.uniform(0, 1) * rng.standard_normal(hit)
        add(out, note, start * rate)
    return edges(out, rate, 0.002, 0.03)


def _buzzer(rng, n, rate):
    """Let an armature rattle at about the frequency of the mains."""
    t = np.arange(n) / rate
    f = rng.uniform(45, 130)
    x = signal.sawtooth(2 * np.pi * f * t + rng.uniform(0, 6), rng.uniform(0.05, 0.5))
    body = rng.uniform(300, 3500, 4)
    x = resonate(x, rate, body, body / 4, rng.uniform(0.3, 1, 4)) + 0.2 * x
    if rng.random() < 0.4 and n > 0.6 * rate:
        pause = int(rng.uniform(0.06, 0.12) * rate)
        middle = int(rng.uniform(0.35, 0.6) * n)
        x[middle : middle + pause] *= 0.02
    return edges(x, rate, 0.008, 0.03)


SOUNDS = (Sound("door bell", door_bell, ("rare",), (1.1, 0.3, 0.5, 2.0)),)
