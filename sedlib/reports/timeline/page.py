"""The timeline of one recording."""

import base64
import html

import numpy as np
from IPython.display import HTML

from sedlib.annotations import event_table
from sedlib.metrics import intersection_marks
from sedlib.names import counted
from sedlib.reports.timeline.assembly import assemble, fill, read_parts
from sedlib.reports.timeline.colours import page_colours
from sedlib.reports.timeline.sound import embed

_SCRIPTS = ("wavesurfer", "regions", "minimap")
_RULE = (
    "A detected event is correct if reference events of its class cover at least half of it; "
    "otherwise it is a false alarm. A reference event is missed if correct detections cover less "
    "than half of it (intersection criterion)."
)


def timeline_page(
    sound,
    classes,
    *,
    scores=None,
    thresholds=None,
    events=None,
    reference=None,
    title="Timeline",
    track=None,
    duration=None,
    annotated=None,
    home=None,
):
    """Build the page of one recording: what is heard, what was detected, what is wrong.

    Sound, spectrogram, scores and events are in the page; `sedlib.files.write_text` writes it.
    Equal inputs give equal pages.

    Parameters
    ----------
    sound : path-like or (numpy.ndarray of shape (n_samples,), int)
        A media file, or a mono waveform and its sample rate in Hz.
    classes : sequence of str
        Rows from the top, all of them, so that each has its colour.
    scores : pandas.DataFrame, optional
        Score table; see `sedlib.detection.scores`.
    thresholds : mapping of str to float, optional
        Of the classes, in [0, 1].
    events : pandas.DataFrame, optional
        Event table of what was detected.
    reference : pandas.DataFrame, optional
        Event table of the reference annotations, corrected (`sedlib.annotations.correct_events`).
        With it and `events`, hits, misses and false alarms are marked as
        `sedlib.metrics.intersection_marks` has them.
    title : str
        Plain text.
    track : int or str, optional
        Which of several audio tracks; see `sedlib.audio.probe`.
    duration : float, optional
        Of the sound in seconds, where it is known, as some files do not state it.
    annotated : collection of str, optional
        The classes that the reference is about; others are not compared. Default: those of its
        events.
    home : (str, str), optional
        Address and name of the page that readers came from, for a link at the top.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    sedlib.audio.AudioError
        If the sound cannot be read.
    sedlib.annotations.AnnotationError
        If an event has an unknown label or impossible times, or overlaps one of its class.
    """
    classes = list(classes)
    estimated = event_table() if events is None else events
    compared = set()
    if reference is not None and events is not None:
        compared = set(reference["event_label"] if annotated is None else annotated)
    reference = event_table() if reference is None else reference
    rows = mark_events(reference, estimated, classes, scores, compared)
    parts = embed(sound, track, duration=duration)
    data = {
        "facts": _facts(parts.duration, len(reference), len(estimated), bool(compared)),
        "duration": round(parts.duration, 6),
        "media": parts.media,
        "peaks": _as_text(parts.peaks),
        "spectrogram": {
            "tiles": parts.tiles,
            "columnsPerSecond": parts.columns_per_second,
            "columnsPerTile": parts.columns_per_tile,
            "frequencies": parts.frequencies,
        },
        "scores": None if scores is None else {"hop": _hop(scores)},
        "classes": _class_rows(classes, scores, thresholds or {}, compared),
        "events": [row | {"class": classes.index(row["class"])} for row in rows],
        "rule": _RULE,
    }
    scripts = *(f"vendor/{name}.min.js" for name in _SCRIPTS), "table.js", "timeline.js"
    return assemble(
        title,
        fill("timeline.html.j2", title=title, home=home),
        read_parts("page.css", "timeline.css"),
        read_parts(*scripts, "players.js"),
        data,
    )


