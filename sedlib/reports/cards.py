"""The data card and the model card. Every number is read from what a stage has written."""

import math
import re

import pandas as pd

from sedlib import annotations, audio
from sedlib.episodes import read_remarks, usable_split
from sedlib.labels import label_segments
from sedlib.metrics import LEVEL
from sedlib.reports.tables import (
    LIMITS,
    escape_markdown,
    fill_template,
    format_estimate,
    format_number,
)

# Where the episodes come from, by ``episodes.source``.
ORIGINS = {
    "synthetic": "`sedlib.synthesis` generates the episodes deterministically from `params.yaml`. "
    "The dialogue, shouted words, some laughs and an unlabelled murmur of voices are synthesised "
    "by eSpeak NG; all other sounds are generated procedurally. "
    "[The data folder](../data/README.md) describes how.",
    "soundbank": "`sedlib.synthesis` mixes the episodes from a folder of recordings, following the "
    "same scripts (which sound is heard when, and how loud) as the synthetic episodes. Each "
    "recording is used in one subset of the split only.",
    "folder": "The episodes are your own media and annotations. The audio was mixed down to "
    "mono, and errors in the annotations were corrected.",
}


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
        Index ``episode``; columns ``subset``, ``duration`` (s), ``events`` and ``labelled``,
        the share of segments with at least one label, in [0, 1].
    classes : pandas.DataFrame
        Index ``event_label``; columns ``train``, ``validation`` and ``test``, the number of
        segments with the label, ``events``, and ``length``, their median length (s).
    """
    rows, segments, every = [], {}, []
    for subset, names in usable_split(split, folder):
        for name in names:
            events = annotations.read(folder / f"{name}.json")
            duration = audio.probe(folder / f"{name}.flac").duration
            labels = label_segments(events, duration, classes, rule)
            rows.append((name, subset, duration, len(events), labels.any(axis=1).mean()))
            segments[subset] = segments.get(subset, 0) + labels.sum(axis=0)
            every.append(events)
    every = pd.concat(every, ignore_index=True)
    length = (every["offset"] - every["onset"]).groupby(every["event_label"])
    table = pd.DataFrame(segments, pd.Index(classes, name="event_label"))
    table["events"] = length.size().reindex(classes, fill_value=0)
    table["length"] = length.median().reindex(classes)
    columns = ["episode", "subset", "duration", "events", "labelled"]
    return pd.DataFrame(rows, columns=columns).set_index("episode"), table


def data_card(params, folder):
    """Describe the episodes: what they are, what is in them, and what they are not for.

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
    corrections, left_out = read_remarks(folder)
    episode_rows = [
        [escape_markdown(name), subset, f"{duration:.0f}", str(events), f"{labelled:.2f}"]
        for name, subset, duration, events, labelled in episodes.itertuples()
    ]
    class_rows = [
        [escape_markdown(label), *map(str, numbers), format_number(length)]
        for label, *numbers, length in classes.itertuples()
    ]
    return fill_template(
        "data_card",
        params=params,
        origin=ORIGINS[params.episodes.source],
        limits=LIMITS[params.episodes.source],
        hours=episodes["duration"].sum() / 3600,
        corrections=corrections,
        left_out=left_out,
        episode_rows=episode_rows,
        class_rows=class_rows,
        rarest=escape_markdown(classes["test"].idxmin()),
        fewest=classes["test"].min(),
    )


def model_card(metrics, description):
    """Describe the trained model: its data, its results and its limits.

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
    of_frames = description.get("frames", {}).get("thresholds", {})
    thresholds = [
        [escape_markdown(label), f"{threshold:.2f}", format_number(of_frames.get(label, math.nan))]
        for label, threshold in description["thresholds"].items()
    ]
    known = {"description": description, "stft": description["stft"], "thresholds": thresholds}
    known |= {"metrics": metrics, "level": _describe_level(description["stft"])}
    return fill_template("model_card", share=LEVEL, **known)


def _describe_level(stft):
    """Say in a sentence how the network deals with the level of a recording."""
    if stft.get("loudness") is None:
        return "The level of a recording is left as it is."
    quiet = stft["loudness"] - stft["largest_gain"]
    return (
        f"Whatever the network scores, be it an episode or a file of yours, is first normalised as "
        f"a whole to {stft['loudness']:g} LUFS by a single gain of at most "
        f"{stft['largest_gain']:g} dB. A file below {quiet:g} LUFS does not reach this level, so "
        "its scores may depend on how loud it is."
    )


def release_card(results, counts, credits, description):
    """Describe the model that comes with the repository.

    Parameters
    ----------
    results, counts, credits : dict
        As `sedlib.experiments.make_release` returns them.
    description : dict
        ``model.json``.

    Returns
    -------
    str
        Markdown.
    """
    names = list(results)
    rows = []
    for label in next(iter(results.values())):
        cells = [format_estimate(results[name][label]) for name in names]
        support = [str(results[name][label].get("support", "")) for name in names]
        groups = [str(counts[label][s][1]) if label in counts else "" for s in ("train", "test")]
        rows.append([escape_markdown(label), *cells, *support, *groups])
    header = ["class", *(f"F1, {name}" for name in names), *(f"support, {name}" for name in names)]
    header += ["groups in training", "groups in test"]
    episodes = {name: sum(e.startswith(name) for e in description["trained_on"]) for name in names}
    named = (source["licence"] for source in credits.values())
    # Without remarks about where a licence is stated; they are in the list of credits.
    licences = sorted({re.split(r"[;(]| /| according| sources", text)[0].strip() for text in named})
    known = {"description": description, "level": _describe_level(description["stft"])}
    known |= {"episodes": episodes, "credits": credits, "licences": licences}
    return fill_template("release_card", header=header, rows=rows, **known)


def credits_table(credits):
    """List the recordings that a model has heard, with their sources.

    Parameters
    ----------
    credits : dict of str to dict of str to str
        As `sedlib.experiments.make_release` returns them.

    Returns
    -------
    str
        Markdown.
    """
    header = ["recording", "author", "licence", "source", "file"]
    keys = "author_or_credit", "licence", "source_repo", "source_file"
    rows = [
        [escape_markdown(text) for text in (name, *(source[key] for key in keys))]
        for name, source in credits.items()
    ]
    return fill_template("credits", header=header, rows=rows)


def speed_card(benchmarks):
    """Build the table of the benchmarks.

    Parameters
    ----------
    benchmarks : dict
        As ``make bench`` writes it to ``reports/benchmarks.json``.

    Returns
    -------
    str
        Markdown.
    """
    rows = []
    for task in benchmarks["tasks"]:
        ratio, seconds = task["ratio"], f"{task['seconds']['median']:.3g}"
        own = format_number(ratio["median"], (ratio["least"], ratio["most"]))
        rows.append([escape_markdown(task["task"]), escape_markdown(task["peer"]), seconds, own])
    work = {name: f"{count:,}" for name, count in benchmarks["work"].items()}
    return fill_template("speed_card", rows=rows, work=work, machine=benchmarks["machine"])
