"""Background music: a small band plays the music of an episode.

Each episode has its own key, mode, tempo, chords and instruments. A piece of music (the
titles, a short sting, a bed under a scene) has some of the players and begins at a random bar,
so that no two pieces are equal. The notes are sums of sines, frequency modulation (Chowning,
1973, J. Audio Eng. Soc. 21) or plucked strings (Karplus and Strong, 1983, Computer Music
Journal 7).
"""

import numpy as np
from scipy import signal

from sedlib.synthesis import rooms
from sedlib.synthesis.shaping import add, edges, noise
from sedlib.synthesis.sound import Sound

# Semitones of the seven degrees of a scale: major, minor, Dorian, Mixolydian.
MODES = (
    (0, 2, 4, 5, 7, 9, 11),
    (0, 2, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 9, 10),
    (0, 2, 4, 5, 7, 9, 10),
)
# Degrees of the scale on which the chords of four bars stand.
PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 3), (1, 4, 0, 0), (0, 3, 0, 4), (5, 3, 0, 4))
CHORDS = ("strum", "piano", "organ", "pad")
LEADS = ("pluck", "reed", "bells", "piano")


class Band:
    """The players and the melody of one episode.

    Parameters
    ----------
    rng : numpy.random.Generator
    rate : int
        Sample rate in Hz.
    """

    def __init__(self, rng, rate):
        self.rate = rate
        self.beat = 60 / rng.uniform(72, 150)  # s
        self.key = int(rng.integers(-5, 7))
        self.mode = MODES[rng.integers(len(MODES))]
        self.chords = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
        self.swing = rng.choice((0.5, 0.5, 0.62))
        self.comping = str(rng.choice(CHORDS))
        self.lead = str(rng.choice(LEADS))
        self.colour = rng.uniform(0, 1, 6)
        # One phrase of the melody: a degree of the scale or a rest for each half beat.
        self.tune = np.cumsum(rng.integers(-2, 3, 16)) % 9
        self.rests = rng.random(16) < rng.uniform(0.2, 0.6)
        self.rests[[0, 8]] = False
        self.kick = rng.random(8) < (0.95, 0.1, 0.3, 0.2, 0.7, 0.1, 0.3, 0.2)
        self.balance = dict(
            zip(("bass", "chords", "lead", "drums"), 10 ** (rng.normal(0, 3, 4) / 20), strict=True)
        )
        self.room = rooms.impulse_response(rng, rate, rng.uniform(0.3, 1.2), direct=1.6)
        self.pluck_seed = int(rng.integers(2**31))
        self._notes = {}

    def play(self, rng, n):
        """Play `n` samples with some of the players, from a random bar on."""
        rate, beat = self.rate, self.beat
        out = np.zeros(n)
        players = {p for p in ("bass", "lead", "drums") if rng.random() < 0.6} | {"chords"}
        bar = int(rng.integers(0, 8))
        offset = -rng.uniform(0, 0.02) * beat
        for k in range(int(n / rate / beat * 2) + 1):
            half = k + 8 * bar
            start = offset + (k // 2 + (self.swing if k % 2 else 0)) * beat
            begin = max(0, int(start * rate))
            degree = self.chords[(half // 8) % len(self.chords)]
            for player, note in self._play_half_beat(players, half, degree):
                add(out, self.balance[player] * rng.uniform(0.75, 1) * note, begin)
        out = signal.oaconvolve(out, self.room)[:n]
        out += 1e-3 * np.abs(out).max() * noise(rng, n, rate, 100, 8000)
        return edges(out, rate, rng.choice((0.005, 0.05, 0.6)), rng.uniform(0.1, 0.4))

    def _play_half_beat(self, players, half, degree):
        """Yield the player and the samples of each note that begins at this half beat."""
        place, beat = half % 8, self.beat
        if "bass" in players and place in (0, 3, 4, 6):
            interval = 4 if place % 3 == 2 else 0
            yield "bass", self._note("bass", self._pitch(degree + interval, 36), beat)
        if "chords" in players:
            sustained = self.comping in ("pad", "organ")
            if place == 0 or (not sustained and place in (3, 4, 6, 7)):
                length = 4.1 * beat if sustained else (0.9 * beat if place else 1.6 * beat)
                for third in (0, 2, 4) if self.colour[0] < 0.6 else (0, 2, 4, 6):
                    pitch = self._pitch(degree + third, 55)
                    yield "chords", 0.5 * self._note(self.comping, pitch, length)
        if "lead" in players and not self.rests[half % 16]:
            pitch = self._pitch(degree + self.tune[half % 16], 67)
            yield "lead", 0.8 * self._note(self.lead, pitch, beat * (0.55 + self.colour[1]))
        if "drums" in players:
            if self.kick[place]:
                yield "drums", self._note("kick", 0, 0.25)
            if place in (2, 6):
                yield "drums", 0.7 * self._note("snare", 0, 0.2)
            yield "drums", 0.25 * self._note("hat", 0, 0.06 + 0.1 * self.colour[2])

    def _pitch(self, degree, low):
        """Return the MIDI note number of a degree of the scale whose tonic is ``low + key``."""
        octave, step = divmod(int(degree), 7)
        return low + self.key + self.mode[step] + 12 * octave

    def _note(self, instrument, pitch, seconds):
        """Return the samples of one note and keep them, because a melody repeats its notes."""
        key = (instrument, pitch, round(seconds, 4))
        if key not in self._notes:
            t = np.arange(int(seconds * self.rate)) / self.rate
            x = getattr(self, f"_{instrument}")(440 * 2 ** ((pitch - 69) / 12), t)
            self._notes[key] = edges(x, self.rate, 0.003, 0.03)
        return self._notes[key]

    def _bass(self, f, t):
        tone = sum(np.sin(2 * np.pi * f * h * t) / h**1.5 for h in range(1, 7))
        return tone * np.exp(-(1.5 + 3 * self.colour[3]) * t)

    def _strum(self, f, t):
        return np.roll(self._pluck(f, t), int(f) % 7 * int(0.003 * self.rate))

    def _pluck(self, f, t):
        period = max(2, round(self.rate / f))
        rng = np.random.default_rng([self.pluck_seed, period])
        x = np.zeros(len(t))
        m = min(len(t), period)
        x[:m] = rng.uniform(-1, 1, m)
        damping = 0.5 * 0.996 ** (f / 220) * (0.985 + 0.015 * self.colour[4])
        string = np.zeros(period + 2)
        string[0], string[-2:] = 1, -damping
        return signal.lfilter([0.6, 0.4], string, x)

    def _piano(self, f, t):
        # Two operators with the frequency ratio of an electric piano; the index decays.
        index = (0.4 + 2 * self.colour[3]) * np.exp(-4 * t)
        if self.colour[5] < 0.6:
            ratio = 1
        else:
            ratio = 14 if f < 400 else 3
        tone = np.sin(2 * np.pi * f * t + index * np.sin(2 * np.pi * f * ratio * t))
        return tone * np.exp(-(1.2 + 2 * self.colour[4]) * t)

    def _organ(self, f, t):
        bars = zip((0.5, 1, 1.5, 2, 3, 4, 6), (0.4, 1, 0.3, 0.7, 0.4, 0.3, 0.15), strict=True)
        tone = sum(g * np.sin(2 * np.pi * f * h * t) for h, g in bars)
        return 0.4 * tone * (1 + 0.25 * np.sin(2 * np.pi * (3 + 4 * self.colour[3]) * t))

    def _pad(self, f, t):
        tone = np.zeros(len(t))
        for cents in (-7, 0, 6):
            g = f * 2 ** (cents / 1200)
            sway = 0.3 * np.sin(2 * np.pi * 4.8 * t + cents)
            for h in range(1, max(2, min(12, int(5000 / g)))):
                tone += np.sin(h * (2 * np.pi * g * t + sway) + h * cents) / h**1.6
        rise = np.minimum(1, t / 0.4) * np.minimum(1, (len(t) / self.rate - t) / 0.5)
        return 0.25 * tone * rise

    def _reed(self, f, t):
        depth = 0.012 * np.minimum(1, t / 0.25)
        phase = 2 * np.pi * np.cumsum(f * (1 + depth * np.sin(2 * np.pi * 5.3 * t))) / self.rate
        tone = sum(np.sin(h * phase) * np.exp(-0.45 * (h - 1)) for h in range(1, 9))
        return 0.35 * tone * np.minimum(1, t / 0.04)

    def _bells(self, f, t):
        partials = ((1, 1, 2.5), (3.93, 0.35, 6), (9.5, 0.1, 12))
        return sum(g * np.exp(-d * t) * np.sin(2 * np.pi * f * r * t) for r, g, d in partials)

    def _kick(self, _f, t):
        return np.sin(2 * np.pi * (45 * t + 6 * (1 - np.exp(-30 * t)) / 3)) * np.exp(-14 * t)

    def _snare(self, _f, t):
        rng = np.random.default_rng(self.pluck_seed)
        wires = noise(rng, len(t), self.rate, 700, 8000)
        return (wires + 0.6 * np.sin(2 * np.pi * 185 * t)) * np.exp(-20 * t)

    def _hat(self, _f, t):
        rng = np.random.default_rng(self.pluck_seed)
        return noise(rng, len(t), self.rate, 5000, 9500) * np.exp(-np.linspace(0, 5, len(t)))


SOUNDS = (
    Sound("background music", Band.play, ("dominant",), level=-24, own_room=True, performer=Band),
)
