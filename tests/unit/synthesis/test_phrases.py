"""Claims about the sentences that are spoken."""

import numpy as np

from sedlib.synthesis.phrases import sentence


def test_a_sentence_is_about_as_long_as_asked():
    rng = np.random.default_rng(0)
    lengths = {s: np.median([len(sentence(rng, s)) for _ in range(60)]) for s in (0.5, 2, 4)}
    assert lengths[0.5] < 10 < 20 < lengths[2] < 36 < 42 < lengths[4]
