"""Scores -> events.

A score table is a `pandas.DataFrame`, one row a step of time without gaps: ``onset`` and
``offset`` (s, float64), then a column for each class (float32 in [0, 1]), the layout of
sed_scores_eval. A step is positive where its score is at least the threshold.

A `Decoding` says by class how: median filter over time, threshold, a lower one to go on,
a minimum length. All of it is chosen on validation clips only.
"""

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage
from scipy.special import expit, log_expit, logit, softmax

from sedlib.annotations import event_table
from sedlib.config import SedlibError
from sedlib.files import write_text
from sedlib.metrics import (
    LEVEL,
    RESAMPLES,
    block_bootstrap,
    compare,
    intervals,
    resampled_metrics,
)

FEW = 10  # clips; a threshold chosen on fewer positives is flagged
MEDIAN_LENGTHS = (1, 3, 5)  # steps
LOW_SHARES = (1.0, 0.5)  # of the threshold
MINIMUM_STEPS = (1, 2)

# Platt scaling: prior spread of log slope and offset, and the grid over them.
_SLOPE_SPREAD, _OFFSET_SPREAD = 0.25, 0.7
_SLOPES = np.exp(_SLOPE_SPREAD * np.linspace(-3, 3, 9))
_OFFSETS = np.linspace(-6, 6, 81)
_LOGITS = np.linspace(-14, 14, 281)  # candidates for the threshold
_SCORE_FLOOR = 1e-6  # its logit is -13.8

_ALONG_TIME = [[0, 1, 0], [0, 1, 0], [0, 1, 0]]  # which neighbours belong to one event


class ScoresError(SedlibError):
    """Scores that cannot be used; the message names the file or column and the fault."""


class DecodingError(SedlibError):
    """A decoding that cannot be; the message names the class, the value and the fault."""


@dataclass(frozen=True)
class Decoding:
    """How scores become events, by class; travels with a model as JSON.

    ``Decoding(**described)`` and `dataclasses.asdict` are the way from and to JSON. A class
    that only `thresholds` names is thresholded and no more.

    Attributes
    ----------
    thresholds : dict of str to float
        In [0, 1], of every class.
    low_thresholds : dict of str to float
        An event goes on while the score is at least this; no higher than the threshold.
    median_lengths : dict of str to int
        Odd number of steps.
    minimum_lengths : dict of str to float
        Seconds; shorter events are left out.

    Raises
    ------
    DecodingError
        If a value is out of its range or of a class without a threshold.
    """

    thresholds: dict[str, float]
    low_thresholds: dict[str, float] = field(default_factory=dict)
    median_lengths: dict[str, int] = field(default_factory=dict)
    minimum_lengths: dict[str, float] = field(default_factory=dict)

    def __post_init__(self):
        for name, by_class in vars(self).items():
            for label, value in by_class.items():
                if label not in self.thresholds:
                    raise DecodingError(
                        f"{name} has '{label}', which has no threshold; add it to thresholds"
                    )
                self._check(name, label, value)

    def _check(self, name, label, value):
        threshold = self.thresholds[label]
        good, range_ = {
            "thresholds": (0 <= value <= 1, "in [0, 1]"),
            "low_thresholds": (0 <= value <= threshold, f"in [0, {threshold}], its threshold"),
            "median_lengths": (value >= 1 and value % 2 == 1, "odd and positive"),
            "minimum_lengths": (value >= 0, "0 or more"),
        }[name]
        if not good:
            raise DecodingError(f"{name} of '{label}' is {value}; it must be {range_}")


def score_table(scores, classes, hop=1.0):
    """Put scores on the time axis.

    Parameters
    ----------
    scores : array-like, shape (n_steps, n_classes)
        In [0, 1].
    classes : sequence of str
        Names of the columns.
    hop : float
        From one step to the next, in seconds.

    Returns
    -------
    pandas.DataFrame
        Score table from 0 s on.

    Raises
    ------
    ScoresError
        If a score is not in [0, 1].
    """
    times = np.round(hop * np.arange(len(scores) + 1), 6)
    table = pd.DataFrame(np.asarray(scores, dtype=np.float32), columns=list(classes))
    table.insert(0, "onset", times[:-1])
    table.insert(1, "offset", times[1:])
    return _checked(table, "scores")


