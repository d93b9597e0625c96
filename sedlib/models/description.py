"""The description of a stored model, ``model.json``, as a validated schema."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, model_validator

from sedlib.config import (
    Classes,
    ClassName,
    Name,
    PositiveFloat,
    Section,
    Seed,
    STFTParams,
    describe_faults,
)
from sedlib.errors import SedlibError
from sedlib.files import read_json

WEIGHTS = "model.weights.h5"
DESCRIPTION = "model.json"

Thresholds = dict[ClassName, Annotated[float, Field(ge=0, le=1)]]


class ModelError(SedlibError):
    """A model that cannot be built, loaded or used; the message says why."""


class FrameLevel(Section):
    """How frame-level scores are smoothed (a length in seconds), and their thresholds."""

    smoothing: PositiveFloat
    thresholds: Thresholds


class Description(Section):
    """The content of ``model.json``.

    Attributes
    ----------
    preset : str
        Name of the network; see `sedlib.models.build_model`.
    classes : tuple of str
        In the order of the outputs.
    stft : sedlib.config.STFTParams
    thresholds : dict of str to float
        Of each class, in [0, 1].
    weights_sha256 : str
        Hash of the file of weights.
    network_sha256 : str, optional
        Hash of the names of the layers and of the shapes of their outputs. A model without it is
        one of an earlier version and cannot be loaded.
    frames : FrameLevel, optional
        If the network scores frames.
    seed : int, optional
    training : dict, optional
        The options of the training.
    trained_on, validated_on : list of str, optional
        Names of episodes.
    data_md5 : dict of str to str, optional
        Hash of the features of each episode.
    versions : dict of str to str, optional
        Of the libraries, by their names.
    """

    preset: Name
    classes: Classes
    stft: STFTParams
    thresholds: Thresholds
    weights_sha256: Name
    network_sha256: Name = None
    frames: FrameLevel = None
    seed: Seed = None
    training: dict = None
    trained_on: list[str] = None
    validated_on: list[str] = None
    data_md5: dict[str, str] = None
    versions: dict[str, str] = None

    @model_validator(mode="after")
    def _a_threshold_for_each_class(self):
        levels = {"thresholds": self.thresholds}
        if self.frames:
            levels["frames.thresholds"] = self.frames.thresholds
        for name, thresholds in levels.items():
            for label in (*self.classes, *thresholds):
                if label not in thresholds or label not in self.classes:
                    place = "classes" if label in thresholds else name
                    raise ValueError(f"{place} has no '{label}'; name the same classes in both")
        return self


def check_description(description, path):
    """Refuse a description that a model cannot be used with.

    Parameters
    ----------
    description : object
        As it is read from ``model.json``.
    path : path-like
        Its file, for the messages.

    Raises
    ------
    ModelError
        With one sentence for each fault, which names the key and the value.
    """
    try:
        Description.model_validate(description)
    except ValidationError as error:
        faults = describe_faults(Description, error)
        raise ModelError(
            "\n".join(f"{path}: {fault}, or train again" for fault in faults)
        ) from None


def read_description(folder):
    """Read the description of a stored model.

    Parameters
    ----------
    folder : path-like
        As `sedlib.models.save_model` writes it.

    Returns
    -------
    dict
        The content of ``model.json``; see `Description`.

    Raises
    ------
    ModelError
        If a file is missing, or the description is damaged.
    """
    folder = Path(folder)
    for name in (DESCRIPTION, WEIGHTS):
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name}: no such file; train a model with notebook 03 first")
    description = read_json(folder / DESCRIPTION, ModelError)
    check_description(description, folder / DESCRIPTION)
    return description
