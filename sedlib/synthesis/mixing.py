"""From a script to one mono signal: sounds, places, mastering."""

from functools import partial

import numpy as np
from scipy import signal

from sedlib.synthesis import distractors, objects, rooms
from sedlib.synthesis.music import Band
from sedlib.synthesis.people import Cast
from sedlib.synthesis.shaping import active_level, add, edges, noise, tilt

BANDWIDTH = 9000.0  # Hz; eSpeak's own limit is near, so nothing else may go higher
# Hz; half of what speech of real recordings is often sampled at, 16 kHz, less the slope of
# its filter: with more, the cutoff would give speech away.
RECORDED_BANDWIDTH = 7500.0
BLOCK = 1 << 20  # samples mastered at once, to keep the memory small
AMBIENCE = "ambience"  # recorded; without it, one of the computed ones:
AMBIENCES = ("traffic", "wind", "machine", "rain", "murmur")


def sound_makers(rng, rate):
    """All sounds of one episode by name.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the cast, the audience and the band.
    rate : int
        Hz.

    Returns
    -------
    dict
        Class or distractor to a function ``(rng, n) -> ndarray of shape (n,)``.
    """
    cast, band = Cast(rng, rate), Band(rng, rate)
    makers = {
        "background music": band.play,
        "speaking": cast.speak,
        "background laughing": cast.laugh_in_audience,
        "shouting": cast.shout,
        "laughing": cast.laugh,
        "murmur": cast.murmur,
    }
    things = {
        "crashing": objects.crash,
        "knocking": objects.knock,
        "opening/closing doors": objects.door,
        "clapping": objects.clap,
        "door bell": objects.door_bell,
    }
    names = ("footsteps", "thump", "dishes", "chair", "telephone", "beeps", "horn", "rustle")
    names += ("cough", "typing", "switch", "clock", "rain", "traffic", "wind", "machine")
    things |= {name: getattr(distractors, name) for name in names}
    return makers | {name: partial(_at_rate, maker, rate) for name, maker in things.items()}


def dry_sound(rng, maker, n, rate, level):
    """One event as heard close by.

    Parameters
    ----------
    rng : numpy.random.Generator
    maker : callable
        From `sound_makers`.
    n : int
        Length in samples.
    rate : int
        Hz.
    level : float
        dB of the loud parts, relative to a full-scale constant.

    Returns
    -------
    ndarray of float64, shape (n,)
        Not zero at either end.
    """
    x = maker(rng, n)
    # No spectrum of its own: each microphone and each object differs.
    x = tilt(x, rate, rng.normal(0, 3), np.exp(rng.uniform(np.log(400), np.log(3000))))
    # And no digital silence within: its own noise, 60 dB down.
    x = x / active_level(x, rate) + 1e-3 * rng.standard_normal(n)
    return 10 ** (level / 20) * edges(x, rate, 0.001, 0.005)


def render(script, rng, duration, rate, recorded=None):
    """Make the sounds of a script and mix them.

    Parameters
    ----------
    script : pandas.DataFrame
        From `sedlib.synthesis.script.write_script`.
    rng : numpy.random.Generator
    duration : float
        Seconds.
    rate : int
        Hz.
    recorded : mapping of str to callable, optional
        Real sounds in place of the computed ones of `sound_makers`; ``ambience`` in place
        of all backgrounds. With it the band is that of recordings.

    Returns
    -------
    ndarray of float32, shape (n,)
        In (-1, 1), band-limited, around -24 dB.
    """
    n = round(duration * rate)
    makers = sound_makers(rng, rate) | (recorded or {})
    bandwidth = RECORDED_BANDWIDTH if recorded else BANDWIDTH
    mix = np.zeros(n)
    cuts = np.sort(rng.uniform(0.05, 0.95, rng.integers(2, 5))) * duration
    for begin, end in zip(np.r_[0, cuts], np.r_[cuts, duration], strict=True):
        cues = script[script.onset.between(begin, end, inclusive="left")]
        _play_scene(mix, cues, makers, rng, begin, end, rate)
    return _master(mix, rng, rate, bandwidth)


