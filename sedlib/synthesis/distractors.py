"""Distractors: sounds that are not annotated, many of them similar to a class.

For the signature of the functions see `sedlib.synthesis.objects`.
"""

import numpy as np
from scipy import signal

from sedlib.synthesis.objects import creak, fragment, latch
from sedlib.synthesis.shaping import add, edges, modes, noise, resonate, swell
from sedlib.synthesis.sound import Sound


def footsteps(rng, n, rate):
    """Walk with about two steps a second; similar to knocking."""
    out = np.zeros(n)
    floor = rng.uniform(60, 220) * np.array([1, 1.9, 3.1, 4.4])
    heel = rng.uniform(0.05, 0.8)
    for start in np.arange(0, n / rate - 0.1, rng.uniform(0.38, 0.65)):
        m = int(0.16 * rate)
        x = modes(rng, m, rate, floor, rng.uniform(0.04, 0.1, 4), rng.uniform(0.3, 1, 4))
        scuff = noise(rng, m, rate, 500, 5000) * np.hanning(m)
        click = modes(rng, m, rate, rng.uniform(900, 2500, 3), 0.03, 1)
        begin = max(0, start + rng.normal(0, 0.015)) * rate
        add(out, (x + 0.1 * scuff + heel * click) * rng.uniform(0.6, 1), begin)
    return edges(out, rate, 0.002, 0.05)


def thump(rng, n, rate):
    """Drop a book or a bag; similar to a slammed door or a single knock."""
    f = rng.uniform(50, 200) * np.array([1, 1.6, 2.3, 3.7, 5.2])
    x = modes(rng, n, rate, f, rng.uniform(0.08, 0.25, 5), rng.uniform(0.3, 1, 5))
    m = min(n, int(0.05 * rate))
    x[:m] += rng.uniform(0.1, 0.8) * rng.standard_normal(m) * np.exp(-np.linspace(0, 7, m))
    return edges(x, rate, 0.001, 0.05)


def dishes(rng, n, rate):
    """Clatter with plates, glasses and cutlery; similar to crashing."""
    out = np.zeros(n)
    kind = str(rng.choice(("china", "glass", "metal")))
    for start in rng.uniform(0, n / rate - 0.1, int(rng.integers(1, 5) * max(1, n / rate))):
        add(out, fragment(rng, rate, kind) * rng.uniform(0.2, 1), start * rate)
    return edges(out, rate, 0.002, 0.05)


def chair(rng, n, rate):
    """Push a chair over the floor; similar to a creaking door."""
    drag = noise(rng, n, rate, 200, rng.uniform(1500, 5000)) * swell(rng, n, rate, 8, 3)
    groan = creak(rng, n, rate)
    return edges(groan + rng.uniform(0.2, 1) * drag / drag.std() * 0.25, rate, 0.05, 0.06)


def telephone(rng, n, rate):
    """Ring or warble as a telephone does, with pauses; similar to a door bell."""
    t = np.arange(n) / rate
    pace = rng.uniform(12, 28)
    low, high = rng.uniform(500, 1600) * np.array([1, rng.uniform(1.12, 1.35)])
    if rng.random() < 0.5:
        gate = (t * pace) % 1 < 0.5
        phase = 2 * np.pi * np.cumsum(np.where(gate, low, high)) / rate
        x = np.sin(phase) + 0.3 * np.sin(3 * phase)
    else:
        hammer = np.exp(-((t * pace) % 1) * rng.uniform(1.5, 4))
        x = hammer * sum(np.sin(2 * np.pi * f * t) for f in (low, high, 2.7 * low, 2.9 * high))
    cadence = rng.uniform(0.5, 1.2)
    on = (t % (2 * cadence)) < cadence
    smooth = signal.lfilter([0.004], [1, -0.996], on.astype(float))
    return edges(x * (smooth + 0.003), rate, 0.005, 0.05)


def beeps(rng, n, rate):
    """Beep like the keys of a telephone or the timer of an oven; similar to a door bell."""
    out = np.zeros(n)
    tones = rng.uniform(600, 2600, 6)
    length = rng.uniform(0.06, 0.2)
    for start in np.arange(0, n / rate - length, length * rng.uniform(1.4, 2.5)):
        m = int(length * rate)
        t = np.arange(m) / rate
        pair = rng.choice(tones, 2)
        tone = np.sin(2 * np.pi * pair[0] * t) + rng.integers(2) * np.sin(2 * np.pi * pair[1] * t)
        add(out, edges(tone, rate, 0.004, 0.01), start * rate)
    return edges(out, rate, 0.004, 0.02)


