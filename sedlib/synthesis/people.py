"""What people do: talk, shout, laugh, and sit in the audience."""

from dataclasses import replace

import numpy as np
from scipy import signal

from sedlib.synthesis import rooms
from sedlib.synthesis.shaping import active_level, add, edges, noise, resonate, swell, tilt
from sedlib.synthesis.speech import ESPEAK_RATE, SHOUTS, Voice, random_voice, say, sentence

LONGEST_PAUSE = 0.45  # s inside one stretch of dialogue
# First four formants of open vowels in Hz, for a throat of middle length.
_VOWELS = ((750, 1250, 2600, 3600), (600, 1800, 2600, 3700), (680, 1050, 2500, 3500))


class Cast:
    """The people of one episode.

    Parameters
    ----------
    rng : numpy.random.Generator
    rate : int
        Hz.
    """

    def __init__(self, rng, rate):
        self.rate = rate
        self.voices = [random_voice(rng) for _ in range(rng.integers(4, 7))]
        # Length of each throat and colour of each voice, beyond eSpeak's variants.
        self.stretch = rng.uniform(0.92, 1.09, len(self.voices))
        self.slopes = rng.normal(0, 4, len(self.voices))
        self.audience = [
            bout(rng, int(rng.uniform(1.2, 3.5) * rate), rate) for _ in range(rng.integers(16, 25))
        ]
        self.crowd = [self._utter(rng, random_voice(rng), 3.0) for _ in range(8)]
        self.hall = rooms.impulse_response(rng, rate, rng.uniform(0.7, 1.5), direct=0.3)

    def speak(self, rng, n):
        """One to three of the cast in turn, with short pauses, for `n` samples."""
        seconds = n / self.rate
        speakers = rng.choice(len(self.voices), rng.integers(1, 4), replace=False)
        parts, total, turn = [], 0.0, 0
        while True:
            left = seconds - total
            who = speakers[turn % len(speakers)]
            wanted = min(left, rng.uniform(1.0, 4.5))
            x = self._utter(rng, self.voices[who], wanted, self.stretch[who])
            x = tilt(x, self.rate, self.slopes[who]) * 10 ** (rng.normal(0, 2.5) / 20)
            length = len(x) / self.rate
            # Stop at whichever count of sentences fits better.
            if parts and length - left > left:
                parts.pop()
                break
            parts.append(x)
            total += length
            if total >= seconds:
                break
            pause = rng.uniform(0.05, LONGEST_PAUSE / 1.15)
            parts.append(np.zeros(int(pause * self.rate)))
            total += pause
            turn += rng.random() < 0.6
        return signal.resample(_trim(np.concatenate(parts)), n)

    def shout(self, rng, n):
        """A raised voice: high, pressed, bright and a little distorted."""
        seconds = n / self.rate
        who = rng.integers(len(self.voices))
        voice = replace(
            self.voices[who],
            pitch=int(rng.integers(75, 100)),
            liveliness=int(rng.integers(60, 100)),
            rate=int(rng.integers(120, 190)),
        )
        texts = rng.choice(SHOUTS, 4, replace=False)
        cries, total = [], 0.0
        for text in texts:
            x = say(str(text), voice).astype(float)
            if cries and total + 0.5 * len(x) / ESPEAK_RATE > seconds:
                break
            gap = np.zeros(int(rng.uniform(0.05, 0.3) * ESPEAK_RATE)) if cries else x[:0]
            cries += [gap, x]
            total += (len(gap) + len(x)) / ESPEAK_RATE
        x = _trim(np.concatenate(cries))
        # A cry too short for its time is held, by overlapping repeats, not slowed down.
        x = signal.resample(_hold(x, int(seconds * ESPEAK_RATE * rng.uniform(1.0, 1.25))), n)
        x = tilt(x, self.rate, rng.uniform(6, 14), 1500)
        drive = rng.uniform(1.5, 5.0)
        return np.tanh(drive * x / np.abs(x).max())

    def laugh(self, rng, n):
        """One of the characters laughs."""
        if rng.random() < 0.35:
            who = rng.integers(len(self.voices))
            voice = replace(
                self.voices[who], pitch=int(rng.integers(50, 99)), rate=int(rng.integers(200, 300))
            )
            syllable = str(rng.choice(("ha", "heh", "hah", "hee", "ho")))
            count = max(2, round(n / self.rate / 0.2))
            x = say((f"{syllable} " * min(count, 14)).strip() + "!", voice).astype(float)
            x = signal.resample(x, n)
            breath = noise(rng, n, self.rate, 500, 6000)
            return x + breath * np.abs(x).std() * rng.uniform(0.05, 0.4)
        return bout(rng, n, self.rate)

    def laugh_in_audience(self, rng, n):
        """A dozen or more people laugh in a hall, in a swell that dies away."""
        rate = self.rate
        out = np.zeros(n)
        count = int(rng.integers(14, 45))
        lead = rng.uniform(0.1, 0.6)
        for start in rng.beta(0.8, 1.3, count) * n - lead * rate:
            x = self.audience[rng.integers(len(self.audience))]
            skip = max(0, -int(start))
            add(out, x[skip:] * 10 ** (rng.normal(0, 5) / 20), max(0, start))
        out = signal.oaconvolve(out, self.hall)[:n]
        t = np.linspace(0, 1, n)
        peak = rng.uniform(0.05, 0.5)
        shape = np.where(t < peak, 0.35 + 0.65 * t / peak, 1 - 0.8 * (t - peak) / (1 - peak))
        out *= shape * swell(rng, n, rate, 1.5, 2.5)
        return edges(out, rate, rng.uniform(0.03, 0.25), rng.uniform(0.1, 0.3))

    def murmur(self, rng, n):
        """Many people talk at once, none to be understood."""
        out = np.zeros(n)
        for start in rng.uniform(-1.0, n / self.rate, max(8, int(5 * n / self.rate))):
            x = self.crowd[rng.integers(len(self.crowd))]
            begin = int(start * self.rate)
            add(out, x[max(0, -begin) :] * rng.uniform(0.3, 1), max(0, begin))
        out = signal.oaconvolve(out, self.hall)[:n]
        return edges(out, self.rate, 0.4, 0.4)

    def _utter(self, rng, voice, seconds, stretch=1.0):
        """About `seconds` of one sentence at the cast's rate."""
        x = say(sentence(rng, seconds), voice).astype(float)
        natural = len(x) / ESPEAK_RATE
        pace = np.clip(seconds / natural, 0.9, 1.1) if seconds < 2 else 1.0
        return signal.resample(x, int(natural * stretch * pace * self.rate))


