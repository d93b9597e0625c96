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
from sedlib.files import printable, read_json, write_text

HOPS = {"1.0": 1.0, "1": 1.0, "0.5": 0.5, "0.2": 0.2, "0.1": 0.1, "frames": "frames"}


def detect_command(arguments):
    """Detect the events in media files; the exit code is 1 if a file could not be read."""
    from sedlib import batch
    from sedlib.models import read_description

    model, output = _find_model(arguments.model), arguments.output
    classes = read_description(model)["classes"]
    search = audio.search_media(arguments.files)
    faults = [f"{folder}: {reason}" for folder, reason in search.closed.items()]
    if not search.files:
        raise SedlibError(
            "; ".join(["there is no media file to process", *faults, *search.remarks])
        )
    thresholds = {
        name: value
        for label, value in arguments.threshold
        for name in ([label] if label else classes)
    }
    how = arguments.format, arguments.hop, thresholds, arguments.scores, arguments.track
    options = batch.Options(*how, arguments.html)
    where = model, output, options, arguments.overwrite
    further = [batch.METRICS] * bool(arguments.reference) + [batch.INDEX] * arguments.html
    tasks = batch.plan_tasks(search.files, *where, further)
    reference, aliases = None, dict(arguments.alias)
    if arguments.reference:  # before the first file is decoded, which may take hours
        from sedlib.batch.reference import read_reference

        reference = read_reference(arguments.reference, tasks, output, classes, aliases)
        if arguments.html:  # a page is made again when the reference has changed
            tasks = batch.plan_tasks(search.files, *where, further, reference)
    outcomes = []
    with _progress_bar(total=_total_duration(t.path for t in tasks if not t.outcome)) as bar:
        shown = _native_messages_hidden, bar.update, reference
        for outcome in batch.detect_tasks(tasks, *where, *shown):
            outcomes.append(outcome)
            result = f"{outcome.events} event{'' if outcome.events == 1 else 's'}"
            result += ", already done" if outcome.done_before else ""
            bar.write(f"{printable(outcome.path)}: {'not done' if outcome.fault else result}")
            for remark in outcome.remarks:
                bar.write(printable(remark))
    for remark in search.remarks:
        print(remark)
    faults += [outcome.fault for outcome in outcomes if outcome.fault]
    for fault in [*(reference.faults if reference else ()), *faults]:
        print(f"sedlib: {printable(fault)}", file=sys.stderr)
    if reference and len(outcomes) == len(tasks):
        from sedlib.batch.compare import compare_with_reference

        compared = outcomes, reference, classes, output, aliases, arguments.overwrite
        table, remarks = compare_with_reference(*compared)
        print("\n".join([*reference.remarks, *remarks]))
        print(table.to_string(float_format="{:.2f}".format, na_rep="–"))
    if arguments.html:
        batch.write_index(output, arguments.overwrite)
    done = sum(outcome.fault is None for outcome in outcomes)
    print(f"{done} of {len(tasks)} files done: {printable(output)}")
    sys.exit(1 if faults else 0)


def check_command(arguments):
    """Check a folder of episodes; the exit code is 0, 1 (warnings) or 2 (errors)."""
    from sedlib import check

    classes, aliases = _known_labels(arguments)
    if arguments.write_corrected:
        check.refuse_target(arguments.write_corrected, arguments.folder)
    with _progress_bar(leave=False) as bar:
        report = check.check_folder(
            arguments.folder,
            classes,
            split=load_params().split if arguments.split else None,
            aliases=aliases | dict(arguments.alias),
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


def _known_labels(arguments):
    """Return the classes to check against, as given or of a model or params.yaml; aliases."""
    if arguments.classes:
        return tuple(dict.fromkeys(arguments.classes)), {}
    if arguments.model:
        with _native_messages_hidden():
            from sedlib.models import read_description
        return tuple(read_description(arguments.model)["classes"]), {}
    if not (repository() / "params.yaml").is_file():
        raise SedlibError(
            "no classes to check against: there is no params.yaml in this folder or above it; "
            "name them with --classes, or a model with --model"
        )
    params = load_params()
    return params.classes, params.episodes.aliases


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
        read_json(path)
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


def _find_model(named):
    """Return the folder of the model; raise if it holds none."""
    from sedlib.models import DESCRIPTION

    folder = named or workspace() / "data" / "model"
    if not (folder / DESCRIPTION).is_file():
        raise SedlibError(
            f"no model in {folder.absolute()} (there is no {DESCRIPTION}); name the folder of a "
            "model with --model, or train one with `make reproduce` in a checkout of the project"
        )
    return folder


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


def build_parser():
    """Build the parser of the command line; ``run`` in what it parses is the command."""
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
    option(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="media files, or folders, which are searched to their full depth",
    )
    option(
        "--output", **folder, default="detected", help="folder of results (default: %(default)s)"
    )
    option(
        "--overwrite",
        action="store_true",
        help="also replace files in the folder of results that this command did not write, or "
        "that were changed since (default: no)",
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
    option(
        "--track",
        metavar="N|LANGUAGE",
        help="which of several audio tracks, by its number or language, such as 2 or eng "
        "(default: the one marked as default, else the first)",
    )
    option("--scores", action="store_true", help="also write NAME.scores.tsv (default: no)")
    option(
        "--html",
        action="store_true",
        help="also write NAME.html, a page with sound, spectrogram, scores and events, and "
        "index.html, which lists the pages (default: no)",
    )
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
    option(
        "--classes",
        nargs="+",
        action="extend",
        metavar="CLASS",
        help="the classes to check labels against (default: those of --model or params.yaml)",
    )
    option("--model", **folder, help="take the classes of this model (default: none)")
    option("--split", action="store_true", help="also check the split in params.yaml (default: no)")
    option("--json", action="store_true", help="print JSON (default: print tables)")
    option(
        "--write-corrected",
        **folder,
        help="write corrected annotations to this folder (default: write none)",
    )
    option("--alias", **alias, help=f"{alias_help}those of params.yaml, if it names the classes)")

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
