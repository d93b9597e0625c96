"""Sound that can be read and is not the one that was meant: the user is told."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import RATE, clicks, write_media, write_tracks

from sedlib.audio import AudioError, convert_to_flac, probe, read_audio, read_blocks

LOUD, SILENT = np.full(RATE, 0.5, np.float32), np.zeros(RATE, np.float32)


def warnings(path, **options):
    """Read a file; return what the reader warns of."""
    said = []
    for _ in read_blocks(path, RATE, warn=said.append, **options):
        pass
    assert all(sentence.startswith(f"{path}: ") for sentence in said)
    return [sentence.removeprefix(f"{path}: ") for sentence in said]


@pytest.fixture
def film(tmp_path):
    """A file whose default track is silent and whose second one is in English."""
    return write_tracks(tmp_path / "a.mkv", (SILENT, "jpn", True), (LOUD, "eng", False))


def test_of_several_tracks_the_one_taken_is_told_with_the_reason(film, tmp_path):
    assert probe(film).choice == (
        f"{film}: track 1 (jpn) is taken, because it is marked as the default; the audio tracks "
        "are 1 (jpn), 2 (eng), and --track takes another"
    )
    assert "track 2 (eng) is taken, because it was asked for as 'en'" in probe(film, "en").choice
    film = write_tracks(tmp_path / "b.mkv", (LOUD, "und", False), (LOUD, "und", False))
    assert "track 1 is taken, because it is the first; " in probe(film).choice


def test_of_a_single_track_nothing_is_told(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", (LOUD, "eng", True))
    assert probe(path).choice is None and warnings(path) == []


@pytest.mark.parametrize("track", [2, "2", "eng", "ENG", "en"])
def test_a_track_is_taken_by_its_number_or_its_language(film, track):
    assert read_audio(film, RATE).max() == 0
    assert next(read_blocks(film, RATE, track=track)).max() == 0.5
    assert warnings(film, track=track) == []


@pytest.mark.parametrize("track", [0, 3, "deu", "e", "", "two"])
def test_a_track_that_the_file_does_not_have_is_refused_with_those_it_has(film, track):
    with pytest.raises(AudioError, match=r"no audio track '\w*'; choose one of: 1 \(jpn\), 2 \(en"):
        next(read_blocks(film, RATE, track=track))


def test_a_silent_track_is_told_if_another_is_not_silent(film, tmp_path):
    assert warnings(film) == [
        "track 1 (jpn) is silent, but track 2 (eng) is not; take that one (--track 2)"
    ]
    film = write_tracks(tmp_path / "b.mkv", (SILENT, "jpn", True), (SILENT, "eng", False))
    assert warnings(film) == []


def stereo(path, left, right):
    return write_media(path, np.stack([left, right]), RATE, "pcm_s16le", layout="stereo")


@pytest.mark.parametrize("share", [1.0, 0.95])
def test_channels_that_cancel_each_other_in_mono_are_told(tmp_path, share):
    path = stereo(tmp_path / "a.wav", clicks(RATE), -share * clicks(RATE))
    [warning] = warnings(path)
    assert warning.startswith("left and right have opposite polarity and cancel each other")


@given(st.floats(-0.7, 1.0))
@settings(deadline=None, max_examples=20)
def test_channels_that_do_not_cancel_each_other_are_not_told(tmp_path_factory, correlation):
    rng = np.random.default_rng(0)
    left, other = 0.1 * rng.standard_normal((2, RATE))
    right = correlation * left + np.sqrt(1 - correlation**2) * other
    folder = tmp_path_factory.mktemp("stereo")
    assert warnings(stereo(folder / "a.wav", left, right)) == []
    assert warnings(stereo(folder / "b.wav", left, 0 * left)) == []


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_integers_stored_as_floats_are_told_with_their_scale(tmp_path, bits):
    scale = 2.0 ** (bits - 1)
    soundfile.write(tmp_path / "a.wav", scale * clicks(RATE), RATE, "FLOAT")
    [warning] = warnings(tmp_path / "a.wav")
    assert (
        f"probably {bits}-bit integers stored as floats, so divide them by {scale:.0f} " in warning
    )


@pytest.mark.parametrize("peak", [1e-6, 1.0, 4.0])
def test_floats_a_little_above_full_scale_are_not_told(tmp_path, peak):
    soundfile.write(tmp_path / "a.wav", peak * clicks(RATE), RATE, "FLOAT")
    assert warnings(tmp_path / "a.wav") == []


def test_a_sample_that_no_sound_has_is_an_error(tmp_path):
    samples = clicks(RATE)
    samples[100] = 3e38
    soundfile.write(tmp_path / "a.wav", samples, RATE, "FLOAT")
    with pytest.raises(AudioError, match=r"a\.wav: holds a sample of 3e\+38, where full scale is"):
        warnings(tmp_path / "a.wav")


def test_an_episode_is_not_made_from_sound_that_was_not_meant(film, tmp_path):
    soundfile.write(tmp_path / "a.wav", 2.0**15 * clicks(RATE), RATE, "FLOAT")
    for path in (film, stereo(tmp_path / "b.wav", LOUD, -LOUD), tmp_path / "a.wav"):
        with pytest.raises(AudioError):
            convert_to_flac(path, tmp_path / "a.flac", RATE)
    assert not (tmp_path / "a.flac").exists()