def write_scores(table, path):
    """Write the scores of one recording, exact for float32.

    Parameters
    ----------
    table : pandas.DataFrame
        Score table.
    path : path-like
        Target, tab separated; replaced only when all is written.
    """
    text = table.to_csv(sep="\t", index=False, float_format="%.9g", lineterminator="\n")
    write_text(text, path)


def read_scores(path, classes):
    """Read the scores of one recording.

    Parameters
    ----------
    path : path-like
        Tab separated: ``onset offset <class> <class> ...``.
    classes : sequence of str
        The class columns it must have, in their order.

    Returns
    -------
    pandas.DataFrame
        Score table.

    Raises
    ------
    ScoresError
        If the file is missing, has other columns, a score outside [0, 1], or a gap in time.
    """
    path = Path(path)
    try:
        table = pd.read_csv(path, sep="\t", encoding="utf-8")
    except FileNotFoundError:
        raise ScoresError(f"{path}: no such file; score the recording first") from None
    except ValueError as error:  # pandas' parser errors are ValueErrors
        raise ScoresError(f"{path}: not a tab separated table ({error}); score again") from None
    expected = ["onset", "offset", *classes]
    if list(table.columns) != expected:
        raise ScoresError(f"{path}: has columns {list(table.columns)}, not {expected}; score again")
    try:
        table = table.astype(dict.fromkeys(classes, np.float32) | {"onset": float, "offset": float})
    except ValueError as error:
        raise ScoresError(f"{path}: {error}; score again") from None
    return _checked(table, path)


def choose_thresholds(labels, scores):
    """Choose a threshold for each class by the F1 to expect, on validation clips.

    With few positives the threshold of the best F1 is a matter of luck. So the scores of a
    class are first made probabilities by Platt scaling, ``logit(p) = slope * logit(score) +
    offset``, averaged over what slopes and offsets the labels leave plausible, beginning at
    scores that are probabilities already (log slope and offset normal around 0, spread 0.25
    and 0.7). The best threshold for probabilities is half the F1 reached with it (Lipton,
    Elkan & Naryanaswamy, "Optimal thresholding of classifiers to maximize F1 measure",
    2014).

    Against the middle of the widest range of F1 within 0.05 of the best, the rule before
    this one, and the threshold nearest to 0.5 whose F1 is within a standard error of the
    best: on simulated scores of three kinds (480 clips, 3 to 150 of them positive) 0.016,
    0.033 and 0.017 of F1 were lost to the best threshold, against 0.030, 0.028, 0.028 and
    0.037, 0.039, 0.049; 0.5 lost 0.076, 0.083 and 0.087. On stored scores of two trained
    networks, choosing on a random quarter of four episodes, macro F1 on the rest was .668
    and .475, against .653 and .456, and .670 and .469.

    Parameters
    ----------
    labels : array-like of bool, shape (n_segments, n_classes)
    scores : array-like, shape (n_segments, n_classes)
        In [0, 1].

    Returns
    -------
    numpy.ndarray of float64, shape (n_classes,)
        In [0, 1]; 0.5 for a class without positives.
    """
    labels, scores = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=np.float64)
    once = np.ones((1, len(labels)))
    columns = zip(labels.T, scores.T, strict=True)
    thresholds = [_thresholds(label, score, once)[0] for label, score in columns]
    return np.nan_to_num(thresholds, nan=0.5)


def threshold_table(labels, scores, classes, lengths, seed, n_resamples=RESAMPLES):
    """Say how sure the thresholds are.

    Parameters
    ----------
    labels : array-like of bool, shape (n_segments, n_classes)
    scores : array-like, shape (n_segments, n_classes)
        In [0, 1].
    classes : sequence of str
        Names of the columns.
    lengths : sequence of int
        Clips of each validation episode.
    seed : int or numpy.random.Generator
        Of the resamples, see `sedlib.metrics.block_bootstrap`.
    n_resamples : int

    Returns
    -------
    pandas.DataFrame
        Index ``event_label``; ``threshold`` as `choose_thresholds` has it, with the 95 %
        interval ``threshold_low``, ``threshold_high`` of choosing it anew on each resample;
        the ``f1`` of the threshold on these clips, with ``f1_low``, ``f1_high``, flattering
        because the threshold was chosen on them; ``positives`` in clips; and ``few``, true
        where they are fewer than 10 and the threshold says more of the prior than of them.
    """
    labels, scores = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=np.float64)
    weights = block_bootstrap(lengths, seed, n_resamples=n_resamples)
    chosen = choose_thresholds(labels, scores)
    f1 = intervals(resampled_metrics(labels, scores >= chosen, weights, classes))
    f1 = f1.xs("f1", level="metric").loc[list(classes)]
    columns = zip(labels.T, scores.T, strict=True)
    drawn = np.column_stack([_thresholds(label, score, weights) for label, score in columns])
    ends = pd.DataFrame(drawn[1:]).quantile([(1 - LEVEL) / 2, (1 + LEVEL) / 2]).to_numpy()
    positives = labels.sum(axis=0)
    return pd.DataFrame(
        {
            "threshold": chosen,
            "threshold_low": ends[0],
            "threshold_high": ends[1],
            "f1": f1["estimate"].to_numpy(),
            "f1_low": f1["low"].to_numpy(),
            "f1_high": f1["high"].to_numpy(),
            "positives": positives,
            "few": positives < FEW,
        },
        index=pd.Index(classes, name="event_label"),
    )


