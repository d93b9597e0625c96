"""Claims about the built-in episodes."""

import os
import subprocess
import sys
from zlib import crc32

import numpy as np
import pytest

from sedlib.audio import find_shared_sound, fingerprint
from sedlib.config import load_params
from sedlib.synthesis import synthesise
from sedlib.synthesis.sound_registry import names_of

RATE = 44100
SECONDS = 12.0


@pytest.fixture(scope="module")
def episode(params_for):
    return synthesise("s01_ep01", params_for(SECONDS))


def test_an_episode_is_the_same_in_another_process_after_other_episodes_and_words(episode, digest):
    code = (
        "import hashlib\n"
        "from sedlib.config import load_params\n"
        "from sedlib.synthesis import speech, synthesise\n"
        "p = load_params()\n"
        f"short = {{'duration': {SECONDS}, 'evaluation_duration': {SECONDS}}}\n"
        "e = p.episodes.model_copy(update=short)\n"
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


def test_name_and_seed_each_make_another_episode(params_for, digest):
    short = params_for(10.0)
    first = synthesise("a", short)
    for waveform, events in (
        synthesise("b", short),
        synthesise("a", short.model_copy(update={"seed": short.seed + 1})),
    ):
        assert digest(waveform) != digest(first[0])
        assert not events.onset.equals(first[1].onset)


def test_training_episodes_hold_more_of_the_rare_sounds_than_those_for_evaluation(params_for):
    rare, seconds = names_of("rare"), {}
    for name in ("s01_ep01", "s01_ep07"):  # training and validation
        _, events = synthesise(name, params_for(60.0))
        own = events[events.event_label.isin(rare)]
        seconds[name] = (own.offset - own.onset).sum()
    assert seconds["s01_ep01"] > 1.5 * seconds["s01_ep07"]


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


def test_distractors_are_not_annotated(episode):
    _, events = episode
    assert not set(events.event_label) & set(names_of("distractor"))


def test_a_class_without_a_sound_is_refused(params_for):
    with pytest.raises(ValueError, match="yodelling"):
        synthesise("a", params_for(10.0, classes=("speaking", "yodelling")))


def test_episodes_share_no_sound_because_each_has_random_numbers_of_its_own(params_for):
    names = load_params().split.episodes
    assert len({crc32(name.encode()) for name in names}) == len(names)
    # One of each subset, and one again: so short that they hold the same kinds of sound.
    params, fingerprints = params_for(20.0), {}
    for name in ("s01_ep01", "s01_ep07", "s01_ep08"):
        waveform, _ = synthesise(name, params)
        fingerprints[name] = fingerprint([waveform], params.stft.sample_rate)
    fingerprints["again"] = fingerprint([0.1 * waveform[5000:]], params.stft.sample_rate)
    pairs = [(found.first, found.second) for found in find_shared_sound(fingerprints)]
    assert pairs == [("s01_ep08", "again")]
