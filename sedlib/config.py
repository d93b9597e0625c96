"""``params.yaml`` as one validated, typed, immutable object.

Every module takes the section it needs, so no value of an experiment lives
in code. Unknown keys and ill-typed values are errors that name the key.
"""

import difflib
import os
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

WORKSPACE_VARIABLE = "SEDLIB_WORKSPACE"

Name = Annotated[str, Field(min_length=1)]
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]


class SedlibError(ValueError):
    """A fault that the user can mend; the message says what is wrong, where, and what to do."""


class ConfigError(SedlibError):
    """A ``params.yaml`` that cannot be used; the message says which key and why."""


class Section(BaseModel):
    """A part of ``params.yaml``: strictly typed, immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Episodes(Section):
    """Where the episodes come from.

    Attributes
    ----------
    source : {"synthetic", "soundbank", "folder"}
        ``synthetic`` episodes are computed on the spot; ``soundbank`` episodes are mixed from
        real recordings; those of a ``folder`` are the user's own, annotated.
    duration : float
        Length in seconds of each episode that is computed or mixed.
    folder : str
        Media and annotations, or recordings in a folder for each class; relative to the
        checkout.
    bad : {"stop", "leave out"}
        What to do about a file in `folder` that cannot be used.
    aliases : dict of str to str or None
        Label of an annotation, or name of a recordings' folder, to the class it is; null
        leaves it out.
    """

    source: Literal["synthetic", "soundbank", "folder"]
    duration: Annotated[float, Field(ge=10)]
    folder: Name
    bad: Literal["stop", "leave out"]
    aliases: dict[Name, Name | None]


class Split(Section):
    """Names of the episodes on each side; no episode may be on two."""

    train: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]
    validation: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]
    test: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _no_episode_twice(self):
        seen = {}
        for side, names in self:
            for name in names:
                if name in seen:
                    raise ValueError(
                        f"episode '{name}' is in {seen[name]} and again in {side}; "
                        "name every episode once"
                    )
                seen[name] = side
        return self

    @property
    def episodes(self):
        """All episode names, development first."""
        return self.train + self.validation + self.test


class STFTParams(Section):
    """The short-time Fourier transform: lengths in samples, rate in Hz."""

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
    """When a one-second clip has a label; see `sedlib.labels.label_segments`."""

    rule: Literal["half", "whole", "any"]


class Augment(Section):
    """How training clips are varied; see `sedlib.training`. Zero switches a part off.

    Attributes
    ----------
    mix : float
        Share of clips, in [0, 1], that another clip is laid over.
    gain, timbre : float
        Largest change of level, and of any part of the spectrum, in dB.
    mask_bins, mask_frames : int
        Widest band and longest stretch that is silenced.
    """

    mix: Annotated[float, Field(ge=0, le=1)]
    gain: Annotated[float, Field(ge=0)]
    timbre: Annotated[float, Field(ge=0)]
    mask_bins: Annotated[int, Field(ge=0)]
    mask_frames: Annotated[int, Field(ge=0)]


class Train(Section):
    """How the network is trained; see `sedlib.training`."""

    preset: Name
    batch_size: PositiveInt
    epochs: PositiveInt
    learning_rate: PositiveFloat
    schedule: Literal["cosine", "constant"]
    patience: PositiveInt
    frame_weight: Annotated[float, Field(ge=0)]
    augment: Augment


class DetectionParams(Section):
    """How the scores of frames become events; see `sedlib.detection`.

    Attributes
    ----------
    frame_smoothing : float
        Length in seconds of the mean that smooths them over time.
    """

    frame_smoothing: PositiveFloat


class Experiments(Section):
    """The experiments that train many networks; see `sedlib.experiments`.

    Attributes
    ----------
    seeds : tuple of int
        One training run of every variant for each; at least two.
    width : float
        Of the network of 2018, as a share of its channels.
    soundbank : str
        Folder of real recordings, one folder a class; relative to the checkout.
    aliases : dict of str to str or None
        Name of a recordings' folder to the class it is; null leaves it out.
    """

    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=2, strict=False)]
    width: Annotated[float, Field(gt=0, le=1)]
    soundbank: Name
    aliases: dict[Name, Name | None]

    @model_validator(mode="after")
    def _seeds_differ(self):
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} repeat one; name every seed once")
        return self


class Params(Section):
    """All of ``params.yaml``."""

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
    """Read and check ``params.yaml``.

    Parameters
    ----------
    path : path-like, optional
        Default: the ``params.yaml`` at the top of the checkout.

    Returns
    -------
    Params

    Raises
    ------
    ConfigError
        One sentence a fault, naming the file, the key, the value and what to do.
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
        faults = [f"{path.name}: {_sentence(fault)}" for fault in error.errors()]
        raise ConfigError("\n".join(faults)) from None


def _sentence(fault):
    """One pydantic fault as one sentence."""
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _keys(fault["loc"][:-1])
        near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known)}"
        return f"unknown key '{key}'; {hint}"
    if fault["type"] == "missing":
        return f"key '{key}' is missing; add it"
    if fault["type"] == "value_error":
        where = f"{key}: " if key else ""
        return where + str(fault["ctx"]["error"])
    return f"{key} is {fault['input']!r}, but: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def _keys(location):
    """Return the keys a section at `location` knows."""
    section = Params
    for part in location:
        section = section.model_fields[part].annotation
    return list(section.model_fields)


def repository():
    """Top of the checkout: the nearest folder upwards that holds ``params.yaml``.

    Returns
    -------
    pathlib.Path
        The working directory itself if no folder above holds one.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file():
            return folder
    return here


def workspace():
    """Folder under which ``data/`` and ``reports/`` are read and written.

    Returns
    -------
    pathlib.Path
        The checkout, or the folder that the environment variable
        ``SEDLIB_WORKSPACE`` names: tests rerun the notebooks into a scratch
        folder that way.
    """
    return Path(os.environ.get(WORKSPACE_VARIABLE) or repository())
