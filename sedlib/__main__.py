"""The command line: the steps that DVC's stages call."""

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from sedlib import report
from sedlib.annotations import AnnotationError, write_json, write_text
from sedlib.audio import AudioError, write_flac
from sedlib.config import ConfigError, load_params, repository, workspace
from sedlib.notebooks import NotebookError, publish, run_notebook
from sedlib.synthesis import synthesise


def make_episode(params, folder, name):
    """Make one synthetic episode: ``NAME.flac`` and its annotation ``NAME.json``.

    Parameters
    ----------
    params : sedlib.config.Params
    folder : pathlib.Path
    name : str
    """
    waveform, events = synthesise(name, params)
    write_flac(folder / f"{name}.flac", waveform, params.features.sample_rate)
    write_json(events, folder / f"{name}.json")


def synthesise_command(_):
    """Make every episode of the split, one process a core."""
    params = load_params()
    folder = workspace() / "data" / "episodes"
    folder.mkdir(parents=True, exist_ok=True)
    names = params.split.episodes
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(partial(make_episode, params, folder), names)
        for name, _ in zip(names, made, strict=True):
            print(f"{name}: {params.episodes.duration:.0f} s", flush=True)


def run_notebook_command(arguments):
    """Run one notebook into ``reports/notebooks``."""
    load_params()  # a fault in it is better said before a kernel starts
    print(run_notebook(arguments.source, workspace() / "reports" / "notebooks"))


def publish_command(_):
    """Copy the outputs of the executed notebooks into the pairs under ``notebooks``."""
    for source in sorted((repository() / "notebooks").glob("*.py")):
        print(publish(source, workspace() / "reports" / "notebooks" / f"{source.stem}.ipynb"))


def report_command(_):
    """Write the model card, and the results into the README of the checkout."""
    reports = workspace() / "reports"
    metrics = json.loads((reports / "metrics.json").read_text(encoding="utf-8"))
    model = workspace() / "data" / "model" / "model.json"
    description = json.loads(model.read_text(encoding="utf-8"))
    write_text(report.model_card(metrics, description), reports / "model_card.md")
    readme = repository() / "README.md"
    text, table = readme.read_text(encoding="utf-8"), report.results_table(metrics)
    write_text(report.replace_block(text, "results", table), readme)


def main(arguments=None):
    """Run a command; a fault that the user can mend ends in one sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="sedlib", description="Sound event detection.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("synthesise", help="make the synthetic episodes")
    command.set_defaults(run=synthesise_command)
    command = commands.add_parser("run-notebook", help="execute the text half of a notebook")
    command.add_argument("source", type=Path, help="the .py half")
    command.set_defaults(run=run_notebook_command)
    command = commands.add_parser("publish", help="copy outputs into the notebooks of the pairs")
    command.set_defaults(run=publish_command)
    command = commands.add_parser("report", help="write the model card and the README's table")
    command.set_defaults(run=report_command)
    arguments = parser.parse_args(arguments)
    try:
        arguments.run(arguments)
    except (AnnotationError, AudioError, ConfigError, NotebookError) as error:
        sys.exit(f"sedlib: {error}")


if __name__ == "__main__":
    main()
