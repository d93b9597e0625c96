"""The few signal shapes from which the sound makers are built.

Every array is one-dimensional float64 at `rate` samples per second. Double
precision throughout keeps the last bit of a processor's sine out of the
16-bit samples that are stored.
"""

import numpy as np
from scipy import signal


def noise(rng, n, rate, low, high):
    """White noise between two frequencies.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Length in samples.
    rate : int
        Hz.
    low, high : float
        Pass band in Hz, second-order slopes.

    Returns
    -------
    ndarray, shape (n,)
    """
    high = min(high, 0.49 * rate)
    sos = signal.butter(2, [min(low, 0.8 * high), high], "bandpass", fs=rate, output="sos")
    return signal.sosfilt(sos, rng.standard_normal(n))


def modes(rng, n, rate, frequencies, decays, gains):
    """Sum of decaying sines with random phases: a struck object.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Length in samples.
    rate : int
        Hz.
    frequencies, decays, gains : array_like, shape (m,)
        Hz; seconds to fall by 60 dB; linear.

    Returns
    -------
    ndarray, shape (n,)
    """
    frequencies, decays, gains = np.broadcast_arrays(
        *(np.atleast_1d(x).astype(float) for x in (frequencies, decays, gains))
    )
    t = np.arange(n) / rate
    out = np.zeros(n)
    phases = rng.uniform(0, 2 * np.pi, len(frequencies))
    for f, decay, gain, phase in zip(frequencies, decays, gains, phases, strict=True):
        if f < 0.45 * rate:
            m = min(n, int(1.5 * decay * rate) + 1)
            out[:m] += gain * np.exp(-6.9 * t[:m] / decay) * np.sin(2 * np.pi * f * t[:m] + phase)
    return out


def resonate(x, rate, frequencies, widths, gains):
    """Parallel two-pole resonators: formants of a voice, a body, a panel.

    Parameters
    ----------
    x : ndarray, shape (n,)
    rate : int
        Hz.
    frequencies, widths, gains : sequence of float
        Centre and bandwidth in Hz, linear gain at the centre.

    Returns
    -------
    ndarray, shape (n,)
    """
    out = np.zeros(len(x))
    for f, width, gain in zip(frequencies, widths, gains, strict=True):
        b, a = signal.iirpeak(f, f / width, fs=rate)
        out += gain * signal.lfilter(b, a, x)
    return out


def tilt(x, rate, slope, pivot=1000.0):
    """Turn the spectrum around `pivot` with one shelf of first order.

    Parameters
    ----------
    x : ndarray, shape (n,)
    rate : int
        Hz.
    slope : float
        dB that the high end gains over the low end.
    pivot : float
        Hz.

    Returns
    -------
    ndarray, shape (n,)
    """
    ratio = 10 ** (slope / 40)
    w = 2 * np.pi * pivot
    b, a = signal.bilinear([ratio, w], [1 / ratio, w], fs=rate)
    return signal.lfilter(b, a, x)


def add(out, x, start):
    """Add `x` to `out` in place from sample `start` on; what sticks out is lost."""
    start = int(start)
    stop = min(len(out), start + len(x))
    if 0 <= start < stop:
        out[start:stop] += x[: stop - start]


def swell(rng, n, rate, speed, depth):
    """Slow random loudness curve.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Length in samples.
    rate : int
        Hz.
    speed : float
        Changes per second.
    depth : float
        Standard deviation in dB.

    Returns
    -------
    ndarray, shape (n,)
        Linear gain around 1.
    """
    knots = max(3, int(n / rate * speed) + 2)
    curve = rng.normal(0, depth, knots)
    return 10 ** (np.interp(np.linspace(0, knots - 1, n), np.arange(knots), curve) / 20)


def edges(x, rate, attack, release):
    """Fade both ends without ever reaching zero inside.

    Parameters
    ----------
    x : ndarray, shape (n,)
    rate : int
        Hz.
    attack, release : float
        Seconds; at most half the signal each.

    Returns
    -------
    ndarray, shape (n,)
    """
    out = np.array(x, dtype=float)
    for seconds, part in ((attack, out), (release, out[::-1])):
        m = max(1, min(len(out) // 2, int(seconds * rate)))
        part[:m] *= np.sin(0.5 * np.pi * (np.arange(m) + 1) / (m + 1)) ** 2
    return out


def active_level(x, rate):
    """Level of the loud parts of a sound, so that pauses do not count.

    Parameters
    ----------
    x : ndarray, shape (n,)
    rate : int
        Hz.

    Returns
    -------
    float
        Root mean square of the 50 ms frames within 20 dB of the loudest one.
    """
    frame = min(len(x), int(0.05 * rate))
    power = np.square(x[: len(x) // frame * frame]).reshape(-1, frame).mean(axis=1)
    return float(np.sqrt(power[power >= 0.01 * power.max()].mean()))
