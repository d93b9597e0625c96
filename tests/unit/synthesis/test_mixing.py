"""Claims about the sounds, as they are made and mixed."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from sedlib.synthesis import memory_needed, mixing
from sedlib.synthesis.sound_registry import CLASSES, SOUNDS, names_of

RATE = 44100


@pytest.fixture(scope="module")
def makers():
    return mixing.sound_makers(np.random.default_rng(3), RATE)


@pytest.mark.parametrize("sound", SOUNDS)
def test_a_sound_fills_its_time_and_fades_at_both_ends(makers, sound):
    for seed, n in enumerate((int(0.31 * RATE), int(1.27 * RATE))):
        x = mixing.make_dry_sound(np.random.default_rng(seed), makers[sound], n, RATE, -20.0)
        assert x.shape == (n,) and x.dtype == np.float64 and np.isfinite(x).all()
        assert x[0] != 0 and x[-1] != 0
        assert max(abs(x[0]), abs(x[-1])) < 0.01 * np.abs(x).max()


@pytest.mark.parametrize("sound", CLASSES)
def test_an_annotated_sound_is_heard_from_its_first_to_its_last_quarter(makers, sound):
    n = int(1.2 * RATE)
    for seed in range(4):
        x = mixing.make_dry_sound(np.random.default_rng(seed), makers[sound], n, RATE, 0.0)
        for part in (x[: n // 5], x[-n // 5 :]):
            assert 20 * np.log10(np.sqrt(np.mean(part**2))) > -40


@pytest.mark.parametrize("delay", [0, 99])
@pytest.mark.parametrize("sound", CLASSES)
def test_a_sound_is_where_the_annotation_says_to_the_sample(makers, sound, delay):
    cue = pd.DataFrame({"onset": [1.237], "offset": 2.004, "sound": sound, "level": -20.0})
    mix, room = np.zeros(3 * RATE), np.append(np.zeros(delay), 1.0)  # one echo
    mixing.place_sounds(mix, cue, makers, np.random.default_rng(0), room, RATE)
    heard = np.flatnonzero(np.abs(mix) > 1e-12)  # the convolution rounds
    assert heard[0] == round(1.237 * RATE)
    assert heard[-1] == round(2.004 * RATE) - 1 + delay


def test_the_room_is_heard_as_if_each_sound_were_convolved_by_itself():
    rng = np.random.default_rng(1)
    dry = {name: rng.standard_normal(2 * RATE) for name in CLASSES}
    makers = {name: lambda _, n, name=name: dry[name][:n].copy() for name in CLASSES}
    onsets = rng.uniform(0.5, 2.5, len(CLASSES))  # in no order; they overlap
    offsets = onsets + rng.uniform(0.2, 1.5, len(CLASSES))
    columns = {"onset": onsets, "offset": offsets, "sound": list(CLASSES), "level": -20.0}
    cues, room = pd.DataFrame(columns), rng.standard_normal(500) * np.geomspace(1, 1e-3, 500)
    room[0] = 0
    mix, expected = np.zeros(4 * RATE), np.zeros(5 * RATE)
    mixing.place_sounds(mix, cues, makers, np.random.default_rng(0), room, RATE)
    for cue, own in zip(cues.itertuples(), np.random.default_rng(0).spawn(len(cues)), strict=True):
        first, last = round(cue.onset * RATE), round(cue.offset * RATE)
        x = mixing.make_dry_sound(own, makers[cue.sound], last - first, RATE, cue.level)
        near, far = (0.02, 0.1) if SOUNDS[cue.sound].own_room else (0.1, 0.8)
        expected[first:last] += x
        share = own.uniform(near, far)
        expected[first : last + len(room) - 1] += share * np.convolve(x, room)
    np.testing.assert_allclose(mix, expected[: len(mix)], atol=1e-12)  # 16 bits are 3e-5


def test_two_events_of_a_class_differ(makers):
    n = int(0.8 * RATE)
    for sound in CLASSES:
        a, b = (
            mixing.make_dry_sound(np.random.default_rng(seed), makers[sound], n, RATE, -20.0)
            for seed in (1, 2)
        )
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.5, sound


def test_no_class_gives_itself_away_by_its_bandwidth():
    above = {}
    for sound in CLASSES:
        cue = pd.DataFrame(
            [(0.1, 1.9, sound, -20.0)], columns=["onset", "offset", "sound", "level"]
        )
        x = mixing.render(cue, np.random.default_rng(5), 2.0, RATE)
        power = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2
        high = np.fft.rfftfreq(len(x), 1 / RATE) > 1.1 * mixing.BANDWIDTH
        above[sound] = 10 * np.log10(power[high].mean() / power[~high].mean())
        density = np.array([part.mean() for part in np.array_split(power[high], 8)])
        # What is up there is the same faint, flat hiss whatever is heard below.
        assert above[sound] < -25
        assert np.ptp(10 * np.log10(density)) < 1.5, sound


@pytest.mark.parametrize("ambience", names_of("ambience"))
def test_an_episode_of_one_scene_takes_no_more_memory_than_is_reckoned_with(
    params_for, makers, monkeypatch, ambience
):
    monkeypatch.setattr(mixing, "names_of", lambda _: (ambience,))
    script = pd.DataFrame([], columns=["onset", "offset", "sound", "level"])
    tracemalloc.start()
    try:
        mixing.render(script, np.random.default_rng(0), 120.0, RATE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    process = 2e8  # bytes, of Python with its packages
    assert peak <= memory_needed(params_for(120.0)) - process
