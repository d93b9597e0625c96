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
        Event table, sorted by onset, then by the order of the classes, with ``score`` and
        ``peak_score``: the mean and the maximum, to six decimals, of the scores of the class in
        the rows of the event.
    """
    classes = table.columns[2:].to_numpy()
    # In float64, because a threshold between two scores may round onto one of them in float32.
    scores = table[classes].to_numpy(dtype=np.float64)
    detected = scores >= thresholds
    changes = np.diff(np.pad(detected, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
    column, first = np.argwhere(changes == 1).T
    stop = np.argwhere(changes == -1)[:, 1]  # the row after the last
    onset = table["onset"].to_numpy()[first]
    offset = table["offset"].to_numpy()[stop - 1]
    rows = []
    for i in np.argsort(onset, kind="stable"):
        own = scores[first[i] : stop[i], column[i]]
        event = filename, onset[i], offset[i], classes[column[i]]
        rows.append((*event, round(own.mean(), 6), round(own.max(), 6)))
    return event_table(rows)
