"""Training a network: batches, augmentation, fitting."""

from sedlib.training.fit import (
    Batches,
    Crops,
    LiveLog,
    best_epoch,
    draw_balanced,
    make_reproducible,
    mix,
    perturb,
    train,
    validation_scores,
)

__all__ = [
    "Batches",
    "Crops",
    "LiveLog",
    "best_epoch",
    "draw_balanced",
    "make_reproducible",
    "mix",
    "perturb",
    "train",
    "validation_scores",
]
