"""Scores of segments and of frames by a network."""

import keras
import numpy as np

from sedlib.models.storage import ModelError


def with_frames(model):
    """Add the frame-level scores to the outputs of a network.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    keras.Model
        It shares the weights of `model`. Its outputs are named ``scores`` (batch, n_classes) and
        ``frames`` (batch, frames, n_classes), both in [0, 1].

    Raises
    ------
    ModelError
        If the network does not score frames.
    """
    try:
        frames = model.get_layer("frames").output
    except ValueError:
        raise ModelError(
            f"the network '{model.name}' has no frame-level scores; set train.frame_weight to 0"
        ) from None
    return keras.Model(model.inputs, {"scores": model.output, "frames": frames})


def predict_scores(model, magnitude, batch_size=64):
    """Score segments.

    Parameters
    ----------
    model : keras.Model
    magnitude : numpy.ndarray of float32, shape (n_segments, frames, bins)
        It may be memory-mapped.
    batch_size : int
        Number of segments at a time; no more are read into memory. It changes the speed only.

    Returns
    -------
    numpy.ndarray of float32, shape (n_segments, n_classes)
        In [0, 1].
    """
    scores = [np.empty((0, model.output_shape[-1]), np.float32)]
    # `keras.Model.predict` builds a pipeline for each call, which takes longer than to score some
    # minutes of sound.
    for start in range(0, len(magnitude), batch_size):
        batch = magnitude[start : start + batch_size, ..., np.newaxis]
        size = len(batch)
        if start and size < batch_size:  # for another shape the network would be compiled again
            batch = np.pad(batch, ((0, batch_size - size), (0, 0), (0, 0), (0, 0)))
        scores.append(model.predict_on_batch(batch)[:size])
    return np.concatenate(scores)