def lay_out(cues, makers, rng, start, stop, rate):
    """Put the sounds of a script where they belong, without any room.

    Parameters
    ----------
    cues : pandas.DataFrame
        Rows of a script.
    makers : dict
        From `sound_makers`.
    rng : numpy.random.Generator
    start, stop : int
        The stretch of the episode in samples.
    rate : int
        Hz.

    Returns
    -------
    dry, sent : ndarray of float64, shape (stop - start,)
        The sum of all sounds, and what of it the room is to answer. A sound is in
        samples ``round(onset * rate)`` to ``round(offset * rate) - 1`` of the episode.
    """
    dry, sent = np.zeros(stop - start), np.zeros(stop - start)
    for cue, own in zip(cues.itertuples(), rng.spawn(len(cues)), strict=True):
        first, last = round(cue.onset * rate) - start, round(cue.offset * rate) - start
        x = dry_sound(own, makers[cue.sound], last - first, rate, cue.level)
        # Music and audience were recorded in rooms of their own.
        near, far = (0.02, 0.1) if cue.sound.startswith("background") else (0.1, 0.8)
        dry[first:last] += x
        sent[first:last] += own.uniform(near, far) * x
    return dry, sent


def _play_scene(mix, cues, makers, rng, begin, end, rate):
    """Add the cues of one place, its answer to them, and its background."""
    start, stop = round(begin * rate), round(end * rate)
    last = max([stop, *(round(offset * rate) for offset in cues.offset)])
    dry, sent = lay_out(cues, makers, rng, start, last, rate)
    mix[start:last] += dry
    room = rooms.impulse_response(rng, rate, rng.uniform(0.15, 0.8), direct=0.0)
    add(mix, signal.oaconvolve(sent, room), start)
    floor = noise(rng, stop - start, rate, rng.uniform(20, 150), rng.uniform(500, 6000))
    ambiences = (AMBIENCE,) if AMBIENCE in makers else AMBIENCES
    ambience = makers[str(rng.choice(ambiences))](rng, stop - start)
    for sound, level in ((floor, rng.uniform(-60, -50)), (ambience, rng.uniform(-60, -44))):
        mix[start:stop] += edges(sound, rate, 0.05, 0.05) * 10 ** (level / 20) / sound.std()


def _master(mix, rng, rate, bandwidth):
    """Equalise, limit the band and the level, add a faint noise: as every broadcast has."""
    low, high = rng.normal(0, 2.5, 2)
    mix = tilt(tilt(mix, rate, low, 250), rate, high, 3000)
    # A soft limiter: seldom more than a blow or a crash reaches it.
    knee = 4.0 * np.sqrt(np.mean(mix**2))
    mix = knee * np.tanh(mix / knee)
    limit = signal.ellip(10, 0.1, 90, min(bandwidth, 0.45 * rate), fs=rate, output="sos")
    rumble = signal.butter(2, 30, "highpass", fs=rate, output="sos")
    sos = np.vstack([limit, rumble])
    state = np.zeros((len(sos), 2))
    for begin in range(0, len(mix), BLOCK):
        part = mix[begin : begin + BLOCK]
        part[:], state = signal.sosfilt(sos, part, zi=state)
    gain = 10 ** (rng.uniform(-25, -19) / 20) / np.sqrt(np.mean(mix**2))
    gain = min(gain, 0.89 / np.abs(mix).max())
    hiss = 10 ** (rng.uniform(-80, -72) / 20)
    out = np.empty(len(mix), np.float32)
    for begin in range(0, len(mix), BLOCK):
        part = mix[begin : begin + BLOCK]
        out[begin : begin + BLOCK] = gain * part + hiss * rng.standard_normal(len(part))
    return out


def _at_rate(maker, rate, rng, n):
    return maker(rng, n, rate)