def bout(rng, n, rate):
    """One laugh by a throat of its own: voiced bursts with breath between.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Length in samples.
    rate : int
        Hz.

    Returns
    -------
    ndarray, shape (n,)
    """
    t = np.arange(n) / rate
    period = rng.uniform(0.14, 0.27)
    starts = np.arange(0, n / rate, period) + rng.normal(0, 0.012, int(np.ceil(n / rate / period)))
    pitch = rng.uniform(130, 460)
    fall, vowel = rng.uniform(0.0, 0.5), _VOWELS[rng.integers(len(_VOWELS))]
    f0 = pitch * np.exp(-fall * t / max(t[-1], 1.0))
    voiced, breathy = np.zeros(n), np.full(n, 0.06)
    width = rng.uniform(0.35, 0.65) * period
    decay = rng.uniform(0.2, 1.2)
    for start in starts:
        begin = max(0, int(start * rate))
        m = min(int(width * rng.uniform(0.8, 1.25) * rate), n - begin)
        if m < 8:
            continue
        arc = np.sin(np.pi * (np.arange(m) + 1) / (m + 1))
        loud = np.exp(-decay * start / (n / rate)) * 10 ** (rng.normal(0, 2) / 20)
        voiced[begin : begin + m] += loud * arc**1.3
        f0[begin : begin + m] *= 1 + rng.uniform(-0.05, 0.25) * arc
        # The "h" leads into the vowel.
        h = max(1, int(0.4 * period * rate))
        add(breathy, loud * np.sin(np.pi * (np.arange(h) + 1) / (h + 1)), max(0, begin - h // 2))
    f0 *= swell(rng, n, rate, 12, 0.25)
    phase = np.cumsum(f0) / rate + rng.random()
    pulse = signal.lfilter([1], [1, -0.9], (phase % 1) - 0.5)
    throat = rng.uniform(0.85, 1.2)
    formants = [f * throat * rng.uniform(0.93, 1.07) for f in vowel]
    breath = rng.uniform(0.04, 0.35)
    source = pulse * voiced + breath * breathy * rng.standard_normal(n)
    x = resonate(source, rate, formants, (110, 140, 220, 300), (1, 0.8, 0.45, 0.3))
    return edges(x + 0.03 * source, rate, 0.01, 0.04)


def _trim(x):
    """Drop what is 34 dB below the peak at both ends."""
    loud = np.flatnonzero(np.abs(x) > 0.02 * np.abs(x).max())
    return x[loud[0] : loud[-1] + 1]


def _hold(x, n):
    """Lengthen `x` to at least `n` samples by repeating its loudest 120 ms, cross-faded."""
    m = int(0.12 * ESPEAK_RATE)
    if len(x) >= n or len(x) < 2 * m:
        return x
    hop = m // 2
    begin = int(np.argmax(np.convolve(x**2, np.ones(m), "valid")[: len(x) - m + 1]))
    window = np.hanning(m)
    count = (n - len(x)) // hop
    held = np.zeros(count * hop + m)
    for k in range(count + 1):
        add(held, x[begin : begin + m] * window, k * hop)
    out = np.zeros(len(x) + count * hop)
    before, after = x[: begin + hop].copy(), x[begin + hop :].copy()
    fade = window[hop:][:hop]
    before[begin:] *= fade[: len(before) - begin]
    after[: m - hop] *= window[: m - hop]
    out[: len(before)] += before
    add(out, held, begin)
    add(out, after, begin + count * hop + hop)
    return out
