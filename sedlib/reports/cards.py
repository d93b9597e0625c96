"""The data card and the model card. Every number is read from what a stage has written."""

import math
import re

import pandas as pd

from sedlib import annotations, audio
from sedlib.episodes import read_remarks, usable_split
from sedlib.labels import label_segments
from sedlib.metrics import BLOCK, LEVEL, RESAMPLES
from sedlib.reports.tables import (
    BASELINE,
    LABEL_RULE,
    LIMITS,
    escape_markdown,
    format_number,
    literature_table,
    markdown_table,
    results_table,
)

# Where the episodes come from, by ``episodes.source``.
ORIGINS = {
    "synthetic": "`sedlib.synthesis` generates the episodes deterministically from `params.yaml`. "
    "Speech, shouted words and some laughs are synthesised by eSpeak NG; all other sounds are "
    "generated procedurally. [The data folder](../data/README.md) describes how.",
    "soundbank": "`sedlib.synthesis` mixes the episodes from a folder of recordings, by the same "
    "script as the synthetic episodes. Each recording is used in one subset of the split only.",
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
        [
            escape_markdown(row.Index),
            row.subset,
            f"{row.duration:.0f}",
            str(row.events),
            f"{row.labelled:.2f}",
        ]
        for row in episodes.itertuples()
    ]
    class_rows = [
        [
            escape_markdown(row.Index),
            *(str(n) for n in (row.train, row.validation, row.test, row.events)),
            format_number(row.length),
        ]
        for row in classes.itertuples()
    ]
    subsets = [f"{subset} (s)" for subset in ("train", "validation", "test")]
    rarest, fewest = escape_markdown(classes["test"].idxmin()), classes["test"].min()
    return f"""# Data card

`make publish` writes this card from `data/episodes` and `params.yaml` (source
`{params.episodes.source}`, seed {params.seed}).

## Description
{ORIGINS[params.episodes.source]}

The sound is mono, {params.stft.sample_rate} Hz, 16 bit; {episodes["duration"].sum() / 3600:.2f} \
hours in all. An event has an onset, an
offset and one of {len(classes)} class labels; events may overlap.
{len(corrections)} annotation errors were corrected and {len(left_out)} files left out.

## Episodes
The last column is the share of one-second segments with at least one label, by the rule
`{params.labels.rule}`.

{markdown_table(["episode", "subset", "duration (s)", "events", "labelled"], episode_rows, 2)}

## Classes
The number of one-second segments with the label in each subset, the number of events, and their
median duration.

{markdown_table(["class", *subsets, "events", "median duration (s)"], class_rows)}

The class with the fewest test segments is {rarest}, with {fewest}. The fewer there are, the less \
certain are
the results of a class.

## Limits
{LIMITS[params.episodes.source]}
"""


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
    stft = description["stft"]
    versions = ", ".join(f"{name} {number}" for name, number in description["versions"].items())
    trained_on, validated_on = (
        ", ".join(map(escape_markdown, description[key])) for key in ("trained_on", "validated_on")
    )
    of_frames = description.get("frames", {}).get("thresholds", {})
    thresholds = [
        [escape_markdown(label), f"{threshold:.2f}", format_number(of_frames.get(label, math.nan))]
        for label, threshold in description["thresholds"].items()
    ]
    smoothing = ""
    if of_frames:
        width = description["frames"]["smoothing"]
        smoothing = f" Frame-level scores are smoothed by a moving average of {width:g} s first."
    return f"""# Model card

`make publish` writes this card from `data/model/model.json` and `reports/metrics.json`.

## Description
The `{description["preset"]}` network maps one second of mono sound at {stft["sample_rate"]} Hz to \
a score in [0, 1] for
each of {len(description["classes"])} classes. Several classes may sound at once. Its input is the \
magnitude of the short-time
Fourier transform (n_fft {stft["n_fft"]}, hop length {stft["hop_length"]}, Hann window of \
{stft["win_length"]} samples).
{_describe_level(stft)}

## Training
The network was trained on {trained_on}. Early stopping and the
thresholds use {validated_on}. The seed is {description["seed"]}. \
Packages: {versions}.
`model.json` lists the MD5 sums of the features of each episode.

## Results
The results are for one-second segments of the test episodes, with the thresholds below. Square
brackets give the {100 * LEVEL:g} % confidence interval of F1, from a block bootstrap of the test \
segments ({RESAMPLES} resamples,
blocks of {BLOCK} s). It does not cover the spread over other episodes or training runs.
{LABEL_RULE}
{BASELINE}

{results_table(metrics)}

Standard SED metrics. The columns are for events from segment-level and from frame-level scores.
`sedlib.metrics` defines the metrics.

{literature_table(metrics)}

## Thresholds
A class is detected when its score reaches the threshold.{smoothing}

{markdown_table(["class", "segment-level threshold", "frame-level threshold"], thresholds)}

## Limits
- The model was trained on the episodes named above. If these are the default synthetic episodes,
  it has not heard any real recording: train it on your own annotated episodes before you use it.
- Earlier designs of the network were compared on the default test episodes, so results on these
  episodes may be optimistic.
- The results and the threshold of a rare class are based on few examples and are uncertain.
- The network processes each second on its own, without the sound before and after it.
- The model detects that somebody speaks, not who speaks or what is said. It is not meant for
  the surveillance of people.
"""


