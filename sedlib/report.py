"""Tables and cards in Markdown, written from what a run has left: no number is typed."""

import math
import re

COLUMNS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "iou": "IoU",
    "accuracy": "accuracy",
    "average_precision": "average precision",
}


def results_table(metrics):
    """Set out the results per class on the test episodes, beside the baseline's F1.

    Parameters
    ----------
    metrics : dict
        ``reports/metrics.json``.

    Returns
    -------
    str
        A Markdown table; values with two digits, F1 with its 95 % interval, seconds as a
        whole number, a dash where a value is not defined.
    """
    head = ["", *COLUMNS.values(), "baseline F1", "seconds"]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    ours, baseline = metrics["test"], metrics["baseline"]
    bounds = ours["intervals"]
    for label, row in ours["classes"].items():
        cells = [*_cells(row, bounds.get(label, {})), _number(baseline["classes"][label]["f1"])]
        lines.append(f"| {label} | {' | '.join(cells)} | {row['support']} |")
    cells = [*_cells(ours["macro"], bounds["macro"]), _number(baseline["macro"]["f1"])]
    lines.append(f"| **macro** | {' | '.join(f'**{cell}**' for cell in cells)} | |")
    return "\n".join(lines)


def literature_table(metrics):
    """Set out the metrics that others publish under these names.

    Parameters
    ----------
    metrics : dict
        ``reports/metrics.json``.

    Returns
    -------
    str
        A Markdown table: a column for events in whole seconds and one for events of frames, with
        95 % intervals where there are any, a dash where a metric is not of that kind.
    """
    values, bounds = metrics["literature"], metrics["literature_intervals"]
    head = " | ".join(["metric, test episodes", *values])
    lines = [f"| {head} |", "|---" + "|---:" * len(values) + "|"]
    for name in dict.fromkeys(name for of_grid in values.values() for name in of_grid):
        cells = [
            _with_bounds(of_grid.get(name, math.nan), bounds[grid].get(name))
            for grid, of_grid in values.items()
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def model_card(metrics, description):
    """Say what the trained model is, was made from, can do and cannot.

    Parameters
    ----------
    metrics : dict
        ``reports/metrics.json``.
    description : dict
        ``data/model/model.json``.

    Returns
    -------
    str
        Markdown.
    """
    recipe = description["features"]
    versions = ", ".join(f"{name} {number}" for name, number in description["versions"].items())
    thresholds = "\n".join(
        f"| {label} | {threshold:.2f} |" for label, threshold in description["thresholds"].items()
    )
    return f"""# Model card

Written by the `report` stage from `data/model/model.json` and `reports/metrics.json`.

## What it is
The `{description["preset"]}` network: one second of mono sound at {recipe["sample_rate"]} Hz, as
|STFT| (n_fft {recipe["n_fft"]}, hop {recipe["hop_length"]}, Hann window {recipe["win_length"]}), to
a score in [0, 1] for each of {len(description["classes"])} classes. Several may sound at once.

## What it was made from
Trained on {", ".join(description["trained_on"])}; stopped, and thresholds chosen, on
{", ".join(description["validated_on"])}. Seed {description["seed"]}. Packages: {versions}. The MD5
sums of the features of each episode stand in `model.json`.

## How good it is
On the test episodes, clips of one second, thresholds chosen on the validation episode. In brackets
the 95 % interval of F1 over other minutes of these episodes (2000 resamples in blocks of 20 s); it
knows nothing of other episodes or of another training run. The baseline is a logistic regression on
the mean log spectrum.

{results_table(metrics)}

By the names and definitions of DCASE:

{literature_table(metrics)}

## Thresholds
| class | threshold |
|---|---:|
{thresholds}

## What it is not for
- It was trained on the episodes named above. If they are the synthetic default, the model has heard
  no real recording: retrain on your own annotated episodes before using it on any.
- A rare class rests on few seconds: its figures, and its threshold above all, are uncertain.
- A clip is judged by itself. Onsets and offsets are no finer than one second.
- It says that somebody speaks, not who or what: it is not made for watching people.
"""


def replace_block(text, name, block):
    """Put `block` between the marks of that name.

    Parameters
    ----------
    text : str
        Holds ``<!-- NAME -->`` and, further on, ``<!-- /NAME -->``.
    name, block : str

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the marks are not there.
    """
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(text):
        raise ValueError(f"no <!-- {name} --> and <!-- /{name} --> to put the block between")
    return marks.sub(lambda found: f"{found[1]}{block}\n{found[2]}", text)


def _cells(row, bounds):
    """Columns of one row, with their intervals where `bounds` has them for F1."""
    shown = {"f1": bounds.get("f1")}
    return [_with_bounds(row[column], shown.get(column)) for column in COLUMNS]


def _with_bounds(value, bounds=None):
    """Write a number and, if it is known, its interval."""
    text = _number(value)
    return text if bounds is None else f"{text} [{_number(bounds[0])}, {_number(bounds[1])}]"


def _number(value):
    return "–" if value != value else f"{value:.2f}"
