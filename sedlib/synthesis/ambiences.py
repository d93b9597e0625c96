"""Ambiences: sounds that last as long as a scene; two of them are distractors as well.

A scene may be very long, so that most is computed in place.

For the signature of the functions see `sedlib.synthesis.objects`.
"""

import numpy as np

from sedlib.synthesis.people import Cast
from sedlib.synthesis.shaping import deviation, edges_in_place, noise, resonate, swell_in_place
from sedlib.synthesis.sound import Sound


def traffic(rng, n, rate):
    """Let cars drive past behind a window."""
    x = noise(rng, n, rate, 40, rng.uniform(250, 900))
    return edges_in_place(swell_in_place(rng, x, rate, 0.35, 6), rate, 0.4, 0.4)


def wind(rng, n, rate):
    """Let the wind blow around a corner."""
    x = noise(rng, n, rate, rng.uniform(150, 400), rng.uniform(600, 1600))
    return edges_in_place(swell_in_place(rng, x, rate, 0.8, 7), rate, 0.4, 0.4)


def machine(rng, n, rate):
    """Hum like a fridge or a fan: harmonics of a low frequency, and moving air."""
    f = rng.choice((50.0, 60.0, rng.uniform(70, 180)))
    # One period is computed and then repeated, because a scene is long.
    turn = 2 * np.pi * np.arange(8192) / 8192
    period = sum(rng.exponential(1) / k * np.sin(k * turn + rng.uniform(0, 6)) for k in range(1, 9))
    x = noise(rng, n, rate, 200, rng.uniform(1000, 5000))
    x *= rng.uniform(0.05, 0.6) / deviation(x)
    for at in range(0, n, rate):
        samples = np.arange(at, min(at + rate, n))
        x[at : at + rate] += period[(samples * (f / rate * 8192)).astype(int) % 8192]
    return edges_in_place(x, rate, 0.4, 0.4)


def rain(rng, n, rate):
    """Let rain fall on a pane, or fry food in a pan; similar to applause."""
    density = rng.uniform(60, 500)
    drops = rng.random(n) < density / rate
    x = rng.exponential(1, n)
    x *= drops
    f = rng.uniform(800, 5000, 3)
    x = resonate(x, rate, f, f / 2, (1, 0.7, 0.5))
    hiss = noise(rng, n, rate, 800, 8000)
    x /= deviation(x) + 1e-12
    hiss *= rng.uniform(0.1, 1) / deviation(hiss)
    x += hiss
    return edges_in_place(swell_in_place(rng, x, rate, 1, 2), rate, 0.3, 0.3)


SOUNDS = (
    Sound("traffic", traffic, ("ambience",)),
    Sound("wind", wind, ("ambience",)),
    Sound("machine", machine, ("ambience",)),
    Sound("rain", rain, ("distractor", "ambience"), (2.5, 0.5, 1.0, 8.0), count=2),
    Sound(
        "murmur",
        Cast.murmur,
        ("distractor", "ambience"),
        (3.0, 0.5, 1.2, 8.0),
        count=2,
        performer=Cast,
    ),
)
