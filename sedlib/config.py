"""The parameters in ``params.yaml`` as one typed, validated and immutable object.

Functions take the section or the value that they need, so that no value of an experiment is
written in code. Unknown keys and values of the wrong type are errors that name the key.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sedlib.files import nearest

WORKSPACE_VARIABLE = "SEDLIB_WORKSPACE"

Name = Annotated[str, Field(min_length=1)]
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]


class SedlibError(ValueError):
    """A fault that the user can correct; the message names the place, the fault and the remedy."""


class ConfigError(SedlibError):
    """Parameters that cannot be used; the message names the key, the value and what to do."""


class Section(BaseModel):
    """A section of ``params.yaml``: strictly typed, immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Episodes(Section):
    """Where the episodes come from.

    Attributes
    ----------
    source : {"synthetic", "soundbank", "folder"}
        ``synthetic`` episodes are synthesised; ``soundbank`` episodes are mixed from real
        recordings of single sounds; a ``folder`` holds the user's own annotated episodes.
    duration : float
        Length in seconds of each episode that is synthesised or mixed; at least 10.
    folder : str
        Folder of annotated media files (``folder``), or of recordings in one subfolder per class
        (``soundbank``); relative to the checkout.
    bad : {"stop", "leave out"}
        What to do when a file in `folder` cannot be used.
    aliases : dict of str to str or None
        From a label in the annotations, or the name of a subfolder of recordings, to its class;
        null leaves it out.
    """

    source: Literal["synthetic", "soundbank", "folder"]
    duration: Annotated[float, Field(ge=10)]
    folder: Name
    bad: Literal["stop", "leave out"]
    aliases: dict[Name, Name | None]


class Split(Section):
    """Names of the episodes of each subset; no episode may be in two subsets."""

    train: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]
    validation: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]
    test: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _no_episode_twice(self):
        seen = {}
        for subset, names in self:
            for name in names:
                if name in seen:
                    raise ValueError(
                        f"episode '{name}' is in {seen[name]} and again in {subset}; "
                        "name every episode once"
                    )
                seen[name] = subset
        return self

    @property
    def episodes(self):
        """The names of all episodes: training, validation, test."""
        return self.train + self.validation + self.test


class STFTParams(Section):
    """Settings of the short-time Fourier transform; see `sedlib.features`.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    n_fft, hop_length, win_length : int
        Length of the FFT, distance between frames and length of the Hann window, in samples.
        The window is not longer than the FFT.
    """

    sample_rate: PositiveInt
    n_fft: PositiveInt
    hop_length: PositiveInt
    win_length: PositiveInt

    @model_validator(mode="after")
    def _window_fits(self):
        if self.win_length > self.n_fft:
            raise ValueError(
                f"win_length {self.win_length} is longer than n_fft {self.n_fft}; "
                "the window must fit into the FFT frame"
            )
        return self


class Labels(Section):
    """When a one-second segment has a label; see `sedlib.labels.label_segments`."""

    rule: Literal["half", "whole", "any"]


class Augmentation(Section):
    """Data augmentation of the training segments; see `sedlib.training`. Zero turns a part off.

    Attributes
    ----------
    mixup : float
        Share of the segments, in [0, 1], to which a second segment is added, as in mixup (Zhang
        et al., ICLR 2018).
    gain : float
        Largest random change of the level, in dB.
    filter : float
        Largest gain of a random smooth filter at any frequency, in dB, as in FilterAugment (Nam
        et al., ICASSP 2022).
    mask_bins, mask_frames : int
        Largest number of adjacent frequency bins and of adjacent frames that are masked, as in
        SpecAugment (Park et al., Interspeech 2019).
    """

    mixup: Annotated[float, Field(ge=0, le=1)]
    gain: Annotated[float, Field(ge=0)]
    filter: Annotated[float, Field(ge=0)]
    mask_bins: Annotated[int, Field(ge=0)]
    mask_frames: Annotated[int, Field(ge=0)]


