"""A trained network on one recording of any length, in constant memory.

The loudness of the recording is measured first, and then it is scored at the loudness that the
network was trained with (`sedlib.features.normalising_gain`). Its level therefore matters
little: only the rounding noise of a very quiet recording is amplified with it. The
sound of a television episode is kept between the two passes; what would be too large to keep is
decoded twice. One thread decodes, and another one computes spectrograms beside the network.

A segment of one second begins at every hop, also in the second before the recording, so that
each hop lies in equally many segments; its score is the mean of theirs. The recording is
padded with silence at both ends, so that the last, incomplete second counts as well. Digital
silence contains no sound: a hop has the score 0 in every class if a segment that it lies in
holds nothing above half a step of 16 bit.

A network may also score the frames of a segment. Frame k of a segment with n frames stands for the
k-th of n equal parts of the segment. The network knows nothing of the sound before and after a
segment, so its scores are least reliable in the first and the last frames. Segments therefore begin
every half second, and the score of a frame is the mean of those in both segments. Frame-level
scores are smoothed over time and have thresholds of their own.
"""

import math
from dataclasses import dataclass
from pathlib import Path

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
LARGEST_KEPT = 3e8  # bytes; 28 minutes of sound at 44.1 kHz


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
    if hop == FRAMES and FRAMES not in description:
        raise ModelError("the model does not score frames; choose a hop in seconds")
    rate = stft.sample_rate
    passes = 1 if stft.loudness is None else 2
    if hop != FRAMES:
        _count_overlapping(hop, rate)  # refuses another hop before anything is decoded
    media, remarks, kept = audio.probe(path, track), [], []

    def read():
        blocks = audio.read_blocks(path, rate, BATCH_SIZE * rate, track, remarks.append)
        return compute_ahead(blocks)

    def report(n_samples):
        if progress:
            progress(n_samples / rate / passes)

    def listen():
        for block in _keep(read(), kept):
            report(len(block))
            yield block

    gain = normalising_gain(listen(), stft)
    blocks = kept or read()
    if hop == FRAMES:
        level = description[FRAMES]
        scores, duration = score_frames(
            blocks, network, stft, classes, level["smoothing"], gain, report=report
        )
    else:
        level = description
        scores, duration = score_segments(blocks, network, stft, classes, hop, gain, report=report)
    chosen = level["thresholds"] | dict(thresholds or {})
    name = recording_name(Path(path).name)
    events = scores_to_events(scores, [chosen[label] for label in classes], name)
    remarks = tuple(filter(None, dict.fromkeys([media.choice, *remarks])))  # once, if read twice
    return Detection(duration, scores, events, remarks)


def score_segments(
    blocks, network, stft, classes, hop=1.0, gain=1.0, batch_size=BATCH_SIZE, report=None
):
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
    report : callable, optional
        Called with a number of samples whenever segments have been scored; the sum of all is the
        length of the sound.

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
    overlapping = _count_overlapping(hop, stft.sample_rate)
    n_hop = stft.sample_rate // overlapping
    scores, silent, duration = _score(
        blocks, network.predict_on_batch, stft, n_hop, gain, batch_size, report
    )
    if not len(scores):
        return score_table(np.empty((0, len(classes))), classes, hop), duration
    values = sliding_window_view(scores, overlapping, axis=0).mean(axis=-1)
    values[sliding_window_view(silent, overlapping).any(axis=-1)] = 0
    return _end_with_sound(score_table(values, classes, hop), duration), duration


def score_frames(
    blocks, network, stft, classes, smoothing, gain=1.0, batch_size=BATCH_SIZE, report=None
):
    """Score every frame of a stream of sound in two segments, half a second apart.

    At a sample rate that is an odd number, a frame is scored in one segment alone.

    Parameters
    ----------
    blocks, network, stft, classes, gain, batch_size, report
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
    both, (frames, _) = with_frames(network), segment_shape(stft)
    n_hop = hop_of_frames(stft.sample_rate)
    overlapping = stft.sample_rate // n_hop

    def predict(magnitude):
        return both.predict_on_batch(magnitude)["frames"]

    scores, silent, duration = _score(blocks, predict, stft, n_hop, gain, batch_size, report)
    n_rows = int(np.ceil(round(duration * frames, 6)))
    values, quiet = np.zeros((n_rows, len(classes)), np.float32), np.zeros(n_rows, bool)
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


def _keep(blocks, kept):
    """Pass blocks on and keep all of them in a list, or none if they are larger in all."""
    total = 0
    for block in blocks:
        total += block.nbytes
        if total <= LARGEST_KEPT:
            kept.append(block)
        else:
            kept.clear()
        yield block


def _score(blocks, predict, stft, hop, gain, batch_size, report):
    """Score the segments of a stream, one beginning every `hop` samples.

    Returns their scores, whether each is digitally silent, and the duration of the sound.
    """
    n_samples, n_scored, scores, silent = 0, 0, [], []

    def count():
        nonlocal n_samples
        for block in blocks:
            n_samples += len(block)
            yield block

    def analyse():
        for segments in _cut_segments(count(), stft.sample_rate, hop, batch_size):
            yield spectrogram(segments, stft), np.abs(segments).max(axis=1) < SILENCE

    for magnitude, quiet in compute_ahead(analyse()):
        # The shape is always the same, or the network is compiled again for the last batch.
        batch = np.zeros((batch_size, *magnitude.shape[1:], 1), np.float32)
        np.multiply(magnitude, np.float32(gain), out=batch[: len(quiet), ..., 0])
        scores.append(predict(batch)[: len(quiet)])
        silent.append(quiet)
        if report:
            n_new = min(hop * len(quiet), n_samples - n_scored)
            n_scored += n_new
            report(n_new)
    duration = n_samples / stft.sample_rate
    if not scores:
        return np.empty((0, 0)), np.empty(0, bool), duration
    return np.concatenate(scores), np.concatenate(silent), duration


def _count_overlapping(hop, rate):
    """Return in how many segments each hop lies; raise if the hop is not offered."""
    overlapping = round(1 / hop)
    if hop not in HOPS:
        raise ValueError(f"the hop is {hop} s, not one of {HOPS}")
    if rate % overlapping:
        raise ModelError(
            f"a hop of {hop} s is no whole number of samples at the {rate} Hz of the model; choose "
            "another --hop"
        )
    return overlapping


def hop_of_frames(rate):
    """Return the time between segments whose frames are scored, in samples.

    It is half a second, or a second if the sample rate is an odd number.
    """
    return rate // math.gcd(_OVERLAPPING, rate)


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
