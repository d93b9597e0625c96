import keras
import numpy as np
import pytest

from sedlib.models import PRESETS, ModelError, build_model, layer_table


@pytest.mark.parametrize("preset", PRESETS)
def test_the_table_knows_every_layer_of_every_preset(preset, classes, stft):
    built = build_model(preset, classes, stft)
    table = layer_table(built)
    assert table["layer"].tolist() == [layer.name for layer in built.layers]
    assert table["parameters"].sum() == built.count_params()
    assert table["multiply_adds"].sum() > 0


def test_multiply_adds_count_every_product_of_a_small_convolution():
    inputs = keras.Input((5, 7, 2))
    outputs = keras.layers.Conv2D(3, 3, padding="same", name="c")(inputs)
    table = layer_table(keras.Model(inputs, outputs)).set_index("layer")
    products = sum(1 for _ in np.ndindex(5, 7, 3, 3, 3, 2))  # place, channel, kernel, input
    assert table.loc["c", "multiply_adds"] == products


def test_multiply_adds_count_every_product_of_a_small_gru_in_each_direction():
    inputs, gru = keras.Input((5, 2)), keras.layers.GRU(3, return_sequences=True, name="one")
    outputs = keras.layers.Bidirectional(keras.layers.GRU(3), name="both")(gru(inputs))
    counts = layer_table(keras.Model(inputs, outputs)).set_index("layer")["multiply_adds"]
    # Frames, gates, from the input and from the state.
    assert counts["one"] == 5 * 3 * (2 * 3 + 3 * 3)
    assert counts["both"] == 2 * 5 * 3 * (3 * 3 + 3 * 3)


def test_a_kind_of_layer_that_the_table_does_not_know_is_an_error():
    inputs = keras.Input((5, 8))
    outputs = keras.layers.MultiHeadAttention(2, 4, name="attention")(inputs, inputs)
    with pytest.raises(ModelError, match=r"'attention' is a MultiHeadAttention, .*summary\.py"):
        layer_table(keras.Model(inputs, outputs))
