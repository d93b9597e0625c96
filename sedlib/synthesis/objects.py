"""Sounds of objects and hands: crashing, knocking, doors and clapping.

Each function takes a random generator, a length of `n` samples and a sample rate in Hz, and
returns float64 of shape (n,). The sound fills the whole length and is faded out at its end.
Sizes, materials and habits are drawn anew for each event.
"""

import numpy as np
from scipy import signal

from sedlib.synthesis import rooms
from sedlib.synthesis.shaping import add, edges, impact_noise, modes, noise, resonate, swell
from sedlib.synthesis.sound import Sound


def crash(rng, n, rate):
    """Break, drop and scatter things of glass, metal or wood."""
    material = rng.choice(("glass", "metal", "wood", "mixed"))
    out = np.zeros(n)
    spread = n / rate
    # One to three blows close together, then fewer and fewer pieces.
    blows = np.sort(np.r_[0, rng.uniform(0, 0.35 * spread, rng.integers(0, 3))])
    for start in blows:
        m = int(rng.uniform(0.06, 0.25) * rate)
        burst = noise(rng, m, rate, rng.uniform(80, 400), rng.uniform(3000, 9000))
        burst *= np.exp(-np.linspace(0, 7, m)) * rng.uniform(0.5, 1.2)
        add(out, burst, start * rate)
    pieces = int(rng.uniform(12, 40) * min(spread, 2.0)) + 6
    starts = spread * rng.beta(1, 1.7, pieces)
    for start in starts[starts < spread - 0.03]:
        kind = rng.choice(("glass", "metal", "wood")) if material == "mixed" else material
        fade = np.exp(-1.8 * start / spread)
        add(out, 0.5 * fade * rng.exponential(0.6) * fragment(rng, rate, kind), start * rate)
    # One piece comes to rest last.
    last = 0.3 * fragment(rng, rate, "glass" if material == "mixed" else material)
    add(out, last, max(0, n - int(0.7 * len(last))))
    return edges(out * np.exp(-0.7 * np.linspace(0, 1, n) ** 2), rate, 0.001, 0.02)


def fragment(rng, rate, kind):
    """Strike one fragment or vessel; `kind` is glass, metal, wood or china."""
    low, high, count, decay = {
        "glass": (1800, 8500, 5, (0.04, 0.25)),
        "metal": (350, 6500, 8, (0.15, 0.8)),
        "wood": (120, 1400, 6, (0.03, 0.12)),
        "china": (900, 6000, 5, (0.05, 0.3)),
    }[kind]
    base = np.exp(rng.uniform(np.log(low), np.log(high)))
    f = np.clip(base * rng.uniform(0.6, 2.2, count), 60, 9500)
    length = rng.uniform(*decay)
    m = int(length * rate)
    x = modes(rng, m, rate, f, length * rng.uniform(0.4, 1, count), rng.uniform(0.2, 1, count))
    click = int(0.004 * rate)
    x[:click] += 0.8 * rng.standard_normal(click) * np.linspace(1, 0, click)
    return x


def knock(rng, n, rate):
    """Knock two to eight times on a wooden door."""
    seconds = n / rate
    interval = rng.uniform(0.13, 0.32)
    count = int(np.clip(round((seconds - 0.1) / interval), 1, 7)) + 1
    decay = rng.uniform(0.05, 0.2)
    # The last knock has decayed by 36 dB or more when the event ends.
    starts = np.linspace(0, seconds - 0.6 * decay, count)
    starts += rng.normal(0, 0.008, count) * ((starts > 0) & (starts < starts[-1]))
    panel = rng.uniform(90, 320) * np.array([1, 1.58, 2.24, 2.9, 3.7, 5.1, 7.3])
    panel *= rng.uniform(0.92, 1.08, 7)
    hard = rng.uniform(0.15, 1.0)
    gains = rng.uniform(0.3, 1, 7) * hard ** (np.arange(7) / 4)
    tap = impact_noise(
        rng, int(0.05 * rate), rate, 0.05, np.exp(rng.uniform(np.log(800), np.log(12000)))
    )
    out = np.zeros(n)
    for start in starts:
        m = int(0.2 * rate)
        x = modes(rng, m, rate, panel, decay * rng.uniform(0.5, 1, 7), gains)
        x[: len(tap)] += hard * tap
        add(out, x * 10 ** (rng.normal(0, 1.8) / 20), max(0, start * rate))
    return edges(out, rate, 0.001, 0.02)


