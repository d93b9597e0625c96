"""The parameters in ``params.yaml`` as one typed, validated and immutable object.

Functions take the section or the value that they need. Constants of a method, such as the mel bands
or the gains of mixup, are in its module. Unknown keys and wrong types are errors that name the key.
"""

import os
import reprlib
from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from sedlib.errors import SedlibError
from sedlib.files import StrictLoader
from sedlib.names import (
    check_aliases,
    check_class,
    check_distinct,
    has_controls,
    is_file_name,
    nearest,
    normal_name,
    printable,
)

WORKSPACE_VARIABLE = "SEDLIB_WORKSPACE"
HEADLESS_VARIABLE = "SEDLIB_HEADLESS"  # set where a notebook runs without a browser


class ConfigError(SedlibError):
    """Parameters that cannot be used; the message names the key, the value and what to do."""


def _check_episode(name):
    """Refuse the name of an episode that is not the name of a file in the folder of episodes."""
    if not is_file_name(name):
        raise ValueError(
            f"episode {reprlib.repr(name)} is not the name of a file without its suffix; correct it"
        )
    return normal_name(name)  # as annotations and media have it


def _check_folder(path):
    """Refuse the path of a folder that no file system can hold or no terminal can show."""
    if has_controls(path):
        raise ValueError(f"{path!r} holds a control character; correct the path")
    return path


Name = Annotated[str, Field(min_length=1)]
EpisodeName = Annotated[Name, AfterValidator(_check_episode)]
EpisodeNames = Annotated[tuple[EpisodeName, ...], Field(min_length=1, strict=False)]
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # NumPy's generators take no larger one
FolderName = Annotated[Name, AfterValidator(_check_folder)]
ClassName = Annotated[Name, AfterValidator(check_class)]
Classes = Annotated[
    tuple[ClassName, ...], Field(min_length=1, strict=False), AfterValidator(check_distinct)
]


class Section(BaseModel):
    """A section of ``params.yaml``: strictly typed, immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Episodes(Section):
    """Where the episodes come from.

    Attributes
    ----------
    source : {"synthetic", "soundbank", "folder"}
        Synthesised, mixed from recordings of single sounds, or the user's own annotated episodes.
    duration, evaluation_duration : float
        Length in seconds of each training episode, and of each validation or test episode, that
        is synthesised or mixed; at least 10.
    folder : str
        Of annotated media files, or of recordings in one subfolder per class; relative to the
        checkout.
    bad : {"stop", "leave out"}
        What to do when a file in `folder` cannot be used.
    aliases : dict of str to str or None
        From a label, or the name of a subfolder of recordings, to its class; null leaves it out.
    """

    source: Literal["synthetic", "soundbank", "folder"]
    duration: Annotated[float, Field(ge=10, le=86400)]
    evaluation_duration: Annotated[float, Field(ge=10, le=86400)]
    folder: FolderName
    bad: Literal["stop", "leave out"]
    aliases: dict[Name, Name | None]


class Split(Section):
    """Names of the episodes of each subset; no episode may be in two subsets."""

    train: EpisodeNames
    validation: EpisodeNames
    test: EpisodeNames

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
    """Settings of the spectrograms, from the level of the sound on; see `sedlib.features`.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    n_fft, hop_length, win_length : int
        Length of the FFT, distance between frames and length of the Hann window, in samples.
        `n_fft` is even, and the window is not longer.
    loudness : float or None
        Loudness in LUFS to which every recording is brought; None leaves it as it is.
    largest_gain : float
        Largest gain in dB by which a recording is amplified for that.
    """

    sample_rate: Annotated[int, Field(ge=100, le=655_350)]  # the limit of FLAC
    n_fft: Annotated[PositiveInt, Field(multiple_of=2)]
    hop_length: PositiveInt
    win_length: PositiveInt
    loudness: float | None = None
    largest_gain: Annotated[float, Field(ge=0)] = 40.0

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
    noise : float
        Share of the segments, in [0, 1], to which random noise is added.
    gain : float
        Largest random change of the level, in dB.
    filter : float
        Largest gain of a random smooth filter at any frequency, in dB, as in FilterAugment (Nam
        et al., ICASSP 2022).
    mask_bins, mask_frames : int
        Upper limits of the adjacent frequency bins (lower at low frequencies) and frames that are
        masked, as in SpecAugment (Park et al., Interspeech 2019).
    """

    mixup: Annotated[float, Field(ge=0, le=1)]
    noise: Annotated[float, Field(ge=0, le=1)]
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
    batch_size, epochs : int
        Number of segments in a batch, and largest number of epochs.
    learning_rate : float
    schedule : {"cosine", "constant"}
        Course of the learning rate: a warm-up and a cosine, or constant.
    patience : int
        Number of epochs without a better validation score after which training stops.
    averaging : float
        Share in [0, 1] of all epochs that the moving average of the weights spans; 0: no average.
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
    averaging: Annotated[float, Field(ge=0, le=1)]
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
    """The ablation, the transfer experiment and the released model; see `sedlib.experiments`.

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
    ablation_epochs, release_epochs : int
        Of each run of the ablation, and of the training of the released model.
    release_episodes : int
        Training episodes of each kind that the released model gets beyond those of the split.
    """

    seeds: Annotated[tuple[Seed, ...], Field(min_length=2, strict=False)]
    width: Annotated[float, Field(gt=0, le=1)]
    soundbank: FolderName
    aliases: dict[Name, Name | None]
    ablation_epochs: PositiveInt
    release_episodes: PositiveInt
    release_epochs: PositiveInt

    @model_validator(mode="after")
    def _seeds_differ(self):
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} repeat a value; name every seed once")
        return self


