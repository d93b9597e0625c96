"""Confidence intervals of metrics by a bootstrap.

A resample is a row of weights that says how often each segment occurs in it. A metric is
computed for all rows at once. **Row 0 is the data as they are**, all ones, so the first row of
a table of samples is the estimate. Two models evaluated with the same weights are compared on
the same resamples.

What is resampled
-----------------
- `block_bootstrap`: segments, in blocks within each episode, because errors in neighbouring
  segments depend on each other. It tells how a metric would vary with other minutes of the same
  episodes, not with other episodes.
- `mean_over_seeds`: training runs, in addition.

Conventions
-----------
- A confidence interval lies between percentiles of the resamples (Efron & Tibshirani, *An
  Introduction to the Bootstrap*, 1993, chapter 13).
- A ratio 0/0 is undefined (nan), as in `sedlib.metrics`: a class that does not occur in a
  resample and is not predicted there has no F1. Its interval is over the resamples in which it
  is defined, and the share of the others is given. Macro is the mean over the classes that are
  defined in that resample.
- Random numbers depend on the seed only.
"""

import itertools

import numpy as np
import pandas as pd
from scipy import sparse

from sedlib.metrics.ratios import divide, mean_of_defined, segment_ratios

BLOCK = 60  # segments; music, the longest sound, is missed or falsely detected for tens of seconds
_FEWEST_BLOCKS = 6  # in an episode; with fewer, resamples differ too little from the data
RESAMPLES = 2000
LEVEL = 0.95
_EQUAL = 1e-12  # smaller differences are rounding errors
_RESAMPLES_AT_ONCE = 64  # so that a class of many segments fits the cache of a processor


