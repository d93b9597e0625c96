"""From a script to one mono signal: make the sounds, put them into rooms, master the mix."""

from copy import deepcopy
from functools import partial

import numpy as np
from scipy import signal

from sedlib.synthesis import rooms, shaping
from sedlib.synthesis.sound_registry import SOUNDS, names_of

# Hz. The voices of eSpeak end at little more, so that no other sound may go higher.
BANDWIDTH = 9000.0
# Hz. Recorded speech is often sampled at 16 kHz and its anti-aliasing filter ends below 8 kHz.
# With a wider band that cutoff would give speech away.
RECORDED_BANDWIDTH = 7500.0
AMBIENCE = "ambience"  # label of recorded backgrounds


def sound_makers(rng, rate):
    """Draw the performers of one episode and list the functions that make its sounds.

    Parameters
    ----------
    rng : numpy.random.Generator
    rate : int
        Sample rate in Hz.

    Returns
    -------
    dict of str to callable
        Name of each sound to a function ``(rng, n) -> ndarray of float64, shape (n,)``.
    """
    classes = dict.fromkeys(sound.performer for sound in SOUNDS.values() if sound.performer)
    performers = {performer: performer(rng, rate) for performer in classes}
    return {
        name: partial(sound.make, performers[sound.performer])
        if sound.performer
        else partial(sound.make, rate=rate)
        for name, sound in SOUNDS.items()
    }


def make_dry_sound(rng, maker, n, rate, level):
    """Make one event as it is heard close by, without a room.

    Parameters
    ----------
    rng : numpy.random.Generator
    maker : callable
        One of those from `sound_makers`.
    n : int
        Length in samples.
    rate : int
        Sample rate in Hz.
    level : float
        Root mean square of the loud parts in dB relative to full scale.

    Returns
    -------
    ndarray of float64, shape (n,)
        Not zero at either end.
    """
    x = maker(rng, n)
    # Each microphone and each object differs, so that no class has a spectrum of its own.
    x = shaping.tilt(x, rate, rng.normal(0, 3), np.exp(rng.uniform(np.log(400), np.log(3000))))
    # Noise 60 dB below the sound, so that there is no digital silence within it.
    x /= shaping.active_level(x, rate)
    faint = rng.standard_normal(n)
    faint *= 1e-3
    x += faint
    shaping.edges_in_place(x, rate, 0.001, 0.005)
    x *= 10 ** (level / 20)
    return x


def render(script, rng, duration, rate, recorded=None):
    """Make the sounds of a script and mix them.

    Parameters
    ----------
    script : pandas.DataFrame
        From `sedlib.synthesis.script.write_script`.
    rng : numpy.random.Generator
    duration : float
        Length of the episode in seconds.
    rate : int
        Sample rate in Hz.
    recorded : mapping of str to (callable, float), optional
        Recorded sounds that replace those of `sound_makers`, each with the share of its events
        that stay computed; ``ambience`` replaces all ambiences. If given, the band ends at
        `RECORDED_BANDWIDTH` instead of `BANDWIDTH`.

    Returns
    -------
    ndarray of float32, shape (n,)
        In (-1, 1), with a root mean square of -25 to -19 dB, or less where the peaks need it.
    """
    n = round(duration * rate)
    makers = sound_makers(rng, rate)
    for label, (maker, share) in (recorded or {}).items():
        makers[label] = partial(_make_either, makers[label], maker, share) if share else maker
    bandwidth = RECORDED_BANDWIDTH if recorded else BANDWIDTH
    mix = np.zeros(n)
    cuts = np.sort(rng.uniform(0.05, 0.95, rng.integers(2, 5))) * duration
    for begin, end in zip(np.r_[0, cuts], np.r_[cuts, duration], strict=True):
        cues = script[script.onset.between(begin, end, inclusive="left")]
        _add_scene(mix, cues, makers, rng, begin, end, rate)
    return _master(mix, rng, rate, bandwidth)


