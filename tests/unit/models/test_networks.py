import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from sedlib.models import (
    PRESETS,
    ModelError,
    build_model,
    compact,
    layer_table,
    predict_scores,
    vtt2018,
    with_frames,
)

BUILD = (
    "from sedlib.config import STFTParams; "
    "stft = STFTParams(sample_rate=44100, n_fft=2048, hop_length=1024, win_length=1536); "
    "models.build_model('compact', ['a'], stft)"
)
LOAD = "from sedlib.cli import RELEASED; models.load_model(RELEASED)"


@pytest.mark.parametrize("use", [BUILD, LOAD], ids=["build", "load"])
def test_a_first_cell_that_imports_tensorflow_prints_nothing(use):
    code = f"from sedlib import models; {use}"
    environment = {name: v for name, v in os.environ.items() if not name.startswith("TF_")}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[3])
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_maps_magnitudes_to_a_score_for_each_class(preset, classes, stft, magnitude):
    built = build_model(preset, classes, stft)
    assert built.input_shape == (None, 44, 1025, 1)
    assert built.output_shape == (None, 3)
    scores = predict_scores(built, magnitude[:2])
    assert ((scores >= 0) & (scores <= 1)).all()
    if "frames" in [layer.name for layer in built.layers]:  # a preset need not score frames
        frames = with_frames(built).predict(magnitude[:2, ..., np.newaxis], verbose=0)["frames"]
        assert frames.shape == (2, 44, 3)
        assert ((frames >= 0) & (frames <= 1)).all()


@pytest.mark.parametrize("preset", ["compact", "vtt2018"])
def test_compact_and_vtt2018_are_seven_3x3_convolutions_pooling_batch_norm_rnn_sigmoid(
    preset, classes, stft
):
    built = build_model(preset, classes, stft)
    kinds = [type(layer).__name__ for layer in built.layers]
    convolutions = [layer for layer in built.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.kernel_size for layer in convolutions] == [(3, 3)] * 7
    assert {"AveragePooling2D", "BatchNormalization"} <= set(kinds)
    assert {"GRU", "Bidirectional"} & set(kinds)
    dense = [layer for layer in built.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.activation for layer in dense] == [keras.activations.sigmoid]


def test_vtt2018_has_the_layers_of_2018(stft):
    table = layer_table(build_model("vtt2018", range(10), stft)).set_index("layer")
    assert table["output"].to_dict() == {
        "magnitude": "44 x 1025 x 1",
        "conv1": "44 x 1025 x 64",
        "pool1": "44 x 513 x 64",
        "conv2": "44 x 513 x 128",
        "pool2": "44 x 257 x 128",
        "norm2": "44 x 257 x 128",
        "conv3": "44 x 257 x 256",
        "pool3": "44 x 129 x 256",
        "conv4": "44 x 129 x 512",
        "pool4": "44 x 65 x 512",
        "conv5": "44 x 65 x 1024",
        "pool5": "44 x 33 x 1024",
        "norm5": "44 x 33 x 1024",
        "conv6": "44 x 33 x 128",
        "conv7": "44 x 33 x 1",
        "steps": "44 x 33",
        "gru": "128",
        "scores": "10",
    }
    assert round(table["multiply_adds"].sum() / 1e9) == 27


def test_compact_pools_five_times_over_the_bands_and_keeps_all_frames(stft):
    output = layer_table(build_model("compact", range(10), stft)).set_index("layer")["output"]
    assert output["conv1"] == "64 x 44 x 16"
    assert [output[f"conv{i}"] for i in (5, 6, 7)] == [
        "4 x 44 x 64",
        "2 x 44 x 64",
        "2 x 44 x 64",
    ]
    assert output["steps"] == "44 x 128"
    assert output["frames"] == "44 x 10"


def test_mixstyle_has_no_weights_and_no_part_in_scoring(magnitude):
    with_it, without = (compact(44, 1025, 3, 44100, mixstyle=share) for share in (0.5, 0.0))
    assert "mixstyle" in [layer.name for layer in with_it.layers]
    assert "mixstyle" not in [layer.name for layer in without.layers]
    without.set_weights(with_it.get_weights())
    np.testing.assert_array_equal(
        predict_scores(with_it, magnitude), predict_scores(without, magnitude)
    )


def test_vtt2018_can_be_narrower_and_see_mel_bands():
    narrow = layer_table(vtt2018(44, 1025, 10, 44100, width=1 / 16)).set_index("layer")
    assert narrow.loc["conv5", "output"] == "44 x 65 x 64"
    assert narrow.loc["conv7", "output"] == "44 x 33 x 1"
    mel = layer_table(vtt2018(44, 1025, 10, 44100, width=1 / 16, log_mel=True))
    assert mel.set_index("layer").loc["conv1", "output"] == "44 x 64 x 4"


def test_an_unknown_preset_is_refused_with_the_known_ones(classes, stft):
    with pytest.raises(ModelError, match=f"'huge'; choose one of {', '.join(PRESETS)}"):
        build_model("huge", classes, stft)
