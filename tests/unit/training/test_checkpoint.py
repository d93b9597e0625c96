import shutil

import numpy as np
import pytest
from small_training import CLASSES, SMALL_STFT, equal, examples, fit, options

from sedlib import training
from sedlib.training import checkpoint


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the checkpoint of a finished run, and the weights of its network."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, fit(folder, epochs=1)[0]


def trained_epochs(folder):
    """Call `fit` on a folder; return the epochs that were trained, and the weights."""
    seen = []

    def note(history):
        seen.append((folder / "checkpoint.npz").stat().st_mtime_ns)

    before = (folder / "checkpoint.npz").stat().st_mtime_ns
    weights, _ = fit(folder, [note], epochs=1)
    return sum(time != before for time in seen), weights


def change_array(source, target, name):
    """Copy a checkpoint with one bit of one array changed, and its SHA-256 as it was."""
    with np.load(source) as stored:
        arrays = dict(stored)
    content = bytearray(arrays[name].tobytes())
    content[0] ^= 1
    arrays[name] = np.frombuffer(content, arrays[name].dtype).reshape(arrays[name].shape)
    np.savez(target, **arrays)


def test_a_whole_checkpoint_is_used(finished, tmp_path):
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    epochs, weights = trained_epochs(tmp_path)
    assert epochs == 0
    assert equal(weights, finished[1])


def test_a_run_whose_checkpoint_has_a_changed_weight_is_trained_anew(finished, tmp_path):
    change_array(finished[0] / "checkpoint.npz", tmp_path / "checkpoint.npz", "best5")
    epochs, weights = trained_epochs(tmp_path)
    assert epochs == 1
    assert equal(weights, finished[1])


@pytest.mark.parametrize("name", ["best0", "average5", "state0", "history", "key"])
def test_a_checkpoint_whose_content_does_not_match_its_hash_is_not_read(finished, tmp_path, name):
    change_array(finished[0] / "checkpoint.npz", tmp_path / "checkpoint.npz", name)
    assert checkpoint.read_checkpoint(tmp_path / "checkpoint.npz", "a", []) is None


def test_no_damage_to_a_checkpoint_raises_or_changes_what_is_read(finished, tmp_path):
    whole = (finished[0] / "checkpoint.npz").read_bytes()
    expected = checkpoint.read_checkpoint(finished[0] / "checkpoint.npz", "a", [])
    rng = np.random.default_rng(0)
    damaged = tmp_path / "damaged.npz"
    ends = [*range(0, 200, 7), *range(len(whole) - 200, len(whole), 7)]  # where the headers are
    for place in [*ends, *rng.integers(len(whole), size=20)]:
        content = bytearray(whole)
        content[place] ^= 1 << rng.integers(8)
        damaged.write_bytes(content)
        read = checkpoint.read_checkpoint(damaged, "a", [])
        assert read is None or (read[0] == expected[0] and equal(read[1], expected[1]))
    for content in (b"", b"PK", b"text", whole[: len(whole) // 2], whole[:-1]):
        damaged.write_bytes(content)
        assert checkpoint.read_checkpoint(damaged, "a", []) is None


def test_no_checkpoint_and_one_of_another_key_are_not_read(finished, tmp_path):
    assert checkpoint.read_checkpoint(tmp_path / "none.npz", "a", []) is None
    assert checkpoint.read_checkpoint(finished[0] / "checkpoint.npz", "b", []) is None
    assert checkpoint.read_checkpoint(finished[0] / "checkpoint.npz", "a", []) is not None


def arguments():
    magnitudes, labels, frame_labels = examples()
    return {
        "options": options(),
        "seed": 1,
        "classes": CLASSES,
        "stft": SMALL_STFT,
        "data": {"train": [magnitudes, labels, frame_labels], "validation": ["hash of a file"]},
        "width": 0.5,
    }


def test_equal_runs_have_equal_keys():
    assert training.training_key(**arguments()) == training.training_key(**arguments())


def change_one_value(data):
    data["train"][0][1][3, 2, 1] += 1
    return data


def swap_subsets(data):
    return {"train": data["validation"], "validation": data["train"]}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("options", lambda options: options.model_copy(update={"epochs": 4})),
        ("seed", lambda seed: seed + 1),
        ("classes", lambda classes: classes[::-1]),
        ("stft", lambda stft: stft.model_copy(update={"hop_length": 400})),
        ("data", change_one_value),
        ("data", swap_subsets),
        ("data", lambda data: data | {"validation": ["hash of another"]}),
        ("width", lambda width: width / 2),
    ],
)
def test_what_a_run_depends_on_changes_its_key(name, change):
    changed = arguments()
    changed[name] = change(changed[name])
    assert training.training_key(**changed) != training.training_key(**arguments())


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the code of this package that the key is computed from."""
    copy = tmp_path / "sedlib"
    shutil.copytree(checkpoint.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(checkpoint, "PACKAGE", copy)
    return copy


@pytest.mark.parametrize(
    "module",
    [
        "features.py",
        "labels.py",
        "models/layers.py",
        "models/networks.py",
        "training/augmentation.py",
        "training/batches.py",
        "training/fit.py",
    ],
)
def test_a_change_of_training_code_changes_the_key(package, module):
    before = training.training_key(**arguments())
    with (package / module).open("a") as file:
        file.write("\nCHANGED = 1\n")
    assert training.training_key(**arguments()) != before


def test_a_new_module_of_training_changes_the_key(package):
    before = training.training_key(**arguments())
    (package / "training" / "new.py").write_text("x = 1\n")
    assert training.training_key(**arguments()) != before


def test_prose_and_plots_do_not_change_the_key(package):
    before = training.training_key(**arguments())
    networks = package / "models" / "networks.py"
    prose = networks.read_text().replace("Build a small convolutional", "Build another").strip()
    networks.write_text("# A comment.\n" + prose + "  # Another.\n")
    for file in (package / "reports").rglob("*.py"):
        file.write_text(file.read_text() + "\nCOLOUR = 'red'\n")
    assert training.training_key(**arguments()) == before


def test_a_newer_library_changes_the_key(monkeypatch):
    before = training.training_key(**arguments())
    monkeypatch.setattr(checkpoint.np, "__version__", "99.0")
    assert training.training_key(**arguments()) != before
