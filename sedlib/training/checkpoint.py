"""The state of a training run on disk, and the key that says what the run depends on."""

import ast
import hashlib
import json
from pathlib import Path

import keras
import librosa
import numpy as np
import scipy
import sklearn
import tensorflow as tf

from sedlib.files import write_arrays

PACKAGE = Path(__file__).parents[1]
# The code that the weights of a network depend on: modules, and packages with all their modules.
TRAINING_CODE = ("features.py", "labels.py", "models", "training")


def training_key(options, seed, classes, stft, data, **settings):
    """Identify a training run by all that its result depends on, by content.

    Besides the arguments these are the code of `TRAINING_CODE`, without its comments and
    docstrings, and the versions of the libraries that compute.

    Parameters
    ----------
    options : sedlib.config.Train
    seed : int
    classes : sequence of str
    stft : sedlib.config.STFTParams
    data : mapping or sequence
        The features and labels of training and validation, in their order: arrays, or hashes of
        files, in any nesting.
    **settings
        What else the run depends on, as JSON.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits. Equal runs on one machine have equal keys.
    """
    described = {
        "options": options.model_dump(),
        "seed": seed,
        "classes": list(classes),
        "stft": stft.model_dump(),
        "data": data,
        "settings": settings,
        "code": _hash_code(PACKAGE),
        "versions": [m.__version__ for m in (keras, librosa, np, scipy, sklearn, tf)],
    }
    text = json.dumps(described, sort_keys=True, default=lambda array: _hash_arrays({"": array}))
    return hashlib.sha256(text.encode()).hexdigest()


def write_checkpoint(path, key, state, average, best, history):
    """Write the state after an epoch, whole or not at all, with its SHA-256.

    Parameters
    ----------
    path : pathlib.Path
        ``.npz`` file; its folder is made if missing.
    key : str
        Of `training_key`.
    state : sequence of keras.Variable
        All that an epoch changes: weights, statistics, seeds of random layers, the optimiser.
    average, best : sequence of numpy.ndarray
        Averaged weights of the last and of the best epoch.
    history : list of dict
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"state{i}": variable.numpy() for i, variable in enumerate(state)}
    for name, weights in (("average", average), ("best", best)):
        arrays |= {f"{name}{i}": array for i, array in enumerate(weights)}
    arrays |= {"key": np.array(key), "history": np.array(json.dumps(history))}
    write_arrays(path, sha256=_hash_arrays(arrays), **arrays)


def read_checkpoint(path, key, state):
    """Put the state of a run back.

    Parameters
    ----------
    path : pathlib.Path
        As `write_checkpoint` writes it.
    key : str
        Of `training_key`.
    state : sequence of keras.Variable
        Assigned in place.

    Returns
    -------
    (list of dict, list of numpy.ndarray, list of numpy.ndarray) or None
        History, and averaged weights of the last and of the best epoch. None, with `state` as it
        was, if there is no such file, it is damaged, its content does not match its SHA-256, or
        its key is another.
    """
    try:
        with np.load(path) as stored:
            arrays = dict(stored)
        valid = str(arrays.pop("sha256")) == _hash_arrays(arrays) and str(arrays["key"]) == key
        count = sum(name.startswith("best") for name in arrays)
        average, best = ([arrays[f"{n}{i}"] for i in range(count)] for n in ("average", "best"))
    except Exception:  # The file is missing or damaged, and NumPy and zipfile raise what they like.
        return None
    if not valid:
        return None
    for i, variable in enumerate(state):
        variable.assign(arrays[f"state{i}"])
    return json.loads(str(arrays["history"])), average, best


def _hash_arrays(arrays):
    """SHA-256 of named arrays: names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        array = np.asarray(array)
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _hash_code(package):
    """SHA-256 of each module that training depends on, by its path in the package."""
    found = [package / name for name in TRAINING_CODE]
    files = [f for path in found for f in ([path] if path.is_file() else path.rglob("*.py"))]
    return {
        file.relative_to(package).as_posix(): _hash_statements(file.read_text(encoding="utf-8"))
        for file in files
    }


def _hash_statements(source):
    """SHA-256 of the statements of a module, without comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            del node.body[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()
