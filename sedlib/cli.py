"""The command line: the commands that users run, and those that the DVC stages run.

Each command imports what it needs in its own function, because importing TensorFlow takes
several seconds.
"""

import json
import shutil
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

from sedlib import audio
from sedlib.config import load_params, repository, workspace
from sedlib.errors import SedlibError, import_extra
from sedlib.files import write_text
from sedlib.names import (
    check_aliases,
    check_class,
    check_distinct,
    counted,
    listed,
    printable,
)
from sedlib.workers import count_processors

RELEASED = Path(__file__).parents[1] / "models" / "released"  # what comes with the repository


def detect_command(arguments):
    """Detect the events in media files; the exit code is 1 if a file could not be read."""
    from sedlib import batch
    from sedlib.models import read_description

    model, output = _find_model(arguments.model), arguments.output
    classes = read_description(model)["classes"]
    search = batch.search_places(arguments.files)
    faults = [f"{folder}: {reason}" for folder, reason in search.closed.items()]
    if not search.files:
        raise SedlibError(
            "; ".join(["there is no media file to process", *faults, *search.remarks])
        )
    options = _detection_options(arguments, classes)
    tasks, reference = _plan_detection(arguments, search.files, model, options, classes)
    print(f"model: {printable(model)}")
    outcomes = _detect(arguments, tasks, model, options, reference)
    if table := batch.count_table(outcomes, classes, shutil.get_terminal_size().columns):
        print(f"\n{table}\n")
    for remark in search.remarks:
        print(remark)
    faults += reference.faults if reference else ()
    faults += [outcome.fault for outcome in outcomes if outcome.fault]
    for fault in faults:
        print(f"sedlib: {printable(fault)}", file=sys.stderr)
    if arguments.html:
        batch.write_index(output, arguments.overwrite)
    if reference and len(outcomes) == len(tasks):
        _print_metrics(arguments, outcomes, reference, classes)
    if outdated := batch.outdated_results(tasks, outcomes, output, options, reference):
        names = listed(map(printable, outdated), most=3)
        print(
            "Outdated: an earlier run wrote these from another file, model or reference, or with "
            "other options, and this run did not write them again (add --format, --scores, --html "
            f"or --reference to do so): {names}"
        )
    done = sum(outcome.fault is None for outcome in outcomes)
    print(f"{done} of {counted(len(tasks), 'file')} done: {printable(output)}")
    sys.exit(1 if faults else 0)


def _detection_options(arguments, classes):
    """Return how to detect events, and what to write."""
    from sedlib.arguments import HOPS
    from sedlib.batch import Options

    return Options(
        format=arguments.format,
        hop=HOPS[arguments.hop],
        thresholds={
            name: value
            # The value for all classes comes first, wherever it is on the command line.
            for label, value in sorted(arguments.threshold, key=lambda given: given[0] != "")
            for name in ([label] if label else classes)
        },
        scores=arguments.scores,
        track=arguments.track,
        html=arguments.html,
    )


def _plan_detection(arguments, files, model, options, classes):
    """Return the tasks, and the reference annotations, if any.

    The reference is read before the first file is decoded, which may take hours.
    """
    from sedlib import batch

    further = []
    if arguments.reference:
        further.append(batch.METRICS)
    if arguments.html:
        further.append(batch.INDEX)
    plan = partial(
        batch.plan_tasks, files, model, arguments.output, options, arguments.overwrite, further
    )
    tasks, reference = plan(), None
    if arguments.reference:
        from sedlib.batch.reference import read_reference

        aliases = _read_aliases(arguments, classes)
        reference = read_reference(arguments.reference, tasks, arguments.output, classes, aliases)
        if arguments.html:  # a page is made again when the reference has changed
            tasks = plan(reference)
    return tasks, reference


def _detect(arguments, tasks, model, options, reference):
    """Detect the events of each file, and print what comes of it; return the outcomes."""
    from sedlib import batch
    from sedlib.progress import Progress

    pending, outcomes = [task.path for task in tasks if not task.outcome], []
    pool = _choose_pool(arguments, len(pending))
    with Progress(_total_duration(pending)) as progress:
        made = batch.detect_tasks(
            tasks, model, arguments.output, options, arguments.overwrite, progress, reference, pool
        )
        with closing(made):
            for outcome in made:
                outcomes.append(outcome)
                result = counted(sum(outcome.events.values()), "event")
                result += ", already done" if outcome.done_before else ""
                result = "not done" if outcome.fault else result
                progress.write(f"{printable(outcome.path)}: {result}")
                for remark in outcome.remarks:
                    progress.write(printable(remark))
    return outcomes


