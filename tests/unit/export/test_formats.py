"""The examples of docs/export.md give the scores of sedlib, and need no sedlib."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedlib import detection
from sedlib.__main__ import main
from sedlib.cli import RELEASED
from sedlib.errors import SedlibError
from sedlib.export import export_model, formats
from sedlib.models import load_model

PAGE = (Path(__file__).parents[3] / "docs" / "export.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
RESULTS = {"onnx": "model.onnx", "litert": "model.tflite", "saved_model": "saved_model"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a stereo recording: pauses, noise, bursts, tones, and a chord like music."""
    folder = tmp_path_factory.mktemp("export")
    rng, seconds, rate = np.random.default_rng(5), 21.3, 44100
    times = np.arange(round(seconds * rate)) / rate
    x = 0.002 * rng.normal(size=len(times))
    x += 0.3 * np.sin(5000 * times) * (times % 5 < 1) * np.exp(-4 * (times % 5))
    x += rng.normal(size=len(times)) * (times % 4 > 3) * np.exp(-20 * (times % 1))
    chord = (np.sin(2 * np.pi * f * times) for f in (220, 277, 330, 440, 660))
    x += 0.05 * sum(chord) * (times > 12) * (times < 18)
    x *= (times < 8) | (times > 11)
    soundfile.write(folder / "recording.wav", 0.2 * np.stack([x, np.roll(x, 9)], axis=1), rate)
    return folder


@pytest.fixture(scope="module")
def expected(place):
    network, description = load_model(RELEASED)
    tables = [
        detection.detect(place / "recording.wav", network, description, hop=hop).scores
        for hop in (1.0, "frames")
    ]
    return [table[description["classes"]].to_numpy() for table in tables]


def run_example(code, folder):
    """Run an example where sedlib cannot be imported; return scores, frames and what it prints."""
    code = f"import sys; sys.modules['sedlib'] = None\n{code}\n"
    code += "np.savez('found.npz', scores=scores, frames=frames)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with np.load(folder / "found.npz") as found:
        return [found["scores"], found["frames"]], done.stdout


@pytest.mark.parametrize("form", RESULTS)
def test_each_example_gives_the_scores_of_sedlib_without_it(form, place, expected, capsys):
    main(["export", str(RELEASED), "--output", str(place / "exported"), "--format", form])
    assert capsys.readouterr().out == f"{place / 'exported' / RESULTS[form]}\n"
    (code,) = [example for example in EXAMPLES if RESULTS[form] in example]
    found, printed = run_example(code, place)
    for scores, own in zip(found, expected, strict=True):
        np.testing.assert_allclose(scores, own, rtol=0, atol=1e-4)
    assert np.ptp(expected[0], axis=0).max() > 0.5  # or they could be equal by chance
    lines = printed.splitlines()
    assert len(lines) == 22
    assert lines[9] == "9 s: []"


def test_weights_of_8_bits_take_half_the_room_and_detect_the_same(place, expected):
    path = export_model(RELEASED, place / "exported", "litert-int8")
    whole = path.with_name(RESULTS["litert"])
    assert path.stat().st_size < 0.6 * whole.stat().st_size
    (code,) = [example for example in EXAMPLES if whole.name in example]
    found, _ = run_example(code.replace(whole.name, path.name), place)
    for scores, own in zip(found, expected, strict=True):
        difference = np.abs(scores - own)
        assert 1e-4 < difference.max() < 0.1
        assert difference.mean() < 0.005


def test_nothing_that_is_there_is_replaced(tmp_path):
    (tmp_path / "model.onnx").write_text("mine")
    with pytest.raises(SedlibError, match=r"model\.onnx: exists already; move it, or choose"):
        export_model(RELEASED, tmp_path, "onnx")
    assert (tmp_path / "model.onnx").read_text() == "mine"


def test_what_appears_during_the_conversion_is_not_replaced(tmp_path, monkeypatch):
    def write(module, metadata, path):
        path.write_text("converted")
        (tmp_path / "model.onnx").write_text("mine")

    monkeypatch.setitem(formats._FORMATS, "onnx", (write, "model.onnx"))
    with pytest.raises(SedlibError, match=r"model\.onnx: exists already; move it, or choose"):
        export_model(RELEASED, tmp_path, "onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_text() == "mine"


@pytest.mark.parametrize(
    ("form", "package", "extra"),
    [("onnx", "tf2onnx", "onnx"), ("litert-int8", "ai_edge_quantizer", "litert")],
)
def test_a_missing_package_is_named_and_nothing_is_left(
    form, package, extra, tmp_path, monkeypatch
):
    for name in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        SedlibError, match=rf"needs the package '{package}', which is not installed; .*\[{extra}\]"
    ):
        export_model(RELEASED, tmp_path / "exported", form)
    assert list((tmp_path / "exported").iterdir()) == []