class Params(Section):
    """All parameters: the content of ``params.yaml``."""

    seed: Seed
    classes: Classes
    episodes: Episodes
    split: Split
    stft: STFTParams
    labels: Labels
    train: Train
    detection: DetectionParams
    experiments: Experiments

    @model_validator(mode="after")
    def _aliases_lead_to_classes(self):
        check_aliases(self.episodes.aliases.items(), self.classes, "episodes.aliases")
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
        raw = yaml.load(path.read_text(encoding="utf-8"), StrictLoader)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; run from a checkout of the project") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); correct that") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply; see params.yaml in git") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except Exception as error:  # PyYAML raises many classes for what it cannot read
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: holds {type(raw).__name__}, not a mapping of sections")
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        faults = [f"{path.name}: {fault}" for fault in describe_faults(Params, error)]
        raise ConfigError("\n".join(faults)) from None


def describe_faults(schema, error):
    """Describe the faults that pydantic found.

    Parameters
    ----------
    schema : type
        The `Section` that was expected.
    error : pydantic.ValidationError

    Returns
    -------
    list of str
        One sentence for each fault, with the key, the value and what to do.
    """
    return [
        printable(_describe(schema, fault))
        for fault in error.errors()
        # pydantic does not count values that are wrong, but each has a sentence of its own.
        if fault["type"] != "too_short" or len(fault["input"]) < fault["ctx"]["min_length"]
    ]


def _describe(schema, fault):
    """Describe a fault in one sentence."""
    key = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    if fault["type"] == "extra_forbidden":
        for part in fault["loc"][:-1]:
            schema = schema.model_fields[part].annotation
        near = nearest(str(fault["loc"][-1]), schema.model_fields, cutoff=0.6)
        known = f"known keys: {', '.join(schema.model_fields)}"
        hint = f"did you mean '{near}'?" if near else known
        return f"unknown key '{key}'; {hint}"
    if fault["type"] == "missing":
        return f"key '{key}' is missing; add it"
    if fault["type"] == "value_error":
        return ": ".join(filter(None, [key, str(fault["ctx"]["error"])]))
    try:
        value = reprlib.repr(fault["input"])  # shortens what is long
    except ValueError:  # Python writes no number of more than 4300 digits
        value = "too long a number"
    if fault["type"] == "too_short":
        return f"{key} is {value}; give at least {fault['ctx']['min_length']}"
    if fault["type"] == "string_type" and isinstance(fault["input"], (int, float, date)):
        return f"{key} is {value}, which is not a text; put it in quotation marks if it is a name"
    if fault["type"] == "tuple_type":
        return f"{key} is {value}, which is not a list; write it as [first, second]"
    if fault["type"] in ("float_type", "int_type") and isinstance(fault["input"], str):
        whole = fault["type"] == "int_type"  # there, a comma may separate thousands
        with suppress(InvalidOperation):  # YAML takes 3e-3 and 0,003 for texts
            meant = Decimal(fault["input"] if whole else fault["input"].replace(",", "."))
            if meant.is_finite() and abs(meant.adjusted()) < 20 and not (whole and meant % 1):
                number = int(meant) if whole else f"{meant:f}"
                return f"{key} is {value}, which is a text, not a number; write {number}"
    return f"{key} is {value}, but: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def repository():
    """Return the path of the checkout, the nearest folder upwards with a ``params.yaml``."""
    folders = Path.cwd(), *Path.cwd().parents
    return next((f for f in folders if (f / "params.yaml").is_file()), folders[0])


def workspace():
    """Return the folder in which ``data/`` and ``reports/`` are read and written.

    It is the checkout, unless the environment variable ``SEDLIB_WORKSPACE`` names another one, as
    in the tests, which rerun the notebooks in a scratch folder.
    """
    return Path(os.environ.get(WORKSPACE_VARIABLE) or repository())
