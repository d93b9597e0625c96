"""Detection: from the network's scores to events.

`scores` puts scores on the time axis, `thresholds` chooses when a class is detected, `events`
joins what is detected to events, and `recording` does all of it for one media file.
"""

from sedlib.detection.events import scores_to_events
from sedlib.detection.recording import (
    BATCH_SIZE,
    FRAMES,
    HOPS,
    SILENCE,
    Detection,
    detect,
    score_frames,
    score_segments,
)
from sedlib.detection.scores import score_table, smooth_scores, write_scores
from sedlib.detection.thresholds import DEFAULT_THRESHOLD, MINIMUM_POSITIVES, choose_thresholds
