"""Markdown tables of results. Every number is read from what a stage has written."""

import math
import re

from sedlib.annotations import FORMATS

# What the results can and cannot show, by ``episodes.source``.
LIMITS = {
    "synthetic": "The episodes are synthetic: these results describe detection in synthetic "
    "episodes of this kind and do not predict the performance on real broadcasts.",
    "soundbank": "The episodes are mixed from recordings: these results describe detection in "
    "mixed episodes of this kind and do not predict the performance on real broadcasts.",
    "folder": "The episodes are your own: these results show how well the method works on "
    "episodes like them.",
}

COLUMNS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "iou": "IoU",
    "accuracy": "accuracy",
    "average_precision": "average precision",
}


def results_table(metrics):
    """Build the table of results per class on the test episodes, with the baseline's F1.

    Parameters
    ----------
    metrics : dict
        ``reports/metrics.json``.

    Returns
    -------
    str
        A Markdown table: values with two digits, F1 with its confidence interval, the support
        in seconds, a dash where a value is not defined.
    """
    test, baseline = metrics["test"], metrics["baseline"]
    bounds = test["intervals"]
    rows = [
        [
            label,
            *_result_cells(row, bounds.get(label, {})),
            format_number(baseline["classes"][label]["f1"]),
            str(row["support"]),
        ]
        for label, row in test["classes"].items()
    ]
    macro = _result_cells(test["macro"], bounds["macro"])
    macro.append(format_number(baseline["macro"]["f1"]))
    rows.append([*(f"**{cell}**" for cell in ["macro", *macro]), ""])
    return markdown_table(["class", *COLUMNS.values(), "baseline F1", "support (s)"], rows)


def literature_table(metrics):
    """Build the table of the metrics that are common in the literature.

    Parameters
    ----------
    metrics : dict
        ``reports/metrics.json``.

    Returns
    -------
    str
        A Markdown table with a row for each metric and a column for each time grid; with
        confidence intervals where there are any, and a dash where a metric does not apply.
    """
    values, bounds = metrics["literature"], metrics["literature_intervals"]
    names = dict.fromkeys(name for column in values.values() for name in column)
    rows = [
        [
            name,
            *(
                format_number(column.get(name, math.nan), bounds[grid].get(name))
                for grid, column in values.items()
            ),
        ]
        for name in names
    ]
    levels = {"segments": "segment-level", "frames": "frame-level"}
    header = ["metric, test episodes", *(levels.get(grid, grid) for grid in values)]
    return markdown_table(header, rows)


def results_block(metrics, params):
    """Build the table of results for the README, and state what the results can show.

    Parameters
    ----------
    metrics : dict
        ``reports/metrics.json``.
    params : sedlib.config.Params

    Returns
    -------
    str
        Markdown.
    """
    return f"{LIMITS[params.episodes.source]}\n\n{results_table(metrics)}"


def results_page(metrics, ablation, transfer, source):
    """Build the page of all results.

    Parameters
    ----------
    metrics, ablation, transfer : dict
        ``reports/metrics.json``, ``reports/experiments/ablation_metrics.json`` and
        ``transfer_metrics.json``.
    source : {"synthetic", "soundbank", "folder"}
        Where the episodes come from.

    Returns
    -------
    str
        Markdown.
    """
    return f"""# Results

Written by the `report` stage. Square brackets give the 95 % confidence interval. {LIMITS[source]}

## Each class, segments of one second
The baseline is a logistic regression on the time-averaged log spectrum.

{results_table(metrics)}

## Standard SED metrics
The columns are for events from segment-level and from frame-level scores. Notebook 4 explains the
metrics and how the confidence intervals are computed.

{literature_table(metrics)}

## Ablation and transfer
Notebooks 6 and 7 explain these experiments. Their confidence intervals account for the
choice of test segments and for the random seed.

{experiments_block(ablation, transfer)}
"""


def formats_block():
    """List the annotation formats that `sedlib detect` can write, for the README."""
    return "\n".join(
        f"- `{name}`: {format.description}" for name, format in FORMATS.items() if format.write
    )


def experiments_block(ablation, transfer):
    """Build the tables of the ablation and of the transfer experiment.

    Parameters
    ----------
    ablation, transfer : dict
        ``reports/experiments/ablation_metrics.json`` and ``transfer_metrics.json``.

    Returns
    -------
    str
        Markdown: macro F1 and gain of each change since 2018, and macro F1 by training and
        test episodes.
    """
    setup = ablation["setup"]
    sentence = (
        f"Ablation on {setup['corpus']} episodes of {setup['classes']} classes: {setup['seeds']} "
        f"seeds per variant, {setup['epochs']} epochs of {setup['examples_per_epoch']} examples, "
        f"the 2018 network at {setup['vtt2018_width']:g} of its width; {setup['hours']} hours of "
        f"training on {setup['processor']}."
    )
    rows = [
        [f"+ {name}", _format_row(row["value"]), _format_row(row["gain"])]
        if "gain" in row
        else [name, _format_row(row["value"]), ""]
        for name, row in ablation["macro F1"].items()
    ]
    rows.append(["**all changes**", "", f"**{_format_row(ablation['total gain in macro F1'])}**"])
    variants = list(dict.fromkeys(name for results in transfer.values() for name in results))
    tests = [
        [f"tested on {corpus}", *(_format_row(results[name]["macro"]) for name in variants)]
        for corpus, results in transfer.items()
    ]
    return "\n\n".join(
        [
            sentence,
            markdown_table(["variant", "macro F1", "gain"], rows),
            markdown_table(["macro F1", *(f"trained on {name}" for name in variants)], tests),
        ]
    )


def markdown_table(header, rows, text_columns=1):
    """Format a table in Markdown.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequence of str
    text_columns : int
        How many of the first columns are aligned left; the others are aligned right.

    Returns
    -------
    str
    """
    rule = ["---"] * text_columns + ["---:"] * (len(header) - text_columns)
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    return "\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]])


def format_number(value, bounds=None):
    """Format a number with two digits, and its interval in brackets.

    Parameters
    ----------
    value : float
    bounds : (float, float), optional

    Returns
    -------
    str
        A dash for nan. There is no negative zero.
    """
    if math.isnan(value):
        text = "–"
    else:
        text = f"{value:z.2f}"
    if bounds is None:
        return text
    low, high = bounds
    return f"{text} [{format_number(low)}, {format_number(high)}]"


def replace_block(text, name, block):
    """Put `block` between the markers of that name.

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
        If the markers are missing.
    """
    markers = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not markers.search(text):
        raise ValueError(f"the text has no <!-- {name} --> and <!-- /{name} -->; add both lines")
    return markers.sub(lambda found: f"{found[1]}{block}\n{found[2]}", text)


def _result_cells(row, bounds):
    """Format the columns of a row; F1 with its interval, if `bounds` has one."""
    return [
        format_number(row[column], bounds.get("f1") if column == "f1" else None)
        for column in COLUMNS
    ]


def _format_row(row):
    """Format an estimate with the bounds of its interval."""
    return format_number(row["estimate"], (row["low"], row["high"]))
