"""Saving and loading a network with its description."""

import hashlib
from pathlib import Path

from sedlib.config import STFTParams
from sedlib.files import replacing, write_json
from sedlib.models.description import (
    DESCRIPTION,
    WEIGHTS,
    ModelError,
    check_description,
    read_description,
)


def save_model(folder, model, description):
    """Write weights and description, each whole or not at all.

    Parameters
    ----------
    folder : path-like
        Made if missing.
    model : keras.Model
    description : dict
        At least ``preset``, ``classes``, ``stft`` (the settings as a dict) and ``thresholds``
        (a number for each class); see `sedlib.models.description`. It is written as JSON with
        the hashes of the weights and of the network, which show later whether they are those
        described.

    Raises
    ------
    ModelError
        If `load_model` would refuse the description; nothing is written then.
    """
    folder = Path(folder)
    hashes = {"weights_sha256": "known when written", "network_sha256": _hash_network(model)}
    check_description(description | hashes, folder / DESCRIPTION)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / WEIGHTS) as partial:
        model.save_weights(partial)
        hashes["weights_sha256"] = hashlib.sha256(partial.read_bytes()).hexdigest()
    write_json(description | hashes, folder / DESCRIPTION)


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
        If a file is missing or damaged, the weights are not those that the description was
        written with, the layers of the network have changed since, or the model was trained with
        other STFT settings.
    """
    from sedlib.models import build_model  # imports TensorFlow, which takes seconds

    folder = Path(folder)
    description = read_description(folder)
    trained = STFTParams(**description["stft"])
    stft = stft or trained
    for key, value in stft:
        if getattr(trained, key) != value:
            raise ModelError(
                f"{folder / DESCRIPTION}: trained with {key} {getattr(trained, key)}, but the "
                f"features have {value}; use the model's STFT settings or train again"
            )
    weights = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    if weights != description["weights_sha256"]:
        raise ModelError(
            f"{folder / WEIGHTS}: not the weights that {DESCRIPTION} was written with, or "
            "damaged; restore both files or train again"
        )
    try:
        model = build_model(description["preset"], description["classes"], stft)
    except ModelError as error:
        raise ModelError(f"{folder / DESCRIPTION}: {error}") from None
    if _hash_network(model) != description.get("network_sha256"):
        raise ModelError(
            f"{folder / DESCRIPTION}: made with another version of the network "
            f"'{description['preset']}'; use that version of sedlib, or train again"
        )
    try:
        model.load_weights(folder / WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"{folder / WEIGHTS}: not the weights of this model ({reason}); train again"
        ) from None
    return model, description


def _hash_network(model):
    """SHA-256 of the names of the layers and of the shapes of their outputs.

    A layer that computes something else under the same name and in the same shape is not
    noticed; give it another name. A hash of the whole configuration would notice that, but it
    would also change with the version of Keras.
    """
    layers = [f"{layer.name} {layer.output.shape}" for layer in model.layers]
    return hashlib.sha256("\n".join(layers).encode()).hexdigest()
