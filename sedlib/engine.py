"""The engine that scores in `sedlib detect`: ONNX Runtime where it is installed, else Keras.

ONNX Runtime is imported in a fraction of a second, TensorFlow in several. The network is
converted when a model is first used, checked against Keras, and kept in the user's cache folder,
so that later runs need no TensorFlow. Whatever goes wrong with that, Keras is used. It is also
used if the environment variable ``SEDLIB_ENGINE`` is ``keras``.
"""

import hashlib
import json
import os
from importlib import metadata
from pathlib import Path

import numpy as np
import platformdirs

from sedlib import models
from sedlib.files import replacing
from sedlib.workers import thread_limit

ENGINE_VARIABLE = "SEDLIB_ENGINE"
TOLERANCE = 1e-4  # of a score
_PACKAGES = ("keras", "onnxruntime", "tf2onnx")


class OnnxNetwork:
    """A network in ONNX Runtime, which `sedlib.detection` uses like a `keras.Model`.

    It computes in float32. The environment variable ``OMP_NUM_THREADS`` limits the number of
    threads, which is that of the processors otherwise.

    Parameters
    ----------
    content : bytes
        The ONNX file of a `sedlib.export.network_module`.
    frames : bool
        Whether `predict_on_batch` returns the frame-level scores as well.
    """

    def __init__(self, content, frames=False):
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it would tell its maker of each use
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _count_threads()
        options.log_severity_level = 3  # errors
        providers = ["CPUExecutionProvider"]
        self._content, self._names = content, ["scores", "frames"] if frames else ["scores"]
        self._session = onnxruntime.InferenceSession(content, options, providers)
        self.engine = f"ONNX Runtime {onnxruntime.__version__}"

    def predict_on_batch(self, magnitude):
        """Score a batch of segments as the network of Keras does."""
        values = self._session.run(self._names, {"magnitude": magnitude})
        return dict(zip(self._names, values, strict=True)) if len(values) > 1 else values[0]

    def with_frames(self):
        """Return the network with frame-level scores; see `sedlib.models.with_frames`."""
        return OnnxNetwork(self._content, frames=True)


def _count_threads():
    """Return a power of two: with it, threads share a batch equally and scores equal to the bit.

    With three threads, for example, their last bits are not those of one thread.
    """
    most = thread_limit() or os.cpu_count() or 1
    return 1 << (most.bit_length() - 1)


def load_model(folder):
    """Load a stored model into the fastest engine that is installed.

    Parameters
    ----------
    folder : path-like
        As `sedlib.models.save_model` writes it.

    Returns
    -------
    network : OnnxNetwork or keras.Model
        Their scores differ by less than 1e-4.
    description : dict

    Raises
    ------
    sedlib.models.ModelError
        As `sedlib.models.load_model` does.
    """
    description = models.read_description(folder)
    path = _cache_path(description)
    weights = hashlib.sha256((Path(folder) / models.WEIGHTS).read_bytes()).hexdigest()
    if path and weights == description["weights_sha256"] and (network := _read(path)):
        return network, description
    network, description = models.load_model(folder)
    converted = _convert(network, description, path) if path else None
    return converted or network, description


def engine_name(network):
    """Name the engine of a network with its version."""
    return getattr(network, "engine", f"Keras {metadata.version('keras')}")


def _cache_path(description):
    """Return where a converted network is kept; None if Keras is to be used.

    The name changes with the model, with the packages and with the code of the networks.
    """
    if os.environ.get(ENGINE_VARIABLE) == "keras":
        return None
    try:
        versions = [metadata.version(name) for name in _PACKAGES]
    except metadata.PackageNotFoundError:
        return None
    key = hashlib.sha256(json.dumps([description, versions]).encode())
    for source in sorted(Path(models.__file__).parent.glob("*.py")):
        key.update(source.read_bytes())
    return platformdirs.user_cache_path("sedlib") / f"{key.hexdigest()[:32]}.onnx"


def _read(path):
    """Return the converted network; None if there is none, or the file is damaged."""
    try:
        digest, content = path.read_bytes().split(b"\n", 1)
        intact = digest.decode() == hashlib.sha256(content).hexdigest()
        return OnnxNetwork(content) if intact else None
    except Exception:  # whatever it is, Keras can score
        return None


def _convert(network, description, path):
    """Convert a network and keep it; None if that fails or the scores are not the same."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.touch()  # before the conversion, which takes seconds
            content = _to_onnx(network, description)
            converted = OnnxNetwork(content)
            shape = (2, *network.input_shape[1:])
            magnitude = np.random.default_rng(0).exponential(size=shape).astype(np.float32)
            pair = [each.predict_on_batch(magnitude) for each in (network, converted)]
            np.testing.assert_allclose(*pair, rtol=0, atol=TOLERANCE)
            partial.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        return converted
    except Exception:  # whatever it is, Keras can score
        return None


def _to_onnx(network, description):
    from sedlib import export  # imports TensorFlow, which takes seconds

    return export.to_onnx(export.network_module(network, description)).SerializeToString()
