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
        Number of segments at a time. It changes the speed only.

    Returns
    -------
    numpy.ndarray of float32, shape (n_segments, n_classes)
        In [0, 1].
    """
    if len(magnitude) == 0:
        return np.empty((0, model.output_shape[-1]), dtype=np.float32)
    return model.predict(magnitude[..., np.newaxis], batch_size=batch_size, verbose=0)


def predict_frames(model, magnitude, batch_size=64):
    """Score the frames of segments.

    Parameters
    ----------
    model : keras.Model
        As `with_frames` returns it.
    magnitude : numpy.ndarray of float32, shape (n_segments, frames, bins)
        It may be memory-mapped.
    batch_size : int
        Number of segments at a time. It changes the speed only.

    Returns
    -------
    numpy.ndarray of float32, shape (n_segments * frames, n_classes)
        In [0, 1], one segment after the other.
    """
    n_classes = model.outputs[0].shape[-1]
    if len(magnitude) == 0:
        return np.empty((0, n_classes), dtype=np.float32)
    scores = model.predict(magnitude[..., np.newaxis], batch_size=batch_size, verbose=0)
    return scores["frames"].reshape(-1, n_classes)
