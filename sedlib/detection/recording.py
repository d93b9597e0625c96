"""A trained network on one recording of any length, in constant memory.

The loudness of the recording is measured first, and then it is scored at the loudness that the
network was trained with (`sedlib.features.normalising_gain`). Its level therefore matters
little: only the rounding noise of a very quiet recording is amplified with it. Meanwhile one thread
decodes the next blocks and another one computes spectrograms, which only need to be multiplied
once the loudness is known. Those of a television episode are kept. Where segments overlap, the
sound is kept instead. What would be too large to keep is decoded twice.

A segment of one second begins at every hop, also in the second before the recording, so that
each hop lies in equally many segments; its score is the mean of theirs. The recording is
padded with silence at both ends, so that the last, incomplete second counts as well. Digital
silence contains no sound: a hop has the score 0 in every class if a segment that it lies in
holds nothing above half a step of 16 bit.

A network may also score the frames of a segment. Frame k of a segment with n frames stands for the
k-th of n equal parts of the segment. The network knows nothing of the sound before a segment, so
its scores are least reliable in the first frames. Segments therefore begin every half second, and
the score of a frame is the mean of those in both segments. Frame-level scores are smoothed over
time and have thresholds of their own.
"""

import math
from collections import deque
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from sedlib import audio
from sedlib.annotations.event_table import recording_name
from sedlib.audio.ahead import compute_ahead
from sedlib.config import STFTParams
from sedlib.detection.events import scores_to_events
from sedlib.detection.scores import score_table, smooth_scores
from sedlib.features import normalising_gain, segment_shape, spectrogram
from sedlib.models import ModelError

HOPS = (1.0, 0.5, 0.2, 0.1)  # s
FRAMES = "frames"
_OVERLAPPING = 2  # segments in which a frame is scored
SILENCE = 2.0**-16  # half a step of 16 bit
BATCH_SIZE = 64  # segments
LARGEST_KEPT = 3e8  # bytes; of the default spectrograms, 27 minutes


@dataclass(frozen=True)
class Detection:
    """What was detected in one recording.

    Attributes
    ----------
    duration : float
        Of the recording, in seconds.
    scores : pandas.DataFrame
        Score table; its last row ends with the recording.
    events : pandas.DataFrame
        Event table.
    remarks : tuple of str
        Sentences for the user: which of several audio tracks was taken, and what suggests that
        the sound is not the one that was meant; see `sedlib.audio.read_blocks`.
    """

    duration: float
    scores: pd.DataFrame
    events: pd.DataFrame
    remarks: tuple[str, ...] = ()


def detect(path, network, description, thresholds=None, hop=1.0, progress=None, track=None):
    """Detect the events of one media file.

    Parameters
    ----------
    path : path-like
        Any media file with sound.
    network : keras.Model
    description : dict
        Both as `sedlib.models.load_model` returns them.
    thresholds : mapping of str to float, optional
        For any of the classes; the others keep the thresholds of the model.
    hop : {1.0, 0.5, 0.2, 0.1, "frames"}
        Time between scored segments in seconds; onsets and offsets are multiples of it.
        ``"frames"`` uses the frame-level scores of the network.
    progress : callable, optional
        Called with a number of seconds whenever sound has been read or scored; the sum of all is
        the duration of the recording.
    track : int or str, optional
        Which of several audio tracks; see `sedlib.audio.probe`.

    Returns
    -------
    Detection
        The events' ``filename`` is that of the file without its media suffix.

    Raises
    ------
    sedlib.audio.AudioError
        If the file cannot be read to its end, or does not have the track.
    sedlib.models.ModelError
        If frame-level scores are asked for and the model has none.
    """
    stft, classes = STFTParams(**description["stft"]), description["classes"]
    frame_level = hop == FRAMES
    if frame_level and FRAMES not in description:
        raise ModelError("the model does not score frames; choose a hop in seconds")
    rate, passes = stft.sample_rate, 1 if stft.loudness is None else 2
    n_hop = hop_of_frames(rate) if frame_level else _hop_in_samples(hop, rate)
    media, remarks = audio.probe(path, track), []
    analyse = partial(_analyse, stft=stft, hop=n_hop, batch_size=BATCH_SIZE)

    def read():
        blocks = audio.read_blocks(path, rate, BATCH_SIZE * n_hop, track, remarks.append)
        return compute_ahead(blocks)

    def report(n_samples):
        if progress:
            progress(n_samples / rate / passes)

    kept = []
    if n_hop < rate:
        heard = _keep(read(), kept, lambda block: block.nbytes)
    elif 4 * math.prod(segment_shape(stft)) * (media.duration or 0) <= LARGEST_KEPT:
        heard = _listen(read(), analyse, kept)
    else:
        heard = read()
    gain = normalising_gain(_report_lengths(heard, report), stft)
    batches = kept if kept and n_hop == rate else compute_ahead(analyse(kept or read()))
    predict = _frame_predictor(network) if frame_level else network.predict_on_batch
    scored = _score(batches, predict, stft, gain, BATCH_SIZE, report)
    level = description[FRAMES] if frame_level else description
    if frame_level:
        scores, duration = _frame_table(*scored, stft, classes, level["smoothing"])
    else:
        scores, duration = _segment_table(*scored, classes, hop)
    chosen = level["thresholds"] | dict(thresholds or {})
    name = recording_name(Path(path).name)
    events = scores_to_events(scores, [chosen[label] for label in classes], name)
    remarks = tuple(filter(None, dict.fromkeys([media.choice, *remarks])))  # once, if read twice
    return Detection(duration, scores, events, remarks)


