"""The command line: the commands that users run, and those that the DVC stages run.

Each command imports what it needs in its own function, because importing TensorFlow takes
several seconds.
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

HOPS = {"1.0": 1.0, "1": 1.0, "0.5": 0.5, "0.2": 0.2, "0.1": 0.1, "frames": "frames"}


def detect_command(arguments):
    """Detect the events in media files; the exit code is 1 if a file could not be read."""
    with _native_messages_hidden():
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
    options = batch.Options(arguments.format, arguments.hop, thresholds, arguments.scores)
    outcomes = []
    with _progress_bar(total=_total_duration(files)) as bar:
        for outcome in batch.detect_files(files, model, arguments.output, options, bar.update):
            outcomes.append(outcome)
            result = f"{outcome.events} event{'' if outcome.events == 1 else 's'}"
            result += ", already done" if outcome.done_before else ""
            bar.write(f"{outcome.path}: {'could not be read' if outcome.fault else result}")
    if arguments.reference:
        table, remarks = batch.compare_with_reference(
            outcomes,
            _read_reference(arguments.reference, [file.stem for file in files]),
            classes,
            arguments.output,
            options.format,
            dict(arguments.alias),
        )
        print("\n".join([*remarks, table.to_string(float_format="{:.2f}".format, na_rep="–")]))
    faults = [outcome.fault for outcome in outcomes if outcome.fault]
    for fault in faults:
        print(f"sedlib: {fault}", file=sys.stderr)
    print(f"{len(outcomes) - len(faults)} of {len(outcomes)} files done: {arguments.output}")
    sys.exit(1 if faults else 0)


def check_command(arguments):
    """Check a folder of episodes; the exit code is 0, 1 (warnings) or 2 (errors)."""
    from sedlib import check

    params = load_params()
    with _progress_bar(leave=False) as bar:
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


def episodes_command(_):
    """Create or collect the episodes of the split, with one process per core."""
    from sedlib import sources

    params = load_params()
    source = repository() / params.episodes.folder
    target = workspace() / "data" / "episodes"
    corrections, left_out = sources.prepare_episodes(params, source, target, os.cpu_count())
    for row in corrections.itertuples():
        print(f"{row.filename}: row {row.row}: {row.event_label}: {row.error}, {row.correction}")
    for file in left_out.itertuples():
        print(f"left out: {file.name}: {file.reason}")
    print(f"{len(params.split.episodes)} episodes requested, in {target}: ", end="")
    print(f"{len(corrections)} annotation errors corrected, {len(left_out)} files left out")


def experiment_command(arguments):
    """Run an experiment; it takes half an hour to several hours on two cores."""
    with _native_messages_hidden():
        from sedlib import experiments
        from sedlib.corpus import open_corpus

    params, data, name = load_params(), workspace() / "data", arguments.name
    scratch, target = data / "experiments", workspace() / "reports" / "experiments"
    corpora = [open_corpus(params, data)]
    if name == "ablation":
        variants, facts = experiments.ablation_variants(params.train), {}
    else:
        mixed, counts = experiments.mix_soundbank_episodes(params, scratch / name, os.cpu_count())
        corpora.append(mixed)
        variants = experiments.transfer_variants(*corpora)
        facts = {"recordings_and_groups": counts}
    where = scratch / f"{name}_runs", target, arguments.processes, facts
    for line in experiments.run_experiment(name, variants, corpora, params, *where):
        print(line, flush=True)


def run_notebook_command(arguments):
    """Execute one notebook into ``reports/notebooks``."""
    from sedlib.reports.notebooks import run_notebook

    load_params()  # an error in params.yaml is reported here, before a kernel starts
    print(run_notebook(arguments.source, workspace() / "reports" / "notebooks"))


def publish_command(arguments):
    """Copy the outputs of the executed notebooks into the ``.ipynb`` files in ``notebooks``."""
    from sedlib.reports.notebooks import publish

    executed = workspace() / "reports" / "notebooks"
    for source in arguments.sources or sorted((repository() / "notebooks").glob("*.py")):
        print(publish(source, executed / f"{source.stem}.ipynb"))


def report_command(_):
    """Write both cards, the page of all results, and the table and formats of the README."""
    from sedlib.reports import cards, tables

    params, data, reports = load_params(), workspace() / "data", workspace() / "reports"
    metrics, ablation, transfer, description = (
        json.loads(path.read_text(encoding="utf-8"))
        for path in (
            reports / "metrics.json",
            reports / "experiments" / "ablation_metrics.json",
            reports / "experiments" / "transfer_metrics.json",
            data / "model" / "model.json",
        )
    )
    write_text(cards.model_card(metrics, description), reports / "model_card.md")
    write_text(cards.data_card(params, data / "episodes"), reports / "data_card.md")
    page = tables.results_page(metrics, ablation, transfer, params.episodes.source)
    write_text(page, reports / "results.md")
    readme = repository() / "README.md"
    text = readme.read_text(encoding="utf-8")
    text = tables.replace_block(text, "results", tables.results_block(metrics, params))
    write_text(tables.replace_block(text, "formats", tables.formats_block()), readme)


@contextmanager
def _native_messages_hidden():
    """Hide what TensorFlow's C++ libraries write to the terminal while they are loaded."""
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _progress_bar(**options):
    """Return a progress bar in seconds of sound; nothing is drawn outside a terminal."""
    return tqdm(unit=" s of sound", disable=None, file=sys.stderr, **options)


