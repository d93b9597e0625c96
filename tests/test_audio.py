import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.audio import AudioError, read_audio, write_flac

RATE = 8000


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 3 * RATE))
def test_what_is_written_is_read_back_to_the_16_bits_of_the_file(tmp_path_factory, seed, n):
    path = tmp_path_factory.mktemp("audio") / "a.flac"
    waveform = np.random.default_rng(seed).uniform(-1, 1, n).astype(np.float32)
    write_flac(path, waveform, RATE)
    again = read_audio(path, RATE)
    assert again.dtype == np.float32
    assert again.shape == (n,)
    assert np.abs(again - waveform).max() <= 2.0**-15


def test_the_same_waveform_gives_the_same_bytes(tmp_path):
    waveform = np.random.default_rng(0).uniform(-1, 1, RATE)
    for name in ("a.flac", "b.flac"):
        write_flac(tmp_path / name, waveform, RATE)
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


@pytest.mark.parametrize("bad", [1.01, -1.5, np.nan, np.inf])
def test_a_waveform_that_would_be_clipped_is_refused_and_the_old_file_kept(tmp_path, bad):
    path = tmp_path / "a.flac"
    write_flac(path, np.zeros(RATE), RATE)
    before = path.read_bytes()
    with pytest.raises(AudioError, match=r"a\.flac: peak is .* outside \[-1, 1\]"):
        write_flac(path, np.array([0.0, bad]), RATE)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.flac"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AudioError, match=r"gone\.flac: no such file"):
        read_audio(tmp_path / "gone.flac", RATE)


def test_an_empty_file_is_called_empty(tmp_path):
    (tmp_path / "a.flac").touch()
    with pytest.raises(AudioError, match=r"a\.flac: the file is empty"):
        read_audio(tmp_path / "a.flac", RATE)


def test_text_is_not_taken_for_sound(tmp_path):
    (tmp_path / "a.flac").write_text("not sound")
    with pytest.raises(AudioError, match=r"a\.flac: cannot be read as sound"):
        read_audio(tmp_path / "a.flac", RATE)


@pytest.mark.parametrize("suffix", ["flac", "wav"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused_wherever_it_was_cut(tmp_path, suffix, part):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 4 * RATE), RATE)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(AudioError, match=rf"a\.{suffix}: (truncated|cannot be read)"):
        read_audio(path, RATE)


def test_another_sample_rate_is_refused_with_both_rates(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    with pytest.raises(AudioError, match=r"a\.wav: sampled at 16000 Hz, not 8000 Hz"):
        read_audio(tmp_path / "a.wav", RATE)


def test_stereo_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((100, 2)), RATE)
    with pytest.raises(AudioError, match=r"a\.wav: has 2 channels"):
        read_audio(tmp_path / "a.wav", RATE)


def test_samples_that_are_not_numbers_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([0.0, np.nan]), RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"a\.wav: holds samples that are not finite"):
        read_audio(tmp_path / "a.wav", RATE)