def score_segments(blocks, network, stft, classes, hop=1.0, gain=1.0, batch_size=BATCH_SIZE):
    """Score a stream of sound every `hop` seconds.

    Parameters
    ----------
    blocks : iterable of numpy.ndarray of float32, shape (n_samples,)
        Mono sound at the sample rate of `stft`. The result does not depend on the lengths of
        the blocks.
    network : keras.Model
    stft : sedlib.config.STFTParams
    classes : sequence of str
    hop : {1.0, 0.5, 0.2, 0.1}
        Time between scored segments, in seconds.
    gain : float
        Factor for the samples, from `sedlib.features.normalising_gain`. Silence is what is
        silent before.
    batch_size : int
        Number of segments that are scored together; it changes the speed only.

    Returns
    -------
    scores : pandas.DataFrame
        Score table; the last row ends with the sound.
    duration : float
        In seconds.

    Raises
    ------
    ValueError
        If the hop is not one of these, or not a whole number of samples.
    """
    batches = _analyse(blocks, stft, _hop_in_samples(hop, stft.sample_rate), batch_size)
    scored = _score(batches, network.predict_on_batch, stft, gain, batch_size)
    return _segment_table(*scored, classes, hop)


def _segment_table(scores, silent, duration, classes, hop):
    """Make the score table of segments that begin every `hop` seconds; see `score_segments`."""
    overlapping = round(1 / hop)
    if not len(scores):
        return score_table(np.empty((0, len(classes))), classes, hop), duration
    values = sliding_window_view(scores, overlapping, axis=0).mean(axis=-1)
    values[sliding_window_view(silent, overlapping).any(axis=-1)] = 0
    return _end_with_sound(score_table(values, classes, hop), duration), duration


def score_frames(blocks, network, stft, classes, smoothing, gain=1.0, batch_size=BATCH_SIZE):
    """Score every frame of a stream of sound in two segments, half a second apart.

    At a sample rate that is an odd number, a frame is scored in one segment alone.

    Parameters
    ----------
    blocks, network, stft, classes, gain, batch_size
        As those of `score_segments`; the network must score frames. All frame-level scores
        are held in memory.
    smoothing : float
        Length of the moving average over the scores, in seconds.

    Returns
    -------
    scores : pandas.DataFrame
        Score table with one row for each frame; no row begins after the end of the sound.
    duration : float
        In seconds.
    """
    batches = _analyse(blocks, stft, hop_of_frames(stft.sample_rate), batch_size)
    scored = _score(batches, _frame_predictor(network), stft, gain, batch_size)
    return _frame_table(*scored, stft, classes, smoothing)


def _frame_predictor(network):
    """Return the function that scores the frames of a batch."""
    both = with_frames(network)
    return lambda magnitude: both.predict_on_batch(magnitude)["frames"]


def _frame_table(scores, silent, duration, stft, classes, smoothing):
    """Make the score table of the frames of segments; see `score_frames`."""
    frames, _ = segment_shape(stft)
    n_rows = int(np.ceil(round(duration * frames, 6)))
    values, quiet = np.zeros((n_rows, len(classes)), np.float32), np.zeros(n_rows, bool)
    overlapping = stft.sample_rate // hop_of_frames(stft.sample_rate)
    for i in range(overlapping if n_rows else 0):  # segments that follow one another
        early = frames * (overlapping - 1 - i) // overlapping  # frames before the recording
        rows = slice(early, early + n_rows)
        values += scores[i::overlapping].reshape(-1, len(classes))[rows] / overlapping
        quiet |= np.repeat(silent[i::overlapping], frames)[rows]
    values[quiet] = 0
    if n_rows:
        values = smooth_scores(values, smoothing * frames)
    values[quiet] = 0
    return _end_with_sound(score_table(values, classes, 1 / frames), duration), duration


