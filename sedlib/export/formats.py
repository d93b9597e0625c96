"""The formats, each with the runtime that its users need: a file, or a folder for TensorFlow."""

import json
import os
import tempfile
import zipfile
from contextlib import redirect_stdout
from pathlib import Path

import tensorflow as tf

from sedlib.errors import SedlibError, import_extra
from sedlib.export.graph import waveform_module
from sedlib.files import staging_folder, write_json
from sedlib.models import load_model
from sedlib.models.backend import native_messages_hidden

METADATA = "sedlib.json"
ONNX_OPSET = 18  # of 2022, which current runtimes have


def export_model(folder, target, form):
    """Write a stored model in a format that other programs run.

    Parameters
    ----------
    folder : path-like
        As `sedlib.models.save_model` writes it.
    target : path-like
        Folder, made if missing.
    form : {"saved_model", "onnx", "litert", "litert-int8"}

    Returns
    -------
    pathlib.Path
        What was written in `target`: ``model.onnx``, ``model.tflite``, ``model_int8.tflite`` or
        the folder ``saved_model``. It holds the classes, the thresholds, the sample rate and how
        frame-level scores were smoothed: in an ONNX file as JSON in ``metadata_props``; else as
        ``sedlib.json``, in the folder ``assets.extra`` of a SavedModel, and in a LiteRT file,
        which is also a zip archive.

    Raises
    ------
    SedlibError
        If something of that name is there already, or a package is missing.
    sedlib.models.ModelError
        If the model cannot be loaded or exported.

    Examples
    --------
    >>> export_model("models/released", "exported", "onnx")  # doctest: +SKIP
    PosixPath('exported/model.onnx')
    """
    write, name = _FORMATS[form]
    path = Path(target) / name
    _refuse_existing(path)
    network, description = load_model(folder)
    metadata = {
        "classes": description["classes"],
        "sample_rate": description["stft"]["sample_rate"],
        "thresholds": description["thresholds"],
    }
    if "frames" in description:
        metadata["frames"] = description["frames"]
    module = waveform_module(network, description, unroll=form.startswith("litert"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with staging_folder(path.parent) as scratch:
        with native_messages_hidden(), redirect_stdout(None):
            write(module, metadata, scratch / name)
        _refuse_existing(path)  # the conversion takes a while
        (scratch / name).rename(path)
    return path


def _refuse_existing(path):
    """Raise if there is something of this name."""
    if os.path.lexists(path):
        raise SedlibError(f"{path}: exists already; move it, or choose another --output")


def to_onnx(module):
    """Convert the function of a module to ONNX.

    Parameters
    ----------
    module : tensorflow.Module
        As `sedlib.export.graph` makes it.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    SedlibError
        If tf2onnx is not installed.
    """
    convert = import_extra("tf2onnx.convert", "onnx", "this format")
    function = module.score
    with native_messages_hidden():
        return convert.from_function(function, function.input_signature, opset=ONNX_OPSET)[0]


def _write_saved_model(module, metadata, path):
    tf.saved_model.save(module, path, signatures=module.score)
    (path / "assets.extra").mkdir()  # TensorFlow leaves it alone
    write_json(metadata, path / "assets.extra" / METADATA)


def _write_onnx(module, metadata, path):
    model = to_onnx(module)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=json.dumps(value))
    path.write_bytes(model.SerializeToString())


def _write_litert(module, metadata, path, finish=bytes):
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=module.score)
        path.write_bytes(finish(tf.lite.TFLiteConverter.from_saved_model(folder).convert()))
    with zipfile.ZipFile(path, "a") as archive:  # as LiteRT's own metadata; it ignores the rest
        archive.writestr(METADATA, json.dumps(metadata, indent=2))


def _write_litert_int8(module, metadata, path):
    package = import_extra("ai_edge_quantizer.quantizer", "litert", "this format")

    def store_in_int8(model):
        """Store the weights with 8 bits; the computation stays in float32."""
        quantizer = package.Quantizer(model)
        for operation in ("CONV_2D", "FULLY_CONNECTED"):
            quantizer.add_weight_only_config(".*", operation, num_bits=8)
        return quantizer.quantize().quantized_model

    _write_litert(module, metadata, path, store_in_int8)


# Of each format: what writes it, and the name of the file or folder.
_FORMATS = {
    "saved_model": (_write_saved_model, "saved_model"),
    "onnx": (_write_onnx, "model.onnx"),
    "litert": (_write_litert, "model.tflite"),
    "litert-int8": (_write_litert_int8, "model_int8.tflite"),
}
