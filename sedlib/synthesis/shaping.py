"""Signal processing from which all sounds are built.

Every signal is a one-dimensional float64 array at `rate` samples per second. Double precision
keeps rounding differences between processors out of the 16-bit samples that are stored.
"""

import numpy as np
from scipy import signal

AT_ONCE = 1 << 20  # samples that are computed at a time, because some sounds are very long
DECAY = 6.9  # ln(1000): exp(-DECAY) is -60 dB


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
    return filter_in_place(sos, rng.standard_normal(n))


def skip_noise(rng, n):
    """Advance a generator as `noise` does for `n` samples, in little memory."""
    for at in range(0, n, AT_ONCE):
        rng.standard_normal(min(AT_ONCE, n - at))


def filter_in_place(sos, x):
    """Filter a signal in place and return it.

    Parameters
    ----------
    sos : ndarray, shape (n_sections, 6)
        As `scipy.signal.sosfilt` takes it.
    x : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (n,)
        `x`.
    """
    state = np.zeros((len(sos), 2))
    for at in range(0, len(x), AT_ONCE):
        part = x[at : at + AT_ONCE]
        part[:], state = signal.sosfilt(sos, part, zi=state)
    return x


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
            out[:m] += gain * np.exp(-DECAY * t[:m] / decay) * np.sin(2 * np.pi * f * t[:m] + phase)
    return out


def impact_noise(rng, n, rate, decay, cutoff):
    """Draw the noise of an impact: broadband at first, while its high frequencies die away sooner.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Length in samples.
    rate : int
        Sample rate in Hz.
    decay : float
        Time in seconds in which the lowest frequencies decay by 60 dB.
    cutoff : float
        Frequency in Hz above which the noise falls by about 12 dB per octave.

    Returns
    -------
    ndarray, shape (n,)
        Its largest absolute value is 1.
    """
    t = np.arange(n) / rate
    bounds = np.array([40, 250, 1000, 3500, 12000]) * rng.uniform(0.8, 1.25)
    out = np.zeros(n)
    for low, high, share in zip(bounds[:-1], bounds[1:], (1, 0.7, 0.45, 0.25), strict=True):
        gain = rng.uniform(0.4, 1) / (1 + (low / cutoff) ** 2)
        m = min(n, int(1.5 * share * decay * rate) + 64)
        out[:m] += gain * noise(rng, m, rate, low, high) * np.exp(-DECAY * t[:m] / (share * decay))
    return out / np.abs(out).max()


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
        state = np.zeros(2)
        for at in range(0, len(x), AT_ONCE):
            y, state = signal.lfilter(b, a, x[at : at + AT_ONCE], zi=state)
            out[at : at + AT_ONCE] += gain * y
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
    return filter_in_place(shelf(rate, slope, pivot), np.array(x, dtype=float))


def shelf(rate, slope, pivot):
    """Design the filter of `tilt`; second-order sections, shape (1, 6)."""
    ratio = 10 ** (slope / 40)
    w = 2 * np.pi * pivot
    b, a = signal.bilinear([ratio, w], [1 / ratio, w], fs=rate)
    return np.array([[*b, 0, *a, 0]])


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
    return swell_in_place(rng, np.ones(n), rate, speed, depth)


def swell_in_place(rng, x, rate, speed, depth):
    """Multiply a signal by a gain curve of `swell`, in place, and return it."""
    n = len(x)
    knots = max(3, int(n / rate * speed) + 2)
    curve, step = rng.normal(0, depth, knots), (knots - 1) / max(n - 1, 1)
    for at in range(0, n, AT_ONCE):
        part = x[at : at + AT_ONCE]
        place = np.arange(at, at + len(part)) * step
        part *= 10 ** (np.interp(place, np.arange(knots), curve) / 20)
    return x


def reverberate(out, x, response, start, rate):
    """Add a signal as it is heard in a room to another signal, in place.

    Parameters
    ----------
    out : ndarray, shape (n,)
        What lies beyond its end is dropped.
    x : ndarray, shape (m,)
    response : ndarray
        Impulse response of the room.
    start : int
        Sample of `out` at which `x` begins.
    rate : int
        Sample rate in Hz.
    """
    seconds = 30  # at once
    for at in range(0, len(x), seconds * rate):
        part = x[at : at + seconds * rate]
        add(out, signal.oaconvolve(part, response), start + at)


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
    return edges_in_place(np.array(x, dtype=float), rate, attack, release)


def edges_in_place(x, rate, attack, release):
    """Fade a signal in and out as `edges` does, in place, and return it."""
    for seconds, part in ((attack, x), (release, x[::-1])):
        m = max(1, min(len(x) // 2, int(seconds * rate)))
        part[:m] *= np.sin(0.5 * np.pi * (np.arange(m) + 1) / (m + 1)) ** 2
    return x


def mean_square(x, centre=0.0):
    """Compute the mean square of a signal, or of its differences from a value, in little memory."""
    parts = (x[at : at + AT_ONCE] for at in range(0, len(x), AT_ONCE))
    return sum(np.square(part - centre).sum() for part in parts) / len(x)


def deviation(x):
    """Compute the standard deviation of a signal, in little memory."""
    return np.sqrt(mean_square(x, x.mean()))


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
