"""Corpora: their labels and features, and a sound bank that is missing."""

import numpy as np
import pytest

from sedlib import annotations, experiments
from sedlib.config import ConfigError


def test_a_corpus_gives_sound_features_and_labels_of_a_subset(corpora, params):
    corpus, rate = corpora[0], params.stft.sample_rate
    assert [len(x) for x in corpus.waveforms("train", rate)] == [24 * rate] * 2
    assert [x.shape[0] for x in corpus.magnitudes("train", params.stft)] == [24, 24]
    (labels,) = corpus.labels("test", params, "half")
    (frames,) = corpus.frame_labels("test", params)
    events = annotations.read(corpus.episodes / "d.json")
    expected = np.zeros((24, 2), bool)
    for event in events.itertuples():
        expected[int(event.onset), params.classes.index(event.event_label)] = True
    np.testing.assert_array_equal(labels, expected)
    middle = frames.shape[1] // 2  # frames at the edges reach into the neighbouring segments
    np.testing.assert_array_equal(frames[:, middle], expected)


def test_a_sound_bank_that_is_missing_is_named(params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = params.experiments.soundbank
    with pytest.raises(ConfigError, match=rf"{folder}: no such folder; .* experiments\.soundbank"):
        experiments.open_recordings(params)
