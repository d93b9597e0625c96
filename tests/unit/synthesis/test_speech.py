"""Claims about the speech synthesiser."""

import numpy as np
import pytest

from sedlib.synthesis import speech


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
