"""Sounds of people: speaking, shouting, laughing, and the laughing of an audience."""

from dataclasses import replace

import numpy as np
from scipy import fft, signal

from sedlib.synthesis import rooms
from sedlib.synthesis.phrases import SHOUTS, sentence
from sedlib.synthesis.shaping import (
    add,
    edges,
    edges_in_place,
    noise,
    resonate,
    swell,
    tilt,
)
from sedlib.synthesis.sound import Sound
from sedlib.synthesis.speech import ESPEAK_RATE, random_voice, say

LONGEST_PAUSE = 0.45  # s, within an event of speaking
# First five formants of vowels in Hz, open and open-mid ones and others, for a vocal tract of
# medium length.
OPEN_VOWELS = (
    (750, 1250, 2600, 3600, 4500),
    (600, 1800, 2600, 3700, 4700),
    (680, 1050, 2500, 3500, 4500),
)
VOWELS = (*OPEN_VOWELS, (320, 2300, 3000, 3700, 4800), (480, 950, 2500, 3400, 4400))


class Cast:
    """The characters and the audience of one episode.

    Parameters
    ----------
    rng : numpy.random.Generator
    rate : int
        Sample rate in Hz.
    """

    def __init__(self, rng, rate):
        self.rate = rate
        self.voices = [random_voice(rng) for _ in range(rng.integers(4, 7))]
        # Vocal tract length and spectral slope of each voice, beyond the variants of eSpeak.
        self.stretch = rng.uniform(0.92, 1.09, len(self.voices))
        self.slopes = rng.normal(0, 4, len(self.voices))
        self.audience = [
            laugh_once(rng, int(rng.uniform(1.2, 3.5) * rate), rate)
            for _ in range(rng.integers(16, 25))
        ]
        self.crowd = [
            _stretch(say(sentence(rng, 3.0), random_voice(rng)), rate / ESPEAK_RATE)
            for _ in range(8)
        ]
        self.hall = rooms.impulse_response(rng, rate, rng.uniform(0.7, 1.5), direct=0.6)
        self.crowd_in_hall = [signal.oaconvolve(x, self.hall) for x in self.crowd]

    def speak(self, rng, n):
        """Let one to three characters talk in turn, with short pauses, for `n` samples."""
        wanted = n / self.rate
        speakers = rng.choice(len(self.voices), rng.integers(1, 4), replace=False)
        lines, pauses, total, turn = [], [], 0.0, 0
        while total < wanted:
            who = speakers[turn % len(speakers)]
            seconds = min(wanted - total, rng.uniform(1.0, 4.5))
            x = self._speak_line(rng, who, seconds)
            length = len(x) / ESPEAK_RATE * self.stretch[who]
            # A last line is left out if the event can be filled better without it.
            if lines and length > 2 * (wanted - total):
                break
            lines.append((x, who))
            pauses.append(rng.uniform(0.05, 0.8 * LONGEST_PAUSE))
            total += length + pauses[-1]
            turn += rng.random() < 0.6
        total -= pauses.pop()
        parts = []
        for x, who in lines:
            x = _stretch(x, self.rate / ESPEAK_RATE * self.stretch[who] * wanted / total)
            x = tilt(x, self.rate, self.slopes[who]) * 10 ** (rng.normal(0, 2.5) / 20)
            parts.append(x[:n])
        # The pauses fill the time that the lines leave.
        silence = n - sum(map(len, parts))
        pauses = np.array([*pauses, 0.0])
        pauses *= silence / max(pauses.sum(), 1e-9)
        out, begin = np.zeros(n), 0
        for x, pause in zip(parts, pauses, strict=True):
            add(out, x, begin)
            begin += len(x) + int(pause)
        return out

    def _speak_line(self, rng, who, seconds):
        """Speak one sentence, faster or slower so that it lasts about `seconds`."""
        voice, wanted = self.voices[who], seconds * ESPEAK_RATE / self.stretch[who]
        text = sentence(rng, seconds)
        x = say(text, voice)
        # In a longer event the next sentence compensates for a wrong length.
        if seconds < 2.5 and not 0.9 < len(x) / wanted < 1.1:
            pace = np.clip(len(x) / wanted, 0.75, 1.4)
            x = say(text, replace(voice, rate=int(voice.rate * pace)))
        return x

    def shout(self, rng, n):
        """Let people scream, or a character shout words in a high, slow and rough voice."""
        if rng.random() < 0.65:
            return cry_out(rng, n, self.rate)
        seconds = n / self.rate
        who = rng.integers(len(self.voices))
        voice = replace(
            self.voices[who],
            pitch=int(rng.integers(85, 100)),
            liveliness=int(rng.integers(60, 100)),
            rate=int(rng.integers(90, 150)),
        )
        cries = [str(text) for text in rng.choice(SHOUTS, 6, replace=False)]
        text = cries.pop()
        while cries and len(text) + 0.5 * len(cries[-1]) < 10 * seconds:
            text += " " + cries.pop()
        pace = np.clip(len(say(text, voice)) / (seconds * ESPEAK_RATE), 0.6, 1.5)
        x = _fit(say(text, replace(voice, rate=int(voice.rate * pace))), n)
        x = tilt(x, self.rate, rng.uniform(2, 14), 1500)
        x = np.tanh(rng.uniform(2.0, 6.0) * x / np.abs(x).max())
        # A strained voice is rough: its amplitude is modulated at 40 to 100 Hz.
        flutter = rng.uniform(40, 100) / self.rate * swell(rng, n, self.rate, 8, 1.5)
        return x * (1 + rng.uniform(0.4, 0.8) * np.sin(2 * np.pi * np.cumsum(flutter)))

    def laugh(self, rng, n):
        """Let a character laugh."""
        if rng.random() < 0.2:
            who = rng.integers(len(self.voices))
            voice = replace(
                self.voices[who], pitch=int(rng.integers(50, 99)), rate=int(rng.integers(200, 300))
            )
            syllable = str(rng.choice(("ha", "heh", "hah", "hee", "ho")))
            count = max(2, round(n / self.rate / 0.2))
            x = _fit(say(" ".join([syllable] * min(count, 14)) + "!", voice), n)
            breath = noise(rng, n, self.rate, 500, 6000)
            return x + breath * np.abs(x).std() * rng.uniform(0.05, 0.4)
        return laugh_once(rng, n, self.rate)

    def laugh_in_hall(self, rng, n):
        """Let at least twenty people laugh in a hall, first louder and then dying away."""
        rate = self.rate
        out = np.zeros(n)
        count = int(rng.integers(20, 50))
        lead = rng.uniform(0.1, 0.6)
        starts = rng.beta(0.8, 1.3, count) * n - lead * rate
        starts[:2] = -lead * rate
        for start in starts:
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
        """Let many people talk at once, so that nobody can be understood."""
        out = np.zeros(n)
        for start in rng.uniform(-1.0, n / self.rate, max(8, int(5 * n / self.rate))):
            who, gain = rng.integers(len(self.crowd)), rng.uniform(0.3, 1)
            x, begin = self.crowd_in_hall[who], int(start * self.rate)
            if begin < 0:  # what was said before is not heard
                x = signal.oaconvolve(self.crowd[who][-begin:], self.hall)
            add(out, x * gain, max(0, begin))
        return edges_in_place(out, self.rate, 0.4, 0.4)


