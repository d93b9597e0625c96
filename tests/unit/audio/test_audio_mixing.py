"""Mixing many frames at a time gives what mixing each frame by itself gives, bit for bit."""

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.audio import AudioError
from sedlib.audio.levels import Levels
from sedlib.audio.mixing import Mixer

FORMATS = ("u8", "s16", "s32", "flt", "dbl")
LAYOUTS = ("mono", "stereo", "downmix", "2.1", "4.0", "5.1", "5.1(side)", "6.1", "FL", "FC")
SPANS = {"u8": (0, 256), "s16": (-(2**15), 2**15), "s32": (-(2**31), 2**31)}


def random_frame(rng, name, layout, length):
    """Make a frame of noise."""
    channels = av.AudioLayout(layout).nb_channels
    shape = (channels, length) if name.endswith("p") else (1, channels * length)
    packed = name.removesuffix("p")
    if packed in SPANS:
        samples = rng.integers(*SPANS[packed], shape)
    else:
        samples = rng.normal(size=shape) * rng.choice([1e-30, 1e-3, 1.0, 1e30])
    dtype = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}[packed]
    frame = av.AudioFrame.from_ndarray(samples.astype(dtype), format=name, layout=layout)
    frame.sample_rate = 8000
    return frame


def slow_mix(frame):
    """Let FFmpeg convert one frame to floats of one or two channels, and take their mean."""
    layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
    mixer = av.AudioResampler("flt", layout, options={"rematrix_maxval": "100"})
    mixed = mixer.resample(frame)[0]
    samples = mixed.to_ndarray().reshape(-1, mixed.layout.nb_channels)
    return samples.mean(axis=1, dtype=np.float32)


@settings(deadline=None, database=None, max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_many_frames_mixed_together_are_the_frames_mixed_one_by_one(seed):
    rng = np.random.default_rng(seed)
    mixer, expected, got = Mixer(Path("a"), Levels()), [], []
    form = None
    for _ in range(rng.integers(1, 12)):
        if form is None or rng.random() < 0.3:
            form = str(rng.choice(FORMATS) + rng.choice(["", "p"])), str(rng.choice(LAYOUTS))
        frame = random_frame(rng, *form, rng.integers(1, 60))
        skip = rng.choice([0, 0, rng.integers(0, 70)])
        expected.append(slow_mix(frame)[skip:])
        assert mixer.add(frame, skip) == len(expected[-1])
        if rng.random() < 0.2:
            expected.append(np.zeros(mixer.add_silence(rng.integers(1, 9)), np.float32))
        if rng.random() < 0.2:
            got.append(mixer.take())
            assert mixer.size == 0
    assert mixer.size == sum(map(len, expected)) - sum(map(len, got))
    got = np.concatenate([*got, mixer.take()])
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, np.concatenate(expected))


def test_samples_that_are_left_out_say_nothing_about_the_channels():
    sound = np.random.default_rng(0).normal(0, 0.1, 500).astype(np.float32)
    opposite, alike = np.stack([sound, -sound]), np.stack([sound, sound])
    for first, faults in ((opposite, 0), (alike, 1)):
        levels = Levels()
        mixer = Mixer(Path("a"), levels)
        samples = np.concatenate([first, alike if first is opposite else opposite], axis=1)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = 8000
        mixer.add(frame, skip=500)
        mixer.take()
        assert len(list(levels.faults())) == faults


def test_nothing_collected_is_no_sound():
    assert Mixer(Path("a"), Levels()).take().shape == (0,)


@pytest.mark.parametrize("name", [form + planar for form in FORMATS for planar in ("", "p")])
@pytest.mark.parametrize("channels", [3, 6])
def test_channels_that_the_file_does_not_name_count_equally(name, channels):
    rng = np.random.default_rng(channels)
    frame = random_frame(rng, name, f"{channels} channels", 50)
    planes = frame.to_ndarray()
    if not name.endswith("p"):
        planes = np.stack([planes[0, channel::channels] for channel in range(channels)])
    alone = []  # each channel as FFmpeg converts it
    for plane in planes:
        mono = av.AudioFrame.from_ndarray(np.ascontiguousarray(plane[None]), name, "mono")
        mono.sample_rate = frame.sample_rate
        alone.append(slow_mix(mono))
    mixer = Mixer(Path("a"), Levels())
    mixer.add(frame, skip=7)
    tolerance = 1e-6 * np.abs(alone).max()  # of single precision
    np.testing.assert_allclose(mixer.take(), np.mean(alone, axis=0)[7:], atol=tolerance)


def test_a_layout_that_cannot_be_mixed_is_refused_by_its_name():
    frame = random_frame(np.random.default_rng(0), "s16", "ambisonic 1", 10)
    mixer = Mixer(Path("a"), Levels())
    mixer.add(frame)
    with pytest.raises(AudioError, match="way to mix the channel layout 'ambisonic 1' down; mix"):
        mixer.take()


def test_a_number_too_large_for_single_precision_becomes_infinite():
    frame = av.AudioFrame.from_ndarray(np.array([[1e300, 0.5]]), format="dbl", layout="mono")
    frame.sample_rate = 8000
    mixer = Mixer(Path("a"), Levels())
    mixer.add(frame)
    np.testing.assert_array_equal(mixer.take(), [np.inf, 0.5])
