"""Markdown tables of results. Every number is read from what a stage has written."""

import math
import re
from pathlib import Path

import jinja2

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
    "Notebook 2 explains when a segment has the label of a class (`labels.rule` in `params.yaml`). "
    "The segment-based F1 further below follows sed_eval, where any overlap counts, so it is not "
    "comparable with the F1 of this table unless `labels.rule` is `any`."
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
    rows = []
    for label, row in (test["classes"] | {"macro": test["macro"]}).items():
        f1 = test["intervals"].get(label, {}).get("f1")
        cells = [format_number(row[name], f1 if name == "f1" else None) for name in COLUMNS]
        other = format_number(baseline["classes"].get(label, baseline["macro"])["f1"])
        rows.append([escape_markdown(label), *cells, other, str(row.get("support", ""))])
    rows[-1] = [f"**{cell}**" if cell else "" for cell in rows[-1]]
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


def results_block(metrics, params, spread):
    """Build the table of results for the README, and state what the results can show.

    Parameters
    ----------
    metrics, spread : dict
        ``reports/metrics.json`` and ``reports/training_spread.json``.
    params : sedlib.config.Params

    Returns
    -------
    str
        Markdown. How far another training moves the results is stated only if these are the ones
        with which it was compared.
    """
    block = f"{LIMITS[params.episodes.source]}\n\n{results_table(metrics)}"
    f1 = {name: run["macro"]["f1"] for name, run in spread["summaries"].items()}
    if f1["as stored"] == metrics["test"]["macro"]["f1"]:
        seeds = [format_number(value) for name, value in f1.items() if name.startswith("seed ")]
        older = [name for name in f1 if name != "as stored" and not name.startswith("seed ")]
        block += (
            f"\n\nTraining with other seeds gave a macro F1 of {' and '.join(seeds)}. "
            "Training with the same seed, but limited to the instructions of older CPUs, which "
            "changes the rounding, gave "
            f"{' and '.join(f'{format_number(f1[cpu])} ({cpu})' for cpu in older)}."
        )
    return block


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
    limits = LIMITS[source]
    return fill_template(
        "results", metrics=metrics, ablation=ablation, transfer=transfer, limits=limits
    )


def formats_block():
    """List the annotation formats that `sedlib detect` can write, for `docs/detection.md`."""
    return "\n".join(
        f"- `{name}`: {format.description}{', with scores' if format.scores else ''}"
        for name, format in FORMATS.items()
        if format.to_text
    )


def ablation_table(ablation):
    """Build the table of macro F1, and of its gain by each change since 2018."""
    rows = [
        [
            f"+ {name}" if "gain" in row else name,
            format_estimate(row["value"], VALUE),
            format_estimate(row["gain"], GAIN) if "gain" in row else "",
        ]
        for name, row in ablation["macro F1"].items()
    ]
    total = format_estimate(ablation["total gain in macro F1"], GAIN)
    rows.append(["**all changes**", "", f"**{total}**"])
    return markdown_table(["variant", "macro F1", "gain"], rows)


def transfer_table(transfer):
    """Build the table of macro F1 by variant and test corpus."""
    variants = list(dict.fromkeys(name for results in transfer.values() for name in results))
    rows = [
        [f"tested on {corpus}", *(format_estimate(results[name]["macro"]) for name in variants)]
        for corpus, results in transfer.items()
    ]
    return markdown_table(["macro F1", *(f"trained on {name}" for name in variants)], rows)


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
    value : float or None
    bounds : (float, float), optional
    style : str
        Format specification of Python, for the number and its interval. Default: two decimals,
        without a negative zero.

    Returns
    -------
    str
        A dash for nan and None.
    """
    if value is None or math.isnan(value):
        return "–"
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


def format_estimate(row, style="z.2f"):
    """Format an estimate with the bounds of its interval."""
    return format_number(row["estimate"], (row["low"], row["high"]), style)


def fill_template(name, **values):
    """Fill a template of the folder ``templates``; returns Markdown."""
    return _TEMPLATES.get_template(f"{name}.md.j2").render(values)


_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
)
_TEMPLATES.filters["markdown"] = escape_markdown
_TEMPLATES.globals |= {"BASELINE": BASELINE, "LABEL_RULE": LABEL_RULE}
_FUNCTIONS = markdown_table, results_table, literature_table, ablation_table, transfer_table
_TEMPLATES.globals |= {function.__name__: function for function in _FUNCTIONS}
