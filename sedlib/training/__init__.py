"""Training a network: batches, data augmentation, fitting, resuming and reusing.

`train` fits a network epoch by epoch and keeps the averaged weights of the best epoch.
`training_key` identifies a training run, so that a finished model is reused as long as nothing
changed.
"""

import sedlib.models.backend
from sedlib.training.augmentation import augment_spectrograms, draw_balanced, mixup
from sedlib.training.batches import Batches, Crops
from sedlib.training.checkpoint import training_key
from sedlib.training.fit import (
    LiveLog,
    best_epoch,
    make_reproducible,
    train,
    validation_scores,
)