def place_sounds(mix, cues, makers, rng, room, rate):
    """Add the sounds of a script to a mix at their onsets, in place, as they are heard in a room.

    Parameters
    ----------
    mix : ndarray of float64, shape (n,)
        The episode. A sound fills its samples ``round(onset * rate)`` to
        ``round(offset * rate) - 1``, and is followed by its reverberation.
    cues : pandas.DataFrame
        Rows of a script.
    makers : dict of str to callable
        From `sound_makers`.
    rng : numpy.random.Generator
    room : ndarray
        Impulse response without the direct sound.
    rate : int
        Sample rate in Hz.
    """
    if cues.empty:
        return
    begin, end = round(cues.onset.min() * rate), round(cues.offset.max() * rate)
    into_room = np.zeros(end - begin)  # convolved once, not sound by sound
    for cue, own in zip(cues.itertuples(), rng.spawn(len(cues)), strict=True):
        first, last = round(cue.onset * rate), round(cue.offset * rate)
        x = make_dry_sound(own, makers[cue.sound], last - first, rate, cue.level)
        near, far = (0.02, 0.1) if SOUNDS[cue.sound].own_room else (0.1, 0.8)
        mix[first:last] += x
        x *= own.uniform(near, far)
        into_room[first - begin : last - begin] += x
    shaping.reverberate(mix, into_room, room, begin, rate)


def _make_either(computed, recorded, share, rng, n):
    """Compute a sound with the probability `share`, else play a recording."""
    return (computed if rng.random() < share else recorded)(rng, n)


def _add_scene(mix, cues, makers, rng, begin, end, rate):
    """Add the sounds of one scene, the reverberation of its room, and its background."""
    start, stop = round(begin * rate), round(end * rate)
    room = rooms.impulse_response(rng, rate, rng.uniform(0.15, 0.8), direct=0.0)
    place_sounds(mix, cues, makers, rng, room, rate)
    cutoffs = rng.uniform(20, 150), rng.uniform(500, 6000)
    # A scene may be long. The floor is made when the ambience needs no memory any more.
    floor_rng = deepcopy(rng)
    shaping.skip_noise(rng, stop - start)
    ambiences = (AMBIENCE,) if AMBIENCE in makers else names_of("ambience")
    ambience = makers[str(rng.choice(ambiences))](rng, stop - start)
    floor_level, level = rng.uniform(-60, -50), rng.uniform(-60, -44)
    _add_background(mix[start:stop], ambience, level, rate)
    del ambience
    floor = shaping.noise(floor_rng, stop - start, rate, *cutoffs)
    _add_background(mix[start:stop], floor, floor_level, rate)


def _add_background(scene, sound, level, rate):
    """Fade a sound, give it a level in dB and add it to a scene, all in place."""
    gain = 10 ** (level / 20) / shaping.deviation(sound)
    shaping.edges_in_place(sound, rate, 0.05, 0.05)
    sound *= gain
    scene += sound


def _master(mix, rng, rate, bandwidth):
    """Equalise the mix, limit its band and its level, and add faint noise, as a broadcast has.

    All of it in place, because an episode may be long.
    """
    low, high = rng.normal(0, 2.5, 2)
    shaping.filter_in_place(
        np.vstack([shaping.shelf(rate, low, 250), shaping.shelf(rate, high, 3000)]), mix
    )
    # A soft limiter, which acts on little more than knocks and crashes.
    knee = 4.0 * np.sqrt(shaping.mean_square(mix))
    mix /= knee
    np.tanh(mix, out=mix)
    mix *= knee
    limit = signal.ellip(10, 0.1, 90, min(bandwidth, 0.45 * rate), fs=rate, output="sos")
    rumble = signal.butter(2, 30, "highpass", fs=rate, output="sos")
    shaping.filter_in_place(np.vstack([limit, rumble]), mix)
    gain = 10 ** (rng.uniform(-25, -19) / 20) / np.sqrt(shaping.mean_square(mix))
    gain = min(gain, 0.89 / max(mix.max(), -mix.min()))
    mix *= gain
    level = 10 ** (rng.uniform(-80, -72) / 20)
    for second in range(0, len(mix), rate):
        part = mix[second : second + rate]
        part += level * rng.standard_normal(len(part))
    return mix.astype(np.float32)
