"""The networks: from the spectrogram of a segment to a score for each class.

A network is built by the name of its *preset*. It is stored with a description, which names
its classes, thresholds and STFT settings, so that features computed with other settings
raise an error.
"""

from sedlib.models.layers import LinearSoftmax, LogCompression, MelBands
from sedlib.models.networks import MEL_BANDS, PRESETS, ModelError, build_model, compact, vtt2018
from sedlib.models.scoring import predict_frames, predict_scores, with_frames
from sedlib.models.storage import DESCRIPTION, WEIGHTS, load_model, read_description, save_model
from sedlib.models.summary import layer_table