def mark_events(reference, estimated, classes, scores=None, compared=()):
    """Compare the events of a recording, and say what is right and what is wrong.

    Parameters
    ----------
    reference, estimated : pandas.DataFrame
        Event tables.
    classes : list of str
    scores : pandas.DataFrame, optional
        Score table.
    compared : collection of str
        The classes whose events are marked.

    Returns
    -------
    list of dict
        By time: ``class``, ``kind`` (``reference`` or ``estimated``), ``mark`` (``hit``, ``miss``
        or ``false alarm`` by `sedlib.metrics.intersection_marks`; empty if not compared),
        ``onset`` and ``offset`` (s), and the ``mean`` and ``peak`` score (None without scores).
    """
    # The two tables may name the recording in two ways; here they are about one.
    tables = [table.assign(filename="") for table in (reference, estimated)]
    marks = intersection_marks(*tables, classes)
    rows = []
    for table, right, kind, wrong in zip(
        tables, marks, ("reference", "estimated"), ("miss", "false alarm"), strict=True
    ):
        means, peaks = event_scores(scores, table)
        for event, hit, mean, peak in zip(table.itertuples(), right, means, peaks, strict=True):
            mark = ("hit" if hit else wrong) if event.event_label in compared else ""
            rows.append(
                {
                    "class": event.event_label,
                    "kind": kind,
                    "mark": mark,
                    "onset": round(float(event.onset), 6),
                    "offset": round(float(event.offset), 6),
                    "mean": None if np.isnan(mean) else round(float(mean), 4),
                    "peak": None if np.isnan(peak) else round(float(peak), 4),
                }
            )
    return sorted(rows, key=lambda row: (row["onset"], classes.index(row["class"]), row["kind"]))


def show_timeline(*arguments, height=900, **options):
    """Show the page of a recording in a notebook.

    Parameters
    ----------
    *arguments, **options
        As those of `timeline_page`.
    height : int
        In pixels.

    Returns
    -------
    IPython.display.HTML
        A frame that holds the page.
    """
    page = timeline_page(*arguments, **options)
    return HTML(
        f'<div><iframe title="Timeline" width="100%" height="{int(height)}" '
        f'style="border:0" srcdoc="{html.escape(page)}"></iframe></div>'
    )


def event_scores(scores, events):
    """Mean and peak of the class's score over each event.

    Parameters
    ----------
    scores : pandas.DataFrame or None
        Score table of the recording; without it all values are nan.
    events : pandas.DataFrame
        Event table.

    Returns
    -------
    mean, peak : numpy.ndarray, shape (n_events,)
        Over the rows of the score table that the event overlaps; nan if there are none.
    """
    values = np.full((2, len(events)), np.nan)
    if scores is None:
        return values
    first = np.searchsorted(scores["offset"], events["onset"], side="right")
    stop = np.searchsorted(scores["onset"], events["offset"], side="left")
    for i, label in enumerate(events["event_label"]):
        own = scores[label].to_numpy()[first[i] : stop[i]]
        if len(own):
            values[:, i] = own.mean(dtype=np.float64), own.max()
    return values


def class_summary(scores, events):
    """Summarise the detected events of each class, for `index_page`.

    Parameters
    ----------
    scores : pandas.DataFrame
        Score table.
    events : pandas.DataFrame
        Event table.

    Returns
    -------
    dict of str to dict
        Only classes with events: the number of ``events``, their total length in ``seconds``,
        the ``mean`` score over that time, the ``peak`` score and where the event with the
        highest peak begins (``best``, in seconds).
    """
    means, peaks = event_scores(scores, events)
    table = events.assign(mean=means, peak=peaks, seconds=events["offset"] - events["onset"])
    return {
        label: {
            "events": len(own),
            "seconds": round(float(own["seconds"].sum()), 6),
            "mean": round(float(np.average(own["mean"], weights=own["seconds"])), 4),
            "peak": round(float(own["peak"].max()), 4),
            "best": float(own["onset"][own["peak"].idxmax()]),
        }
        for label, own in table.groupby("event_label", sort=False)
    }


def _class_rows(classes, scores, thresholds, compared):
    """Describe each class for the script."""
    texts = {}
    if scores is not None:
        steps = np.rint(255 * scores[classes]).astype(np.uint8)
        texts = {label: _as_text(steps[label].to_numpy()) for label in classes}
    return [
        {
            "name": label,
            "colours": colours,
            "threshold": round(float(thresholds[label]), 6) if label in thresholds else None,
            "compared": label in compared,
            "scores": texts.get(label),
        }
        for label, colours in page_colours(classes).items()
    ]


def _hop(scores):
    """Time from row to row; the mean over all rows, because their times are rounded."""
    if len(scores) < 2:
        return 1.0
    return float(scores["onset"].iloc[-1]) / (len(scores) - 1)


def _as_text(values):
    return base64.b64encode(values.tobytes()).decode("ascii")


def _facts(duration, n_reference, n_estimated, compared):
    seconds = round(duration)
    counts = [(n_estimated, "detected")]
    if n_reference or compared:
        counts.append((n_reference, "reference"))
    parts = [counted(n, f"{kind} event") for n, kind in counts]
    return ", ".join([f"{seconds // 60} min {seconds % 60:02d} s", *parts])
