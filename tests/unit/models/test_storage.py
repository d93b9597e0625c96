import json

import numpy as np
import pytest

from sedlib.models import ModelError, load_model, predict_scores, read_description, save_model


@pytest.fixture(scope="module")
def description(classes, stft):
    return {
        "preset": "compact",
        "classes": classes,
        "stft": stft.model_dump(),
        "thresholds": dict.fromkeys(classes, 0.5),
    }


def test_a_stored_model_scores_as_it_did_before(network, description, stft, magnitude, tmp_path):
    save_model(tmp_path / "model", network, description)
    again, described = load_model(tmp_path / "model", stft)
    assert described == description
    np.testing.assert_array_equal(
        predict_scores(again, magnitude), predict_scores(network, magnitude)
    )


def test_equal_models_are_equal_files(network, description, tmp_path):
    for name in ("a", "b"):
        save_model(tmp_path / name, network, description)
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == ["model.json", "model.weights.h5"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_model_of_other_stft_settings_is_refused(network, description, stft, tmp_path):
    save_model(tmp_path, network, description)
    other = stft.model_copy(update={"hop_length": 512})
    with pytest.raises(ModelError, match=r"model\.json: trained with hop_length 1024, .* 512"):
        load_model(tmp_path, other)


def test_a_missing_model_is_named(description, stft, tmp_path):
    with pytest.raises(ModelError, match=r"model\.json: no such file"):
        load_model(tmp_path, stft)
    (tmp_path / "model.json").write_text(json.dumps(description))
    with pytest.raises(ModelError, match=r"model\.weights\.h5: no such file"):
        load_model(tmp_path, stft)


@pytest.mark.parametrize("key", ["preset", "classes", "stft", "thresholds"])
def test_what_a_description_lacks_is_named(network, description, tmp_path, key):
    save_model(tmp_path, network, {k: v for k, v in description.items() if k != key})
    with pytest.raises(ModelError, match=rf"model\.json: has no '{key}'; train again"):
        read_description(tmp_path)


def test_a_damaged_model_is_named(network, description, tmp_path):
    save_model(tmp_path, network, description)
    (tmp_path / "model.weights.h5").write_bytes(b"not weights")
    with pytest.raises(ModelError, match=r"weights\.h5: not the weights of this model"):
        load_model(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(ModelError, match=r"model\.json: not JSON"):
        load_model(tmp_path)
