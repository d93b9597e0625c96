"""A network as a table: shapes, parameters and multiply-adds of its layers."""

import math

import keras
import pandas as pd

from sedlib.models.layers import LinearSoftmax, LogCompression, MelBands, MixStyle
from sedlib.models.storage import ModelError

# Layers that move, compare, average or scale single values: no matrix product, no convolution.
NO_MULTIPLY_ADDS = (
    keras.layers.InputLayer,
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Permute,
    keras.layers.Concatenate,
    keras.layers.Add,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.Dropout,
    keras.layers.BatchNormalization,
    keras.layers.AveragePooling2D,
    keras.layers.MaxPooling2D,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    LogCompression,
    MixStyle,
    LinearSoftmax,
)


def layer_table(model):
    """List the layers of a network.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    pandas.DataFrame
        One row per layer: ``layer``, ``kind``, ``output`` (its shape for one segment),
        ``parameters``, and ``multiply_adds``, the multiplications of matrix products and
        convolutions for one segment.

    Raises
    ------
    ModelError
        If the multiply-adds of a kind of layer are not known here.
    """
    rows = [
        {
            "layer": layer.name,
            "kind": type(layer).__name__,
            "output": " x ".join(str(n) for n in layer.output.shape[1:]),
            "parameters": layer.count_params(),
            "multiply_adds": _count_multiply_adds(layer),
        }
        for layer in model.layers
    ]
    return pd.DataFrame(rows)


def _count_multiply_adds(layer):
    shape = layer.output.shape[1:]
    if isinstance(layer, keras.layers.Conv2D):
        return math.prod(layer.kernel.shape) * math.prod(shape[:2])
    if isinstance(layer, keras.layers.Bidirectional):
        cells = layer.forward_layer.cell, layer.backward_layer.cell
        return layer.input.shape[1] * sum(map(_count_in_step, cells))
    if isinstance(layer, keras.layers.GRU):
        return layer.input.shape[1] * _count_in_step(layer.cell)
    if isinstance(layer, keras.layers.Dense):
        return math.prod(layer.kernel.shape) * math.prod(shape[:-1])
    if isinstance(layer, MelBands):
        return math.prod(layer.matrix.shape) * shape[0]
    if isinstance(layer, NO_MULTIPLY_ADDS):
        return 0
    raise ModelError(
        f"layer '{layer.name}' is a {type(layer).__name__}, whose multiply-adds are not known; "
        "add this kind of layer to sedlib/models/summary.py"
    )


def _count_in_step(cell):
    return math.prod(cell.kernel.shape) + math.prod(cell.recurrent_kernel.shape)
