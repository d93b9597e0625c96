"""Tables and cards in Markdown, written from what a run has left: no number is typed."""

import math
import re

import numpy as np
import pandas as pd

from sedlib import annotations, audio
from sedlib.episodes import read_remarks, usable_split
from sedlib.labels import label_segments
from sedlib.metrics import BLOCK, LEVEL, RESAMPLES

# What the episodes are, by ``episodes.source``; and what their figures do not say.
SOURCES = {
    "synthetic": (
        "Computed by `sedlib.synthesis` from `params.yaml`, deterministically. Nothing is recorded "
        "and nobody is to be heard: speech comes from eSpeak NG, music, audience, doors, bells and "
        "the rest from formulas. [The data folder](../data/README.md) tells how.",
        "Synthetic data: these figures say how well the method works, not how well it would do on "
        "any broadcast.",
    ),
    "soundbank": (
        "Mixed by `sedlib.synthesis` from a folder of recordings, by the script of the synthetic "
        "episodes. A recording serves one side of the split only.",
        "Episodes mixed from recordings: these figures say how well single recordings are found "
        "again in a mix, not how well it would do on any broadcast.",
    ),
    "folder": (
        "Media and annotations of your own, mixed down to mono, their annotations mended.",
        "Your own episodes: these figures say how well the method does on such.",
    ),
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


def results_block(metrics, source):
    """Set out the results, and say what they are results of.

    Parameters
    ----------
    metrics : dict
        ``reports/metrics.json``.
    source : {"synthetic", "soundbank", "folder"}
        Where the episodes come from.

    Returns
    -------
    str
        Markdown.
    """
    return f"{SOURCES[source][1]}\n\n{results_table(metrics)}\n\n{literature_table(metrics)}"


def studies_block(comparison, recordings):
    """Set out what the long studies found.

    Parameters
    ----------
    comparison, recordings : dict
        ``reports/studies/comparison_metrics.json`` and ``recordings_metrics.json``.

    Returns
    -------
    str
        Markdown: what each change since 2018 brings, and macro F1 by training and test.
    """
    made = comparison["made"]
    lines = [
        f"On {made['episodes']} episodes of {made['classes']} classes; {made['seeds']} seeds a "
        f"recipe, {made['epochs']} epochs of {made['examples']} examples; the network of 2018 at "
        f"{made['width']:g} of its width; {made['hours']} hours of training on "
        f"{made['processor']}.",
        "",
        "| macro F1 | reached | gain |",
        "|---|---:|---:|",
    ]
    for way, row in comparison["macro F1"].items():
        reached = _of_interval(row["reached"])
        if "gain" in row:
            lines.append(f"| + {way} | {reached} | {_of_interval(row['gain'])} |")
        else:
            lines.append(f"| {way} | {reached} | |")
    whole = _of_interval(comparison["whole gain in macro F1"])
    lines.append(f"| **all together** | | **{whole}** |")
    trainings = list(dict.fromkeys(way for by_way in recordings.values() for way in by_way))
    lines += ["", f"| macro F1 | {' | '.join(f'trained on {way}' for way in trainings)} |"]
    lines.append("|---" + "|---:" * len(trainings) + "|")
    for corpus, by_way in recordings.items():
        cells = [_of_interval(by_way[way]["macro"]) for way in trainings]
        lines.append(f"| tested on {corpus} | {' | '.join(cells)} |")
    return "\n".join(lines)


def episode_facts(folder, split, classes, rule):
    """Measure the episodes.

    Parameters
    ----------
    folder : pathlib.Path
        ``data/episodes``.
    split : sedlib.config.Split
    classes : sequence of str
    rule : str
        See `sedlib.labels.label_segments`.

    Returns
    -------
    episodes : pandas.DataFrame
        Index ``episode``; ``side``, ``duration`` (s), ``events``, ``labelled``, the share of
        its seconds that have a label.
    classes : pandas.DataFrame
        Index ``event_label``; seconds on each side, ``events``, their median ``length`` (s).
    """
    rows, seconds, every = [], {}, []
    for side, names in usable_split(split, folder):
        for name in names:
            events = annotations.read_json(folder / f"{name}.json")
            duration = audio.probe(folder / f"{name}.flac").duration
            labels = label_segments(events, duration, classes, rule)
            rows.append((name, side, duration, len(events), labels.any(axis=1).mean()))
            seconds[side] = seconds.get(side, 0) + labels.sum(axis=0)
            every.append(events)
    every = pd.concat(every, ignore_index=True)
    length = (every["offset"] - every["onset"]).groupby(every["event_label"])
    table = pd.DataFrame(seconds, pd.Index(classes, name="event_label"))
    table["events"] = length.size().reindex(classes, fill_value=0)
    table["length"] = length.median().reindex(classes)
    columns = ["episode", "side", "duration", "events", "labelled"]
    return pd.DataFrame(rows, columns=columns).set_index("episode"), table


def data_card(params, folder):
    """Say what the episodes are, how much there is of what, and what they are not for.

    Parameters
    ----------
    params : sedlib.config.Params
    folder : pathlib.Path
        ``data/episodes``.

    Returns
    -------
    str
        Markdown.
    """
    episodes, classes = episode_facts(folder, params.split, params.classes, params.labels.rule)
    slips, left_out = read_remarks(folder)
    listed = "\n".join(
        f"| {row.Index} | {row.side} | {row.duration:.0f} | {row.events} | {row.labelled:.2f} |"
        for row in episodes.itertuples()
    )
    heard = "\n".join(
        f"| {row.Index} | {row.train} | {row.validation} | {row.test} | {row.events} "
        f"| {_number(row.length)} |"
        for row in classes.itertuples()
    )
    rare = classes["train"].idxmin()
    hours = episodes["duration"].sum() / 3600
    made, limits = SOURCES[params.episodes.source]
    return f"""# Data card

Written by the `report` stage from `data/episodes` and `params.yaml` (source
`{params.episodes.source}`, seed {params.seed}).

## What it is
{made}

Mono, {params.stft.sample_rate} Hz, 16 bit; {hours:.2f} hours. An event has an onset, an offset
and one of {len(classes)} labels; several may sound at once. Slips of the
annotation mended: {len(slips)}. Files left out: {len(left_out)}.

## The episodes
Labelled: the share of its seconds that have any label, by the rule `{params.labels.rule}`.

| episode | side | duration (s) | events | labelled |
|---|---|---:|---:|---:|
{listed}

## What is heard in them
Seconds with the label on each side of the split, events, and their median length.

| class | train (s) | validation (s) | test (s) | events | median length (s) |
|---|---:|---:|---:|---:|---:|
{heard}

The rarest in training is {rare}, with {classes.loc[rare, "train"]} seconds: what is said of such
a class rests on as few examples.

## What it is not for
{limits}
"""


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
    fine = description.get("frames", {}).get("thresholds", {})
    thresholds = "\n".join(
        f"| {label} | {threshold:.2f} | {_number(fine.get(label, math.nan))} |"
        for label, threshold in description["thresholds"].items()
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
On the test episodes, clips of one second, thresholds chosen as said above. In brackets the
{100 * LEVEL:g} % interval of F1 over other minutes of these episodes ({RESAMPLES} resamples in
blocks of {BLOCK} s); it knows nothing of other episodes or of another training run. The baseline is
a logistic regression on the mean log spectrum.

{results_table(metrics)}

By the names and definitions of DCASE:

{literature_table(metrics)}

## Thresholds
| class | of a second | of a frame |
|---|---:|---:|
{thresholds}

## What it is not for
- It was trained on the episodes named above. If they are the synthetic default, the model has heard
  no real recording: retrain on your own annotated episodes before using it on any.
- A rare class rests on few seconds: its figures, and its threshold above all, are uncertain.
- The network hears a second at a time and knows nothing of what comes before and after.
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


def _of_interval(row):
    return _with_bounds(row["estimate"], [row["low"], row["high"]])


def _number(value):
    return "–" if np.isnan(value) else f"{value:z.2f}"
