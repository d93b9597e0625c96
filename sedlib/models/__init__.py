"""The networks: from the spectrogram of a segment to a score for each class.

A network is built by the name of its *preset*. It is stored with a description, which names
its classes, thresholds and STFT settings, so that features computed with other settings
raise an error.

What needs TensorFlow is imported when it is first used, because that takes many seconds: the
description of a model can be read without it.
"""

import importlib

from sedlib.models.storage import (
    DESCRIPTION,
    WEIGHTS,
    ModelError,
    load_model,
    read_description,
    save_model,
)

_IMPORTED_WHEN_USED = {
    "layers": ("LinearSoftmax", "LogCompression", "MelBands", "MixStyle"),
    "networks": ("MEL_BANDS", "PRESETS", "build_model", "compact", "vtt2018"),
    "scoring": ("predict_scores", "with_frames"),
    "summary": ("layer_table",),
}


def __getattr__(name):
    """Import the module that defines a name of this package."""
    for module, names in _IMPORTED_WHEN_USED.items():
        if name in names:
            importlib.import_module(f"{__name__}.backend")
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