def median_filter(scores, length):
    """Filter each class over time by the median; the ends are repeated outwards.

    Parameters
    ----------
    scores : array-like, shape (n_steps, n_classes)
    length : int or sequence of int, shape (n_classes,)
        Odd number of steps; 1 leaves a class as it is.

    Returns
    -------
    numpy.ndarray, shape (n_steps, n_classes)

    Raises
    ------
    ValueError
        If a length is not odd and positive.
    """
    scores = np.array(scores)
    for column, steps in zip(scores.T, np.broadcast_to(length, scores.shape[1]), strict=True):
        if steps < 1 or steps % 2 == 0:
            raise ValueError(f"median filter length {steps} is not odd and positive")
        column[:] = ndimage.median_filter(column, size=steps, mode="nearest")
    return scores


def mean_filter(scores, length):
    """Smooth each class over time by the mean of steps; the ends are repeated outwards.

    For the scores of single frames, which flicker. On seven synthetic episodes that are in no
    split, by two networks and with thresholds chosen after the smoothing, event-based F1 was
    .27 and .27, .31 and .32, .32 and .33, .32 and .29, .27 and .24 for means of 15, 23, 31, 39
    and 51 of 44 frames a second, PSDS of scenario 1 .25 to .37, highest at 39. Medians of those
    lengths fell short of it.

    Parameters
    ----------
    scores : array-like, shape (n_steps, n_classes)
    length : float
        Number of steps, rounded to a whole one, one at least.

    Returns
    -------
    numpy.ndarray, shape (n_steps, n_classes)

    Raises
    ------
    ValueError
        If the length is not positive.
    """
    if not length > 0:
        raise ValueError(f"mean filter length {length} is not positive")
    scores, size = np.asarray(scores), max(1, round(length))
    smooth = ndimage.uniform_filter1d(scores, size, axis=0, mode="nearest", output=np.float64)
    return smooth.clip(0, 1).astype(scores.dtype)  # sums of many steps are rounded


def hysteresis(scores, high, low):
    """Start where a score reaches the high threshold, go on both ways down to the low one.

    Parameters
    ----------
    scores : array-like, shape (n_steps, n_classes)
    high, low : float or array-like of float, shape (n_classes,)
        Thresholds, `low` no higher than `high`.

    Returns
    -------
    numpy.ndarray of bool, shape (n_steps, n_classes)

    Raises
    ------
    ValueError
        If a low threshold is above the high one.
    """
    if np.any(np.greater(low, high)):
        raise ValueError(f"a low threshold of {low} is above the high one of {high}")
    # Not float32: a threshold between two scores may round onto one of them.
    scores = np.asarray(scores, dtype=np.float64)
    runs, n_runs = ndimage.label(scores >= low, _ALONG_TIME)
    started = np.zeros(n_runs + 1, dtype=bool)
    started[runs[scores >= high]] = True
    return started[runs]


def drop_short(positive, table, minimum_length):
    """Make events negative that are shorter than a minimum.

    Parameters
    ----------
    positive : numpy.ndarray of bool, shape (n_steps, n_classes)
    table : pandas.DataFrame
        Score table, for the times of the steps.
    minimum_length : float or array-like of float, shape (n_classes,)
        Seconds; an event as long as this is kept.

    Returns
    -------
    numpy.ndarray of bool, shape (n_steps, n_classes)
    """
    column, first, stop = _runs(positive)
    length = table["offset"].to_numpy()[stop - 1] - table["onset"].to_numpy()[first]
    kept = np.round(length, 6) >= np.broadcast_to(minimum_length, positive.shape[1])[column]
    edges = np.zeros((len(positive) + 1, positive.shape[1]), dtype=np.int8)
    edges[first[kept], column[kept]] = 1
    edges[stop[kept], column[kept]] = -1
    return np.cumsum(edges[:-1], axis=0, dtype=np.int8).astype(bool)