def _total_duration(files):
    """Add up the durations in seconds of all files that state one."""
    total = 0.0
    for file in files:
        try:
            total += audio.probe(file).duration or 0.0
        except audio.AudioError:
            continue  # detection reports the file
    return total


def _read_reference(path, names):
    """Read the reference annotations from a file or a folder."""
    if not path.is_dir():
        return annotations.read(path)
    found = annotations.read_folder(path, names)
    for error in found.errors["error"]:
        print(f"sedlib: {error}", file=sys.stderr)
    return found.events


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


def _parse_hop(text):
    """Parse ``0.5`` or ``frames``."""
    if text not in HOPS:
        raise argparse.ArgumentTypeError(f"'{text}' is not one of 1.0, 0.5, 0.2, 0.1 and frames")
    return HOPS[text]


def _parse_alias(text):
    """Parse ``speech=speaking``, or ``silence=`` to leave a label out."""
    label, sign, target = text.partition("=")
    if not label or not sign:
        raise argparse.ArgumentTypeError(f"'{text}' is not LABEL=CLASS, or LABEL= to leave it out")
    return label, target or None


def _build_parser():
    parser = argparse.ArgumentParser(prog="sedlib", description="Sound event detection.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    def add(name, function, help):
        command = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        command.set_defaults(run=function)
        return command.add_argument

    folder, notebook = ({"type": Path, "metavar": metavar} for metavar in ("FOLDER", "NOTEBOOK"))
    repeated = {"action": "append", "default": []}
    alias = {"type": _parse_alias, "metavar": "LABEL=CLASS", **repeated}
    alias_help = "map a label to a class; LABEL= leaves its events out; may be repeated (default: "

    option = add("detect", detect_command, "detect the events in media files")
    option("files", nargs="+", type=Path, metavar="FILE", help="media files, or folders of them")
    option(
        "--output", **folder, default="detected", help="folder of results (default: %(default)s)"
    )
    option("--model", **folder, help="folder of the model (default: data/model)")
    option(
        "--format",
        choices=[name for name, form in annotations.FORMATS.items() if form.write],
        default="json",
        help="annotation format of the events (default: %(default)s)",
    )
    option(
        "--hop",
        type=_parse_hop,
        default="1.0",
        metavar="{1.0,0.5,0.2,0.1,frames}",
        help="time between scored segments in seconds, or 'frames' for frame-level scores "
        "(44 per second) (default: %(default)s)",
    )
    hidden = {"help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
    option("--step", dest="hop", type=_parse_hop, **hidden)
    option(
        "--threshold",
        type=_parse_threshold,
        metavar="[CLASS=]VALUE",
        **repeated,
        help="a class is detected when its score reaches this value in [0, 1]; for one class or "
        "for all; may be repeated (default: the thresholds of the model)",
    )
    option("--scores", action="store_true", help="also write NAME.scores.tsv (default: no)")
    option(
        "--reference",
        type=Path,
        metavar="PATH",
        help="file or folder of reference annotations, to compute metrics (default: none)",
    )
    option("--truth", dest="reference", type=Path, **hidden)
    option("--alias", **alias, help=f"{alias_help}none)")

    option = add("check", check_command, "check media files and their annotations")
    option("folder", **folder, help="folder of media files with their annotations")
    option("--split", action="store_true", help="also check the split in params.yaml (default: no)")
    option("--json", action="store_true", help="print JSON (default: print tables)")
    option(
        "--write-corrected",
        **folder,
        help="write corrected annotations to this folder (default: write none)",
    )
    option("--alias", **alias, help=f"{alias_help}those of params.yaml)")

    add("episodes", episodes_command, "create or collect the episodes of the split")
    option = add("run-notebook", run_notebook_command, "execute a notebook")
    option("source", **notebook, help="its .py file")
    option = add("experiment", experiment_command, "train the networks of an experiment")
    option(
        "name",
        choices=("ablation", "transfer"),
        help="ablation: starting from the 2018 configuration, each variant adds one change "
        "(notebook 6); transfer: train on synthetic episodes, on episodes mixed from recordings, "
        "and on both (notebook 7); takes half an hour to several hours on two cores",
    )
    option(
        "--processes",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="number of parallel training runs; 0 trains one network after the other with all "
        "cores or a GPU (default: the number of cores, %(default)s)",
    )
    option = add("publish", publish_command, "copy outputs into the notebooks' .ipynb files")
    option("sources", nargs="*", **notebook, help="their .py files (default: notebooks/*.py)")
    add("report", report_command, "write both cards, the page of results and the README's table")
    return parser


def main(arguments=None):
    """Run a command; an error that the user can correct ends in one sentence and exit code 1.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the command line.
    """
    arguments = _build_parser().parse_args(arguments)
    try:
        arguments.run(arguments)
    except SedlibError as error:
        sys.exit(f"sedlib: {error}")
    except KeyboardInterrupt:
        print("sedlib: interrupted; run the same command to continue", file=sys.stderr)
        sys.exit(130)  # 128 + SIGINT, as in shells