def with_frames(network):
    """Add the frame-level scores to a network of any engine; see `sedlib.models.with_frames`."""
    if hasattr(network, "with_frames"):
        return network.with_frames()
    from sedlib import models  # imports TensorFlow, which takes seconds

    return models.with_frames(network)


class Batch(NamedTuple):
    """Segments of a stream of sound before they are scored.

    Attributes
    ----------
    magnitude : numpy.ndarray of float32, shape (n_segments, frames, bins)
        Spectrograms of the sound as it is, without any gain.
    silent : numpy.ndarray of bool, shape (n_segments,)
        Whether a segment is digitally silent.
    n_samples : int
        How many samples of the stream are in this batch and in none before.
    """

    magnitude: np.ndarray
    silent: np.ndarray
    n_samples: int


def _analyse(blocks, stft, hop, batch_size):
    """Yield the segments of a stream, one beginning every `hop` samples, as a `Batch` each time."""
    lengths = []
    blocks = _report_lengths(blocks, lengths.append)
    for segments in _cut_segments(blocks, stft.sample_rate, hop, batch_size):
        silent = np.abs(segments).max(axis=1) < SILENCE
        yield Batch(spectrogram(segments, stft), silent, sum(lengths))
        lengths.clear()


def _listen(blocks, analyse, kept):
    """Pass blocks on, while a thread analyses them; keep every `Batch` as `_keep` does."""
    heard = deque()

    def pass_to_both():
        for block in blocks:
            heard.append(block)
            yield block

    batches = compute_ahead(analyse(pass_to_both()))
    for _ in _keep(batches, kept, lambda batch: batch.magnitude.nbytes):
        while heard:
            yield heard.popleft()
    yield from heard


def _keep(items, kept, size):
    """Pass items on and keep all of them in a list, or none if they are larger in all."""
    total = 0
    for item in items:
        total += size(item)
        if total <= LARGEST_KEPT:
            kept.append(item)
        else:
            kept.clear()
        yield item


def _score(batches, predict, stft, gain, batch_size, report=None):
    """Score segments and report the samples of each batch.

    Returns the scores of each segment, whether it is digitally silent, and the duration in s.
    """
    n_samples, scores, silent = 0, [], []
    for batch in batches:
        n_segments = len(batch.silent)
        # The shape is always the same, or the network is compiled again for the last batch.
        magnitude = np.zeros((batch_size, *batch.magnitude.shape[1:]), np.float32)
        np.multiply(batch.magnitude, np.float32(gain), out=magnitude[:n_segments])
        scores.append(predict(magnitude[..., np.newaxis])[:n_segments])
        silent.append(batch.silent)
        n_samples += batch.n_samples
        if report:
            report(batch.n_samples)
    duration = n_samples / stft.sample_rate
    if not scores:
        return np.empty((0, 0)), np.empty(0, bool), duration
    return np.concatenate(scores), np.concatenate(silent), duration


def hop_of_frames(rate):
    """Return the time between segments whose frames are scored, in samples.

    It is half a second, or a second if the sample rate is an odd number.
    """
    return rate // math.gcd(_OVERLAPPING, rate)


def _hop_in_samples(hop, rate):
    """Convert a hop from seconds into samples; ValueError if it is not offered."""
    overlapping = round(1 / hop)
    if hop not in HOPS or rate % overlapping:
        raise ValueError(f"the hop is {hop} s, not one of {HOPS}, or no whole number of samples")
    return rate // overlapping


def _end_with_sound(table, duration):
    """Let the last row of a score table end with the sound."""
    if len(table):
        table.loc[len(table) - 1, "offset"] = round(duration, 6)
    return table


def _cut_segments(blocks, length, hop, batch_size):
    """Cut a stream into overlapping segments, with silence before and after it.

    Yields arrays of shape (up to batch_size, length). A segment begins every `hop` samples from
    ``hop - length`` on, until the stream has ended.
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


def _report_lengths(blocks, report):
    """Pass blocks on and report the length of each."""
    for block in blocks:
        report(len(block))
        yield block
