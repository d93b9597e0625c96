"""Score tables: the scores of one recording on its time axis.

A score table is a `pandas.DataFrame` in the layout of sed_scores_eval: one row for each hop,
without gaps, with ``onset`` and ``offset`` (s, float64) and then a column for each class
(float32 in [0, 1]).
"""

import numpy as np
import pandas as pd
from scipy import ndimage

from sedlib.errors import SedlibError
from sedlib.files import write_text


def score_table(scores, classes, hop=1.0):
    """Put scores on the time axis.

    Parameters
    ----------
    scores : array-like, shape (n_rows, n_classes)
        In [0, 1].
    classes : sequence of str
        Names of the columns.
    hop : float
        Time from one row to the next, in seconds.

    Returns
    -------
    pandas.DataFrame
        Score table that begins at 0 s.

    Raises
    ------
    SedlibError
        If a score is not in [0, 1].
    """
    scores = np.asarray(scores, dtype=np.float32)
    faults = np.argwhere(~((scores >= 0) & (scores <= 1)))
    if len(faults):
        row, column = faults[0]
        raise SedlibError(
            f"row {row + 1} of the scores: {scores[row, column]} of '{classes[column]}' is not in "
            "[0, 1]; give probabilities"
        )
    times = np.round(hop * np.arange(len(scores) + 1), 6)
    table = pd.DataFrame(scores, columns=list(classes))
    table.insert(0, "onset", times[:-1])
    table.insert(1, "offset", times[1:])
    return table


def write_scores(table, path):
    """Write the scores of one recording with all digits of a float32.

    Parameters
    ----------
    table : pandas.DataFrame
        Score table.
    path : path-like
        Target, tab separated; replaced only when all is written.
    """
    text = table.to_csv(sep="\t", index=False, float_format="%.9g", lineterminator="\n")
    write_text(text, path)


def smooth_scores(scores, length):
    """Smooth the scores of each class by a moving average.

    Frame-level scores flicker, and smoothing joins what belongs to one event. The first and the
    last row are repeated beyond the ends.

    Parameters
    ----------
    scores : array-like, shape (n_rows, n_classes)
        In [0, 1].
    length : float
        Number of rows that are averaged, rounded to a whole number of at least 1.

    Returns
    -------
    numpy.ndarray, shape (n_rows, n_classes)
        Of the same dtype, in [0, 1].

    Raises
    ------
    ValueError
        If the length is not positive.
    """
    if not length > 0:
        raise ValueError(f"the smoothing length is {length} rows; it must be positive")
    scores, size = np.asarray(scores), max(1, round(length))
    smooth = ndimage.uniform_filter1d(scores, size, axis=0, mode="nearest", output=np.float64)
    return smooth.clip(0, 1).astype(scores.dtype)  # rounding may leave [0, 1]
