"""Metrics of sound event detection: predictions (estimated) against ground truth (reference).

Conventions
-----------
- With the true positives TP, false positives FP, false negatives FN, true negatives TN of
  a class: precision TP/(TP+FP), recall TP/(TP+FN), F1 2TP/(2TP+FP+FN), IoU TP/(TP+FP+FN),
  accuracy (TP+TN)/(TP+FP+FN+TN). Support is the positives, TP+FN. The counted units are
  segments (`segment`), events within collars (`event`) or events that overlap enough
  (`intersection`, `psd_roc`).
- Error rate is (substitutions + deletions + insertions) divided by the support; it may be above 1.
- Average precision is scikit-learn's: the step-wise area under precision over recall,
  without interpolation.
- 0/0 is nan, not 0 or 1, as in scikit-learn with ``zero_division=numpy.nan``. A class without
  predictions has no precision; one without positives has no recall, no average precision and no
  error rate; one with neither has no F1 and no IoU. A class that occurs and is never predicted
  has F1 0, and so has one that is predicted and does not occur.
- Macro is the mean over the classes whose value is not nan ("class-wise average" in DCASE);
  micro pools the counts of all classes first ("overall", "instance-based"). The macro averages may
  be over different classes: from its first false alarm on, a class that does not occur counts with
  0 in macro F1, IoU and precision, while macro recall and average precision always leave it out.
- Metrics of label arrays take 0/1 arrays of the same shape (n_segments, n_classes), over all
  segments of all episodes at once. Metrics of event tables count recording by recording and add
  up; a recording without events counts as well.
- Times are compared in whole microseconds, so that decimal times are exact: 0.8 s is within
  0.2 s of 0.6 s, though their floating-point difference is above 0.2. All bounds (collars,
  criteria) are inclusive. Segments are closed at their start and open at their end: an event
  that ends where a segment begins does not overlap it.

Names in the literature
-----------------------
================================ =========================================================
segment-based F1, ER (1 s)       `segment_based`; F1 of label arrays `averages`
event-based F1 (200 ms, 20 %)    `event_based`, optimal matching
intersection-based F1            `intersection_based`
PSDS 1, PSDS 2                   `psds` with `PSDS_SCENARIO_1`, `PSDS_SCENARIO_2`
all of the above, at once        `literature_metrics`
mAP                              mean of `average_precision`
AUC                              `roc_auc`
class-wise ECE                   mean of `expected_calibration_error`
confidence interval              `confidence_intervals` of `block_bootstrap`
2018 experiment                  `smoothed_metrics_vtt2018`
================================ =========================================================

Differences from other libraries
--------------------------------
Counts, and metrics that are defined, agree with sed_eval, sed_scores_eval and psds_eval
(comparison with independent libraries: ``tests/unit/metrics/referees.py``). Undefined ones
differ:

- sed_eval: F1 of a class is nan, and left out of the average, also where only precision or
  only recall is undefined (``empty_system_output_handling="zero_score"`` corrects the
  first); error rates without support are divided by 2e-16, where we return nan. So
  its class-wise average is over other classes than ours where a class is never predicted or
  does not occur.
- psds_eval: F1 of a class without true positives is nan, and left out of the average.
- sed_scores_eval: every class must occur in the ground truth; precision without prediction is 0.
"""

from sedlib.metrics.bootstrap import (
    LEVEL,
    RESAMPLES,
    block_bootstrap,
    block_length,
    confidence_intervals,
    mean_over_seeds,
    paired_differences,
    resampled_metrics,
    resampled_ratios,
)
from sedlib.metrics.calibration import expected_calibration_error, reliability_curve
from sedlib.metrics.evaluation import Evaluation
from sedlib.metrics.event import event_based, event_counts_by_segment
from sedlib.metrics.intersection import intersection_based, intersection_marks
from sedlib.metrics.literature import literature_intervals, literature_metrics
from sedlib.metrics.psd_roc import (
    PSDS,
    PSDS_SCENARIO_1,
    PSDS_SCENARIO_2,
    PSDSScenario,
    psds,
)
from sedlib.metrics.ranking import average_precision, precision_recall_curves, roc_auc
from sedlib.metrics.segment import (
    NO_FALSE_ALARM,
    NO_MISS,
    averages,
    confusion,
    edge_errors,
    edge_segments,
    segment_based,
    segment_metrics,
    smoothed_metrics_vtt2018,
)
