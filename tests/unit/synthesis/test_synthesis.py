"""Claims about the built-in episodes."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.config import load_params
from sedlib.synthesis import mixing, speech, synthesise
from sedlib.synthesis.script import DISTRACTORS, DOMINANT, RARE, write_script

RATE = 44100
CLASSES = (*DOMINANT, *RARE)
SECONDS = 12.0


def params_for(duration, **changes):
    params = load_params()
    episodes = params.episodes.model_copy(update={"duration": duration})
    return params.model_copy(update={"episodes": episodes, **changes})


def digest(waveform):
    return hashlib.sha256(waveform.tobytes()).hexdigest()


def script_of(seed, duration=360.0):
    return write_script(np.random.default_rng([seed, 7]), duration)


def spans(script, sound):
    return script.loc[script.sound == sound, ["onset", "offset"]].to_numpy()


def clip_labels(script, n_segments):
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


@pytest.fixture(scope="module")
def episode():
    return synthesise("s01_ep01", params_for(SECONDS))


@pytest.fixture(scope="module")
def makers():
    return mixing.sound_makers(np.random.default_rng(3), RATE)


# --- determinism


def test_an_episode_is_the_same_in_another_process_after_other_episodes_and_words(episode):
    code = (
        "import hashlib\n"
        "from sedlib.config import load_params\n"
        "from sedlib.synthesis import speech, synthesise\n"
        "p = load_params()\n"
        f"e = p.episodes.model_copy(update={{'duration': {SECONDS}}})\n"
        "p = p.model_copy(update={'episodes': e})\n"
        "speech.say('something else', speech.Voice('en-us+f2', 300, 80, 10))\n"
        "synthesise('s01_ep02', p)\n"
        "print(hashlib.sha256(synthesise('s01_ep01', p)[0].tobytes()).hexdigest())\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "11", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == digest(episode[0])


def test_name_and_seed_each_make_another_episode(episode):
    short = params_for(10.0)
    first = synthesise("a", short)
    for waveform, events in (
        synthesise("b", short),
        synthesise("a", short.model_copy(update={"seed": short.seed + 1})),
    ):
        assert digest(waveform) != digest(first[0])
        assert not events.onset.equals(first[1].onset)


def test_what_was_spoken_before_does_not_matter():
    voices = [
        speech.Voice("en-us", 175, 50, 50),
        speech.Voice("en-gb-scotland+f3", 150, 70, 60),
        speech.Voice("en-029+klatt", 200, 30, 80),
    ]
    alone = [speech.say("Where were you on Thursday?", voice) for voice in voices]
    for voice, before in zip(voices, alone, strict=True):
        speech.say("Well, never mind!", speech.Voice("en+m7", 320, 10, 90))
        again = speech.say("Where were you on Thursday?", voice)
        np.testing.assert_array_equal(again, before)


# --- speech


def test_every_voice_of_the_cast_speaks():
    for variant in (*speech.FEMALE, *speech.MALE):
        x = speech.say("Yes.", speech.Voice(f"en-us+{variant}", 170, 50, 50))
        assert 0.05 < len(x) / speech.ESPEAK_RATE < 2.0
        assert 0.01 < np.abs(x).max() <= 1.0
    for accent in set(speech.ACCENTS):
        assert len(speech.say("Yes.", speech.Voice(f"{accent}+f1", 170, 50, 50)))


def test_an_unknown_voice_is_named():
    with pytest.raises(RuntimeError, match="nobody"):
        speech.say("Yes.", speech.Voice("nobody", 170, 50, 50))


def test_a_data_folder_with_a_long_path_works(tmp_path, monkeypatch):
    voice = speech.Voice("en-us+f1", 170, 50, 50)
    expected = speech.say("Yes.", voice)
    long = tmp_path / ("x" * 100) / ("y" * 100)
    long.mkdir(parents=True)
    link = long / "espeak-ng-data"
    link.symlink_to(speech.espeakng_loader.get_data_path(), target_is_directory=True)
    monkeypatch.setattr(speech.espeakng_loader, "get_data_path", lambda: str(link))
    np.testing.assert_array_equal(speech.say("Yes.", voice), expected)


def test_a_sentence_is_about_as_long_as_asked():
    rng = np.random.default_rng(0)
    lengths = {s: np.median([len(speech.sentence(rng, s)) for _ in range(60)]) for s in (0.5, 2, 4)}
    assert lengths[0.5] < 10 < 20 < lengths[2] < 36 < 42 < lengths[4]


# --- the script


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
    assert dominant / sum(seconds.values()) > 0.90
    labels = clip_labels(script, 360)
    assert labels[:, :3].sum() / labels.sum() > 0.90
    assert (labels[:, 3:].sum(axis=0) >= 5).all()
    assert (labels[:, 3:].sum(axis=0) <= 10).all()
    music, speaking, laughing = labels[:, :3].mean(axis=0)
    assert 0.20 < music < 0.26 and 0.65 < speaking < 0.74 and 0.25 < laughing < 0.32
    assert 0.05 < (labels[:, 1] & labels[:, 2]).mean() < 0.16


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


# --- the sounds


@pytest.mark.parametrize("sound", [*CLASSES, *DISTRACTORS, *mixing.AMBIENCES])
def test_a_sound_fills_its_time_and_fades_at_both_ends(makers, sound):
    for seed, n in enumerate((int(0.31 * RATE), int(1.27 * RATE))):
        x = mixing.dry_sound(np.random.default_rng(seed), makers[sound], n, RATE, -20.0)
        assert x.shape == (n,) and x.dtype == np.float64 and np.isfinite(x).all()
        assert x[0] != 0 and x[-1] != 0
        assert max(abs(x[0]), abs(x[-1])) < 0.01 * np.abs(x).max()


@pytest.mark.parametrize("sound", CLASSES)
def test_an_annotated_sound_is_heard_from_its_first_to_its_last_quarter(makers, sound):
    n = int(1.2 * RATE)
    for seed in range(4):
        x = mixing.dry_sound(np.random.default_rng(seed), makers[sound], n, RATE, 0.0)
        for part in (x[: n // 5], x[-n // 5 :]):
            assert 20 * np.log10(np.sqrt(np.mean(part**2))) > -40


@pytest.mark.parametrize("sound", CLASSES)
def test_a_sound_is_where_the_annotation_says_to_the_sample(makers, sound):
    onset, offset, start = 1.237, 2.004, 12345
    cue = pd.DataFrame(
        [(onset, offset, sound, -20.0)], columns=["onset", "offset", "sound", "level"]
    )
    dry, sent = mixing.lay_out(cue, makers, np.random.default_rng(0), start, 3 * RATE, RATE)
    for x in (dry, sent):
        heard = np.flatnonzero(x) + start
        assert heard[0] == round(onset * RATE)
        assert heard[-1] == round(offset * RATE) - 1


def test_two_events_of_a_class_differ(makers):
    n = int(0.8 * RATE)
    for sound in CLASSES:
        a, b = (
            mixing.dry_sound(np.random.default_rng(seed), makers[sound], n, RATE, -20.0)
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


# --- the whole


def test_the_waveform_is_fit_to_be_written(episode):
    waveform, _ = episode
    assert waveform.dtype == np.float32 and waveform.shape == (int(SECONDS * RATE),)
    assert np.isfinite(waveform).all()
    assert 0.05 < np.abs(waveform).max() < 0.95
    assert -32 < 20 * np.log10(np.sqrt(np.mean(waveform.astype(float) ** 2))) < -16
    assert abs(waveform.mean()) < 1e-3


def test_there_is_no_digital_silence(episode):
    frames = episode[0][: int(SECONDS * RATE)].reshape(-1, RATE // 100)
    assert frames.std(axis=1).min() > 10 ** (-84 / 20)


def test_the_event_table_is_what_the_annotations_module_expects(episode):
    _, events = episode
    assert list(events.columns) == ["filename", "onset", "offset", "event_label"]
    assert set(events.filename) == {"s01_ep01"}
    assert set(events.event_label) <= {*load_params().classes}
    assert events.onset.is_monotonic_increasing
    assert events.onset.dtype == events.offset.dtype == np.float64


def test_distractors_are_heard_but_not_annotated(episode):
    _, events = episode
    assert not set(events.event_label) & set(DISTRACTORS)
    assert sum((script_of(seed).sound.isin(DISTRACTORS)).sum() for seed in range(5)) > 120


def test_a_class_without_a_sound_is_refused():
    with pytest.raises(ValueError, match="yodelling"):
        synthesise("a", params_for(10.0, classes=("speaking", "yodelling")))