def _print_metrics(arguments, outcomes, reference, classes):
    """Score the events against the reference, and print the metrics."""
    from sedlib.batch.compare import compare_with_reference

    table, remarks = compare_with_reference(
        outcomes, reference, classes, arguments.output, arguments.overwrite
    )
    print("\n".join([*reference.remarks, *remarks]))
    print(table.to_string(float_format="{:.2f}".format, na_rep="–"))


def check_command(arguments):
    """Check a folder of episodes; the exit code is 0, 1 (warnings) or 2 (errors)."""
    from sedlib import check
    from sedlib.progress import Progress

    known = _what_is_known(arguments)
    if arguments.write_corrected:
        check.refuse_target(arguments.write_corrected, arguments.folder)
    known["split"] = load_params().split if arguments.split else None
    aliases = _read_aliases(arguments, known["classes"])
    known["aliases"] = known.get("aliases", {}) | aliases
    with Progress(keep=False) as progress:
        report = check.check_folder(arguments.folder, **known, progress=progress)
    if arguments.json:
        print(json.dumps(check.as_json(report), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        print(check.render(report))
    if arguments.write_corrected:
        check.write_corrected(report, arguments.write_corrected)
        print(f"corrected annotations written to {arguments.write_corrected}", file=sys.stderr)
    sys.exit(report.exit_code)


def export_command(arguments):
    """Write a model in a format that other programs run."""
    from sedlib.export import export_model

    print(export_model(_find_model(arguments.model), arguments.output, arguments.format))


def _read_aliases(arguments, classes):
    """Return the aliases that were given; raise if they cannot be meant so."""
    try:
        check_aliases(arguments.alias, classes, "--alias", nothing="nothing")
    except ValueError as error:
        raise SedlibError(str(error)) from None
    return dict(arguments.alias)


def _what_is_known(arguments):
    """Return what to check against: labels as given, or those of a model or of params.yaml."""
    known = {}
    if arguments.model:
        from sedlib.models import read_description

        model = read_description(arguments.model)
        known = {"classes": model["classes"], "sample_rate": model["stft"]["sample_rate"]}
    if arguments.classes:
        try:
            given = tuple(dict.fromkeys(arguments.classes))
            known["classes"] = check_distinct(tuple(map(check_class, given)))
        except ValueError as error:
            raise SedlibError(f"--classes: {error}") from None
    if known:
        return known
    if not (repository() / "params.yaml").is_file():
        raise SedlibError(
            "no classes to check against: there is no params.yaml in this folder or above it; "
            "name them with --classes, or a model with --model"
        )
    params = load_params()
    known = {"classes": params.classes, "aliases": params.episodes.aliases}
    return known | {"sample_rate": params.stft.sample_rate}


def episodes_command(arguments):
    """Create or collect the episodes of the split, with one process per core or on a cluster."""
    from sedlib import sources

    params = load_params()
    pool = _open_cluster(arguments.scheduler) if arguments.scheduler else None
    source = repository() / params.episodes.folder
    target = (workspace() / "data" / "episodes").absolute()
    corrections, left_out = sources.prepare_episodes(
        params, source, target, count_processors(), pool=pool
    )
    for row in corrections.itertuples():
        fault = f"row {row.row}: {row.event_label}: {row.error}, {row.correction}"
        print(printable(f"{row.filename}: {fault}"))
    for file in left_out.itertuples():
        print(printable(f"left out: {file.name}: {file.reason}"))
    print(f"{target}: {len(params.split.episodes)} episodes in the split; ", end="")
    print(f"corrections of annotations: {len(corrections)}; files left out: {len(left_out)}")


def experiment_command(arguments):
    """Run an experiment; it takes half an hour to several hours on two cores."""
    from sedlib import experiments
    from sedlib.corpus import open_corpus

    params, data, name = load_params(), workspace() / "data", arguments.name
    scratch, target = data / "experiments", workspace() / "reports" / "experiments"
    corpora = [open_corpus(params, data)]
    if name == "ablation":
        epochs = {"epochs": params.experiments.ablation_epochs}
        params = params.model_copy(update={"train": params.train.model_copy(update=epochs)})
        variants, facts = experiments.ablation_variants(params.train), {}
    else:
        soundbank = experiments.open_recordings(params)
        corpora.append(
            experiments.make_corpus(params, scratch / name, count_processors(), soundbank)
        )
        variants = experiments.transfer_variants(*corpora)
        facts = {"recordings_and_groups": experiments.count_recordings(soundbank, params)}
    runs, processes = scratch / f"{name}_runs", arguments.processes
    if processes is None:
        processes = count_processors()
    for line in experiments.run_experiment(
        name, variants, corpora, params, runs, target, processes, facts
    ):
        print(line, flush=True)


def release_command(_):
    """Train the model that comes with the repository; it takes about an hour on two cores."""
    from sedlib import experiments
    from sedlib.models import read_description
    from sedlib.reports import cards

    scratch, target = workspace() / "data/experiments/release", workspace() / "models/released"
    *results, credits = experiments.make_release(load_params(), scratch, target, count_processors())
    card = cards.release_card(*results, credits, read_description(target))
    write_text(card, target / "README.md")
    write_text(cards.credits_table(credits), target / "CREDITS.md")


def run_notebook_command(arguments):
    """Execute one notebook into ``reports/notebooks``."""
    from sedlib.reports.notebooks import run_notebook

    load_params()  # an error in params.yaml is reported here, before a kernel starts
    print(run_notebook(arguments.source, workspace() / "reports" / "notebooks"))


def publish_command(_):
    """Copy notebooks, figures, model, cards and tables to the version-controlled files."""
    from sedlib.reports.publication import publish_results

    for path in publish_results(load_params(), workspace(), repository()):
        print(path)


def compare_command(_):
    """Say whether the last run gave the published results again."""
    from sedlib.reports.reproduction import reproduction_text

    print(reproduction_text(workspace(), repository()))


def site_command(_):
    """Write the report site: ``reports/index.html`` and ``reports/site``."""
    from sedlib.reports.site import write_site

    top = workspace()
    print(write_site(load_params(), top / "data", top / "reports", count_processors()))


def _find_model(named):
    """Return the folder of the model; raise if it holds none."""
    from sedlib.models import DESCRIPTION

    folder = named or RELEASED
    if not (folder / DESCRIPTION).is_file():
        raise SedlibError(
            f"no model in {folder.absolute()} (there is no {DESCRIPTION}); name a folder that "
            "contains one, or use a checkout of the project, which contains one"
        )
    return folder


def _choose_pool(arguments, n_files):
    """Return what makes the pool that detects; None if this process does it."""
    if arguments.scheduler:
        import_extra("distributed", "dask", "--scheduler")
        from sedlib.batch.cluster import ClusterPool

        return partial(ClusterPool, address=arguments.scheduler)
    if n_files < 2:
        return None
    jobs = min(arguments.jobs or count_processors(), n_files)
    if jobs == 1:
        return None
    from sedlib.batch.processes import ProcessPool

    return partial(ProcessPool, jobs=jobs)


def _open_cluster(address):
    """Return the pool of workers of a cluster."""
    import_extra("distributed", "dask", "--scheduler")
    from sedlib.cluster import cluster_pool

    return cluster_pool(address)


def _total_duration(files):
    """Add up the durations in seconds of all files that state one; 0 if some are in a store."""
    from sedlib.places import is_remote

    total = 0.0
    if any(map(is_remote, files)):
        return total
    for file in files:
        try:
            total += audio.probe(file).duration or 0.0
        except audio.AudioError:
            continue  # detection reports the file
    return total


def build_parser():
    """Build the parser of the command line; ``run`` in what it parses is the command."""
    from sedlib import arguments

    return arguments.build_parser(
        {
            "detect": detect_command,
            "check": check_command,
            "export": export_command,
            "episodes": episodes_command,
            "run-notebook": run_notebook_command,
            "experiment": experiment_command,
            "compare": compare_command,
            "publish": publish_command,
            "release": release_command,
            "site": site_command,
        }
    )
