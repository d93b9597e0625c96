"""Detection: from the network's scores to events.

`scores` puts scores on the time axis; `thresholds` chooses the threshold of each class;
`events` merges consecutive detections into events; `recording` does all of this for one media
file.
"""

from sedlib.detection.events import scores_to_events
from sedlib.detection.recording import (
    BATCH_SIZE,
    FRAMES,
    HOPS,
    SILENCE,
    Detection,
    detect,
    hop_of_frames,
    score_frames,
    score_segments,
)
from sedlib.detection.scores import score_table, smooth_scores, write_scores
from sedlib.detection.thresholds import (
    DEFAULT_THRESHOLD,
    choose_frame_thresholds,
    choose_thresholds,
)
