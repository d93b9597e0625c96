import copy
import hashlib
import json

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sedlib.models import (
    PRESETS,
    ModelError,
    build_model,
    compact,
    load_model,
    predict_scores,
    read_description,
    save_model,
)


def clone_with(model, changed, **changes):
    """Build a network again, with other arguments for one layer."""

    def clone(layer):
        config = layer.get_config() | (changes if layer.name == changed else {})
        return type(layer).from_config(config)

    return keras.models.clone_model(model, clone_function=clone)


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
    weights = (tmp_path / "model" / "model.weights.h5").read_bytes()
    sha256 = hashlib.sha256(weights).hexdigest()
    del described["network_sha256"]
    assert described == description | {"weights_sha256": sha256}
    np.testing.assert_array_equal(
        predict_scores(again, magnitude), predict_scores(network, magnitude)
    )


def test_each_network_has_one_hash_and_no_other_network_has_it(description, stft, tmp_path):
    hashes = {}
    for preset in PRESETS:
        found = set()
        for _ in range(2):  # names that Keras counts up would differ
            model = build_model(preset, description["classes"], stft)
            save_model(tmp_path, model, description | {"preset": preset})
            found.add(read_description(tmp_path)["network_sha256"])
        (hashes[preset],) = found
    assert len(set(hashes.values())) == len(PRESETS)


def test_equal_models_are_equal_files(network, description, tmp_path):
    for name in ("a", "b"):
        save_model(tmp_path / name, network, description)
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == ["model.json", "model.weights.h5"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_model_is_refused_if_its_network_has_changed(network, description, tmp_path, monkeypatch):
    # The stored weights may fit all the same, for example if only axes were permuted.
    save_model(tmp_path, network, description)
    monkeypatch.setitem(
        PRESETS, "compact", lambda *sizes: clone_with(compact(*sizes), "conv1", name="other")
    )
    with pytest.raises(ModelError, match=r"model\.json: made with another version .* 'compact'"):
        load_model(tmp_path)


def test_weights_that_do_not_fit_are_refused(network, description, tmp_path, monkeypatch):
    save_model(tmp_path, network, description)
    monkeypatch.setitem(  # the names and the shapes of the outputs stay the same
        PRESETS, "compact", lambda *sizes: clone_with(compact(*sizes), "conv1", kernel_size=(5, 5))
    )
    with pytest.raises(ModelError, match=r"weights\.h5: not the weights of this model"):
        load_model(tmp_path)


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


def change(folder, name, content):
    """Change a file of a stored model; return what the command then says."""
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError) as error:
        load_model(folder)
    return str(error.value)


@pytest.mark.parametrize(
    ("entry", "value", "sentence"),
    [
        ("preset", None, "preset is None, but: input should be a valid string"),
        ("preset", KeyError, "key 'preset' is missing; add it"),
        ("classes", KeyError, "key 'classes' is missing; add it"),
        ("classes", [], "classes is []; give at least 1"),
        ("classes", ["music", "speech", "speech"], "classes: class 'speech' is listed twice"),
        ("classes", ["music", "speech"], "classes has no 'bell'; name the same classes in both"),
        ("classes", ["music", "speech", "onset"], "classes.2: class 'onset' is named like a col"),
        ("thresholds", KeyError, "key 'thresholds' is missing; add it"),
        ("thresholds", {"music": 0.5, "speech": 0.5}, "thresholds has no 'bell'; name the same"),
        ("thresholds", {"music": 2.0}, "thresholds.music is 2.0, but: "),
        ("thresholds", {"music": "0.5"}, "thresholds.music is '0.5', which is a text, "),
        ("thresholds", {"music": float("nan")}, "thresholds.music is nan, but: "),
        ("stft", KeyError, "key 'stft' is missing; add it"),
        ("stft", {"sample_rate": 44100, "n_fft": 2048, "hop": 1024, "win_length": 1536},
         "key 'stft.hop_length' is missing; add it"),
        ("frames", {"smoothing": 0.5}, "key 'frames.thresholds' is missing; add it"),
        ("frames", {"smooting": 0.5, "thresholds": {}}, "key 'frames.smoothing' is missing"),
        ("frames", {"smoothing": 0.5, "thresholds": {"music": 0.5}}, "frames.thresholds has no "),
        ("weights_sha256", KeyError, "key 'weights_sha256' is missing; add it"),
        ("network_sha256", KeyError, "made with another version of the network"),
        ("seed", -1, "seed is -1, but: "),
        ("sead", 1, "unknown key 'sead'; did you mean 'seed'?"),
        ("versions", {"numpy": 2}, "versions.numpy is 2, which is not a text"),
    ],
)  # fmt: skip
def test_each_fault_of_a_description_is_one_sentence(
    network, description, tmp_path, entry, value, sentence
):
    save_model(tmp_path, network, description)
    changed = json.loads((tmp_path / "model.json").read_text())
    if value is KeyError:
        del changed[entry]
    else:
        changed[entry] = value
    first, *_ = change(tmp_path, "model.json", json.dumps(changed).encode()).splitlines()
    assert first.startswith(f"{tmp_path / 'model.json'}: {sentence}")


