"""What happens when in an episode, before any sound is made.

Shares and durations of the three dominant classes follow the published
statistics of the real annotated episodes, but background music is played a
fifth of the time instead of a seventeenth. The seven rare classes are boosted
from well under 1 % of the seconds to about six labelled seconds each in six
minutes, or nothing could be learnt or measured from ten short episodes.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

DOMINANT = ("background music", "speaking", "background laughing")
# Median, spread (of the logarithm), shortest and longest duration in seconds.
RARE = {
    "crashing": (0.9, 0.45, 0.4, 3.0),
    "knocking": (0.9, 0.35, 0.4, 2.0),
    "opening/closing doors": (0.9, 0.45, 0.35, 2.8),
    "clapping": (1.8, 0.4, 0.8, 3.4),
    "shouting": (1.0, 0.5, 0.4, 3.0),
    "laughing": (1.0, 0.45, 0.4, 3.0),
    "door bell": (1.1, 0.3, 0.5, 2.0),
}
# Sounds without a label: how often in six minutes, then as above.
DISTRACTORS = {
    "footsteps": (4, 1.8, 0.4, 0.8, 4.0),
    "thump": (3, 0.4, 0.3, 0.25, 0.7),
    "dishes": (4, 0.8, 0.5, 0.3, 2.5),
    "chair": (3, 0.7, 0.4, 0.3, 1.5),
    "telephone": (3, 1.6, 0.4, 0.7, 3.0),
    "beeps": (2, 0.9, 0.4, 0.3, 2.0),
    "horn": (2, 0.6, 0.4, 0.25, 1.5),
    "rustle": (4, 0.9, 0.5, 0.3, 3.0),
    "cough": (3, 0.6, 0.4, 0.25, 1.5),
    "typing": (3, 2.0, 0.4, 0.8, 5.0),
    "switch": (3, 0.3, 0.2, 0.22, 0.4),
    "clock": (2, 4.0, 0.4, 2.0, 9.0),
    "rain": (2, 2.5, 0.5, 1.0, 8.0),
    "murmur": (2, 3.0, 0.5, 1.2, 8.0),
}
SHARES = {"speaking": 0.70, "background laughing": 0.28, "background music": 0.23}
RARE_SECONDS = 5.0  # at least, of each rare class in six minutes
SIX_MINUTES = 360.0
GAP = 0.5  # s, shortest pause between two events of one class
COLUMNS = ["onset", "offset", "sound", "level"]


def write_script(rng, duration):
    """Draw when what is heard.

    Parameters
    ----------
    rng : numpy.random.Generator
    duration : float
        Of the episode in seconds.

    Returns
    -------
    pandas.DataFrame
        Sorted by onset; columns onset, offset (s, whole milliseconds), sound
        (a class, or the name of a distractor), level (dB, of the loud parts).
    """
    scale = duration / SIX_MINUTES
    titles = _titles(rng, duration)
    speech = _speech(rng, duration, titles[1])
    laughter = _laughter(rng, duration, speech)
    music = _music(rng, duration, titles, speech)
    found = {"speaking": speech, "background laughing": laughter, "background music": music}
    for label, shape in RARE.items():
        durations = _fill(rng, RARE_SECONDS * scale, *shape)
        found[label] = _place_rare(rng, duration, durations, [titles, *speech, *laughter])
    for sound, (count, *shape) in DISTRACTORS.items():
        found[sound] = []
        for _ in range(rng.poisson(count * scale)):
            _place(rng, found[sound], duration, _draw(rng, *shape))
    rows = [
        (onset, offset, sound, _level(rng, sound, offset - onset))
        for sound, spans in found.items()
        for onset, offset in spans
    ]
    script = pd.DataFrame(rows, columns=COLUMNS).round({"onset": 3, "offset": 3})
    return script.sort_values(["onset", "sound"], ignore_index=True)


def _draw(rng, median, spread, shortest, longest):
    """One duration in seconds."""
    return float(np.clip(rng.lognormal(np.log(median), spread), shortest, longest))


def _fill(rng, seconds, *shape):
    """Durations that fill `seconds` one-second clips at least, wherever they come to lie."""
    durations = [_draw(rng, *shape)]
    while sum(max(1, int(d)) for d in durations) < seconds:
        durations.append(_draw(rng, *shape))
    return durations


def _level(rng, sound, seconds):
    """Level in dB: wide for all, a little higher for what is short; long music is quieter."""
    level = float(np.clip(rng.normal(-24 if sound in DOMINANT else -18.5, 3.5), -31, -12))
    if sound == "background music" and seconds > 6:
        level -= rng.uniform(0, 5)
    return round(level, 2)


def _titles(rng, duration):
    onset = rng.uniform(0.05, 1.5)
    return onset, onset + rng.uniform(0.045, 0.07) * duration


def _speech(rng, duration, start):
    """Alternate turns and pauses from the end of the titles on."""
    begin = max(0.1, start - rng.uniform(-1, 1.5))
    end = duration - rng.uniform(0.05, 1.0)
    target = min(SHARES["speaking"] * duration * rng.uniform(0.97, 1.03), 0.85 * (end - begin))
    turns = []
    while sum(turns) < target - 0.5:
        turns.append(_draw(rng, 6.0, 1.05, 0.45, max(6.0, 0.15 * duration)))
    turns = np.array(turns) * target / sum(turns)
    spare = end - begin - turns.sum() - GAP * (len(turns) - 1)
    if spare < 0:
        turns *= 1 + (spare - 0.5) / turns.sum()
        spare = 0.5
    pauses = rng.exponential(1, len(turns))
    pauses = GAP + pauses / pauses.sum() * spare
    onsets = begin + np.r_[0, np.cumsum(turns[:-1] + pauses[:-1])]
    return list(zip(onsets, onsets + turns, strict=True))


def _laughter(rng, duration, speech):
    """Let the audience laugh as a turn ends, seldom in the middle of one."""
    target = SHARES["background laughing"] * duration * rng.uniform(0.96, 1.04)
    spans, total = [], 0.0
    while total < target - 0.4:
        seconds = min(_draw(rng, 2.0, 0.72, 0.6, 14.0), max(0.6, target - total))
        ends = np.array([offset for _, offset in speech])
        near = rng.choice(ends, 30) + rng.uniform(-1.2, 0.5, 30)
        onsets = np.where(rng.random(30) < 0.75, near, rng.uniform(0, duration, 30))
        if not _place(rng, spans, duration, seconds, onsets=onsets, avoid=speech):
            if not _place(rng, spans, duration, seconds):
                break
        total = sum(b - a for a, b in spans)
    return spans


def _music(rng, duration, titles, speech):
    """Titles, stings in the longest pauses, and beds under scenes."""
    target = SHARES["background music"] * duration * rng.uniform(0.95, 1.05)
    spans = [titles]
    pauses = [(b[0] - a[1], 0.5 * (a[1] + b[0])) for a, b in pairwise(speech)]
    stings = round(rng.uniform(3, 5.5) * duration / SIX_MINUTES)
    for _, middle in sorted(pauses, reverse=True)[:stings]:
        seconds = _draw(rng, 3.5, 0.35, 1.5, 7.0)
        _place(rng, spans, duration, seconds, onsets=[middle - rng.uniform(0.3, 0.7) * seconds])
    while (left := target - sum(b - a for a, b in spans)) > 1.0:
        seconds = min(_draw(rng, 9.0, 0.5, 3.0, 30.0), left)
        if not _place(rng, spans, duration, seconds):
            break
    return spans


def _place_rare(rng, duration, durations, crowded):
    """Anywhere, or in four cases of five where little else is heard."""
    spans = []
    for seconds in durations:
        _place(rng, spans, duration, seconds, avoid=crowded if rng.random() < 0.8 else ())
    return spans


def _place(rng, spans, duration, seconds, onsets=None, avoid=()):
    """Add one event to `spans`, clear of those already there.

    Of the onsets that fit (by default 30 random ones) the first is taken, or
    with `avoid` that of eight which overlaps it least. Returns whether one fitted.
    """
    if onsets is None:
        onsets = rng.uniform(0.02, max(0.03, duration - seconds - 0.02), 30)
    fitting = [
        onset
        for onset in onsets
        if onset >= 0.01
        and onset + seconds <= duration - 0.01
        and all(onset > b + GAP or onset + seconds < a - GAP for a, b in spans)
    ]
    if not fitting:
        return False

    def overlap(onset):
        return sum(max(0.0, min(b, onset + seconds) - max(a, onset)) for a, b in avoid)

    onset = min(fitting[:8], key=overlap) if len(avoid) else fitting[0]
    spans.append((onset, onset + seconds))
    return True
