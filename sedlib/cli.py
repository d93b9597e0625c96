"""The command line: what people call, and the steps that DVC's stages call.

What a command needs is imported in it: TensorFlow alone takes seconds to load.
"""

import argparse
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from sedlib import annotations, audio
from sedlib.config import SedlibError, load_params, repository, workspace
from sedlib.files import write_text


def episodes_command(_):
    """Make or gather every episode of the split, one process a core."""
    from sedlib import sources

    params = load_params()
    source = repository() / params.episodes.folder
    target = workspace() / "data" / "episodes"
    slips, left_out = sources.prepare(params, source, target, os.cpu_count())
    for slip in slips.itertuples():
        print(f"{slip.filename}: row {slip.row}: {slip.event_label}: {slip.slip}, {slip.action}")
    for fault in left_out.itertuples():
        print(f"left out: {fault.name}: {fault.reason}")
    print(f"{len(params.split.episodes)} episodes asked for, in {target}: ", end="")
    print(f"{len(slips)} slips mended, {len(left_out)} files left out")


def check_command(arguments):
    """Say what is wrong with a folder of episodes; exit code 0, 1 (warnings) or 2 (errors)."""
    from sedlib import check

    params = load_params()
    with tqdm(unit=" s of sound", disable=None, leave=False, file=sys.stderr) as bar:
        report = check.check_folder(
            arguments.folder,
            params.classes,
            split=params.split if arguments.split else None,
            aliases=params.episodes.aliases | dict(arguments.alias),
            progress=lambda _, seconds: bar.update(round(seconds)),
        )
    if arguments.json:
        print(json.dumps(check.as_json(report), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        print(check.render(report))
    if arguments.write_corrected:
        check.write_corrected(report, arguments.write_corrected)
        print(f"corrected annotations written to {arguments.write_corrected}", file=sys.stderr)
    sys.exit(report.exit_code)


def detect_command(arguments):
    """Find the events of media files; exit code 1 if a file could not be read."""
    with _quiet():
        from sedlib import batch
        from sedlib.models import read_description

    files = audio.find_media(arguments.files)
    model = arguments.model or workspace() / "data" / "model"
    classes = read_description(model)["classes"]
    thresholds = {
        name: value
        for label, value in arguments.threshold
        for name in ([label] if label else classes)
    }
    options = batch.Options(arguments.format, arguments.step, thresholds, arguments.scores)
    outcomes = []
    with tqdm(total=_seconds(files), unit=" s of sound", disable=None, file=sys.stderr) as bar:
        found = batch.detect_files(files, model, arguments.output, options, bar.update)
        for outcome in found:
            outcomes.append(outcome)
            said = f"{outcome.events} events" + (", done before" if outcome.done_before else "")
            bar.write(f"{outcome.path}: {'not read' if outcome.fault else said}")
    if arguments.truth:
        truth = _truth(arguments.truth, [file.stem for file in files])
        aliases = dict(arguments.alias)
        table, remarks = batch.compare_with_truth(
            outcomes, truth, classes, arguments.output, options.form, aliases
        )
        print("\n".join([*remarks, table.to_string(float_format="{:.2f}".format, na_rep="–")]))
    faults = [outcome.fault for outcome in outcomes if outcome.fault]
    for fault in faults:
        print(f"sedlib: {fault}", file=sys.stderr)
    print(f"{len(outcomes) - len(faults)} of {len(outcomes)} files done: {arguments.output}")
    sys.exit(1 if faults else 0)


def run_notebook_command(arguments):
    """Run one notebook into ``reports/notebooks``."""
    from sedlib.reports.notebooks import run_notebook

    load_params()  # a fault in it is better said before a kernel starts
    print(run_notebook(arguments.source, workspace() / "reports" / "notebooks"))


def study_command(arguments):
    """Conduct a long study: hours on a processor, less with a GPU."""
    with _quiet():
        from sedlib import experiments
        from sedlib.episodes import usable_split

    params, data = load_params(), workspace() / "data"
    split = usable_split(params.split, data / "episodes")
    name = arguments.name
    corpora = [
        experiments.Corpus(params.episodes.source, data / "episodes", data / "features", split)
    ]
    if name == "comparison":
        recipes, facts = experiments.comparison(params.train), {}
    else:
        recorded, dealt = experiments.mix_recordings(params, data / "study" / name, os.cpu_count())
        corpora.append(recorded)
        recipes, facts = experiments.recordings(*corpora), {"recordings and groups": dealt}
    scratch, target = data / "study" / f"{name}_runs", workspace() / "reports" / "studies"
    where = scratch, target, arguments.processes, facts
    for line in experiments.conduct(name, recipes, corpora, params, *where):
        print(line, flush=True)


def publish_command(_):
    """Copy the outputs of the executed notebooks into the pairs under ``notebooks``."""
    from sedlib.reports.notebooks import publish

    for source in sorted((repository() / "notebooks").glob("*.py")):
        print(publish(source, workspace() / "reports" / "notebooks" / f"{source.stem}.ipynb"))


def report_command(_):
    """Write the cards, and the results into the README of the checkout."""
    from sedlib.reports import cards

    params, data, reports = load_params(), workspace() / "data", workspace() / "reports"
    metrics, comparison, recordings, description = (
        json.loads(path.read_text(encoding="utf-8"))
        for path in (
            reports / "metrics.json",
            reports / "studies" / "comparison_metrics.json",
            reports / "studies" / "recordings_metrics.json",
            data / "model" / "model.json",
        )
    )
    write_text(cards.model_card(metrics, description), reports / "model_card.md")
    write_text(cards.data_card(params, data / "episodes"), reports / "data_card.md")
    readme = repository() / "README.md"
    text = readme.read_text(encoding="utf-8")
    results = cards.results_block(metrics, params.episodes.source)
    text = cards.replace_block(text, "results", results)
    studies = cards.studies_block(comparison, recordings)
    write_text(cards.replace_block(text, "studies", studies), readme)


@contextmanager
def _quiet():
    """Keep off the terminal what TensorFlow's libraries write there, below Python, on loading."""
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _seconds(files):
    """Length of all files together, as far as they promise one."""
    total = 0.0
    for file in files:
        try:
            total += audio.probe(file).duration or 0.0
        except audio.AudioError:
            continue  # detection says so in its turn
    return total


def _truth(path, names):
    """Read the annotations of a file or a folder."""
    if not path.is_dir():
        return annotations.read(path)
    found = annotations.read_folder(path, names)
    for error in found.errors["error"]:
        print(f"sedlib: {error}", file=sys.stderr)
    return found.events


def _threshold(text):
    """``0.4``, or ``speaking=0.4``."""
    label, _, value = text.rpartition("=")
    try:
        value = float(value)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not [CLASS=]VALUE with a value in [0, 1]")
    return label, value


def _step(text):
    """``0.5``, or ``frames``."""
    steps = {"1": 1.0, "1.0": 1.0, "0.5": 0.5, "0.2": 0.2, "0.1": 0.1, "frames": "frames"}
    if text not in steps:
        raise argparse.ArgumentTypeError(f"'{text}' is not one of 1.0, 0.5, 0.2, 0.1 and frames")
    return steps[text]


def _alias(text):
    """``speech=speaking``, or ``silence=`` to leave a label out."""
    label, sign, target = text.partition("=")
    if not label or not sign:
        raise argparse.ArgumentTypeError(f"'{text}' is not LABEL=CLASS, or LABEL= to leave it out")
    return label, target or None


def _parser():
    parser = argparse.ArgumentParser(prog="sedlib", description="Sound event detection.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("detect", help="find the events in media files")
    command.set_defaults(run=detect_command)
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="media, or folders")
    command.add_argument("--output", type=Path, default=Path("detected"), help="folder of results")
    command.add_argument("--model", type=Path, help="folder of the model (default: data/model)")
    forms = ("json", "tsv", "audacity", "textgrid", "jsonl")
    command.add_argument("--format", choices=forms, default="json", help="of the events")
    command.add_argument(
        "--step",
        type=_step,
        default=1.0,
        metavar="{1.0,0.5,0.2,0.1,frames}",
        help="time grid in s; frames: 44 a second",
    )
    command.add_argument(
        "--threshold",
        type=_threshold,
        action="append",
        default=[],
        metavar="[CLASS=]VALUE",
        help="for a class or for all (default: the model's own)",
    )
    command.add_argument("--scores", action="store_true", help="write the scores as well")
    command.add_argument("--truth", type=Path, help="annotations, a file or a folder: metrics")
    _add_alias(command)

    command = commands.add_parser("check", help="say what is wrong with a folder of episodes")
    command.set_defaults(run=check_command)
    command.add_argument("folder", type=Path)
    command.add_argument("--split", action="store_true", help="check against params.yaml's split")
    command.add_argument("--json", action="store_true", help="print JSON instead of tables")
    command.add_argument(
        "--write-corrected", type=Path, metavar="FOLDER", help="write mended annotations there"
    )
    _add_alias(command)

    command = commands.add_parser("episodes", help="make or gather the episodes of the split")
    command.set_defaults(run=episodes_command)
    command = commands.add_parser("run-notebook", help="execute the text half of a notebook")
    command.add_argument("source", type=Path, help="the .py half")
    command.set_defaults(run=run_notebook_command)
    command = commands.add_parser("study", help="conduct a long study, see notebooks 6 and 7")
    command.set_defaults(run=study_command)
    command.add_argument("name", choices=("comparison", "recordings"))
    command.add_argument(
        "--processes",
        type=int,
        default=os.cpu_count(),
        help="training runs at a time; 0, for a GPU: one, on all there is",
    )
    command = commands.add_parser("publish", help="copy outputs into the notebooks of the pairs")
    command.set_defaults(run=publish_command)
    command = commands.add_parser("report", help="write the cards and the README's tables")
    command.set_defaults(run=report_command)
    return parser


def _add_alias(command):
    command.add_argument(
        "--alias",
        type=_alias,
        action="append",
        default=[],
        metavar="LABEL=CLASS",
        help="read a label of the annotations as a class; LABEL= leaves it out",
    )


def main(arguments=None):
    """Run a command; a fault that the user can mend ends in one sentence and exit code 1."""
    arguments = _parser().parse_args(arguments)
    try:
        arguments.run(arguments)
    except SedlibError as error:
        sys.exit(f"sedlib: {error}")
    except KeyboardInterrupt:
        print("sedlib: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)  # 128 + SIGINT, as shells have it
