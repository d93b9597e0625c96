"""Markdown tables of results. Every number is read from what a stage has written."""

import math
import re

from sedlib.annotations import FORMATS

# What the results can and cannot show, by ``episodes.source``.
LIMITS = {
    "synthetic": "The episodes are synthetic: results on them describe detection in synthetic "
    "episodes of this kind and do not predict the performance on real broadcasts.",
    "soundbank": "The episodes are mixed from recordings: results on them describe detection in "
    "mixed episodes of this kind and do not predict the performance on real broadcasts.",
    "folder": "The episodes are your own: results on them show how well the method works on "
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

BASELINE = "The baseline is a logistic regression on the logarithm of the time-averaged spectrum."

# How segments are labelled for the table of results, and why its F1 differs from another one.
LABEL_RULE = (
    "Segments are labelled by `labels.rule` in `params.yaml`; unless it is `any`, the F1 of this "
    "table is not comparable with the segment-based F1 below, whose rule is that of sed_eval."
)

# Format specifications of the ablation: three decimals, gains with a sign, no negative zero.
VALUE, GAIN = "z.3f", "+z.3f"

# The metrics whose segments are labelled by any overlap, whatever ``labels.rule`` is.
ANY_OVERLAP = "segment-based"


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
            escape_markdown(label),
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
            f"{name}, labels for any overlap" if name.startswith(ANY_OVERLAP) else name,
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

Written by `make publish`. Square brackets give the 95 % confidence interval. {LIMITS[source]}

## Results by class (one-second segments)
{LABEL_RULE}
{BASELINE}

{results_table(metrics)}

## Standard SED metrics
The columns are for events from segment-level and from frame-level scores. Notebook 4 explains the
metrics and how the confidence intervals are computed.

{literature_table(metrics)}

## Ablation and transfer
Notebooks 6 and 7 explain these experiments. Their results are stored and do not change with
`params.yaml`, until `make experiment` or `make experiment NAME=transfer` trains the networks again.
The confidence intervals account for the choice of test segments and for the random seed.

{experiments_block(ablation, transfer)}
"""


def formats_block():
    """List the annotation formats that `sedlib detect` can write, for the README."""
    return "\n".join(
        f"- `{name}`: {format.description}{', with scores' * bool(format.scores)}"
        for name, format in FORMATS.items()
        if format.write
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
        Markdown: macro F1 and gain of each change since 2018, and macro F1 by variant and
        test corpus.
    """
    setup = ablation["setup"]
    sentence = (
        f"The ablation uses {setup['corpus']} episodes of {setup['classes']} classes. Each variant "
        f"was trained with {setup['seeds']} seeds for {setup['epochs']} epochs of "
        f"{setup['examples_per_epoch']} examples; the convolutions of the 2018 network have "
        f"{setup['vtt2018_width']:g} of their original channels. The runs took {setup['hours']} "
        f"hours in all on {setup['processor']}. The thresholds are 0.5, except for `tuned "
        "thresholds`, which evaluates the networks of the row above with thresholds chosen on the "
        "validation episodes."
    )
    transferred = (
        "The transfer experiment compares networks that were trained on different episodes, with "
        "thresholds chosen on the validation episodes of the same kind."
    )
    rows = [
        [
            f"+ {name}" if "gain" in row else name,
            _format_row(row["value"], VALUE),
            _format_row(row["gain"], GAIN) if "gain" in row else "",
        ]
        for name, row in ablation["macro F1"].items()
    ]
    total = _format_row(ablation["total gain in macro F1"], GAIN)
    rows.append(["**all changes**", "", f"**{total}**"])
    variants = list(dict.fromkeys(name for results in transfer.values() for name in results))
    tests = [
        [f"tested on {corpus}", *(_format_row(results[name]["macro"]) for name in variants)]
        for corpus, results in transfer.items()
    ]
    return "\n\n".join(
        [
            sentence,
            markdown_table(["variant", "macro F1", "gain"], rows),
            transferred,
            markdown_table(["macro F1", *(f"trained on {name}" for name in variants)], tests),
        ]
    )


def escape_markdown(text):
    """Write a name so that Markdown and HTML show it as it is.

    Parameters
    ----------
    text : str
        For example a class or an episode.

    Returns
    -------
    str
        On one line.
    """
    marks = r"[\\`*~\[\]<>|&$]|(?<![^\W_])_|_(?![^\W_])"  # an underscore within a word is none
    return re.sub(marks, r"\\\g<0>", " ".join(text.split()))


def markdown_table(header, rows, text_columns=1):
    """Format a table in Markdown.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequence of str
        Markdown; see `escape_markdown` for names.
    text_columns : int
        How many of the first columns are aligned left; the others are aligned right.

    Returns
    -------
    str
    """
    rule = ["---"] * text_columns + ["---:"] * (len(header) - text_columns)
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    return "\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]])


def format_number(value, bounds=None, style="z.2f"):
    """Format a number, with its interval in brackets.

    Parameters
    ----------
    value : float
    bounds : (float, float), optional
    style : str
        Format specification of Python, for the number and its interval. Default: two decimals,
        without a negative zero.

    Returns
    -------
    str
        A dash for nan.
    """
    if math.isnan(value):
        text = "–"
    else:
        text = format(value, style)
    if bounds is None:
        return text
    low, high = bounds
    return f"{text} [{format_number(low, style=style)}, {format_number(high, style=style)}]"


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


def _format_row(row, style="z.2f"):
    """Format an estimate with the bounds of its interval."""
    return format_number(row["estimate"], (row["low"], row["high"]), style)