def door(rng, n, rate):
    """Open or close a door: its handle, hinges and leaf."""
    seconds = n / rate
    out = np.zeros(n)
    slam = min(rng.uniform(0.15, 0.4), 0.8 * seconds)
    opening = rng.random() < 0.4
    if opening:
        add(out, rng.uniform(0.5, 1.0) * latch(rng, rate), 0)
        begin, end = rng.uniform(0.05, 0.15), seconds
    else:
        # If there is no time for the leaf to swing, the door only falls shut.
        begin, end = 0.0, seconds - slam if seconds > slam + 0.12 else 0.0
        add(out, _slam(rng, n - int(end * rate), rate), end * rate)
        add(out, rng.uniform(0.4, 1.0) * latch(rng, rate), (end + rng.uniform(0, 0.06)) * rate)
    m = int((end - begin) * rate)
    if m > 0.1 * rate:
        hinge = creak(rng, m, rate) * rng.uniform(0.15, 0.9)
        air = noise(rng, m, rate, 100, rng.uniform(600, 2000)) * np.hanning(m)
        add(out, hinge + 0.3 * rng.uniform(0.2, 1) * air / air.std() * hinge.std(), begin * rate)
    return edges(out, rate, 0.003, 0.03)


def latch(rng, rate):
    """Click two or three times, as the handle and the bolt of a door do; lasts 0.22 s."""
    out = np.zeros(int(0.22 * rate))
    for start in np.cumsum(rng.uniform(0.015, 0.07, rng.integers(2, 4))) - 0.015:
        m = int(0.05 * rate)
        f = rng.uniform(700, 6000, 5)
        click = modes(rng, m, rate, f, rng.uniform(0.01, 0.04, 5), rng.uniform(0.3, 1, 5))
        click[: m // 12] += 0.7 * rng.standard_normal(m // 12)
        add(out, click * rng.uniform(0.4, 1), start * rate)
    return out


def creak(rng, n, rate):
    """Let a hinge stick and slip: pulses of a wandering rate through a few resonances."""
    pace = np.exp(rng.uniform(np.log(30), np.log(130))) * swell(rng, n, rate, 6, 2.5)
    wrapped = (np.cumsum(pace) / rate) % 1
    ticks = np.r_[0, np.diff(wrapped) < 0] * rng.uniform(0.5, 1.3, n)
    f = np.sort(rng.uniform(350, 3200, 4))
    x = resonate(ticks, rate, f, f / rng.uniform(6, 20), rng.uniform(0.3, 1, 4))
    x *= swell(rng, n, rate, 5, 4)
    return edges(x / (x.std() + 1e-12) * 0.25, rate, 0.02, 0.02)


def _slam(rng, n, rate):
    """Hit the frame of a door with its leaf."""
    f = rng.uniform(45, 130) * np.array([1, 1.7, 2.6, 3.4, 4.9, 7.1])
    body = modes(rng, n, rate, f, n / rate * rng.uniform(0.4, 1, 6), rng.uniform(0.3, 1, 6))
    blow = noise(rng, n, rate, 60, rng.uniform(1200, 6000))
    blow *= np.exp(-np.linspace(0, rng.uniform(9, 22), n))
    rattle = noise(rng, n, rate, 400, 3000) * np.exp(-np.linspace(0, 6, n))
    rattle *= np.sin(np.pi * np.arange(n) / rate * rng.uniform(15, 45)) ** 6
    x = body + 1.5 * blow / blow.std() * 0.2 + rng.uniform(0, 0.2) * rattle / rattle.std()
    return edges(x, rate, 0.001, 0.02)


def clap(rng, n, rate):
    """Applaud in a room of its own: one person, a few, or many."""
    seconds = n / rate
    people = int(rng.choice((1, rng.integers(2, 6), rng.integers(15, 60))))
    out = np.zeros(n)
    for person in range(people):
        pace = rng.uniform(1.6, 5.2)
        first = 0.0 if person == 0 else rng.uniform(0, 0.35)
        last = seconds - 0.06 - (0.0 if person == 0 else rng.uniform(0, 0.35))
        starts = np.linspace(first, last, max(2, round(seconds * pace)))
        starts[1:-1] += rng.normal(0, 0.014, len(starts) - 2)
        m = int(0.06 * rate)
        cup = rng.uniform(500, 2800)
        distance = 1.0 if person == 0 else rng.uniform(0.25, 1)
        palms = noise(rng, m, rate, 0.5 * cup, 2.2 * cup)
        palms += rng.uniform(0.05, 0.4) * noise(rng, m, rate, 300, 8000)
        palms *= np.exp(-np.linspace(0, rng.uniform(7, 22), m))
        for start in starts:
            strength = distance * 10 ** (rng.normal(0, 2) / 20)
            add(out, strength * palms * rng.choice((-1, 1)), max(0, start * rate))
    hall = rooms.impulse_response(rng, rate, rng.uniform(0.15, 1.2), direct=rng.uniform(0.3, 2))
    out = signal.oaconvolve(out, hall)[:n]
    out += 0.01 * np.abs(out).max() * noise(rng, n, rate, 300, 6000)
    return edges(out, rate, 0.002, 0.03)


SOUNDS = (
    Sound("crashing", crash, ("rare",), (0.9, 0.45, 0.4, 3.0)),
    Sound("knocking", knock, ("rare",), (0.9, 0.35, 0.4, 2.0)),
    Sound("opening/closing doors", door, ("rare",), (0.9, 0.45, 0.35, 2.8)),
    Sound("clapping", clap, ("rare",), (1.8, 0.4, 0.8, 3.4), own_room=True),
)
