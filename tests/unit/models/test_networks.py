import json

import keras
import librosa
import numpy as np
import pytest

from sedlib.config import STFTParams
from sedlib.models import (
    PRESETS,
    ModelError,
    build_model,
    layer_table,
    load_model,
    predict_frames,
    predict_scores,
    reference,
    save_model,
    with_frames,
)

RECIPE = STFTParams(sample_rate=44100, n_fft=2048, hop_length=1024, win_length=1536)
CLASSES = ["music", "speech", "bell"]


@pytest.fixture(scope="module")
def magnitude():
    return np.random.default_rng(0).gamma(0.5, 1, (5, 44, 1025)).astype(np.float32)


@pytest.fixture(scope="module")
def compact():
    keras.utils.set_random_seed(0)
    return build_model("compact", CLASSES, RECIPE)


def description():
    return {
        "preset": "compact",
        "classes": CLASSES,
        "features": RECIPE.model_dump(),
        "thresholds": dict.fromkeys(CLASSES, 0.5),
    }


def test_the_reference_has_the_layers_of_2018():
    table = layer_table(build_model("reference", range(10), RECIPE)).set_index("layer")
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


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_seven_3x3_convolutions_pooling_batch_norm_rnn_sigmoid(preset):
    network = build_model(preset, CLASSES, RECIPE)
    kinds = [type(layer).__name__ for layer in network.layers]
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.kernel_size for layer in convolutions] == [(3, 3)] * 7
    assert {"AveragePooling2D", "BatchNormalization", "GRU"} <= set(kinds)
    assert network.input_shape == (None, 44, 1025, 1)
    assert network.output_shape == (None, len(CLASSES))


def test_multiply_adds_count_every_product_of_a_small_convolution():
    inputs = keras.Input((5, 7, 2))
    outputs = keras.layers.Conv2D(3, 3, padding="same", name="c")(inputs)
    table = layer_table(keras.Model(inputs, outputs)).set_index("layer")
    products = sum(1 for _ in np.ndindex(5, 7, 3, 3, 3, 2))  # place, channel, kernel, input
    assert table.loc["c", "multiply_adds"] == products


def test_scores_are_between_0_and_1_and_do_not_depend_on_the_batch(compact, magnitude):
    together = predict_scores(compact, magnitude)
    assert together.shape == (5, 3)
    assert together.dtype == np.float32
    assert ((together >= 0) & (together <= 1)).all()
    alone = np.concatenate([predict_scores(compact, m[np.newaxis]) for m in magnitude])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_score_of_a_clip_is_the_mean_of_its_frames_weighted_by_themselves(compact, magnitude):
    both = with_frames(compact).predict(magnitude[..., np.newaxis], verbose=0)
    assert both["frames"].shape == (5, 44, 3)
    np.testing.assert_array_equal(both["scores"], predict_scores(compact, magnitude))
    for clip, label in np.ndindex(5, 3):
        frames = both["frames"][clip, :, label].astype(float)
        expected = np.average(frames, weights=frames)
        assert both["scores"][clip, label] == pytest.approx(expected, rel=1e-4)


def test_a_network_without_scores_of_frames_says_so():
    with pytest.raises(ModelError, match="'reference' has no scores of frames; set train"):
        with_frames(build_model("reference", CLASSES, RECIPE))


def test_the_old_network_can_be_narrower_and_look_at_mel_bands():
    narrow = layer_table(reference(44, 1025, 10, 44100, width=1 / 16)).set_index("layer")
    assert narrow.loc["conv5", "output"] == "44 x 65 x 64"
    assert narrow.loc["conv7", "output"] == "44 x 33 x 1"
    mel = layer_table(reference(44, 1025, 10, 44100, width=1 / 16, log_mel=True))
    assert mel.set_index("layer").loc["conv1", "output"] == "44 x 64 x 4"


def test_no_clips_give_no_scores(compact):
    nothing = np.empty((0, 44, 1025), np.float32)
    assert predict_scores(compact, nothing).shape == (0, 3)
    assert predict_frames(with_frames(compact), nothing).shape == (0, 3)


def test_the_first_layers_are_the_log_mel_spectrogram_of_librosa(compact, magnitude):
    log = keras.Model(compact.inputs, compact.get_layer("log").output)
    ours = log.predict(magnitude[..., np.newaxis], verbose=0)
    mel = librosa.filters.mel(sr=44100, n_fft=2048, n_mels=ours.shape[-1], fmax=11025)
    theirs = np.log(
        magnitude.astype(float) ** 2 @ mel.T.astype(float) + compact.get_layer("log").floor
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_a_stored_model_scores_as_it_did_before(compact, magnitude, tmp_path):
    save_model(tmp_path / "model", compact, description())
    again, described = load_model(tmp_path / "model", RECIPE)
    assert described == description()
    np.testing.assert_array_equal(
        predict_scores(again, magnitude), predict_scores(compact, magnitude)
    )


def test_equal_models_are_equal_files(compact, tmp_path):
    for name in ("a", "b"):
        save_model(tmp_path / name, compact, description())
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == ["model.json", "model.weights.h5"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_model_of_another_recipe_is_refused(compact, tmp_path):
    save_model(tmp_path, compact, description())
    other = RECIPE.model_copy(update={"hop_length": 512})
    with pytest.raises(ModelError, match=r"model\.json: trained with hop_length 1024, .* 512"):
        load_model(tmp_path, other)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"model\.json: no such file"):
        load_model(tmp_path, RECIPE)
    (tmp_path / "model.json").write_text(json.dumps(description()))
    with pytest.raises(ModelError, match=r"model\.weights\.h5: no such file"):
        load_model(tmp_path, RECIPE)


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(ModelError, match="'huge'; choose one of compact, reference"):
        build_model("huge", CLASSES, RECIPE)
