"""Claims about the signal processing from which sounds are built."""

import numpy as np
import pytest
from scipy import signal

from sedlib.synthesis.shaping import impact_noise

RATE = 44100


@pytest.mark.parametrize("seed", range(8))
def test_the_high_frequencies_of_an_impact_die_away_first(seed):
    impact = impact_noise(np.random.default_rng(seed), RATE // 2, RATE, 0.4, 8000.0)
    assert impact.shape == (RATE // 2,) and np.abs(impact).max() == 1
    frequencies, _, power = signal.spectrogram(impact, RATE, nperseg=2048)
    low, high = frequencies < 250, frequencies > 4000
    ratio = power[high].sum(axis=0) / power[low].sum(axis=0)
    assert ratio[0] > 10 * ratio[len(ratio) // 2]


@pytest.mark.parametrize("seed", range(8))
def test_a_dull_impact_has_little_above_its_cutoff(seed):
    dull, bright = (
        np.abs(np.fft.rfft(impact_noise(np.random.default_rng(seed), RATE // 2, RATE, 0.4, cutoff)))
        ** 2
        for cutoff in (400.0, 8000.0)
    )
    high = np.fft.rfftfreq(RATE // 2, 1 / RATE) > 4000
    assert dull[high].sum() / dull.sum() < 0.1 * bright[high].sum() / bright.sum()
