"""The episodes of a split with their events, labels and features, as training needs them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sedlib import annotations, audio, episodes, features
from sedlib.config import Split
from sedlib.labels import label_frames, label_segments


@dataclass(frozen=True)
class Corpus:
    """Episodes with their annotations and features.

    ``subset`` is ``train``, ``validation`` or ``test`` in all methods. What they return is in
    the order of the episodes in the split.

    Attributes
    ----------
    name : str
    episodes, features : pathlib.Path
        Folders, filled as the stages ``episodes`` and ``preprocess`` fill them.
    split : sedlib.config.Split
    """

    name: str
    episodes: Path
    features: Path
    split: Split

    def magnitudes(self, subset, stft):
        """Open the features of a subset; list of (n_segments, frames, bins) arrays."""
        names = getattr(self.split, subset)
        return [features.open_features(self.features / f"{name}.npy", stft) for name in names]

    def waveforms(self, subset, rate):
        """Read the sound of a subset; yield a (n_samples,) array for each episode."""
        for name in getattr(self.split, subset):
            yield audio.read_audio(self.episodes / f"{name}.flac", rate)

    def events(self, subset):
        """Read the events of a subset; one event table."""
        names = getattr(self.split, subset)
        tables = [annotations.read(self.episodes / f"{name}.json") for name in names]
        return pd.concat(tables, ignore_index=True)

    def labels(self, subset, params, rule=None):
        """Label the segments of a subset; list of (n_segments, n_classes) arrays of bool."""
        rule = rule or params.labels.rule
        events = self._events_and_lengths(subset, params)
        return [label_segments(table, n, params.classes, rule) for table, n in events]

    def frame_labels(self, subset, params):
        """Label the frames of a subset; list of (n_segments, frames, n_classes) bool arrays."""
        events = self._events_and_lengths(subset, params)
        return [label_frames(table, n, params.classes, params.stft) for table, n in events]

    def examples(self, subset, params):
        """Collect what a network is fitted to or validated on.

        Returns
        -------
        magnitudes : list of numpy.ndarray, shape (n_segments, frames, bins)
            By episode.
        labels : numpy.ndarray of bool, shape (n_segments in all, n_classes)
        frame_labels : numpy.ndarray of bool, shape (n_segments in all, frames, n_classes)

        Raises
        ------
        sedlib.episodes.EpisodeError
            If no segment has a label.
        """
        labels = np.concatenate(self.labels(subset, params))
        if not labels.any():
            raise episodes.EpisodeError(
                f"{self.episodes}: no segment of split.{subset} has a label by the rule "
                f"'{params.labels.rule}'; choose another labels.rule in params.yaml, or add "
                "episodes with events"
            )
        frame_labels = np.concatenate(self.frame_labels(subset, params))
        return self.magnitudes(subset, params.stft), labels, frame_labels

    def _events_and_lengths(self, subset, params):
        """Yield the events and the number of segments of each episode of a subset."""
        magnitudes = self.magnitudes(subset, params.stft)
        for name, x in zip(getattr(self.split, subset), magnitudes, strict=True):
            yield annotations.read(self.episodes / f"{name}.json"), len(x)


def open_corpus(params, data):
    """Open the episodes that the stages have made, without those that were left out.

    Parameters
    ----------
    params : sedlib.config.Params
    data : pathlib.Path
        The folder ``data`` of the workspace.

    Returns
    -------
    Corpus

    Raises
    ------
    sedlib.episodes.EpisodeError
        If there are no episodes, or none is left in a subset.
    """
    split = episodes.usable_split(params.split, data / "episodes")
    return Corpus(params.episodes.source, data / "episodes", data / "features", split)
