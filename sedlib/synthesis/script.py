"""The script of an episode: which sound is heard when, and how loud.

The three dominant classes follow the annotated episodes of 2018 in how much of the time they
fill and how long their events last, except that there is more background music. The rare
classes are far more frequent than in those episodes, because a few episodes would otherwise not
hold enough of them for training and evaluation. Training episodes hold more of them per minute
than validation and test episodes, so that the network hears more different sounds of each class.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from sedlib.synthesis.sound_registry import SOUNDS, names_of

# Fraction of the episode that the events of each dominant class fill.
SHARES = {"speaking": 0.70, "background laughing": 0.28, "background music": 0.23}
# Whole seconds of each rare class in six minutes; an event shorter than a second counts as one.
RARE_SECONDS = 5.0  # in validation and test episodes
TRAINING_RARE_SECONDS = 12.0  # in training episodes
SIX_MINUTES = 360.0
GAP = 0.5  # s, shortest pause between two events of one sound


def write_script(rng, duration, rare_seconds=RARE_SECONDS):
    """Draw the events of an episode.

    Parameters
    ----------
    rng : numpy.random.Generator
    duration : float
        Length of the episode in seconds.
    rare_seconds : float
        How long the events of each rare class last together in six minutes, in seconds; their
        durations count as whole seconds, rounded down, and at least one.

    Returns
    -------
    pandas.DataFrame
        Sorted by onset; columns onset, offset (s, whole milliseconds), sound (a name in
        `sedlib.synthesis.sound_registry.SOUNDS`) and level (dB, of the loud parts).
    """
    scale = duration / SIX_MINUTES
    titles = _plan_titles(rng, duration)
    speech = _plan_speech(rng, duration, titles[1])
    laughter = _plan_laughter(rng, duration, speech)
    music = _plan_music(rng, duration, titles, speech)
    planned = {"speaking": speech, "background laughing": laughter, "background music": music}
    crowded = [titles, *speech, *laughter]
    for label in names_of("rare"):
        planned[label] = []
        for seconds in _draw_durations(rng, rare_seconds * scale, SOUNDS[label].duration):
            # In four cases of five, where little else is heard.
            avoid = crowded if rng.random() < 0.8 else ()
            _place(rng, planned[label], duration, seconds, avoid=avoid)
    for name in names_of("distractor"):
        planned[name] = []
        for _ in range(rng.poisson(SOUNDS[name].count * scale)):
            _place(rng, planned[name], duration, _draw_duration(rng, *SOUNDS[name].duration))
    rows = [
        (onset, offset, name, _draw_level(rng, name, offset - onset))
        for name, spans in planned.items()
        for onset, offset in spans
    ]
    script = pd.DataFrame(rows, columns=["onset", "offset", "sound", "level"])
    script = script.round({"onset": 3, "offset": 3})
    return script.sort_values(["onset", "sound"], ignore_index=True)


def _draw_duration(rng, median, spread, shortest, longest):
    """Draw one duration in seconds; see `sedlib.synthesis.sound.Sound.duration`."""
    return float(np.clip(rng.lognormal(np.log(median), spread), shortest, longest))


def _draw_durations(rng, seconds, shape):
    """Draw durations until their whole seconds, at least one for each, reach `seconds`."""
    durations = [_draw_duration(rng, *shape)]
    while sum(max(1, int(d)) for d in durations) < seconds:
        durations.append(_draw_duration(rng, *shape))
    return durations


def _draw_level(rng, name, seconds):
    """Draw a level in dB. The spread is wide for all sounds; long music is quieter."""
    level = float(np.clip(rng.normal(SOUNDS[name].level, 3.5), -31, -12))
    if name == "background music" and seconds > 6:
        level -= rng.uniform(0, 5)
    return round(level, 2)


def _plan_titles(rng, duration):
    """Draw onset and offset of the music under the titles."""
    onset = rng.uniform(0.05, 1.5)
    return onset, onset + rng.uniform(0.045, 0.07) * duration


def _plan_speech(rng, duration, start):
    """Alternate events of speaking and pauses from the end of the titles on."""
    begin = max(0.1, start - rng.uniform(-1, 1.5))
    end = duration - rng.uniform(0.05, 1.0)
    target = min(SHARES["speaking"] * duration * rng.uniform(0.97, 1.03), 0.85 * (end - begin))
    turns = []
    while sum(turns) < target - 0.5:
        turns.append(_draw_duration(rng, 6.0, 1.05, 0.45, max(6.0, 0.15 * duration)))
    turns = np.array(turns) * target / sum(turns)
    spare = end - begin - turns.sum() - GAP * (len(turns) - 1)
    if spare < 0:
        turns *= 1 + (spare - 0.5) / turns.sum()
        spare = 0.5
    pauses = rng.exponential(1, len(turns))
    pauses = GAP + pauses / pauses.sum() * spare
    onsets = begin + np.r_[0, np.cumsum(turns[:-1] + pauses[:-1])]
    return list(zip(onsets, onsets + turns, strict=True))


def _plan_laughter(rng, duration, speech):
    """Let the audience laugh mostly as somebody stops speaking, sometimes at any time."""
    target = SHARES["background laughing"] * duration * rng.uniform(0.96, 1.04)
    spans, total = [], 0.0
    while total < target - 0.4:
        seconds = min(_draw_duration(rng, 2.0, 0.72, 0.6, 14.0), max(0.6, target - total))
        ends = np.array([offset for _, offset in speech])
        near = rng.choice(ends, 30) + rng.uniform(-1.2, 0.5, 30)
        onsets = np.where(rng.random(30) < 0.75, near, rng.uniform(0, duration, 30))
        if not _place(rng, spans, duration, seconds, onsets=onsets, avoid=speech):
            if not _place(rng, spans, duration, seconds):
                break
        total = sum(b - a for a, b in spans)
    return spans


def _plan_music(rng, duration, titles, speech):
    """Place the titles, short stings in the longest pauses, and beds under scenes."""
    target = SHARES["background music"] * duration * rng.uniform(0.95, 1.05)
    spans = [titles]
    pauses = [(b[0] - a[1], 0.5 * (a[1] + b[0])) for a, b in pairwise(speech)]
    stings = round(rng.uniform(3, 5.5) * duration / SIX_MINUTES)
    for _, middle in sorted(pauses, reverse=True)[:stings]:
        seconds = _draw_duration(rng, 3.5, 0.35, 1.5, 7.0)
        _place(rng, spans, duration, seconds, onsets=[middle - rng.uniform(0.3, 0.7) * seconds])
    while (left := target - sum(b - a for a, b in spans)) > 1.0:
        seconds = min(_draw_duration(rng, 9.0, 0.5, 3.0, 30.0), left)
        if not _place(rng, spans, duration, seconds):
            break
    return spans


def _place(rng, spans, duration, seconds, onsets=None, avoid=()):
    """Add one event to `spans`, apart from those already there, and return whether it fits.

    Of the onsets that fit (by default out of 30 random ones) the first is taken, or with
    `avoid` that one of the first eight which overlaps the spans in `avoid` least.
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
