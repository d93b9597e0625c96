"""Corpora: their labels and features, and a sound bank that is missing."""

import dataclasses

import numpy as np
import pytest

from sedlib import annotations, experiments
from sedlib.config import ConfigError
from sedlib.episodes import EpisodeError


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


@pytest.mark.parametrize("subset", ["train", "validation"])
def test_a_subset_without_any_label_is_named_with_the_rule(corpora, params, tmp_path, subset):
    corpus = dataclasses.replace(corpora[0], episodes=tmp_path)
    rule = params.labels.model_copy(update={"rule": "whole"})
    for name in corpus.split.episodes:
        events = annotations.event_table([(name, 1.3, 1.9, "low")])  # covers no whole segment
        annotations.write(events, tmp_path / f"{name}.json")
    assert corpus.examples(subset, params)[1].sum() == len(getattr(corpus.split, subset))
    with pytest.raises(EpisodeError, match=f"of split.{subset} has a label by the rule 'whole'; "):
        corpus.examples(subset, params.model_copy(update={"labels": rule}))


def test_a_sound_bank_that_is_missing_is_named(params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = params.experiments.soundbank
    with pytest.raises(ConfigError, match=rf"{folder}: no such folder; .* experiments\.soundbank"):
        experiments.open_recordings(params)
