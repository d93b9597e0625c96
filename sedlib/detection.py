"""A trained network on one recording of any length, in constant memory.

The recording is cut into steps of ``step`` seconds. A window of one clip begins at every
step, and before the first one as well, so that each step lies in equally many windows;
its score is their mean. Outside itself a recording is silence, so the last, incomplete
second counts, too. Digital silence has no sound: a step has the score 0 in every class if
any clip it lies in holds nothing above half a step of 16 bit.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from sedlib import audio, decoding
from sedlib.config import Features
from sedlib.features import spectrogram

STEPS = (1.0, 0.5, 0.2, 0.1)  # s
SILENCE = 2.0**-16  # half a step of 16 bit
BATCH_SIZE = 64  # clips


@dataclass(frozen=True)
class Detection:
    """What was found in one recording.

    Attributes
    ----------
    duration : float
        Of the recording in seconds.
    scores : pandas.DataFrame
        Score table; its last step ends with the recording.
    events : pandas.DataFrame
        Event table.
    """

    duration: float
    scores: pd.DataFrame
    events: pd.DataFrame


def detect(path, network, description, thresholds=None, step=1.0, progress=None):
    """Find the events of one media file.

    Parameters
    ----------
    path : path-like
        Any media with sound.
    network : keras.Model
    description : dict
        Both as `sedlib.model.load_model` gives them.
    thresholds : mapping of str to float, optional
        For any of the classes; the others keep the model's own.
    step : {1.0, 0.5, 0.2, 0.1}
        Seconds; onsets and offsets are multiples of it.
    progress : callable, optional
        Called with the seconds of each stretch of sound as it is read.

    Returns
    -------
    Detection
        The events' ``filename`` is that of the file without its suffix.

    Raises
    ------
    sedlib.audio.AudioError
        If the file cannot be read to its end.
    """
    recipe = Features(**description["features"])
    block_length = round(BATCH_SIZE * step * recipe.sample_rate)
    blocks = audio.read_blocks(path, recipe.sample_rate, block_length)
    if progress is not None:
        blocks = _telling(blocks, lambda n: progress(n / recipe.sample_rate))
    classes = description["classes"]
    scores, duration = score_blocks(blocks, network, recipe, classes, step)
    chosen = description["thresholds"] | dict(thresholds or {})
    levels = [chosen[label] for label in classes]
    events = decoding.scores_to_events(scores, levels, Path(path).stem)
    return Detection(duration, scores, events)


def score_blocks(blocks, network, recipe, classes, step=1.0, batch_size=BATCH_SIZE):
    """Score every step of a stream of sound.

    Parameters
    ----------
    blocks : iterable of numpy.ndarray of float32, shape (n_samples,)
        Mono sound at the recipe's rate. How it is cut into blocks changes nothing.
    network : keras.Model
    recipe : sedlib.config.Features
    classes : sequence of str
    step : {1.0, 0.5, 0.2, 0.1}
        Seconds.
    batch_size : int
        Clips at a time; changes the speed only.

    Returns
    -------
    scores : pandas.DataFrame
        Score table; the last step ends with the sound.
    duration : float
        Seconds.

    Raises
    ------
    ValueError
        If the step is not one of these, or not a whole number of samples.
    """
    rate, windows = recipe.sample_rate, round(1 / step)
    if step not in STEPS or rate % windows:
        raise ValueError(f"step is {step} s, not one of {STEPS}, or no whole number of samples")
    hop, lengths, scores, silent = rate // windows, [], [], []
    for clips in _clips(_telling(blocks, lengths.append), rate, hop, batch_size):
        magnitude = spectrogram(clips, recipe)[..., np.newaxis]
        # Always the same shape, or the network is compiled anew for the last batch.
        padding = ((0, batch_size - len(clips)), (0, 0), (0, 0), (0, 0))
        scores.append(network.predict_on_batch(np.pad(magnitude, padding))[: len(clips)])
        silent.append(np.abs(clips).max(axis=1) < SILENCE)
    duration = sum(lengths) / rate
    if not scores:
        return decoding.score_table(np.empty((0, len(classes))), classes, step), duration
    values = sliding_window_view(np.concatenate(scores), windows, axis=0).mean(axis=-1)
    values[sliding_window_view(np.concatenate(silent), windows).any(axis=-1)] = 0
    table = decoding.score_table(values, classes, step)
    table.loc[len(table) - 1, "offset"] = round(duration, 6)
    return table, duration


def _clips(blocks, length, hop, batch_size):
    """Cut a stream into overlapping clips, silence before and after it.

    Yields arrays of shape (up to batch_size, length), one clip beginning every `hop` samples
    from ``hop - length`` on, until the stream has ended.
    """
    held, n_samples, start = np.zeros(length - hop, np.float32), 0, hop - length
    span = length + (batch_size - 1) * hop
    for block in blocks:
        n_samples += len(block)
        held = np.concatenate([held, block])
        while len(held) >= span:
            yield sliding_window_view(held[:span], length)[::hop]
            held = held[batch_size * hop :]
            start += batch_size * hop
    left = -(-(n_samples - start) // hop) if n_samples else 0
    held = np.pad(held, (0, length))
    for first in range(0, left, batch_size):
        part = held[first * hop : (min(first + batch_size, left) - 1) * hop + length]
        yield sliding_window_view(part, length)[::hop]


def _telling(blocks, tell):
    """Pass blocks on, telling the length of each."""
    for block in blocks:
        tell(len(block))
        yield block
