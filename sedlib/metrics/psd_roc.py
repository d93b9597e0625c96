"""The polyphonic sound detection score (PSDS), over all thresholds of the scores.

Sources: Bilen, Ferroni, Tuveri, Azcarreta, Krstulovic, "A framework for the robust evaluation
of sound event detection", ICASSP 2020; for all thresholds at once, Ebbers, Serizel,
Haeb-Umbach, "Threshold-independent evaluation of sound event detection scores", ICASSP 2022.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlib.labels import microseconds
from sedlib.metrics.event_lists import SECOND, disjoint_by_recording
from sedlib.metrics.intersection import Criteria, count_changes, count_events

HOUR = 3600  # s; the unit of time of false positive rates


@dataclass(frozen=True)
class PSDSScenario:
    """Parameters of a PSDS.

    Attributes
    ----------
    dtc_threshold, gtc_threshold : float
        In (0, 1].
    cttc_threshold : float or None
        In (0, 1]; None where cross-triggers cost nothing.
    alpha_ct : float
        Cost of cross-triggers, in [0, 1].
    alpha_st : float
        Cost of instability across classes, of 0 or more.
    max_efpr : float
        Greatest effective false positive rate that counts, per hour.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    """

    dtc_threshold: float
    gtc_threshold: float
    cttc_threshold: float | None
    alpha_ct: float
    alpha_st: float
    max_efpr: float

    def __post_init__(self):
        self.criteria.check()
        if not (0 <= self.alpha_ct <= 1 and self.alpha_st >= 0 and self.max_efpr > 0):
            raise ValueError(
                f"alpha_ct {self.alpha_ct} must be in [0, 1], alpha_st {self.alpha_st} of 0 or "
                f"more, max_efpr {self.max_efpr} above 0"
            )
        if (self.alpha_ct > 0) != (self.cttc_threshold is not None):
            raise ValueError(
                f"cttc_threshold {self.cttc_threshold} does not fit alpha_ct {self.alpha_ct}; "
                "give a threshold where cross-triggers cost something, and only there"
            )

    @property
    def criteria(self):
        """The thresholds of the criteria."""
        return Criteria(self.dtc_threshold, self.gtc_threshold, self.cttc_threshold)


# As the DCASE challenges define them, task 4 of 2021 to 2023: the first asks for exact times,
# the second for the right class.
PSDS_SCENARIO_1 = PSDSScenario(0.7, 0.7, None, alpha_ct=0.0, alpha_st=1.0, max_efpr=100.0)
PSDS_SCENARIO_2 = PSDSScenario(0.1, 0.1, 0.3, alpha_ct=0.5, alpha_st=1.0, max_efpr=100.0)


@dataclass(frozen=True)
class PSDS:
    """A polyphonic sound detection score.

    Attributes
    ----------
    value : float
        Area under `roc` divided by the greatest rate, in [0, 1]; nan if no class occurs.
    per_class : pandas.Series
        Index ``event_label``; the same for the curve of each class alone, nan for a class that
        does not occur.
    roc : pandas.DataFrame
        ``effective_fp_rate`` (per hour, rising from 0 to the greatest one) and
        ``effective_tp_ratio``, which holds from its row's rate to that of the next.
    """

    value: float
    per_class: pd.Series
    roc: pd.DataFrame


def psds(scores, reference, durations, scenario):
    """Polyphonic sound detection score over all thresholds of the scores, exactly.

    Each class has a curve of the ratio of true positives over the effective rate of false
    positives: the best ratio at that rate or less, of any threshold. The rate is the number of
    false positives divided by the duration of all recordings, plus `alpha_ct` times the mean,
    over the other classes, of the cross-triggers divided by the duration of that class's events.
    The score is the area under the mean of the curves less `alpha_st` times their (population)
    standard deviation, where that is above 0, as a staircase and up to `max_efpr`.

    A class that does not occur has no curve and is left out, also as the other class of
    cross-triggers. (sed_scores_eval and psds_eval accept only classes that occur.)

    Parameters
    ----------
    scores : mapping of str to pandas.DataFrame
        Score table of each recording, all of the same classes; see `sedlib.detection`.
    reference : pandas.DataFrame
        Ground truth: event table of the recordings. Events of one class must not overlap.
    durations : mapping of str to float
        Length in seconds of each recording.
    scenario : PSDSScenario
        `PSDS_SCENARIO_1` or `PSDS_SCENARIO_2`, or another.

    Returns
    -------
    PSDS

    Raises
    ------
    sedlib.annotations.AnnotationError
        If an event has an unknown label, is of a recording without duration, begins before
        0, has no length, or overlaps another of its class.
    ValueError
        If scores and durations are of other recordings, or the score tables of other classes.
    """
    if set(scores) != set(durations) or not scores:
        raise ValueError(
            f"scores of {sorted(scores)} and durations of {sorted(durations)}; "
            "give both for each recording"
        )
    classes = list(next(iter(scores.values())).columns[2:])
    for name, table in scores.items():
        if list(table.columns[2:]) != classes:
            raise ValueError(
                f"{name}: scores of classes {list(table.columns[2:])}, not {classes}; "
                "score all recordings with one model"
            )
    reference = disjoint_by_recording(reference, classes, durations)
    counts = []
    for label in range(len(classes)):
        changes = [
            count_changes(
                *_all_events(table, label), reference[name], label, len(classes), scenario.criteria
            )
            for name, table in scores.items()
        ]
        thresholds, deltas = (np.concatenate(part) for part in zip(*changes, strict=True))
        order = np.argsort(-thresholds, kind="stable")
        last = np.flatnonzero(np.diff(thresholds[order], append=-np.inf))  # of each threshold
        counts.append(np.cumsum(deltas[order], axis=0)[last])
    return _integrate(counts, reference, durations, classes, scenario)


def _all_events(table, label):
    """List each distinct event that some threshold produces, with the range of thresholds that do.

    Consecutive rows are one event for the thresholds above both scores beside them and up to
    their lowest score. So the lowest row of an event identifies it, and there are at most as many
    events as rows.

    Returns
    -------
    onset, offset : numpy.ndarray of int64, shape (n_events,)
        In microseconds.
    upper, lower : numpy.ndarray of float64, shape (n_events,)
        It is an event at the thresholds in (lower, upper]; lower is -inf for all rows together.
    """
    times = np.append(table["onset"].to_numpy(), table["offset"].to_numpy()[-1:])
    scores = table.iloc[:, 2 + label].to_numpy(dtype=np.float64)
    before, after = _lower_neighbours(scores)
    _, lowest = np.unique((before + 1) * len(times) + after, return_index=True)
    before, after = before[lowest], after[lowest]
    beside = np.append(scores, -np.inf)  # of which the last is before the first as well
    lower = np.maximum(beside[before], beside[after])
    return *microseconds(times[np.stack([before + 1, after])]), scores[lowest], lower


def _lower_neighbours(scores):
    """Index of the last lower score before each, or -1, and of the first lower one after it."""
    values = scores.tolist()
    before, after = [-1] * len(values), [len(values)] * len(values)
    waiting = []  # rows without a lower one after them so far; their scores never fall
    for at, score in enumerate(values):
        while waiting and values[waiting[-1]] > score:
            after[waiting.pop()] = at
        if waiting:
            last = waiting[-1]
            before[at] = last if values[last] < score else before[last]
        waiting.append(at)
    return np.array(before, dtype=int), np.array(after, dtype=int)


def _integrate(counts, reference, durations, classes, scenario):
    """Return the PSDS of each class's counts at its operating points."""
    support = count_events(reference, len(classes))
    lengths = np.zeros(len(classes))  # s
    for events in reference.values():
        np.add.at(lengths, events.label, (events.offset - events.onset) / SECOND)
    present = np.flatnonzero(support)
    ratios, rates = [], []
    for label in present:
        tp, fp = counts[label][:, 0], counts[label][:, 1]
        others = present[present != label]
        triggers = counts[label][:, 2 + others] / lengths[others]
        rate = fp / sum(durations.values())
        rate = rate + scenario.alpha_ct * triggers.sum(axis=1) / max(len(others), 1)
        ratios.append(tp / support[label])
        rates.append(HOUR * rate)
    limit = scenario.max_efpr
    grid = np.unique(np.concatenate([[0.0], *rates, [limit]]))
    grid = grid[grid <= limit]
    steps = np.full((len(classes), len(grid)), np.nan)
    for label, rate, ratio in zip(present, rates, ratios, strict=True):
        steps[label] = _staircase(rate, ratio, grid)
    effective = np.full(len(grid), np.nan)
    if len(present):
        mean, deviation = steps[present].mean(axis=0), steps[present].std(axis=0)
        effective = np.maximum(mean - scenario.alpha_st * deviation, 0)
    areas = np.vstack([effective, steps])[:, :-1] @ np.diff(grid) / limit
    return PSDS(
        value=float(areas[0]),
        per_class=pd.Series(areas[1:], index=pd.Index(classes, name="event_label")),
        roc=pd.DataFrame({"effective_fp_rate": grid, "effective_tp_ratio": effective}),
    )


def _staircase(rate, ratio, grid):
    """Greatest ratio of the points whose rate is at most each of `grid`; 0 where there is none."""
    order = np.argsort(rate)
    best = np.maximum.accumulate(np.append(0.0, ratio[order]))
    return best[np.searchsorted(rate[order], grid, side="right")]
