import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.config import STFTParams
from sedlib.features import (
    FeatureError,
    open_features,
    segment_shape,
    spectrogram,
    split_segments,
    write_features,
)

RECIPE = STFTParams(sample_rate=44100, n_fft=2048, hop_length=1024, win_length=1536)


def slow_spectrogram(clip, recipe):
    """The formula of the module, by sums over complex exponentials in double precision."""
    n_fft, window_length = recipe.n_fft, recipe.win_length
    n = np.arange(window_length)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / window_length)
    window = np.zeros(n_fft)
    window[(n_fft - window_length) // 2 :][:window_length] = hann
    basis = np.exp(-2j * np.pi * np.outer(np.arange(n_fft), np.arange(n_fft // 2 + 1)) / n_fft)
    rows = []
    for frame in range(1 + len(clip) // recipe.hop_length):
        samples = np.zeros(n_fft)
        for i in range(n_fft):
            at = frame * recipe.hop_length + i - n_fft // 2
            if 0 <= at < len(clip):
                samples[i] = clip[at]
        rows.append(np.abs((window * samples) @ basis))
    return np.array(rows)


@st.composite
def recipes(draw):
    n_fft = draw(st.sampled_from([64, 100, 128, 256]))
    win_length = draw(st.integers(8, n_fft // 2)) * 2
    hop_length = draw(st.integers(8, n_fft))
    return STFTParams(sample_rate=1000, n_fft=n_fft, hop_length=hop_length, win_length=win_length)


@settings(max_examples=40, deadline=None)
@given(recipe=recipes(), seed=st.integers(0, 2**32 - 1), n_segments=st.integers(0, 9))
def test_any_recipe_agrees_with_the_formula_written_out(recipe, seed, n_segments):
    clips = np.random.default_rng(seed).standard_normal((n_segments, 1000), dtype=np.float32)
    fast = spectrogram(clips, recipe)
    assert fast.dtype == np.float32
    assert fast.shape == (n_segments, *segment_shape(recipe))
    for clip, magnitude in zip(clips[:2], fast[:2], strict=True):
        slow = slow_spectrogram(clip, recipe)
        assert np.abs(magnitude - slow).max() <= 1e-5 * slow.max()


@pytest.mark.parametrize("seed", range(3))
def test_the_recipe_of_the_reference_agrees_with_librosa(seed):
    clips = np.random.default_rng(seed).standard_normal((6, 44100), dtype=np.float32)
    fast = spectrogram(clips, RECIPE)
    theirs = np.abs(librosa.stft(clips, n_fft=2048, hop_length=1024, win_length=1536))
    theirs = theirs.swapaxes(1, 2)
    assert fast.shape == theirs.shape == (6, 44, 1025)
    assert np.abs(fast - theirs).max() <= 1e-5 * theirs.max()


def test_a_pure_tone_peaks_at_its_bin():
    k = 100
    tone = np.sin(2 * np.pi * k * 44100 / 2048 * np.arange(44100) / 44100).astype(np.float32)
    assert (spectrogram(tone[np.newaxis], RECIPE)[0].argmax(axis=1) == k).all()


def test_a_clip_does_not_depend_on_its_neighbours():
    clips = np.random.default_rng(0).standard_normal((7, 44100), dtype=np.float32)
    alone = np.concatenate([spectrogram(clip[np.newaxis], RECIPE) for clip in clips])
    np.testing.assert_array_equal(spectrogram(clips, RECIPE), alone)


def test_the_last_incomplete_second_is_no_clip():
    waveform = np.arange(2 * 44100 + 44099)
    clips = split_segments(waveform, RECIPE)
    assert clips.shape == (2, 44100)
    np.testing.assert_array_equal(clips.ravel(), waveform[: 2 * 44100])


def test_features_are_read_back_as_they_were_written(tmp_path):
    magnitude = np.random.default_rng(0).random((3, 44, 1025), dtype=np.float32)
    write_features(tmp_path / "a.npy", magnitude)
    again = open_features(tmp_path / "a.npy", RECIPE)
    assert isinstance(again, np.memmap)
    np.testing.assert_array_equal(again, magnitude)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]


def test_features_of_another_recipe_are_refused(tmp_path):
    write_features(tmp_path / "a.npy", np.zeros((3, 44, 513), dtype=np.float32))
    with pytest.raises(FeatureError, match=r"a\.npy: .*\(44, 513\).*\(44, 1025\)"):
        open_features(tmp_path / "a.npy", RECIPE)


def test_missing_and_truncated_features_are_named(tmp_path):
    with pytest.raises(FeatureError, match=r"a\.npy: no such file"):
        open_features(tmp_path / "a.npy", RECIPE)
    write_features(tmp_path / "a.npy", np.zeros((3, 44, 1025), dtype=np.float32))
    whole = (tmp_path / "a.npy").read_bytes()
    for size in (0, 10, len(whole) // 2):
        (tmp_path / "a.npy").write_bytes(whole[:size])
        with pytest.raises(FeatureError, match=r"a\.npy: not a whole"):
            open_features(tmp_path / "a.npy", RECIPE)
