"""Two short episodes that can be learnt in seconds, shared by the tests of training."""

from functools import partial

import keras
import numpy as np

from sedlib import models, training
from sedlib.config import Augmentation, STFTParams, Train

SMALL_STFT = STFTParams(sample_rate=8000, n_fft=256, hop_length=800, win_length=200)
CLASSES = ["low", "high", "never"]
FRAMES, BINS = 11, 129
NO_AUGMENTATION = Augmentation(
    mixup=0.0, noise=0.0, gain=0.0, filter=0.0, mask_bins=0, mask_frames=0
)
AUGMENTATION = Augmentation(mixup=0.5, noise=0.5, gain=6.0, filter=3.0, mask_bins=20, mask_frames=3)


def options(
    augment=AUGMENTATION,
    epochs=3,
    patience=10,
    schedule="cosine",
    frame_weight=0.0,
    rate=3e-3,
    averaging=0.6,
):
    return Train(
        preset="compact",
        batch_size=8,
        epochs=epochs,
        learning_rate=rate,
        schedule=schedule,
        frame_weight=frame_weight,
        patience=patience,
        averaging=averaging,
        augment=augment,
    )


def episodes(seed=0):
    """Two episodes in which one class is energy in the low bins, another in the high."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((50, 3), dtype=bool)
    labels[:, :2] = rng.random((50, 2)) < 0.4
    x = rng.gamma(1.0, 0.1, (50, FRAMES, BINS)).astype(np.float32)
    x[labels[:, 0], :, :40] *= 5
    x[labels[:, 1], :, 40:64] *= 5
    return [x[:20], x[20:]], labels


def late_frame_labels(labels):
    """Labels of frames: what sounds in a segment sounds in its second half."""
    late = np.arange(FRAMES) >= FRAMES // 2
    return labels[:, np.newaxis] & late[:, np.newaxis]


def examples():
    """Magnitudes, labels and frame labels."""
    magnitudes, labels = episodes()
    return magnitudes, labels, late_frame_labels(labels)


def small_network():
    """A network that is quick to compile and has all kinds of state: averages, random numbers."""
    inputs = keras.Input((FRAMES, BINS, 1))
    x = keras.layers.AveragePooling2D((1, 8))(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.2)(keras.layers.Reshape((FRAMES, -1))(x))
    frames = keras.layers.Dense(len(CLASSES), "sigmoid", name="frames")(x)
    return keras.Model(inputs, models.LinearSoftmax(name="scores")(frames))


def compact_network():
    """The network of the default experiment, in small."""
    return models.build_model("compact", CLASSES, SMALL_STFT)


def fit(folder, on_epoch=(), key="a", network=small_network, **changes):
    """Train a new network on the two episodes; return its weights and the history."""
    training.make_reproducible(7)
    network = network()
    magnitudes, labels, _ = examples()
    chosen = options(**changes)
    batches = partial(training.Batches, *examples(), chosen, 7)
    validation = magnitudes[:1], labels[:20]
    checkpoint = folder / "checkpoint.npz"
    history = training.train(network, batches, validation, chosen, checkpoint, key, on_epoch)
    return network.get_weights(), history


def equal(weights, others):
    return all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))
