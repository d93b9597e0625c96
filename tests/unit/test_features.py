"""The spectrogram against the formula written out and against librosa; feature files."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.audio import measure_loudness
from sedlib.config import STFTParams
from sedlib.errors import SedlibError
from sedlib.features import (
    normalise,
    normalising_gain,
    open_features,
    segment_shape,
    spectrogram,
    split_segments,
    write_features,
)

STFT = STFTParams(sample_rate=44100, n_fft=2048, hop_length=1024, win_length=1536)


def slow_spectrogram(segment, stft):
    """The formula of the module, by sums over complex exponentials in double precision."""
    n_fft, window_length = stft.n_fft, stft.win_length
    n = np.arange(window_length)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / window_length)
    window = np.zeros(n_fft)
    window[(n_fft - window_length) // 2 :][:window_length] = hann
    basis = np.exp(-2j * np.pi * np.outer(np.arange(n_fft), np.arange(n_fft // 2 + 1)) / n_fft)
    rows = []
    for frame in range(1 + len(segment) // stft.hop_length):
        samples = np.zeros(n_fft)
        for i in range(n_fft):
            at = frame * stft.hop_length + i - n_fft // 2
            if 0 <= at < len(segment):
                samples[i] = segment[at]
        rows.append(np.abs((window * samples) @ basis))
    return np.array(rows)


@st.composite
def stft_params(draw):
    n_fft = draw(st.sampled_from([64, 100, 128, 256]))
    win_length = draw(st.integers(8, n_fft // 2)) * 2
    hop_length = draw(st.integers(8, n_fft))
    return STFTParams(sample_rate=1000, n_fft=n_fft, hop_length=hop_length, win_length=win_length)


@settings(max_examples=40, deadline=None)
@given(stft=stft_params(), seed=st.integers(0, 2**32 - 1), n_segments=st.integers(0, 9))
def test_any_settings_agree_with_the_formula_written_out(stft, seed, n_segments):
    segments = np.random.default_rng(seed).standard_normal((n_segments, 1000), dtype=np.float32)
    fast = spectrogram(segments, stft)
    assert fast.dtype == np.float32
    assert fast.shape == (n_segments, *segment_shape(stft))
    for segment, magnitude in zip(segments[:2], fast[:2], strict=True):
        slow = slow_spectrogram(segment, stft)
        assert np.abs(magnitude - slow).max() <= 1e-5 * slow.max()


@pytest.mark.parametrize("seed", range(3))
def test_the_settings_of_2018_agree_with_librosa(seed):
    segments = np.random.default_rng(seed).standard_normal((6, 44100), dtype=np.float32)
    fast = spectrogram(segments, STFT)
    theirs = np.abs(librosa.stft(segments, n_fft=2048, hop_length=1024, win_length=1536))
    theirs = theirs.swapaxes(1, 2)
    assert fast.shape == theirs.shape == (6, 44, 1025)
    assert np.abs(fast - theirs).max() <= 1e-5 * theirs.max()


def test_a_pure_tone_peaks_at_its_bin():
    k = 100
    tone = np.sin(2 * np.pi * k * 44100 / 2048 * np.arange(44100) / 44100).astype(np.float32)
    assert (spectrogram(tone[np.newaxis], STFT)[0].argmax(axis=1) == k).all()


def test_a_segment_does_not_depend_on_its_neighbours():
    segments = np.random.default_rng(0).standard_normal((7, 44100), dtype=np.float32)
    alone = np.concatenate([spectrogram(segment[np.newaxis], STFT) for segment in segments])
    np.testing.assert_array_equal(spectrogram(segments, STFT), alone)


def test_the_incomplete_second_at_the_end_is_left_out():
    waveform = np.arange(2 * 44100 + 44099)
    segments = split_segments(waveform, STFT)
    assert segments.shape == (2, 44100)
    np.testing.assert_array_equal(segments.ravel(), waveform[: 2 * 44100])


@pytest.mark.parametrize("level", [-45, -20, -3])
def test_a_recording_of_any_level_is_brought_to_one_loudness(level):
    stft = STFT.model_copy(update={"loudness": -23.0})
    noise = np.random.default_rng(0).normal(0, 10 ** (level / 20), 3 * 44100)
    brought = normalise(noise.astype(np.float32), stft)
    assert brought.dtype == np.float32
    assert measure_loudness([brought], 44100) == pytest.approx(-23, abs=1e-3)


def test_a_recording_of_almost_nothing_stays_quiet():
    stft = STFT.model_copy(update={"loudness": -23.0, "largest_gain": 20.0})
    faint = np.random.default_rng(0).normal(0, 1e-3, 44100)
    assert normalising_gain([faint], stft) == pytest.approx(10)
    assert normalising_gain([np.zeros(44100)], stft) == 1


def test_without_a_loudness_no_sound_is_read_and_none_is_changed():
    assert normalising_gain(iter(lambda: pytest.fail("the sound was read"), None), STFT) == 1


def test_features_are_read_back_as_they_were_written(tmp_path):
    magnitude = np.random.default_rng(0).random((3, 44, 1025), dtype=np.float32)
    write_features(tmp_path / "a.npy", magnitude)
    again = open_features(tmp_path / "a.npy", STFT)
    assert isinstance(again, np.memmap)
    np.testing.assert_array_equal(again, magnitude)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]


def test_features_of_other_settings_are_refused(tmp_path):
    write_features(tmp_path / "a.npy", np.zeros((3, 44, 513), dtype=np.float32))
    with pytest.raises(SedlibError, match=r"a\.npy: .*\(44, 513\).*\(44, 1025\)"):
        open_features(tmp_path / "a.npy", STFT)


def test_missing_and_truncated_features_are_named(tmp_path):
    with pytest.raises(SedlibError, match=r"a\.npy: no such file"):
        open_features(tmp_path / "a.npy", STFT)
    write_features(tmp_path / "a.npy", np.zeros((3, 44, 1025), dtype=np.float32))
    whole = (tmp_path / "a.npy").read_bytes()
    unclosed = whole.replace(b"}", b"{", 1)  # the header is a Python literal
    for content in (b"", whole[:10], whole[: len(whole) // 2], unclosed):
        (tmp_path / "a.npy").write_bytes(content)
        with pytest.raises(SedlibError, match=r"a\.npy: not a complete"):
            open_features(tmp_path / "a.npy", STFT)
