"""A trained network on one recording of any length, in constant memory.

The recording is cut into steps of ``step`` seconds. A window of one clip begins at every
step, and before the first one as well, so that each step lies in equally many windows;
its score is their mean. Outside itself a recording is silence, so the last, incomplete
second counts, too. Digital silence has no sound: a step has the score 0 in every class if
any clip it lies in holds nothing above half a step of 16 bit.

A network that scores its frames also gives a score for each 44th of a second, at no more cost
than whole seconds: frame k of a clip stands for the 44th part of it with that number (its
centre is less than 12 ms away from that part's). These are smoothed over time. They have
thresholds of their own.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from sedlib import audio, detection
from sedlib.config import STFTParams
from sedlib.features import segment_shape, spectrogram
from sedlib.models import ModelError, with_frames

STEPS = (1.0, 0.5, 0.2, 0.1)  # s
FRAMES = "frames"
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
        Both as `sedlib.models.load_model` gives them.
    thresholds : mapping of str to float, optional
        For any of the classes; the others keep the model's own.
    step : {1.0, 0.5, 0.2, 0.1, "frames"}
        Seconds; onsets and offsets are multiples of it. ``frames``: of a 44th of a second.
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
    sedlib.models.ModelError
        If the scores of frames are asked for and the model has none.
    """
    recipe = STFTParams(**description["features"])
    by_frames = step == FRAMES
    if by_frames and FRAMES not in description:
        raise ModelError("the model does not score frames; detect by a step in seconds")
    block_length = round(BATCH_SIZE * (1.0 if by_frames else step) * recipe.sample_rate)
    blocks = audio.read_blocks(path, recipe.sample_rate, block_length)
    if progress is not None:
        blocks = _telling(blocks, lambda n: progress(n / recipe.sample_rate))
    classes = description["classes"]
    own = description[FRAMES] if by_frames else description
    if by_frames:
        scores, duration = score_frames(blocks, network, recipe, classes, own["smoothing"])
    else:
        scores, duration = score_blocks(blocks, network, recipe, classes, step)
    chosen = own["thresholds"] | dict(thresholds or {})
    levels = [chosen[label] for label in classes]
    events = detection.scores_to_events(scores, levels, Path(path).stem)
    return Detection(duration, scores, events)


def score_blocks(blocks, network, recipe, classes, step=1.0, batch_size=BATCH_SIZE):
    """Score every step of a stream of sound.

    Parameters
    ----------
    blocks : iterable of numpy.ndarray of float32, shape (n_samples,)
        Mono sound at the recipe's rate. How it is cut into blocks changes nothing.
    network : keras.Model
    recipe : sedlib.config.STFTParams
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
    scores, silent, duration = _score(
        blocks, network.predict_on_batch, recipe, rate // windows, batch_size
    )
    if not len(scores):
        return detection.score_table(np.empty((0, len(classes))), classes, step), duration
    values = sliding_window_view(scores, windows, axis=0).mean(axis=-1)
    values[sliding_window_view(silent, windows).any(axis=-1)] = 0
    return _ending_with_the_sound(detection.score_table(values, classes, step), duration), duration


def score_frames(blocks, network, recipe, classes, smoothing, batch_size=BATCH_SIZE):
    """Score every frame of a stream of sound.

    Parameters
    ----------
    blocks, network, recipe, classes, batch_size
        As those of `score_blocks`; the network scores frames. Their scores are kept until the
        end, 1.8 kB a second with ten classes.
    smoothing : float
        Length in seconds of the mean over time.

    Returns
    -------
    scores : pandas.DataFrame
        Score table, 44 rows a second at the reference's recipe; none begins after the sound.
    duration : float
        Seconds.
    """
    both, (frames, _) = with_frames(network), segment_shape(recipe)
    scores, silent, duration = _score(
        blocks, lambda x: both.predict_on_batch(x)["frames"], recipe, recipe.sample_rate, batch_size
    )
    heard = int(np.ceil(round(duration * frames, 6)))
    silent = np.repeat(silent, frames)[:heard]
    values = scores.reshape(-1, len(classes))[:heard]
    values[silent] = 0
    if len(values):
        values = detection.mean_filter(values, smoothing * frames)
    values[silent] = 0
    table = detection.score_table(values, classes, 1 / frames)
    return _ending_with_the_sound(table, duration), duration


def _score(blocks, predict, recipe, hop, batch_size):
    """Score clips of a stream, one beginning every `hop` samples.

    Returns the scores of each clip, whether it is digitally silent, and the duration in s.
    """
    lengths, scores, silent = [], [], []
    for clips in _clips(_telling(blocks, lengths.append), recipe.sample_rate, hop, batch_size):
        magnitude = spectrogram(clips, recipe)[..., np.newaxis]
        # Always the same shape, or the network is compiled anew for the last batch.
        padding = ((0, batch_size - len(clips)), (0, 0), (0, 0), (0, 0))
        scores.append(predict(np.pad(magnitude, padding))[: len(clips)])
        silent.append(np.abs(clips).max(axis=1) < SILENCE)
    duration = sum(lengths) / recipe.sample_rate
    if not scores:
        return np.empty((0, 0)), np.empty(0, bool), duration
    return np.concatenate(scores), np.concatenate(silent), duration


def _ending_with_the_sound(table, duration):
    """Let the last step of a score table end with the sound."""
    if len(table):
        table.loc[len(table) - 1, "offset"] = round(duration, 6)
    return table


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