paths = st.lists(st.sampled_from([*"abc", "classes", "stft", "thresholds", "frames"]), max_size=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
)


@given(paths, values)
@example(["classes"], {"\r": None})
@example([], {"\r": None})
@settings(deadline=None)
def test_a_description_is_valid_or_refused_whatever_is_in_it(
    description, tmp_path_factory, path, value
):
    folder = tmp_path_factory.mktemp("model")
    changed = copy.deepcopy(description) | {"weights_sha256": "0", "network_sha256": "0"}
    place = changed
    for key in path[:-1]:
        place = place.setdefault(key, {}) if isinstance(place, dict) else {}
    if path and isinstance(place, dict):
        place[path[-1]] = value
    (folder / "model.weights.h5").touch()
    (folder / "model.json").write_text(json.dumps(changed if path else value))
    try:
        read_description(folder)
    except ModelError as error:
        assert all(line.startswith(str(folder)) for line in str(error).splitlines())


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b"[" * 100_000, b"[]", b'{"seed": 1' + b"0" * 5000 + b"}"]
)
def test_a_description_that_is_no_description_is_named(description, tmp_path, content):
    (tmp_path / "model.weights.h5").touch()
    message = change(tmp_path, "model.json", content)
    assert message.startswith(f"{tmp_path / 'model.json'}: ") and "\n" not in message


def test_a_changed_byte_of_the_weights_is_noticed(network, description, tmp_path):
    save_model(tmp_path, network, description)
    weights = bytearray((tmp_path / "model.weights.h5").read_bytes())
    weights[len(weights) // 2] ^= 1
    message = change(tmp_path, "model.weights.h5", weights)
    assert "model.weights.h5: not the weights that model.json was written with" in message


def test_weights_of_another_network_are_refused(network, description, tmp_path):
    save_model(tmp_path, network, description | {"preset": "vtt2018"})
    with pytest.raises(ModelError, match=r"model\.json: made with another version .* 'vtt2018'"):
        load_model(tmp_path)
    save_model(tmp_path, network, description | {"preset": "huge"})
    with pytest.raises(ModelError, match=r"model\.json: .*'huge'; choose one of compact"):
        load_model(tmp_path)


@pytest.mark.parametrize("label", ["onset", "Offset", "event_label", "a\rb", "\ud800", " a"])
def test_a_class_that_could_not_be_written_later_is_refused_when_a_model_is_saved(
    network, description, tmp_path, label
):
    named = {"classes": ["music", "speech", label], "thresholds": {"music": 0.5, "speech": 0.5}}
    named["thresholds"][label] = 0.5
    with pytest.raises(ModelError, match=r"model\.json: classes\.2[: ]"):
        save_model(tmp_path / "model", network, description | named)
    assert not (tmp_path / "model").exists()


def test_a_description_without_optional_stft_settings_means_their_defaults(
    network, description, stft, tmp_path
):
    short = {key: value for key, value in description["stft"].items() if key != "largest_gain"}
    save_model(tmp_path, network, description | {"stft": short})
    load_model(tmp_path)
    load_model(tmp_path, stft)
    with pytest.raises(ModelError, match="trained with largest_gain 40"):
        load_model(tmp_path, stft.model_copy(update={"largest_gain": 3.0}))
