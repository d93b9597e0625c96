"""Measure how far results move from training to training; see `make spread`.

Notebooks 3 and 4 are run again with other seeds, and with the instructions of older processors.
Their last run in the checkout counts as one more. The result goes to
``reports/training_spread.json``, from which `nbval_tolerance` takes the tolerances of notebook 3,
and `sedlib compare` those of the results on the test episodes.
"""

import argparse
import os
import platform
import re
from pathlib import Path
from unittest import mock

import nbformat
from nbval_tolerance import ROOT, SPREAD, named_numbers

from sedlib.config import WORKSPACE_VARIABLE, load_params
from sedlib.files import read_json, write_json
from sedlib.reports.notebooks import run_notebook

SOURCE = ROOT / "notebooks" / "03_train_cnn_rnn.py"
EVALUATION = ROOT / "notebooks" / "04_evaluate_per_class.py"
SUMMARY = Path("reports", "summary.json")
STORED = "as stored"
# Parameters of the notebook, and environment variables of its kernel.
RUNS = {
    "seed 1": ({"seed": 1}, {}),
    "seed 2": ({"seed": 2}, {}),
    "AVX2": ({}, {"ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"}),
    "SSE4.1": ({}, {"ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem"}),
}


def main():
    """Run both notebooks in all ways, or in those that are named, and write the spread."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=RUNS, help="may be repeated")
    parser.add_argument("--output", type=Path, default=SPREAD)
    arguments = parser.parse_args()
    executed = {STORED: ROOT / "reports" / "notebooks" / f"{SOURCE.stem}.ipynb"}
    summaries = {STORED: summary_of_training(ROOT / SUMMARY)}
    for name in arguments.only or RUNS:
        print(f"notebooks 3 and 4, {name}", flush=True)
        executed[name], summaries[name] = train(name, *RUNS[name])
    values = collect_values([trained_numbers(path) for path in executed.values()])
    write_json(
        {
            "runs": {name: RUNS.get(name, ({}, {})) for name in executed},
            "train": load_params().train.model_dump(),
            "processor": f"{platform.machine()}, {os.cpu_count()} cores",
            "spread": {kind: largest_range(rows) for kind, rows in values.items()},
            "values": values,
            "summaries": summaries,
        },
        arguments.output,
    )


def train(name, parameters, environment):
    """Train and evaluate on the checkout's features; return the executed notebook and the summary.

    A training that was interrupted is continued.
    """
    scratch = ROOT / "data" / "experiments" / "training_spread" / re.sub(r"\W+", "_", name)
    for folder in ("episodes", "features"):
        link = scratch / "data" / folder
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT / "data" / folder, target_is_directory=True)
    with mock.patch.dict(os.environ, environment | {WORKSPACE_VARIABLE: str(scratch)}):
        executed = run_notebook(SOURCE, scratch, parameters)
        run_notebook(EVALUATION, scratch)
    return executed, summary_of_training(scratch / SUMMARY)


def summary_of_training(path):
    """Read a summary, without the baseline: it is fitted alike whatever the network."""
    return {name: part for name, part in read_json(path).items() if name != "baseline"}


def trained_numbers(path):
    """Name the numbers that the cells tagged `trained` of a notebook show.

    Returns
    -------
    list of (str, str or None, str)
        As `named_numbers`.
    """
    cells = nbformat.read(path, as_version=4).cells
    trained = [cell for cell in cells if "trained" in cell.metadata.get("tags", [])]
    outputs = [output for cell in trained for output in cell.outputs]
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
    return [number for text in texts for number in named_numbers(text)]


def collect_values(runs):
    """Collect the numbers of several runs by kind and name.

    Parameters
    ----------
    runs : list of list of (str, str or None, str)
        As `trained_numbers` of each run.

    Returns
    -------
    dict of str to dict of str to list of float
        By kind and name, one value for each run.

    Raises
    ------
    SystemExit
        If the runs do not show numbers of the same names, or one that moves has no kind.
    """
    names = [[(name, kind) for name, kind, _ in run] for run in runs]
    if any(other != names[0] for other in names):
        raise SystemExit("the runs show different numbers; run `make reproduce` first")
    values = {}
    for same in zip(*runs, strict=True):
        (name, kind, first), numbers = same[0], [number for _, _, number in same]
        if kind:
            values.setdefault(kind, {})[name] = [float(number) for number in numbers]
        elif set(numbers) != {first}:
            raise SystemExit(f"'{name}' is {', '.join(numbers)}: add its kind to nbval_tolerance")
    return values


def largest_range(rows):
    """Return how far apart two runs are at most, over all numbers of a kind."""
    return round(max(max(values) - min(values) for values in rows.values()), 6)


if __name__ == "__main__":
    main()
