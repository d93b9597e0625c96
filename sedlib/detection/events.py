"""Scores and thresholds -> events."""

import numpy as np

from sedlib.annotations import event_table


def scores_to_events(table, thresholds, filename):
    """Join consecutive rows in which a class is detected to events.

    A class is detected in a row when its score reaches the threshold. An event that is open at
    the end of the recording ends there.

    Parameters
    ----------
    table : pandas.DataFrame
        Score table of the recording; see `sedlib.detection.scores`.
    thresholds : float or array-like of float, shape (n_classes,)
        In [0, 1].
    filename : str
        Name of the recording.

    Returns
    -------
    pandas.DataFrame
        Event table, sorted by onset, then by the order of the classes.
    """
    classes = table.columns[2:].to_numpy()
    # In float64, because a threshold between two scores may round onto one of them in float32.
    detected = table[classes].to_numpy(dtype=np.float64) >= thresholds
    changes = np.diff(np.pad(detected, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
    column, first = np.argwhere(changes == 1).T
    stop = np.argwhere(changes == -1)[:, 1]  # the row after the last
    onset = table["onset"].to_numpy()[first]
    offset = table["offset"].to_numpy()[stop - 1]
    order = np.argsort(onset, kind="stable")
    return event_table((filename, onset[i], offset[i], classes[column[i]]) for i in order)
