"""Models for other programs: as a SavedModel, in ONNX and in LiteRT.

`graph` computes a model, from the waveform to the scores, as one TensorFlow function; `formats`
writes it.
"""

import sedlib.models.backend
from sedlib.export.formats import export_model, to_onnx
from sedlib.export.graph import network_module
