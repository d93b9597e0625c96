"""Saving and loading a network with its description."""

import json
from pathlib import Path

from sedlib.config import STFTParams
from sedlib.files import replacing, write_json
from sedlib.models.networks import ModelError, build_model

WEIGHTS = "model.weights.h5"
DESCRIPTION = "model.json"
REQUIRED = ("preset", "classes", "stft", "thresholds")


def save_model(folder, model, description):
    """Write weights and description, each whole or not at all.

    Parameters
    ----------
    folder : path-like
        Made if missing.
    model : keras.Model
    description : dict
        At least ``preset``, ``classes``, ``stft`` (the settings as a dict) and ``thresholds``
        (a number for each class). It is written as JSON.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / WEIGHTS) as partial:
        model.save_weights(partial)
    write_json(description, folder / DESCRIPTION)


def read_description(folder):
    """Read the description of a stored model.

    Parameters
    ----------
    folder : path-like
        As `save_model` writes it.

    Returns
    -------
    dict

    Raises
    ------
    ModelError
        If a file or an entry of the description is missing, or the description is damaged.
    """
    folder = Path(folder)
    for name in (DESCRIPTION, WEIGHTS):
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name}: no such file; train a model with notebook 03 first")
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{folder / DESCRIPTION}: not JSON ({error}); train again") from None
    missing = [key for key in REQUIRED if key not in description]
    if missing:
        raise ModelError(f"{folder / DESCRIPTION}: has no '{missing[0]}'; train again")
    return description


def load_model(folder, stft=None):
    """Load a stored model.

    Parameters
    ----------
    folder : path-like
        As `save_model` writes it.
    stft : sedlib.config.STFTParams, optional
        The settings of the features to be scored. Default: those of the model.

    Returns
    -------
    model : keras.Model
    description : dict

    Raises
    ------
    ModelError
        If a file is missing or damaged, or the model was trained with other STFT settings.
    """
    description = read_description(folder)
    trained = description["stft"]
    stft = stft or STFTParams(**trained)
    for key, value in stft.model_dump().items():
        if trained[key] != value:
            raise ModelError(
                f"{Path(folder) / DESCRIPTION}: trained with {key} {trained[key]}, but the "
                f"features have {value}; use the model's STFT settings or train again"
            )
    model = build_model(description["preset"], description["classes"], stft)
    try:
        model.load_weights(Path(folder) / WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"{Path(folder) / WEIGHTS}: not the weights of this model ({reason}); train again"
        ) from None
    return model, description