def block_length(lengths, block=BLOCK):
    """Length of the blocks that `block_bootstrap` draws.

    Parameters
    ----------
    lengths : sequence of int
        Segments of each episode.
    block : int
        Length that is asked for.

    Returns
    -------
    int
        `block`, or, if all episodes together have fewer than six blocks of this length, a sixth
        of their total number of segments, rounded down, and at least 1.

    Examples
    --------
    >>> block_length([2160, 2160]), block_length([90, 30])
    (60, 20)
    """
    return max(1, min(block, sum(lengths) // _FEWEST_BLOCKS))


def block_bootstrap(lengths, seed, block=BLOCK, n_resamples=RESAMPLES):
    """Draw resamples of segments, in circular blocks within each episode.

    Blocks of `block` segments are drawn with replacement from the episode laid in a circle;
    the last one is cut so that the episode keeps its length (Politis & Romano, "A circular
    block-resampling procedure for stationary data", 1992). Every segment is equally likely.
    Blocks must be longer than the dependence between errors; the longer they are, the fewer
    there are to draw. If an episode held few of them, its resamples would hardly differ from the
    episode itself, and intervals would be too narrow. So an episode of fewer than six blocks is
    joined with its neighbours; if all episodes together hold fewer, the blocks are shorter
    (`block_length`). Intervals from so little sound are still somewhat too narrow.

    Parameters
    ----------
    lengths : sequence of int
        Segments of each episode, in the order of the segments.
    seed : int or numpy.random.Generator
    block : int
        Segments of a block, at most; see `block_length`.
    n_resamples : int

    Returns
    -------
    numpy.ndarray of float32, shape (1 + n_resamples, n_segments)
        How often each segment occurs; the first row is all ones.

    Raises
    ------
    ValueError
        If an episode is empty, or `block` or `n_resamples` is less than 1.
    """
    if not len(lengths) or min(lengths) < 1:
        raise ValueError(f"lengths are {list(lengths)}; every episode must have a segment")
    for name, value in (("block", block), ("number of resamples", n_resamples)):
        if value < 1:
            raise ValueError(f"the {name} is {value}; it must be at least 1")
    joined, block = [], block_length(lengths, block)
    for length in lengths:
        if joined and min(joined[-1], length) < _FEWEST_BLOCKS * block:
            joined[-1] += length
        else:
            joined.append(length)
    rng = np.random.default_rng(seed)
    weights = np.ones((1 + n_resamples, sum(lengths)), np.float32)
    for stop, length in zip(itertools.accumulate(joined), joined, strict=True):
        weights[1:, stop - length : stop] = _draw_blocks(length, block, n_resamples, rng)
    return weights


def resampled_metrics(reference, estimated, weights, classes, scores=None):
    """Evaluate every resample, as `sedlib.metrics.segment_metrics` evaluates one.

    Parameters
    ----------
    reference, estimated : array-like of bool, shape (n_segments, n_classes)
        Ground truth and predictions.
    weights : numpy.ndarray, shape (1 + n_resamples, n_segments)
        As `block_bootstrap` draws them.
    classes : sequence of str
        Names of the columns.
    scores : array-like of float, shape (n_segments, n_classes), optional
        Higher where a class is more likely; without them there is no average precision.

    Returns
    -------
    pandas.DataFrame, 1 + n_resamples rows
        Columns (``event_label``, ``metric``): each class, ``macro`` and ``micro``; of each
        ``precision``, ``recall``, ``f1``, ``iou``, ``accuracy`` and, of the classes and
        ``macro``, ``average_precision``. Row 0 is the estimate.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a score is nan.
    """
    reference, estimated = np.asarray(reference, dtype=bool), np.asarray(estimated, dtype=bool)
    arrays = (reference, estimated) if scores is None else (reference, estimated, scores)
    _check_shapes(weights, classes, *arrays)
    if scores is not None and np.isnan(scores).any():
        raise ValueError("a score is nan, so the segments cannot be ranked")
    tp, fp, fn = reference & estimated, ~reference & estimated, reference & ~estimated
    samples = resampled_ratios(tp, fp, fn, weights, classes, tn=~reference & ~estimated)
    if scores is not None:
        columns = zip(reference.T, np.asarray(scores, dtype=float).T, strict=True)
        each = np.column_stack([_average_precisions(ref, s, weights) for ref, s in columns])
        values = np.column_stack([each, mean_of_defined(each, 1)])
        table = _name_columns("average_precision", values, classes)
        samples = pd.concat([samples, table], axis=1)
    order = [*classes, "macro", "micro"]
    return samples[[column for name in order for column in samples if column[0] == name]]


def resampled_ratios(tp, fp, fn, weights, classes, tn=None):
    """Evaluate every resample from what each segment adds to the counts.

    The counts need not be of segments: events counted in the segment of their onset give the
    event-based metrics.

    Parameters
    ----------
    tp, fp, fn : array-like, shape (n_segments, n_classes)
        True positives, false positives and false negatives of each segment.
    weights : numpy.ndarray, shape (1 + n_resamples, n_segments)
    classes : sequence of str
        Names of the columns.
    tn : array-like, shape (n_segments, n_classes), optional
        True negatives; without them there is no accuracy.

    Returns
    -------
    pandas.DataFrame, 1 + n_resamples rows
        Columns (``event_label``, ``metric``): each class, ``macro`` and ``micro``; of each
        ``precision``, ``recall``, ``f1``, ``iou`` and perhaps ``accuracy``.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    counts = [np.asarray(count, np.float32) for count in (tp, fp, fn, tn) if count is not None]
    _check_shapes(weights, classes, *counts)
    # float32 holds whole numbers up to 16.8 million exactly
    sums = [(weights @ count).astype(np.float64) for count in counts]
    each = segment_ratios(*sums)
    pooled = segment_ratios(*(total.sum(axis=1, keepdims=True) for total in sums))
    tables = []
    for name, values in each.items():
        values = np.column_stack([values, mean_of_defined(values, 1), pooled[name]])
        tables.append(_name_columns(name, values, classes))
    return pd.concat(tables, axis=1)


def mean_over_seeds(samples, seed):
    """Average training runs with different seeds; resample the runs as well.

    All runs are evaluated on the same resampled segments. For each of those, runs are drawn with
    replacement, independently of the segments: segments and runs are crossed (Owen, "The
    pigeonhole bootstrap", Annals of Applied Statistics 1, 2007), so the interval covers the
    variation of the test data and that of the seeds. One run fewer is drawn than there are;
    otherwise a few runs would seem to vary too little (Rao & Wu, "Resampling inference with
    complex survey data", JASA 83, 1988). With few runs the intervals are still somewhat short.

    Parameters
    ----------
    samples : sequence of pandas.DataFrame
        Of each run, all with the same weights.
    seed : int or numpy.random.Generator
        With the same seed, runs of the same number are drawn for two models.

    Returns
    -------
    pandas.DataFrame
        As one of `samples`. A metric that is undefined in some of the drawn runs is the mean
        over the others. Row 0 is the mean over all runs.

    Raises
    ------
    ValueError
        If there are fewer than two runs, or their tables differ in rows or columns.
    """
    if len(samples) < 2:
        raise ValueError("one run has no variation over seeds; give at least two")
    first = samples[0]
    if any(not first.columns.equals(s.columns) or len(s) != len(first) for s in samples):
        raise ValueError("the tables of the runs differ in rows or columns; evaluate them alike")
    values = np.stack([table.to_numpy() for table in samples])
    n_runs, n_rows, _ = values.shape
    drawn = np.random.default_rng(seed).integers(n_runs, size=(n_runs - 1, n_rows))
    means = mean_of_defined(values[drawn, np.arange(n_rows)], 0)
    means[0] = mean_of_defined(values[:, 0], 0)
    return pd.DataFrame(means, first.index, first.columns)


def confidence_intervals(samples, level=LEVEL):
    """Confidence interval of each metric.

    Parameters
    ----------
    samples : pandas.DataFrame
        Row 0 the estimate, the others resamples; nan where undefined.
    level : float
        Share of the resamples that the interval holds, in (0, 1).

    Returns
    -------
    pandas.DataFrame
        A row for each column of `samples`; ``estimate``, ``low``, ``high``, and ``undefined``,
        the share of resamples left out. An undefined estimate has no interval.
    """
    resamples = samples.iloc[1:]
    table = pd.DataFrame(
        {
            "estimate": samples.iloc[0],
            "low": resamples.quantile((1 - level) / 2),
            "high": resamples.quantile((1 + level) / 2),
            "undefined": resamples.isna().mean(),
        }
    )
    table.loc[table["estimate"].isna(), ["low", "high"]] = np.nan
    return table


def paired_differences(first, second, level=LEVEL):
    """Compare two models on the same resamples.

    The two-sided p-value is twice the share of resamples in which the difference is zero or has
    the opposite sign to most of them, where the data themselves count as one resample. Where it
    is below 0.05, the 95 % interval does not contain zero. Because of the added one, the interval
    may leave zero out where p is just above 0.05, too.

    Parameters
    ----------
    first, second : pandas.DataFrame
        Samples of each, with the same weights and columns.
    level : float
        Share of the resamples that the interval holds, in (0, 1).

    Returns
    -------
    pandas.DataFrame
        A row for each column of the samples; ``first``, ``second``, ``difference`` (second less
        first), its ``low`` and ``high``, ``p``, and ``undefined``, the share of resamples in
        which either is undefined and which are left out.

    Raises
    ------
    ValueError
        If the two differ in rows or columns.
    """
    if not first.columns.equals(second.columns) or len(first) != len(second):
        raise ValueError("the two tables differ in rows or columns; evaluate both models alike")
    difference = second - first
    table = confidence_intervals(difference, level).rename(columns={"estimate": "difference"})
    resamples = difference.iloc[1:]
    below, above = (resamples <= _EQUAL).sum(), (resamples >= -_EQUAL).sum()
    p = (2 * (1 + np.minimum(below, above)) / (1 + resamples.notna().sum())).clip(upper=1)
    table.insert(0, "first", first.iloc[0])
    table.insert(1, "second", second.iloc[0])
    table.insert(5, "p", p.where(table["difference"].notna()))
    return table


def _check_shapes(weights, classes, *arrays):
    for array in arrays:
        if np.shape(array) != (weights.shape[1], len(classes)):
            raise ValueError(
                f"an array has shape {np.shape(array)}, not {(weights.shape[1], len(classes))}, "
                "the segments of the weights by the classes"
            )


def _draw_blocks(length, block, n_resamples, rng):
    """How often each segment of one episode occurs; (n_resamples, length)."""
    starts = rng.integers(length, size=(n_resamples, -(-length // block), 1))
    drawn = (starts + np.arange(block)).reshape(n_resamples, -1)[:, :length] % length
    drawn += length * np.arange(n_resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=n_resamples * length)
    return counts.reshape(n_resamples, length)


def _average_precisions(reference, scores, weights):
    """Average precision of one class in each resample, as in scikit-learn with weights.

    It is the mean, over the positives, of the precision among all with that score or a higher
    one. The ranking is cut after the last segment of each score that occurs among the positives.
    All positives between two cuts therefore have the same score and the same precision.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.unique(np.searchsorted(-scores[order], -scores[reference], side="right"))
    if not len(ends):
        return np.full(len(weights), np.nan)
    order = order[: ends[-1]]
    positive = reference[order]
    all_of = _sum_stretches(order, ends, len(scores))
    positives_of = _sum_stretches(order[positive], np.cumsum(positive)[ends - 1], len(scores))
    found = []
    for part in np.array_split(weights, -(-len(weights) // _RESAMPLES_AT_ONCE)):
        part = np.ascontiguousarray(part.T)
        positives, everything = positives_of @ part, np.cumsum(all_of @ part, axis=0)
        hits, nothing = np.cumsum(positives, axis=0), np.zeros(positives.shape)
        precision = np.divide(hits, everything, out=nothing, where=everything > 0, dtype=np.float64)
        total = positives.sum(axis=0, dtype=np.float64)
        found.append(divide(np.einsum("ij,ij->j", positives, precision), total))
    return np.concatenate(found)


def _sum_stretches(segments, ends, n_segments):
    """Matrix that sums over the stretches of a list of segments; each ends before its `ends`."""
    ones, bounds = np.ones(len(segments), np.float32), np.r_[0, ends]
    return sparse.csr_array((ones, segments, bounds), shape=(len(ends), n_segments))


def _name_columns(metric, values, classes):
    """Name the columns: the classes, macro, and micro if it is there."""
    names = [*classes, "macro", "micro"][: values.shape[1]]
    columns = pd.MultiIndex.from_product([names, [metric]], names=["event_label", "metric"])
    return pd.DataFrame(values, columns=columns)
