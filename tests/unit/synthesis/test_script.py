"""Claims about the script of an episode."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.synthesis.script import SHARES, write_script
from sedlib.synthesis.sound_registry import CLASSES, SOUNDS, names_of

DOMINANT, RARE, DISTRACTORS = map(names_of, ("dominant", "rare", "distractor"))


def script_of(seed, duration=360.0):
    return write_script(np.random.default_rng([seed, 7]), duration)


def spans(script, sound):
    return script.loc[script.sound == sound, ["onset", "offset"]].to_numpy()


def segment_labels(script, n_segments):
    """Slow and obvious: the 'half' rule, event by event."""
    covered = np.zeros((n_segments, len(CLASSES)))
    labels = np.zeros((n_segments, len(CLASSES)), bool)
    for j, label in enumerate(CLASSES):
        for onset, offset in spans(script, label):
            for k in range(int(onset), min(n_segments, int(offset) + 1)):
                inside = min(offset, k + 1) - max(onset, k)
                covered[k, j] += inside
                labels[k, j] |= inside >= 0.5 * (offset - onset)
    return labels | (covered >= 0.5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(10, 400))
def test_events_lie_in_the_episode_on_whole_milliseconds_and_clear_of_their_class(seed, duration):
    script = script_of(seed, duration)
    assert (script.onset >= 0).all() and (script.offset <= duration).all()
    assert (script.offset - script.onset > 0.2).all()
    for column in (script.onset, script.offset):
        np.testing.assert_array_equal(column, np.round(column, 3))
    assert set(script.sound) <= {*CLASSES, *DISTRACTORS}
    for sound in set(script.sound):
        own = spans(script, sound)
        assert (own[1:, 0] - own[:-1, 1] > 0.4).all()
    if duration >= 60:
        assert {*CLASSES} <= {*script.sound}


@pytest.mark.parametrize("seed", range(6))
def test_a_full_episode_has_the_promised_shares(seed):
    script = script_of(seed)
    seconds = {label: np.diff(spans(script, label)).sum() for label in CLASSES}
    dominant = sum(seconds[label] for label in DOMINANT)
    assert CLASSES[:3] == DOMINANT
    assert dominant / sum(seconds.values()) > 0.90
    labels = segment_labels(script, 360)
    assert labels[:, :3].sum() / labels.sum() > 0.90
    assert (labels[:, 3:].sum(axis=0) >= 5).all()
    assert (labels[:, 3:].sum(axis=0) <= 10).all()
    share = dict(zip(CLASSES, labels.mean(axis=0), strict=True))
    assert 0.20 < share["background music"] < 0.26
    assert 0.65 < share["speaking"] < 0.74
    assert 0.25 < share["background laughing"] < 0.32
    speaking, laughing = (CLASSES.index(label) for label in ("speaking", "background laughing"))
    assert 0.05 < (labels[:, speaking] & labels[:, laughing]).mean() < 0.16


@pytest.mark.parametrize("seed", range(6))
def test_each_rare_class_gets_the_seconds_asked_for(seed):
    for wanted in (5.0, 12.0):
        script = write_script(np.random.default_rng([seed, 7]), 360.0, wanted)
        for label in RARE:
            # As in the script: rounded down, and at least one second for each event.
            seconds = np.maximum(1, np.diff(spans(script, label)).astype(int)).sum()
            assert wanted <= seconds < wanted + 3, label


def test_events_last_as_long_as_in_the_real_episodes():
    scripts = pd.concat(script_of(seed) for seed in range(10))
    seconds = (scripts.offset - scripts.onset).groupby(scripts.sound)
    median, high = seconds.median(), seconds.quantile(0.9)
    assert 4.5 < median["speaking"] < 7.5 and 17 < high["speaking"] < 30
    assert 1.5 < median["background laughing"] < 2.5 and 4 < high["background laughing"] < 7
    for label in RARE:
        assert 0.5 <= median[label] <= 2.2


def test_no_class_has_a_level_of_its_own():
    scripts = pd.concat(script_of(seed) for seed in range(10))
    levels = scripts.groupby("sound")["level"]
    low, high = levels.quantile(0.1), levels.quantile(0.9)
    assert low.max() < high.min()
    assert (levels.std() > 2.5).all()


def test_events_do_not_follow_the_grid_of_seconds():
    scripts = pd.concat(script_of(seed) for seed in range(10))
    counts, _ = np.histogram(scripts.onset % 1, bins=10, range=(0, 1))
    assert counts.min() > 0.7 * counts.mean() and counts.max() < 1.3 * counts.mean()


def test_the_script_uses_all_registered_sounds_but_those_for_backgrounds_and_no_others():
    scripts = pd.concat(script_of(seed) for seed in range(5))
    assert {*scripts.sound} == {*CLASSES, *DISTRACTORS}
    assert {*scripts.sound} <= SOUNDS.keys()
    assert {*SHARES} == {*DOMINANT}


def test_distractors_are_frequent():
    assert sum((script_of(seed).sound.isin(DISTRACTORS)).sum() for seed in range(5)) > 120
