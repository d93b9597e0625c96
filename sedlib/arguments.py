"""What the commands of the command line take, and their help."""

import argparse
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import shtab

from sedlib import __version__, annotations
from sedlib.errors import SedlibError
from sedlib.names import normal_name
from sedlib.places import parse_place

HOPS = {"1.0": 1.0, "1": 1.0, "0.5": 0.5, "0.2": 0.2, "0.1": 0.1, "frames": "frames"}


def build_parser(commands):
    """Build the parser of the command line.

    Parameters
    ----------
    commands : mapping of str to callable
        The function of each command; ``run`` in what is parsed is the one of the command.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        prog="sedlib",
        description="Sound event detection.",
        epilog="Exit codes of every command: 130 after Ctrl-C, 141 if its output is closed, as by "
        "`| head`. `sedlib COMMAND --help` shows options, examples and other exit codes.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    shtab.add_argument_to(
        parser,
        "--print-completion",
        help="print a completion script for this shell, and exit (default: none)",
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for name, (help, examples, describe, codes) in _COMMANDS.items():
        examples = "\n".join(f"  sedlib {name} {example}".rstrip() for example in examples)
        command = subparsers.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.",
            epilog=f"exit codes: {codes}\n\nexamples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=commands[name])
        describe(command.add_argument)
    return parser


def _describe_detect(option):
    """Describe the options of ``detect``."""
    option(
        "files",
        nargs="+",
        type=_parse_place,
        metavar="FILE",
        help="media files, or folders, which are searched to their full depth; also addresses in "
        "an object store, such as s3://bucket/season1; see docs/scale.md",
    ).complete = shtab.FILE
    option(
        "--output",
        type=_parse_place,
        metavar="FOLDER",
        default="detected",
        help="output folder; may be an address in an object store (default: %(default)s)",
    )
    option(
        "--overwrite",
        action="store_true",
        help="also replace files in the output folder that this command did not write, or "
        "that were changed after it wrote them (default: no)",
    )
    option(
        "--model",
        **_FOLDER,
        help="folder of the model (default: the released model, models/released)",
    )
    option(
        "--format",
        choices=[name for name, form in annotations.FORMATS.items() if form.to_text],
        default="json",
        help="annotation format of the events (default: %(default)s)",
    )
    option(
        "--hop",
        choices=HOPS,
        default="1.0",
        metavar="{1.0,0.5,0.2,0.1,frames}",
        help="time between scored segments in seconds, or 'frames' for frame-level scores, "
        "44 per second with the default settings (default: %(default)s)",
    )
    earlier = {"help": argparse.SUPPRESS, "default": argparse.SUPPRESS}  # spellings
    option("--step", dest="hop", choices=HOPS, **earlier)
    option(
        "--threshold",
        type=_parse_threshold,
        metavar="[CLASS=]VALUE",
        action="append",
        default=[],
        help="detection threshold in [0, 1], for one class (CLASS=VALUE) or for all (VALUE); may "
        "be repeated (default: the thresholds of the model)",
    )
    option(
        "--track",
        metavar="N|LANGUAGE",
        help="which of several audio tracks, by its number or language, such as 2 or eng "
        "(default: the one marked as default, else the first)",
    )
    option(
        "--scores",
        action="store_true",
        help="also write NAME.scores.tsv, a table of all scores over time; NAME is the name of the "
        "media file without its suffix (default: no)",
    )
    option(
        "--html",
        action="store_true",
        help="also write NAME.html, a page with sound, spectrogram, scores and events, and "
        "index.html, which lists the pages; NAME as for --scores (default: no)",
    )
    option(
        "--reference",
        type=_parse_local,
        metavar="PATH",
        help="file or folder of reference annotations; metrics of 1 s segments go to metrics.json "
        "(default: none)",
    ).complete = shtab.FILE
    option("--truth", dest="reference", type=_parse_local, **earlier)
    option(
        "--jobs",
        type=_parse_count,
        metavar="N",
        help="number of files to process in parallel, in as many processes of about 1 GB each; it "
        "does not change the results (default: the number of cores, but no more than there are "
        "files)",
    )
    _describe_scheduler(option, "instead of --jobs, give each file to", "none")
    _describe_alias(option, " of --reference", "none")


def _describe_check(option):
    """Describe the options of ``check``."""
    option("folder", **_FOLDER, help="folder of media files with their annotations")
    option(
        "--classes",
        nargs="+",
        action="extend",
        metavar="CLASS",
        help="the classes to check labels against (default: those of --model or params.yaml)",
    )
    option("--model", **_FOLDER, help="take the classes of this model (default: none)")
    option("--split", action="store_true", help="also check the split in params.yaml (default: no)")
    option("--json", action="store_true", help="print JSON (default: print tables)")
    option(
        "--write-corrected",
        **_FOLDER,
        help="write corrected annotations to this folder, which must be new or empty (default: "
        "write none)",
    )
    _describe_alias(option, "", "none; added to those of params.yaml, if its classes are used")


def _describe_episodes(option):
    """Describe the options of ``episodes``."""
    _describe_scheduler(option, "make each episode on", "one process per core of this machine")


def _describe_scheduler(option, what, default):
    option(
        "--scheduler",
        type=_parse_address,
        metavar="ADDRESS",
        help=f"{what} the Dask cluster of this scheduler, such as tcp://10.0.0.1:8786; see "
        f"docs/scale.md (default: {default})",
    )


def _describe_alias(option, labels, default):
    option(
        "--alias",
        type=_parse_alias,
        metavar="LABEL=CLASS",
        action="append",
        default=[],
        help=f"map a label{labels} to a class; LABEL= leaves its events out; may be repeated "
        f"(default: {default})",
    )


def _describe_export(option):
    """Describe the options of ``export``."""
    option(
        "model",
        **_FOLDER,
        nargs="?",
        help="folder of the model (default: the released model, models/released)",
    )
    option("--output", **_FOLDER, default="exported", help="target folder (default: %(default)s)")
    option(
        "--format",
        choices=("saved_model", "onnx", "litert", "litert-int8"),
        default="onnx",
        help="saved_model for TensorFlow, onnx, litert (formerly TensorFlow Lite), or litert-int8 "
        "with weights of 8 bits, half the size (default: %(default)s)",
    )


def _describe_run_notebook(option):
    """Describe the options of ``run-notebook``."""
    option(
        "source",
        type=Path,
        metavar="NOTEBOOK",
        help="path of the .py file of the notebook, such as notebooks/03_train_cnn_rnn.py",
    ).complete = shtab.FILE


def _describe_experiment(option):
    """Describe the options of ``experiment``."""
    option(
        "name",
        choices=("ablation", "transfer"),
        help="ablation: starting from the 2018 configuration, each variant adds one change "
        "(notebook 6); transfer: train on synthetic episodes, with and without MixStyle and "
        "averaged weights, on episodes mixed from recordings, and on both (notebook 7); either "
        "takes half an hour to several hours on two cores",
    )
    option(
        "--processes",
        type=partial(_parse_count, least=0),
        metavar="N",
        help="number of parallel training runs; 0 trains one network after the other with all "
        "cores or a GPU (default: the number of cores)",
    )


class _Command(NamedTuple):
    """A command: its help, examples, what describes its options, and its exit codes."""

    help: str
    examples: tuple[str, ...] = ("",)
    describe: Callable = lambda option: None
    codes: str = "0: done; 1: an error; 2: a wrong option"


_COMMANDS = {
    "detect": _Command(
        "detect the events in media files",
        (
            "episode.mkv podcast.mp3 recordings/",
            "recordings/ --format audacity --hop frames --output labels",
        ),
        _describe_detect,
        "0: all files processed; 1: at least one file could not be processed, or another error "
        "occurred; 2: a wrong option",
    ),
    "check": _Command(
        "check media files and their annotations",
        (
            "recordings/ --classes speaking knocking",
            "recordings/ --split --write-corrected corrected/",
        ),
        _describe_check,
        "0: nothing found; 1: warnings; 2: errors, or a wrong option",
    ),
    "export": _Command(
        "export a model, with all steps from waveform to scores, to a format that other programs "
        "can run",
        ("", "models/default --output exported --format litert"),
        _describe_export,
    ),
    "episodes": _Command(
        "create or collect the episodes that `split` in params.yaml lists",
        ("", "--scheduler tcp://10.0.0.1:8786"),
        _describe_episodes,
    ),
    "run-notebook": _Command(
        "execute a notebook and write it to reports/notebooks",
        ("notebooks/03_train_cnn_rnn.py",),
        _describe_run_notebook,
    ),
    "experiment": _Command(
        "train the networks of an experiment",
        ("ablation", "transfer --processes 0"),
        _describe_experiment,
    ),
    "compare": _Command(
        "compare the results of the last run with the published ones",
        codes="0: compared, whether or not they agree; 1: an error; 2: a wrong option",
    ),
    "publish": _Command(
        "copy the results of the last run (notebooks, figures, model, cards, tables) to the "
        "version-controlled files",
    ),
    "release": _Command("retrain the released model, models/released (needs a sound bank)"),
    "site": _Command("write the report site, reports/index.html"),
}


def _parse_place(text):
    """Parse a path, or an address such as ``s3://bucket/a.wav``."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name; name a file or folder")
    try:
        return parse_place(text)
    except SedlibError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parse_local(text):
    """Parse the path of a file or folder that must be on this machine."""
    if "://" in text:
        raise argparse.ArgumentTypeError(f"'{text}' is an address; copy it to this machine first")
    return _parse_place(text)


_FOLDER = {"type": _parse_local, "metavar": "FOLDER"}


def _parse_threshold(text):
    """Parse ``0.4`` or ``speaking=0.4``."""
    label, _, value = text.rpartition("=")
    try:
        value = float(value)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not [CLASS=]VALUE with a value in [0, 1]")
    return label, value


def _parse_count(text, least=1):
    """Parse a whole number from `least` on."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} on")
    return int(text)


def _parse_address(text):
    """Parse ``tcp://10.0.0.1:8786``."""
    if not re.fullmatch(r"((tcp|tls|ws|wss)://)?[^/\s]+:\d{1,5}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not an address such as tcp://10.0.0.1:8786")
    return text


def _parse_alias(text):
    """Parse ``speech=speaking``, or ``silence=`` to leave a label out."""
    label, sign, target = text.partition("=")
    if not label or not sign:
        raise argparse.ArgumentTypeError(f"'{text}' is not LABEL=CLASS, or LABEL= to leave it out")
    return label, normal_name(target) or None
