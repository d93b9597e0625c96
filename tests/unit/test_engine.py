"""ONNX Runtime scores as Keras does, without TensorFlow; whatever goes wrong, Keras scores."""

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata

import numpy as np
import onnxruntime
import pytest
import soundfile

from sedlib import engine, models
from sedlib.cli import RELEASED


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """The cache folder of all tests of this module, with the converted network."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SEDLIB_ENGINE")  # with which the other tests leave the user's cache alone
        patch.setattr("platformdirs.user_cache_path", lambda _: folder)
        network, _ = engine.load_model(RELEASED)
        assert isinstance(network, engine.OnnxNetwork)
        yield folder


@pytest.fixture(scope="module")
def keras_model():
    return models.load_model(RELEASED)[0]


@pytest.fixture(scope="module")
def magnitude():
    levels = np.logspace(-4, 1, 7)[:, np.newaxis, np.newaxis, np.newaxis]
    noise = np.random.default_rng(1).exponential(size=(7, 44, 1025, 1))
    return (levels * noise).astype(np.float32)


def test_the_scores_are_those_of_keras(cache, keras_model, magnitude):
    network, description = engine.load_model(RELEASED)
    assert engine.engine_name(network) == f"ONNX Runtime {onnxruntime.__version__}"
    assert description == models.read_description(RELEASED)
    expected = models.with_frames(keras_model).predict_on_batch(magnitude)
    found = network.with_frames().predict_on_batch(magnitude)
    for name in ("scores", "frames"):
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-4)
    np.testing.assert_array_equal(network.predict_on_batch(magnitude), found["scores"])


def test_the_scores_are_the_same_to_the_bit_with_any_number_of_threads(cache, monkeypatch):
    batch = np.random.default_rng(2).exponential(size=(64, 44, 1025, 1)).astype(np.float32)
    scores = []
    for threads in (1, 2, 3, 6, 7, 8):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        scores.append(engine.load_model(RELEASED)[0].predict_on_batch(batch))
    for other in scores[1:]:
        np.testing.assert_array_equal(other, scores[0])


def test_a_converted_network_is_used_without_tensorflow_and_named_in_the_record(cache, tmp_path):
    noise = 0.1 * np.random.default_rng(0).normal(size=3 * 44100)
    soundfile.write(tmp_path / "a.wav", noise, 44100)
    code = """
import sys, pathlib, platformdirs
platformdirs.user_cache_path = lambda _: pathlib.Path(sys.argv[1])
from sedlib.__main__ import main
for hop in ("1.0", "frames"):
    try:
        main(["detect", "a.wav", "--hop", hop, "--output", hop, "--scores"])
    except SystemExit as stop:
        assert not stop.code, stop.code
assert not {"tensorflow", "keras"} & set(sys.modules)
"""
    command = [sys.executable, "-c", code, str(cache)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    records = list(tmp_path.glob("*/.sedlib/*.json"))
    assert len(records) == 4
    for record in records:
        name = json.loads(record.read_text())["engine"]
        assert name == f"ONNX Runtime {onnxruntime.__version__}"


def spoil_half(content):
    return content[: len(content) // 2]


def spoil_byte(content):
    return content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]


@pytest.mark.parametrize("spoil", [spoil_half, spoil_byte, lambda _: b""])
def test_a_damaged_file_in_the_cache_is_not_used(cache, spoil, monkeypatch):
    (path,) = cache.glob("*.onnx")
    whole = path.read_bytes()
    path.write_bytes(spoil(whole))
    monkeypatch.setattr(engine, "_to_onnx", lambda *_: whole.split(b"\n", 1)[1])
    network, _ = engine.load_model(RELEASED)
    assert isinstance(network, engine.OnnxNetwork)
    assert path.read_bytes() == whole


def test_without_a_cache_folder_keras_scores(cache, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "file")
    network, _ = engine.load_model(RELEASED)
    assert engine.engine_name(network) == f"Keras {metadata.version('keras')}"


def test_without_the_packages_keras_scores(cache, monkeypatch):
    monkeypatch.setattr(engine, "_PACKAGES", ("keras", "a-package-that-nobody-has"))
    network, _ = engine.load_model(RELEASED)
    assert engine.engine_name(network).startswith("Keras ")


def test_keras_scores_if_the_environment_says_so(cache, monkeypatch):
    monkeypatch.setenv("SEDLIB_ENGINE", "keras")
    network, _ = engine.load_model(RELEASED)
    assert engine.engine_name(network).startswith("Keras ")


def test_a_conversion_with_other_scores_is_not_used(cache, tmp_path, monkeypatch, magnitude):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path)
    (path,) = cache.glob("*.onnx")
    monkeypatch.setattr(engine, "_to_onnx", lambda *_: path.read_bytes().split(b"\n", 1)[1])
    right = engine.OnnxNetwork.predict_on_batch
    monkeypatch.setattr(
        engine.OnnxNetwork, "predict_on_batch", lambda self, x: right(self, x) + 0.01
    )
    network, _ = engine.load_model(RELEASED)
    assert engine.engine_name(network).startswith("Keras ")
    assert list(tmp_path.iterdir()) == []


def test_damaged_weights_are_refused_although_a_conversion_is_there(cache, tmp_path):
    folder = shutil.copytree(RELEASED, tmp_path / "model")
    with (folder / models.WEIGHTS).open("r+b") as file:
        file.write(b"x")
    with pytest.raises(models.ModelError, match="not the weights that"):
        engine.load_model(folder)


def test_another_model_has_another_name_in_the_cache(cache, monkeypatch):
    description = models.read_description(RELEASED)
    paths = {engine._cache_path(description), engine._cache_path(description | {"seed": 7})}
    monkeypatch.setattr(engine, "_PACKAGES", ("keras", "onnx"))
    assert len(paths | {engine._cache_path(description)}) == 3


@pytest.mark.parametrize(("value", "threads"), [("1", 1), ("3", 2), ("8", 8)])
def test_the_environment_limits_the_number_of_threads(cache, monkeypatch, value, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    network, _ = engine.load_model(RELEASED)
    assert network._session.get_session_options().intra_op_num_threads == threads


def test_onnx_runtime_does_not_report_its_use(cache):
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