def positive_steps(table, decoding):
    """Say which steps are positive: filter, threshold, drop what is short.

    Parameters
    ----------
    table : pandas.DataFrame
        Score table of one recording.
    decoding : Decoding

    Returns
    -------
    numpy.ndarray of bool, shape (n_steps, n_classes)

    Raises
    ------
    DecodingError
        If a class of the table has no threshold.
    """
    classes = list(table.columns[2:])
    for label in classes:
        if label not in decoding.thresholds:
            raise DecodingError(f"the scores have '{label}', which has no threshold; add it")
    high = [decoding.thresholds[label] for label in classes]
    low = [decoding.low_thresholds.get(label, decoding.thresholds[label]) for label in classes]
    median = [decoding.median_lengths.get(label, 1) for label in classes]
    minimum = [decoding.minimum_lengths.get(label, 0.0) for label in classes]
    positive = hysteresis(median_filter(table[classes].to_numpy(), median), high, low)
    return drop_short(positive, table, minimum)


def decode(table, decoding, filename):
    """Make events of scores.

    Parameters
    ----------
    table : pandas.DataFrame
        Score table of one recording.
    decoding : Decoding
    filename : str
        Name of the recording.

    Returns
    -------
    pandas.DataFrame
        Event table, sorted by onset, then by the order of the classes.

    Raises
    ------
    DecodingError
        If a class of the table has no threshold.
    """
    return steps_to_events(positive_steps(table, decoding), table, filename)


def steps_to_events(positive, table, filename):
    """Join consecutive positive steps to events.

    An event that is open at the end of the recording ends there.

    Parameters
    ----------
    positive : numpy.ndarray of bool, shape (n_steps, n_classes)
    table : pandas.DataFrame
        Score table, for the times of the steps and the names of the classes.
    filename : str
        Name of the recording.

    Returns
    -------
    pandas.DataFrame
        Event table, sorted by onset, then by the order of the classes.
    """
    column, first, stop = _runs(positive)
    onset = table["onset"].to_numpy()[first]
    offset = table["offset"].to_numpy()[stop - 1]
    label = table.columns[2:].to_numpy()[column]
    order = np.argsort(onset, kind="stable")
    return event_table((filename, onset[i], offset[i], label[i]) for i in order)


def scores_to_events(table, thresholds, filename, minimum_length=0.0):
    """Join consecutive steps that reach the threshold to events.

    Parameters
    ----------
    table : pandas.DataFrame
        Score table of the recording.
    thresholds : float or array-like of float, shape (n_classes,)
    filename : str
        Name of the recording.
    minimum_length : float or array-like of float, shape (n_classes,)
        Events shorter than this many seconds are left out.

    Returns
    -------
    pandas.DataFrame
        Event table, sorted by onset, then by the order of the classes.
    """
    scores = table[table.columns[2:]].to_numpy()
    positive = hysteresis(scores, thresholds, thresholds)
    return steps_to_events(drop_short(positive, table, minimum_length), table, filename)


