"""The loudness is that of FFmpeg's meter, whatever the blocks, and follows a change of level."""

from fractions import Fraction

import av
import numpy as np
import pytest

from sedlib.audio.loudness import k_weighting, measure_loudness

# Coefficients that BS.1770 prints for 48 kHz.
SHELF = [
    1.53512485958697,
    -2.69169618940638,
    1.19839281085285,
    1,
    -1.69065929318241,
    0.73248077421585,
]
HIGH_PASS = [1, -2, 1, 1, -1.99004745483398, 0.99007225036621]


def measure_with_ffmpeg(waveform, rate):
    """Measure by FFmpeg's filter ebur128."""
    graph, tick, loudness = av.filter.Graph(), Fraction(1, rate), None
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout="mono", time_base=tick)
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    for start in [*range(0, len(waveform), 4096), None]:
        frame = None
        if start is not None:
            samples = waveform[np.newaxis, start : start + 4096].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, tick
        source.push(frame)
        while True:
            try:
                loudness = float(sink.pull().metadata["lavfi.r128.I"])
            except (av.BlockingIOError, av.EOFError):
                break
    return loudness


def uneven_noise(seed, rate, seconds=15, quietest=-80):
    """Make noise whose level changes every second, from near silence to near full scale."""
    rng = np.random.default_rng(seed)
    levels = np.repeat(10 ** (rng.uniform(quietest, -10, seconds) / 20), rate)
    return (rng.standard_normal(len(levels)) * levels).astype(np.float32)


def test_the_weighting_at_48_khz_is_that_of_the_recommendation():
    np.testing.assert_allclose(k_weighting(48000), [SHELF, HIGH_PASS], atol=1e-8)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_the_loudness_is_that_of_ffmpegs_meter(rate):
    for seed in range(5):
        waveform = uneven_noise(seed, rate)
        # FFmpeg sums up in steps of 0.01 LU.
        assert measure_loudness([waveform], rate) == pytest.approx(
            measure_with_ffmpeg(waveform, rate), abs=0.02
        )


def test_the_lengths_of_the_blocks_make_no_difference():
    waveform = uneven_noise(1, 44100)
    whole = measure_loudness([waveform], 44100)
    for seed in range(5):
        cuts = np.sort(np.random.default_rng(seed).integers(0, len(waveform), 30))
        assert measure_loudness(np.split(waveform, cuts), 44100) == pytest.approx(whole, abs=1e-9)


@pytest.mark.parametrize("change", [-30, -12, 6])
def test_the_loudness_follows_a_change_of_level(change):
    for seed in range(5):
        waveform = uneven_noise(seed, 16000, quietest=-35)  # above the absolute gate in any case
        changed = measure_loudness([waveform * 10 ** (change / 20)], 16000)
        assert changed == pytest.approx(measure_loudness([waveform], 16000) + change, abs=1e-4)


def test_pauses_make_no_difference():
    waveform = uneven_noise(3, 16000, seconds=6)
    with_pauses = np.concatenate([waveform, np.zeros(16000 * 60), waveform])
    assert measure_loudness([with_pauses], 16000) == pytest.approx(
        measure_loudness([waveform], 16000),
        abs=0.3,  # blocks across the edges
    )


def test_silence_has_no_loudness():
    for waveform in (np.empty(0), np.zeros(44100), np.full(44100, 1e-5)):
        assert measure_loudness([waveform], 44100) == -np.inf
    assert measure_loudness([], 44100) == -np.inf


def test_a_sound_shorter_than_a_block_has_the_loudness_of_its_mean_power():
    sine = np.sin(2 * np.pi * 997 / 44100 * np.arange(44100))
    assert measure_loudness([sine[:8820]], 44100) == pytest.approx(-3.01, abs=0.1)
