"""The variants that an experiment compares: ways to train a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sedlib.config import Augmentation, ConfigError
from sedlib.models import MEL_BANDS

NO_AUGMENTATION = Augmentation(mixup=0, noise=0, gain=0, filter=0, mask_bins=0, mask_frames=0)


@dataclass(frozen=True)
class Variant:
    """One way to train a network.

    Attributes
    ----------
    name : str
        What differs from the variant before, in a few words.
    description : str
        The same in a sentence.
    network : {"vtt2018", "vtt2018 log-mel", "compact", "compact without MixStyle"}
        The network of 2018 on STFT magnitudes or on log-mel bands, or the compact network with
        or without MixStyle; see `sedlib.models`.
    examples : {"crops", "segments"}
        `sedlib.training.Crops` or `sedlib.training.Batches`.
    changes : dict
        Fields of `sedlib.config.Train` whose values differ from those of ``params.train``.
    corpora : tuple of str
        Names of the corpora it is trained on; all corpora if empty. An epoch on two corpora
        shows half of the examples of each, so that every variant sees equally many examples.
    """

    name: str
    description: str
    network: str = "compact"
    examples: str = "segments"
    changes: Mapping = field(default_factory=dict)
    corpora: tuple = ()


def ablation_variants(train):
    """List the variants of an incremental ablation.

    Starting from the 2018 configuration, each variant adds one change; the last one is `train`
    itself.

    The first variant differs from 2018 in the width of the network, the number of training steps,
    the label rule, the loudness normalisation, crops from regions that are cut on whole seconds,
    the choice of the best epoch on the validation episodes instead of the last, and defaults of
    Keras (the momentum of batch normalisation, the epsilon of Adam).

    Parameters
    ----------
    train : sedlib.config.Train
        The configuration to which the changes lead.

    Returns
    -------
    list of Variant

    Raises
    ------
    ConfigError
        If `train` is not a configuration that these changes can lead to.
    """
    for key, value, suits in (
        ("preset", train.preset, train.preset == "compact"),
        ("frame_weight", train.frame_weight, train.frame_weight > 0),
        ("augment.mixup", train.augment.mixup, train.augment.mixup > 0),
        ("averaging", train.averaging, train.averaging > 0),
    ):
        if not suits:
            raise ConfigError(
                f"params.yaml: train.{key} is {value}, but the ablation ends with the compact "
                "network, mixup, frame labels and averaged weights; restore the value of the "
                "repository"
            )
    optimizer = {"batch_size": 32, "learning_rate": 1e-4, "schedule": "constant"}
    latest = {"averaging": 0.0}
    segments = latest | {"frame_weight": 0.0}
    plain = segments | {"augment": NO_AUGMENTATION}
    mixup_alone = NO_AUGMENTATION.model_copy(update={"mixup": train.augment.mixup})
    return [
        Variant(
            "2018 configuration",
            "STFT magnitudes, the network of 2018, and random one-second crops from regions "
            f"with constant labels; Adam at {optimizer['learning_rate']:g}, "
            f"batches of {optimizer['batch_size']}",
            "vtt2018",
            "crops",
            optimizer | plain,
        ),
        Variant(
            "segment labels",
            "every segment of the episodes with its own labels, including segments without any",
            "vtt2018",
            changes=optimizer | plain,
        ),
        Variant(
            "log-mel input",
            f"the logarithm of {MEL_BANDS} mel bands instead of STFT magnitudes",
            "vtt2018 log-mel",
            changes=optimizer | plain,
        ),
        Variant(
            "compact network",
            "other layer widths, batch normalisation after every convolution, tanh GRUs of half "
            "the size in both directions, dropout, and a score for every frame with linear softmax "
            "pooling",
            "compact without MixStyle",
            changes=optimizer | plain,
        ),
        Variant(
            "learning-rate schedule",
            f"Adam at {train.learning_rate:g} with warm-up and cosine decay, "
            f"batches of {train.batch_size}",
            "compact without MixStyle",
            changes=plain,
        ),
        Variant(
            "mixup",
            f"mixup-style mixing: a share of {train.augment.mixup:g} of the segments is mixed "
            "with another one, drawn evenly over the classes",
            "compact without MixStyle",
            changes=plain | {"augment": mixup_alone},
        ),
        Variant(
            "augmentation",
            "random noise, level and timbre, and masks over a frequency band and over a few frames",
            "compact without MixStyle",
            changes=segments,
        ),
        Variant(
            "MixStyle",
            "in some segments, the mean and the standard deviation of the log power of each band "
            "are mixed with those of another segment",
            changes=segments,
        ),
        Variant(
            "frame labels", "the loss also compares every frame with its own labels", changes=latest
        ),
        Variant("averaged weights", "a moving average of the weights over the last epochs"),
    ]


def transfer_variants(synthetic, recorded):
    """List the variants that differ in the episodes they are trained on.

    Parameters
    ----------
    synthetic, recorded : Corpus
        The default episodes, and episodes mixed from real recordings.

    Returns
    -------
    list of Variant
    """
    both = synthetic.name, recorded.name
    return [
        Variant(synthetic.name, "the default episodes", corpora=both[:1]),
        Variant(recorded.name, "episodes mixed from recordings", corpora=both[1:]),
        Variant("both", "half of the examples from each", corpora=both),
        Variant(
            f"{synthetic.name} without MixStyle",
            "the default episodes, and a network without MixStyle",
            "compact without MixStyle",
            corpora=both[:1],
        ),
        Variant(
            f"{synthetic.name} without averaging",
            "the default episodes, and the weights of the best epoch alone",
            changes={"averaging": 0.0},
            corpora=both[:1],
        ),
    ]
