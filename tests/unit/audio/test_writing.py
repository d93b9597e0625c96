"""FLAC files: no loss beyond 16 bits, no silent clipping, no partial files."""

import resource
from functools import partial

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import RATE, sound

from sedlib.audio import AudioError, convert_to_flac, read_audio, write_flac


@settings(max_examples=20, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 3 * RATE))
def test_what_is_written_is_read_back_to_the_16_bits_of_the_file(tmp_path_factory, seed, n):
    path = tmp_path_factory.getbasetemp() / "written.flac"
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


def test_16_bit_sound_is_converted_without_loss(tmp_path):
    x = np.random.default_rng(0).integers(-(2**15), 2**15, 3 * RATE, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", x, RATE)
    assert convert_to_flac(tmp_path / "a.wav", tmp_path / "a.flac", RATE) == 3.0
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.flac", dtype="int16")[0], x)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.flac", "a.wav"]


def test_sound_beyond_full_scale_is_scaled_down_as_a_whole(tmp_path):
    x = np.append(np.random.default_rng(0).uniform(-1, 1, 200_000), [1.5, -3.0])
    soundfile.write(tmp_path / "a.wav", x, RATE, subtype="FLOAT")
    assert convert_to_flac(tmp_path / "a.wav", tmp_path / "a.flac", RATE) == len(x) / RATE
    found, _ = soundfile.read(tmp_path / "a.flac")
    np.testing.assert_allclose(found, x / 3, atol=2**-15)  # a step of 16 bits


def test_a_failed_conversion_keeps_the_old_file(tmp_path):
    data, rate, _ = sound("a.mkv")
    (tmp_path / "a.mkv").write_bytes(data[: len(data) // 2])
    (tmp_path / "a.flac").write_bytes(b"old")
    with pytest.raises(AudioError, match="truncated"):
        convert_to_flac(tmp_path / "a.mkv", tmp_path / "a.flac", rate)
    assert (tmp_path / "a.flac").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.flac", "a.mkv"]


@pytest.mark.parametrize("missing", [1, 100, 3_000, 10_000, 27_000])
def test_a_disk_that_is_full_at_any_byte_never_leaves_a_truncated_file(tmp_path, missing):
    source, target = tmp_path / "in.wav", tmp_path / "a.flac"
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).clip(-1, 1)
    soundfile.write(source, noise, 8000)
    write_flac(target, noise, 8000)
    whole = target.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for write in (partial(write_flac, target, noise), partial(convert_to_flac, source, target)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) - missing, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large") as error:
                write(8000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert error.value.filename == str(target)
        assert target.read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.flac", "in.wav"]