def horn(rng, n, rate):
    """Sound the horn of a car outside; similar to a buzzer."""
    t = np.arange(n) / rate
    f = rng.uniform(250, 480)
    x = sum(signal.sawtooth(2 * np.pi * f * r * t + rng.uniform(0, 6)) for r in (1, 1.26))
    sos = signal.butter(2, rng.uniform(700, 2500), fs=rate, output="sos")
    return edges(signal.sosfilt(sos, x), rate, 0.03, 0.12)


def rustle(rng, n, rate):
    """Rustle with cloth, paper or a bag."""
    x = noise(rng, n, rate, rng.uniform(500, 2000), rng.uniform(4000, 9500))
    return edges(x * swell(rng, n, rate, 14, 7), rate, 0.03, 0.08)


def cough(rng, n, rate):
    """Cough once or several times; similar to laughing."""
    out = np.zeros(n)
    formants = rng.uniform(0.85, 1.2) * np.array([700, 1300, 2500])
    for start in np.arange(0, n / rate - 0.15, rng.uniform(0.28, 0.5)):
        m = int(rng.uniform(0.15, 0.28) * rate)
        phase = np.cumsum(np.linspace(rng.uniform(150, 320), 110, m)) / rate
        source = rng.standard_normal(m) + 1.5 * ((phase % 1) - 0.5)
        source *= np.exp(-np.linspace(0, rng.uniform(3, 6), m))
        x = resonate(source, rate, formants, (200, 250, 400), (1, 0.8, 0.5)) + 0.1 * source
        add(out, edges(x, rate, 0.008, 0.03), start * rate)
    return edges(out, rate, 0.004, 0.03)


def typing(rng, n, rate):
    """Type on a keyboard."""
    out = np.zeros(n)
    for start in np.cumsum(rng.exponential(0.13, int(n / rate / 0.13) + 1)) - 0.05:
        m = int(0.03 * rate)
        f = rng.uniform(500, 5000, 4)
        key = modes(rng, m, rate, f, 0.015, rng.uniform(0.2, 1, 4))
        add(out, key * rng.uniform(0.3, 1), max(0, start) * rate)
    return edges(out, rate, 0.002, 0.02)


def switch(rng, n, rate):
    """Click a light switch or a lighter; similar to the latch of a door."""
    out = np.zeros(n)
    add(out, latch(rng, rate), 0)
    return edges(out, rate, 0.002, 0.02)


def clock(rng, n, rate):
    """Tick like a clock: more regular and higher in frequency than knocking."""
    out = np.zeros(n)
    f = rng.uniform(1200, 5000, 4)
    for start in np.arange(0, n / rate - 0.05, rng.choice((0.25, 0.5, 1.0))):
        x = modes(rng, int(0.03 * rate), rate, f, 0.02, rng.uniform(0.3, 1, 4))
        add(out, x, start * rate)
    return edges(out, rate, 0.002, 0.02)


SOUNDS = (
    Sound("footsteps", footsteps, ("distractor",), (1.8, 0.4, 0.8, 4.0), count=4),
    Sound("thump", thump, ("distractor",), (0.4, 0.3, 0.25, 0.7), count=3),
    Sound("dishes", dishes, ("distractor",), (0.8, 0.5, 0.3, 2.5), count=4),
    Sound("chair", chair, ("distractor",), (0.7, 0.4, 0.3, 1.5), count=3),
    Sound("telephone", telephone, ("distractor",), (1.6, 0.4, 0.7, 3.0), count=3),
    Sound("beeps", beeps, ("distractor",), (0.9, 0.4, 0.3, 2.0), count=2),
    Sound("horn", horn, ("distractor",), (0.6, 0.4, 0.25, 1.5), count=2),
    Sound("rustle", rustle, ("distractor",), (0.9, 0.5, 0.3, 3.0), count=4),
    Sound("cough", cough, ("distractor",), (0.6, 0.4, 0.25, 1.5), count=3),
    Sound("typing", typing, ("distractor",), (2.0, 0.4, 0.8, 5.0), count=3),
    Sound("switch", switch, ("distractor",), (0.3, 0.2, 0.22, 0.4), count=3),
    Sound("clock", clock, ("distractor",), (4.0, 0.4, 2.0, 9.0), count=2),
)