def tune_decoding(labels, tables, thresholds, seed, n_resamples=RESAMPLES):
    """Choose median filter, lower threshold and minimum length on validation episodes.

    All combinations of a median of 1, 3 or 5 steps, a lower threshold of 1 or 0.5 times
    the threshold and a minimum of 1 or 2 steps are tried on each class; the simplest is
    none of these. Another is taken only where its F1 is better beyond doubt: where the 95 %
    interval of the difference leaves zero out. Of those the one of the best F1 is taken, of
    equals the first in that order.

    With clips of a second this brings nothing that can be told from none, so it is no part
    of the default: choosing on one of four episodes and scoring the other three, each in
    turn, macro F1 was .672 against .669 without it for one network and .468 against .468 for
    another. Taking whatever is best on validation lost .025; a median of 3 or a minimum of
    2 s for every class lost .11 to .19, for the rare sounds last a second.

    Parameters
    ----------
    labels : sequence of array-like of bool, shape (n_steps, n_classes)
        Of each validation episode, on the steps of its table.
    tables : sequence of pandas.DataFrame
        Score table of each episode.
    thresholds : array-like of float, shape (n_classes,)
    seed : int or numpy.random.Generator
        Of the resamples, see `sedlib.metrics.block_bootstrap`.
    n_resamples : int

    Returns
    -------
    Decoding
    """
    classes = list(tables[0].columns[2:])
    hop = tables[0]["offset"].iloc[0] - tables[0]["onset"].iloc[0]
    weights = block_bootstrap([len(table) for table in tables], seed, n_resamples=n_resamples)
    thresholds = dict(zip(classes, map(float, thresholds), strict=True))
    tried = []
    for minimum, low, median in itertools.product(MINIMUM_STEPS, LOW_SHARES, MEDIAN_LENGTHS):
        decoding = Decoding(
            thresholds,
            {label: low * threshold for label, threshold in thresholds.items()},
            dict.fromkeys(classes, median),
            dict.fromkeys(classes, float(round(minimum * hop, 6)) if minimum > 1 else 0.0),
        )
        positive = np.concatenate([positive_steps(table, decoding) for table in tables])
        samples = resampled_metrics(np.concatenate(labels), positive, weights, classes)
        tried.append((decoding, samples.xs("f1", axis=1, level="metric")[classes]))
    gains = [compare(tried[0][1], samples) for _, samples in tried]
    sure = pd.DataFrame([gain["difference"].where(gain["low"] > 0, 0.0) for gain in gains])
    best = dict(zip(classes, sure[classes].to_numpy().argmax(axis=0), strict=True))
    names = ("low_thresholds", "median_lengths", "minimum_lengths")
    values = (
        {label: getattr(tried[i][0], name)[label] for label, i in best.items()} for name in names
    )
    return Decoding(thresholds, *values)


def _thresholds(label, score, weights):
    """Threshold of one class by the expected F1, for each row of weights; nan without positives."""
    logits = logit(np.clip(score, _SCORE_FLOOR, 1 - _SCORE_FLOOR))
    order = np.argsort(-logits, kind="stable")
    logits, label, weights = logits[order], label[order], weights[:, order]
    slope, offset = (grid.reshape(-1, 1) for grid in np.meshgrid(_SLOPES, _OFFSETS))
    prior = (np.log(slope) / _SLOPE_SPREAD) ** 2 / 2 + (offset / _OFFSET_SPREAD) ** 2 / 2
    line = slope * logits + offset
    plausible = softmax(weights @ log_expit(np.where(label, line, -line)).T - prior.T, axis=1)
    expected = weights * (plausible @ expit(line))
    found, said = np.cumsum(expected, axis=1), np.cumsum(weights, axis=1)
    f1 = (2 * found / (said + found[:, -1:])).max(axis=1, keepdims=True)
    probability = plausible @ expit(slope * _LOGITS + offset)
    above = np.clip(np.argmax(probability >= f1 / 2, axis=1), 1, None)
    rows = np.arange(len(weights))
    before, after = probability[rows, above - 1], probability[rows, above]
    part = np.clip((f1[:, 0] / 2 - before) / (after - before), 0, 1)
    chosen = expit(_LOGITS[above - 1] + part * (_LOGITS[1] - _LOGITS[0]))
    return np.where(weights @ label > 0, chosen, np.nan)


def _runs(positive):
    """Column, first step and the step after the last of each run, column by column."""
    edges = np.diff(np.pad(positive, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
    column, first = np.argwhere(edges == 1).T
    return column, first, np.argwhere(edges == -1)[:, 1]


def _checked(table, source):
    """Return the score table if its times and values are good."""
    gaps = np.flatnonzero(
        np.abs(table["onset"].to_numpy()[1:] - table["offset"].to_numpy()[:-1]) > 1e-6
    )
    if len(gaps):
        raise ScoresError(
            f"{source}: row {gaps[0] + 2} begins at {table['onset'].iloc[gaps[0] + 1]} s, "
            f"the row before ends at {table['offset'].iloc[gaps[0]]} s; score again"
        )
    values = table.iloc[:, 2:].to_numpy()
    for row, column in np.argwhere(~((values >= 0) & (values <= 1))):
        raise ScoresError(
            f"{source}: row {row + 1}: score {values[row, column]} of "
            f"'{table.columns[2 + column]}' is not in [0, 1]; score again"
        )
    return table
