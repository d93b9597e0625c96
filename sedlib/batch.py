"""Detection in many files, which can be interrupted and continued, and its evaluation.

The output folder holds a file of events for each recording, and ``detected.json``, which records
what each of them was made from: the size and modification time of the media file, the model, and
the options. A file for which all of these are unchanged is not processed again. A file that
cannot be read is reported and does not stop the others.
"""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from sedlib import annotations, detection, metrics
from sedlib.audio import AudioError
from sedlib.config import SedlibError, STFTParams
from sedlib.detection import FRAMES, detect
from sedlib.features import segment_shape
from sedlib.files import nearest, write_json
from sedlib.labels import label_segments
from sedlib.models import DESCRIPTION, WEIGHTS, load_model, read_description

RECORD, METRICS = "detected.json", "metrics.json"


@dataclass(frozen=True)
class Options:
    """How to detect events, and what to write.

    Attributes
    ----------
    format : str
        Name of an annotation format; see `sedlib.annotations.write`.
    hop : float or "frames"
        Time between scored segments in seconds; see `sedlib.detection.detect`.
    thresholds : dict of str to float
        Thresholds in [0, 1] for any of the classes. The other classes keep the model's own.
    scores : bool
        Whether to write the scores of each recording as well, to ``NAME.scores.tsv``.
    """

    format: str = "json"
    hop: float | str = 1.0
    thresholds: dict = field(default_factory=dict)
    scores: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of detection in one file.

    Attributes
    ----------
    path : pathlib.Path
        The media file.
    duration : float
        In seconds; nan if the file could not be read.
    events : int
        Number of events.
    fault : str or None
        Why the file could not be read, in one sentence; None if it was read.
    done_before : bool
        Whether the result of an earlier run was kept.
    """

    path: Path
    duration: float
    events: int
    fault: str | None = None
    done_before: bool = False


def detect_files(paths, model, output, options, progress=None):
    """Detect the events of each file in turn.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Media files.
    model : path-like
        Folder of a saved model.
    output : pathlib.Path
        Folder of the results, which is created if it is missing. A file in it is replaced only
        when the new one is complete.
    options : Options
    progress : callable, optional
        Called with the length in seconds of each block of sound that has been read.

    Yields
    ------
    Outcome
        In the order of `paths`, as soon as the results of the file are on disk.

    Raises
    ------
    SedlibError
        If two files have the same name, or a threshold is given for a class that the model does
        not have.
    sedlib.models.ModelError
        If there is no model, or it does not support the options.
    """
    description = read_description(model)
    _check_names(paths)
    _check_thresholds(options.thresholds, description["classes"])
    output.mkdir(parents=True, exist_ok=True)
    record, network = _read_record(output), None
    hop = options.hop
    if hop == FRAMES:
        hop = 1 / segment_shape(STFTParams(**description["stft"]))[0]
    settings = {"model": _hash_model(Path(model)), **asdict(options)}
    for path in paths:
        name = path.stem
        target, scores = _events_path(output, name, options.format), output / f"{name}.scores.tsv"
        made_from = {"file": path.name, **_file_state(path), **settings}
        known = record.get(name, {})
        complete = target.is_file() and (scores.is_file() or not options.scores)
        if complete and known.get("made_from") == made_from:
            yield Outcome(path, known["duration"], known["events"], done_before=True)
            continue
        network = network or load_model(model)[0]
        try:
            found = detect(path, network, description, options.thresholds, options.hop, progress)
        except AudioError as error:
            yield Outcome(path, float("nan"), 0, str(error))
            continue
        if options.scores:
            detection.write_scores(found.scores, scores)
        annotations.write(found.events, target, options.format, hop=hop)
        duration = round(found.duration, 6)
        record[name] = {"duration": duration, "events": len(found.events), "made_from": made_from}
        write_json(record, output / RECORD)
        yield Outcome(path, duration, len(found.events))


def compare_with_reference(outcomes, reference, classes, output, format, aliases=None):
    """Score the detected events segment by segment, against reference annotations.

    Only the classes that occur in the reference are scored: a class that nobody annotated has no
    ground truth.

    Parameters
    ----------
    outcomes : sequence of Outcome
    reference : pandas.DataFrame
        Event table of any number of recordings.
    classes : sequence of str
        Classes of the model.
    output : pathlib.Path
        Folder with the results of `detect_files`. The metrics are written there, to
        ``metrics.json``.
    format : str
        Format of the results.
    aliases : mapping of str to str or None, optional
        Label in `reference` to class; see `sedlib.annotations.correct_events`.

    Returns
    -------
    table : pandas.DataFrame
        Metrics of each class; see `sedlib.metrics.segment_metrics`.
    remarks : list of str
        The corrections of the reference, and the files that have none.

    Raises
    ------
    SedlibError
        If no event of the reference has a class of the model.
    """
    durations = {o.path.stem: o.duration for o in outcomes if o.fault is None}
    reference = reference[reference["filename"].isin(durations)]
    remarks = [
        f"{name}: no reference annotation, not scored"
        for name in sorted(durations.keys() - set(reference["filename"]))
    ]
    reference, corrections = annotations.correct_events(reference, classes, durations, aliases)
    corrections["correction"] = corrections["correction"].replace(
        "kept", "not a class of the model, not scored"
    )
    kinds = corrections.groupby(["error", "event_label", "correction"], sort=False).size()
    remarks += [
        f"reference: {count} x {error} '{label}', {correction}"
        for (error, label, correction), count in kinds.items()
    ]
    scored = [label for label in classes if label in set(reference["event_label"])]
    if not scored:
        raise SedlibError(
            f"the reference has no event of the model's classes ({', '.join(classes)}) in these "
            "files; map its labels to classes with aliases"
        )
    labels = []
    for outcome in outcomes:
        name, estimated = outcome.path.stem, annotations.event_table()
        if name not in set(reference["filename"]):
            continue
        if outcome.events:
            estimated = annotations.read(_events_path(output, name, format))
        tables = reference[reference["filename"] == name], estimated
        tables = [events[events["event_label"].isin(scored)] for events in tables]
        labels.append([label_segments(events, outcome.duration, scored) for events in tables])
    pair = [np.concatenate(each) for each in zip(*labels, strict=True)]
    table = metrics.segment_metrics(*pair, scored).drop(columns="average_precision")
    summary = {"segments": len(pair[0]), **metrics.averages(*pair)}
    summary["classes"] = table.to_dict("index")
    write_json(_nan_to_null(summary), output / METRICS)
    return table, remarks


def _check_names(paths):
    """Refuse files whose results would have the same name."""
    for name, count in Counter(path.stem for path in paths).items():
        if count > 1:
            raise SedlibError(
                f"{count} of the files are named '{name}', and their results would overwrite one "
                "another; write them to different folders"
            )


def _check_thresholds(thresholds, classes):
    """Refuse a threshold for a class that the model does not have."""
    for label in thresholds:
        if label not in classes:
            raise SedlibError(
                f"the model has no class '{label}'; the nearest is '{nearest(label, classes)}'"
            )


def _events_path(folder, name, format):
    return folder / (name + annotations.FORMATS[format].suffix)


def _file_state(path):
    """Return what shows that a file was written again; None where there is no file."""
    try:
        state = path.stat()
    except OSError:
        return {"size": None, "modified": None}
    return {"size": state.st_size, "modified": state.st_mtime_ns}


def _hash_model(folder):
    parts = [hashlib.sha256((folder / name).read_bytes()) for name in (DESCRIPTION, WEIGHTS)]
    return hashlib.sha256(b"".join(part.digest() for part in parts)).hexdigest()


def _read_record(folder):
    """Read ``detected.json``; a record that is missing or damaged is empty."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _nan_to_null(value):
    """Replace nan, which JSON does not have, by None."""
    if isinstance(value, dict):
        return {key: _nan_to_null(item) for key, item in value.items()}
    return None if value != value else value