def laugh_once(rng, n, rate):
    """Make one person laugh: bursts of voice or mostly of breath, each after an "h".

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Length in samples.
    rate : int
        Sample rate in Hz.

    Returns
    -------
    ndarray, shape (n,)
    """
    t = np.arange(n) / rate
    period = rng.uniform(0.13, 0.32)
    starts = np.arange(0, n / rate, period) + rng.normal(0, 0.015, int(np.ceil(n / rate / period)))
    pitch = np.exp(rng.uniform(np.log(130), np.log(650)))
    fall, vowel = rng.uniform(0.0, 0.6), VOWELS[rng.integers(len(VOWELS))]
    f0 = pitch * np.exp(-fall * t / max(t[-1], 1.0))
    voiced, breathy = np.zeros(n), np.full(n, 0.02)
    width = rng.uniform(0.3, 0.7) * period
    decay, arch = rng.uniform(0.0, 2.5), rng.uniform(-0.15, 0.45)
    if rng.random() < 1 / 3:  # a long vowel first
        longest = rng.uniform(1.5, 3.5)
        starts = np.r_[0.0, starts[starts > longest * width]]
    else:
        longest = rng.uniform(0.7, 1.2)
    for number, start in enumerate(starts):
        begin = max(0, int(start * rate))
        longer = longest if number == 0 else rng.uniform(0.7, 1.2)
        m = min(int(width * longer * rate), n - begin)
        if m < 8:
            continue
        arc = np.sin(np.pi * (np.arange(m) + 1) / (m + 1))
        loud = np.exp(-decay * start / (n / rate)) * 10 ** (rng.normal(0, 2.5) / 20)
        voiced[begin : begin + m] += loud * arc ** rng.uniform(0.4, 1.3)
        f0[begin : begin + m] *= 1 + arch * rng.uniform(0.4, 1.3) * arc
        # The "h" of "ha" leads into the vowel.
        h = max(1, int(0.4 * period * rate))
        add(breathy, loud * np.sin(np.pi * (np.arange(h) + 1) / (h + 1)), max(0, begin - h // 2))
    f0 *= swell(rng, n, rate, 12, 0.3)
    phase = np.cumsum(f0) / rate + rng.random()
    pulse = signal.lfilter([1], [1, -rng.uniform(0.2, 0.85)], (phase % 1) - 0.5)
    throat = rng.uniform(0.85, 1.25)
    formants = [f * throat * rng.uniform(0.92, 1.08) for f in vowel]
    breath = rng.uniform(0.03, 0.4) if rng.random() < 0.85 else rng.uniform(1, 4)
    source = pulse * voiced + breath * (breathy + 0.5 * voiced) * rng.standard_normal(n)
    x = resonate(source, rate, formants, (110, 140, 220, 300, 450), (1, 0.9, 0.7, 0.5, 0.4))
    return edges(x + rng.uniform(0.01, 0.1) * source, rate, 0.01, 0.04)


def cry_out(rng, n, rate):
    """Make one or several people scream, each on one vowel.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Length in samples.
    rate : int
        Sample rate in Hz.

    Returns
    -------
    ndarray, shape (n,)
    """
    out = np.zeros(n)
    for voice in range(int(rng.choice((1, 1, 1, rng.integers(2, 6))))):
        begin = 0 if voice == 0 else int(rng.uniform(0, 0.3) * n)
        add(out, _scream(rng, n - begin, rate), begin)
    return out


def _scream(rng, n, rate):
    """Make one person scream in a strained and rough voice whose pitch rises and falls again."""
    place = np.linspace(0, 1, n)
    peak = rng.uniform(0.1, 0.7)
    arch = np.where(place < peak, place / peak, (1 - place) / (1 - peak))
    pitch = np.exp(rng.uniform(np.log(170), np.log(1100)))
    f0 = pitch * 2 ** (rng.uniform(0.0, 0.9) * np.sin(0.5 * np.pi * arch))
    f0 *= swell(rng, n, rate, 15, rng.uniform(0.1, 0.6))
    phase = np.cumsum(f0) / rate
    pulse = signal.lfilter([1], [1, -rng.uniform(0.1, 0.8)], (phase % 1) - 0.5)
    # A strained voice is noisy and rough: its amplitude varies at half its pitch, or irregularly.
    if rng.random() < 0.3:
        rough = np.sin(np.pi * phase)
    else:
        rough = noise(rng, n, rate, 20, rng.uniform(60, 200))
        rough /= rough.std()
    pulse *= 1 + rng.uniform(0, 1) * rough
    hiss = 10 ** rng.uniform(-1.5, 0.3) * rng.standard_normal(n)
    source = pulse + hiss * (1 + 0.5 * rough)
    vowel, throat = OPEN_VOWELS[rng.integers(len(OPEN_VOWELS))], rng.uniform(0.9, 1.3)
    formants = [f * throat * rng.uniform(0.92, 1.08) for f in vowel]
    x = resonate(source, rate, formants, (160, 180, 260, 340, 500), (1, 1, 0.8, 0.6, 0.4))
    x = np.tanh(rng.uniform(0.5, 4.0) * (x + 0.05 * source) / np.abs(x).max())
    shape = np.minimum(1, 4 * np.minimum(place / rng.uniform(0.3, 1.5), 1 - place))
    return edges(x * shape * swell(rng, n, rate, 4, 1.5), rate, 0.03, 0.06)


def _stretch(x, ratio):
    """Resample to `ratio` times the length, with padding to lengths that are fast to transform."""
    padded = fft.next_fast_len(len(x) + 256, real=True)
    target = fft.next_fast_len(int(np.ceil(padded * ratio)), real=True)
    y = signal.resample(np.pad(np.asarray(x, float), (0, padded - len(x))), target)
    return y[: int(np.ceil(len(x) * ratio))]


def _fit(x, n):
    """Resample to `n` samples."""
    return _stretch(x, n / len(x))[:n]


SOUNDS = (
    Sound("speaking", Cast.speak, ("dominant",), level=-24, performer=Cast),
    Sound(
        "background laughing",
        Cast.laugh_in_hall,
        ("dominant",),
        level=-24,
        own_room=True,
        performer=Cast,
    ),
    Sound("shouting", Cast.shout, ("rare",), (1.0, 0.5, 0.4, 3.0), performer=Cast),
    Sound("laughing", Cast.laugh, ("rare",), (1.0, 0.45, 0.4, 3.0), performer=Cast),
)
