"""Signal processing from which all sounds are built.

Every signal is a one-dimensional float64 array at `rate` samples per second. Double precision
keeps rounding differences between processors out of the 16-bit samples that are stored.
"""

import numpy as np
from scipy import signal


def noise(rng, n, rate, low, high):
    """Draw white noise and filter it with a Butterworth band pass with second-order slopes.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Length in samples.
    rate : int
        Sample rate in Hz.
    low, high : float
        Cutoff frequencies in Hz.

    Returns
    -------
    ndarray, shape (n,)
    """
    high = min(high, 0.49 * rate)
    sos = signal.butter(2, [min(low, 0.8 * high), high], "bandpass", fs=rate, output="sos")
    return signal.sosfilt(sos, rng.standard_normal(n))


def modes(rng, n, rate, frequencies, decays, gains):
    """Sum decaying sines with random phases, the vibration modes of a struck object.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Length in samples.
    rate : int
        Sample rate in Hz.
    frequencies, decays, gains : array_like, shape (m,)
        Frequencies in Hz, times in seconds to decay by 60 dB, linear gains. Modes above 0.45
        times the sample rate are left out.

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
    """Filter with parallel resonators of second order, as formants of a voice or a panel.

    Parameters
    ----------
    x : ndarray, shape (n,)
    rate : int
        Sample rate in Hz.
    frequencies, widths, gains : sequence of float
        Centre and bandwidth in Hz, linear gain at the centre.

    Returns
    -------
    ndarray, shape (n,)
    """
    out = np.zeros(len(x))
    for f, width, gain in zip(frequencies, widths, gains, strict=True):
        b, a = signal.iirpeak(f, f / width, fs=rate)
        y = signal.lfilter(b, a, x)
        y *= gain
        out += y
    return out


def tilt(x, rate, slope, pivot=1000.0):
    """Tilt the spectrum around a frequency with a shelving filter of first order.

    Parameters
    ----------
    x : ndarray, shape (n,)
    rate : int
        Sample rate in Hz.
    slope : float
        Gain of the highest over the lowest frequencies in dB.
    pivot : float
        Frequency in Hz whose gain is 0 dB.

    Returns
    -------
    ndarray, shape (n,)
    """
    ratio = 10 ** (slope / 40)
    w = 2 * np.pi * pivot
    b, a = signal.bilinear([ratio, w], [1 / ratio, w], fs=rate)
    return signal.lfilter(b, a, x)


def add(out, x, start):
    """Add one signal to another in place; what lies beyond its end is dropped.

    Parameters
    ----------
    out : ndarray, shape (n,)
    x : ndarray, shape (m,)
    start : float
        Sample of `out` at which `x` begins, rounded down. Outside `out` nothing is added.
    """
    start = int(start)
    stop = min(len(out), start + len(x))
    if 0 <= start < stop:
        out[start:stop] += x[: stop - start]


def swell(rng, n, rate, speed, depth):
    """Draw a slow random gain curve, linear in dB between random values.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Length in samples.
    rate : int
        Sample rate in Hz.
    speed : float
        Random values per second.
    depth : float
        Standard deviation in dB.

    Returns
    -------
    ndarray, shape (n,)
        Linear gain; its median is 1.
    """
    knots = max(3, int(n / rate * speed) + 2)
    curve = rng.normal(0, depth, knots)
    gain = np.interp(np.linspace(0, knots - 1, n), np.arange(knots), curve)
    gain /= 20
    return np.power(10, gain, out=gain)


def edges(x, rate, attack, release):
    """Fade a signal in and out with squared sines that are nowhere zero.

    Parameters
    ----------
    x : ndarray, shape (n,)
    rate : int
        Sample rate in Hz.
    attack, release : float
        Durations of the fades in seconds; each is at most half the signal.

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
    """Measure the level of the loud parts of a sound, so that pauses do not count.

    Parameters
    ----------
    x : ndarray, shape (n,)
    rate : int
        Sample rate in Hz.

    Returns
    -------
    float
        Root mean square of the 50 ms frames within 20 dB of the loudest one.
    """
    power = frame_power(x, min(len(x), int(0.05 * rate)))
    return float(np.sqrt(power[power >= 0.01 * power.max()].mean()))


def frame_power(x, length):
    """Mean square of each frame of a signal.

    Parameters
    ----------
    x : ndarray, shape (n,)
    length : int
        Length of a frame in samples; frames do not overlap.

    Returns
    -------
    ndarray, shape (n // length,)
        Samples after the last whole frame are ignored.
    """
    return np.square(x[: len(x) // length * length]).reshape(-1, length).mean(axis=1)