class Train(Section):
    """How the network is trained; see `sedlib.training.train`.

    Attributes
    ----------
    preset : str
        Name of the network; see `sedlib.models`.
    batch_size : int
        In segments.
    epochs : int
        Largest number of epochs.
    learning_rate : float
    schedule : {"cosine", "constant"}
        Course of the learning rate: a warm-up and a cosine, or constant.
    patience : int
        Number of epochs without a better validation score after which training stops.
    frame_weight : float
        Weight of the frame-level loss, added to the segment-level loss; 0 leaves it out.
    augment : Augmentation
    """

    preset: Name
    batch_size: PositiveInt
    epochs: PositiveInt
    learning_rate: PositiveFloat
    schedule: Literal["cosine", "constant"]
    patience: PositiveInt
    frame_weight: Annotated[float, Field(ge=0)]
    augment: Augmentation


class DetectionParams(Section):
    """How frame-level scores become events; see `sedlib.detection`.

    Attributes
    ----------
    frame_smoothing : float
        Length in seconds of the moving average that smooths the scores.
    """

    frame_smoothing: PositiveFloat


class Experiments(Section):
    """The ablation and the transfer experiment, which train many networks.

    See `sedlib.experiments`.

    Attributes
    ----------
    seeds : tuple of int
        Random seeds; each variant is trained once with each. At least two.
    width : float
        Width of the 2018 model: the number of its channels relative to the original, in (0, 1].
    soundbank : str
        Folder of real recordings with one subfolder per class; relative to the checkout.
    aliases : dict of str to str or None
        From the name of a subfolder to its class; null leaves it out.
    """

    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=2, strict=False)]
    width: Annotated[float, Field(gt=0, le=1)]
    soundbank: Name
    aliases: dict[Name, Name | None]

    @model_validator(mode="after")
    def _seeds_differ(self):
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} repeat a value; name every seed once")
        return self


class Params(Section):
    """All parameters: the content of ``params.yaml``."""

    seed: Annotated[int, Field(ge=0)]
    classes: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]
    episodes: Episodes
    split: Split
    stft: STFTParams
    labels: Labels
    train: Train
    detection: DetectionParams
    experiments: Experiments

    @model_validator(mode="after")
    def _classes_differ(self):
        for i, label in enumerate(self.classes):
            if label in self.classes[:i]:
                raise ValueError(f"class '{label}' is listed twice in classes")
        return self

    @model_validator(mode="after")
    def _aliases_lead_to_classes(self):
        for label, target in self.episodes.aliases.items():
            if target is not None and target not in self.classes:
                raise ValueError(
                    f"episodes.aliases turns '{label}' into '{target}', which is not in classes; "
                    "name a class, or null to leave the label out"
                )
        return self


def load_params(path=None):
    """Read and validate ``params.yaml``.

    Parameters
    ----------
    path : path-like, optional
        By default, the ``params.yaml`` at the top of the checkout.

    Returns
    -------
    Params

    Raises
    ------
    ConfigError
        If the file cannot be used. Each fault is one line that names the key and the value.
    """
    path = repository() / "params.yaml" if path is None else Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; run from a checkout of the project") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: holds {type(raw).__name__}, not a mapping of sections")
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        faults = [f"{path.name}: {_describe(fault)}" for fault in error.errors()]
        raise ConfigError("\n".join(faults)) from None


def _describe(fault):
    """Describe a fault that pydantic found in one sentence."""
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _keys(fault["loc"][:-1])
        near = nearest(str(fault["loc"][-1]), known, cutoff=0.6)
        hint = f"did you mean '{near}'?" if near else f"known keys: {', '.join(known)}"
        return f"unknown key '{key}'; {hint}"
    if fault["type"] == "missing":
        return f"key '{key}' is missing; add it"
    if fault["type"] == "value_error":
        where = f"{key}: " if key else ""
        return where + str(fault["ctx"]["error"])
    return f"{key} is {fault['input']!r}, but: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def _keys(location):
    """List the keys of the section at `location`."""
    section = Params
    for part in location:
        section = section.model_fields[part].annotation
    return list(section.model_fields)


def repository():
    """Return the top of the checkout.

    Returns
    -------
    pathlib.Path
        The nearest folder that holds a ``params.yaml``, from the working directory upwards; the
        working directory itself if there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file():
            return folder
    return here


def workspace():
    """Return the folder in which ``data/`` and ``reports/`` are read and written.

    Returns
    -------
    pathlib.Path
        The folder that the environment variable ``SEDLIB_WORKSPACE`` names, as in the tests,
        which rerun the notebooks in a scratch folder; by default, the checkout.
    """
    return Path(os.environ.get(WORKSPACE_VARIABLE) or repository())