def _describe_level(stft):
    """Say in a sentence how the network deals with the level of a recording."""
    if stft.get("loudness") is None:
        return "The level of a recording is left as it is."
    quiet = stft["loudness"] - stft["largest_gain"]
    return (
        f"Every recording is normalised to {stft['loudness']:g} LUFS as a whole first, with a gain "
        f"of at most {stft['largest_gain']:g} dB; if it is quieter than {quiet:g} LUFS, its level "
        "may change its scores."
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
    training, stft = description["training"], description["stft"]
    names = list(results)
    rows = []
    for label in next(iter(results.values())):
        cells = [
            f"{row['estimate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
            for row in (results[name][label] for name in names)
        ]
        support = [str(results[name][label].get("support", "")) for name in names]
        groups = [str(counts[label][s][1]) if label in counts else "" for s in ("train", "test")]
        rows.append([escape_markdown(label), *cells, *support, *groups])
    header = ["class", *(f"F1, {name}" for name in names), *(f"support, {name}" for name in names)]
    header += ["groups in training", "groups in test"]
    episodes = {name: sum(e.startswith(name) for e in description["trained_on"]) for name in names}
    named = (source["licence"] for source in credits.values())
    # Without remarks about where a licence is stated; they are in the list of credits.
    licences = sorted({re.split(r"[;(/]| according| sources", text)[0].strip() for text in named})
    return f"""# Card of the released model

`sedlib detect` uses this model where no other is named with `--model`. `make model` wrote this
card together with the model.

## Description
The model is the `{description["preset"]}` network, a small CRNN. It was trained for \
{training["epochs"]} epochs on {episodes["synthetic"]} synthetic episodes
and on {episodes["recordings"]} episodes mixed from recordings of single sounds by the same kind \
of script. Training and the
choice of thresholds used {len(credits)} recordings. In the training episodes each recording is \
played at 0.8 to 1.25
times its speed, pitch included, and the fewer groups of recordings a class has, the more of its
events are synthetic. (A group is a set of recordings that belong together, such as several takes
of one door.) The thresholds were chosen on validation episodes of both kinds.
{_describe_level(stft)}

## Results
F1 in segments of one second, with its 95 % interval from a block bootstrap of the test segments.
The synthetic test episodes are those of the default experiment. The others are mixed from
recordings of which neither the recording itself, nor a copy, nor another one of its group was used
in training. The columns of support count the positive test segments. Where a class has few groups
in test, its result describes these few sources rather than the class.

{markdown_table(header, rows)}

## Licences
[CREDITS.md](CREDITS.md) lists every recording used in training and for the choice of thresholds,
with author, source and licence. A recording whose own licence forbids commercial use or changes,
or is not stated, was left out. Collections may have terms of
their own: the clips of ESC-50, for example, were chosen by their own licences, while ESC-50 as a
whole is CC BY-NC. Some recordings are CC BY-SA; the weights are therefore offered under CC BY-SA
4.0, unlike the code. The licences are: {", ".join(map(escape_markdown, licences))}.

## Limits
- The recordings are few and short, and the episodes are artificial mixes. Results on real
  broadcasts will be lower; measure them with `sedlib detect --reference` on episodes that you have
  annotated.
- A recording that is itself a mixture is not grouped with what it was mixed from. In the sound bank
  of the published model, some audience laughter in validation episodes holds two laughs that are
  test recordings of `laughing`, so the thresholds are not fully independent of those two.
- A threshold suits the mixture of sounds that it was chosen on. Where a class is rarer than in the
  episodes above, a larger share of its detections are false alarms; raise its threshold with
  `--threshold`.
- The network processes each second on its own, without the sound before and after it.
- The model detects that somebody speaks, not who speaks or what is said. It must not be used for
  the surveillance of people, nor where a missed or false sound can do harm, as in alarms.
"""


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
    columns = {
        "recording": None,
        "author": "author_or_credit",
        "licence": "licence",
        "source": "source_repo",
        "file": "source_file",
    }
    rows = [
        [escape_markdown(source[key] if key else name) for key in columns.values()]
        for name, source in credits.items()
    ]
    return f"""# Credits

The recordings that the released model has heard in training and validation.

{markdown_table(list(columns), rows, len(columns))}
"""


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
    machine, header = benchmarks["machine"], ["step", "peer", "time (s)", "time / time of the peer"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"""# Speed
`make bench` measures how long each step takes beside a peer: another library, or the least that the
step needs. The two take turns, so that other load on the machine affects both. The third column is
the median time; the last one is the median ratio, with its range in brackets. Below 1, the step is
faster than its peer.

{markdown_table(header, rows, text_columns=2)}

Processor: {escape_markdown(machine["processor"])}, {machine["cores"]} cores, {machine["system"]}.
Versions: Python {machine["python"]}, {versions}.
"""
