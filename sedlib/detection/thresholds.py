"""The threshold of each class, chosen on validation segments."""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import expit

from sedlib.detection.recording import score_frames
from sedlib.features import normalising_gain, split_segments

DEFAULT_THRESHOLD = 0.5
SMOOTHING = 0.5  # standard deviation of the Gaussian window, in log-odds
MARGIN = 0.1  # of F1, in standard errors
_FRAME_STEP = 4  # adjacent frames have nearly equal scores
_STEP = 0.025  # from one threshold to the next, in log-odds
_ROUNDING = 1e-12  # smoothing rounds equal values differently
_LOG_ODDS = np.arange(-480, 481) * _STEP
_THRESHOLDS = expit(_LOG_ODDS)
_NEAREST_FIRST = np.argsort(np.abs(_LOG_ODDS), kind="stable")  # to the threshold 0.5


def choose_thresholds(labels, scores, smoothing=SMOOTHING, margin=MARGIN):
    """Choose for each class the threshold nearest to 0.5 whose smoothed F1 is close to the highest.

    F1 is computed at 961 thresholds from 0.000006 to 0.999994 that are evenly spaced in their
    log-odds ``log(t / (1 - t))``, and smoothed along them with a Gaussian window. Of all
    thresholds whose smoothed F1 is at most `margin` standard errors below the highest, the one
    nearest to 0.5 in log-odds is taken, as in the one-standard-error rule of Breiman et al. [1]_;
    of two that are equally near, the lower one. A class gets 0.5 if it has no positive segments,
    or if none of them is detected at any threshold.

    Without smoothing, the position of the highest F1 depends mostly on chance if a class has few
    positive segments: a single segment can move it far. A threshold in the middle of a range of
    high F1 is more likely to give a high F1 on other segments. Without the margin, a class would
    get a threshold far from 0.5 even if the segments hardly show that it is better.

    The standard error of an F1 of `f` from `n` positive segments is taken to be
    ``sqrt(f * (1 - f) / n)``, as if F1 were a share of the positive segments.

    The F1 on the segments given is optimistic, because the threshold was chosen on them. If the
    scores of a class hardly rank its segments, F1 can be highest where nearly every segment is
    detected; the threshold is then close to 0.

    Parameters
    ----------
    labels : array-like of bool, shape (n_segments, n_classes)
        Ground truth of the validation segments.
    scores : array-like, shape (n_segments, n_classes)
        In [0, 1].
    smoothing : float
        Standard deviation of the window in log-odds; 0 for none. With 0.5, nine tenths of the
        weight around the threshold 0.5 lie between 0.3 and 0.7.
    margin : float
        How far F1 may lie below the highest, in standard errors; 0 for the highest alone.

    Returns
    -------
    numpy.ndarray of float64, shape (n_classes,)
        In (0, 1).

    Raises
    ------
    ValueError
        If labels and scores differ in shape, or a score is not in [0, 1].

    References
    ----------
    .. [1] L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and Regression
       Trees", Wadsworth, 1984, section 3.4.3.

    Examples
    --------
    >>> labels, scores = [[True], [True], [False]], [[0.9], [0.6], [0.1]]
    >>> choose_thresholds(labels, scores).round(2).tolist()
    [0.34]
    """
    labels, scores = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=np.float64)
    if labels.shape != scores.shape:
        raise ValueError(f"labels have shape {labels.shape}, scores {scores.shape}; give the same")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("a score is not in [0, 1]")
    thresholds = np.full(labels.shape[1], DEFAULT_THRESHOLD)
    for number, (label, score) in enumerate(zip(labels.T, scores.T, strict=True)):
        f1 = _f1_by_threshold(label, score)
        if smoothing:
            f1 = gaussian_filter1d(f1, smoothing / _STEP, mode="nearest")
        if f1.any():
            highest = f1.max()
            error = np.sqrt(highest * max(0, 1 - highest) / label.sum())
            least = highest - margin * error - _ROUNDING
            thresholds[number] = next(_THRESHOLDS[k] for k in _NEAREST_FIRST if f1[k] >= least)
    return thresholds


def choose_frame_thresholds(network, sounds, labels, stft, classes, smoothing):
    """Choose the thresholds of smoothed frame-level scores by `choose_thresholds`.

    Every fourth frame is used.

    Parameters
    ----------
    network : keras.Model
        It must score frames.
    sounds : iterable of numpy.ndarray of float32, shape (n_samples,)
        The validation recordings.
    labels : sequence of numpy.ndarray of bool, shape (n_segments, frames, n_classes)
        Ground truth for the whole seconds of each recording.
    stft : sedlib.config.STFTParams
    classes : sequence of str
    smoothing : float
        Length of the moving average, in seconds.

    Returns
    -------
    numpy.ndarray of float64, shape (n_classes,)
        In (0, 1).
    """
    scores = []
    for sound in sounds:
        seconds, gain = split_segments(sound, stft), normalising_gain([sound], stft)
        table, _ = score_frames(seconds, network, stft, classes, smoothing, gain)
        scores.append(table[list(classes)].to_numpy())
    active = np.concatenate(labels).reshape(-1, len(classes))
    return choose_thresholds(active[::_FRAME_STEP], np.concatenate(scores)[::_FRAME_STEP])


def _f1_by_threshold(label, score):
    """Return the F1 of one class at each threshold of the grid; 0 if it has no positives."""
    order = np.argsort(score)
    below = np.searchsorted(score[order], _THRESHOLDS)  # segments that are not detected
    hits = label.sum() - np.append(0, np.cumsum(label[order]))[below]
    return 2 * hits / np.maximum(len(label) - below + label.sum(), 1)
