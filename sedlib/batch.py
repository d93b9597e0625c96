"""Detection in many files: what is done is not done again, a bad file stops nothing.

The folder of results has one file of events for each recording and ``detected.json``, which
says for each what it was made from: the file's size and time, the model, the step, the
thresholds. A result is done if that is unchanged.
"""

import difflib
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
from sedlib.files import write_text
from sedlib.labels import label_segments
from sedlib.models import DESCRIPTION, WEIGHTS, load_model, read_description

RECORD, METRICS = "detected.json", "metrics.json"


class BatchError(SedlibError):
    """Detection that cannot begin; the message says why."""


@dataclass(frozen=True)
class Options:
    """What to find and how to write it.

    Attributes
    ----------
    form : str
        Key of `sedlib.annotations.SUFFIXES`.
    step : float or "frames"
        Seconds; see `sedlib.detection.detect`.
    thresholds : dict of str to float
        For any of the classes; the others keep the model's own.
    scores : bool
        Write the scores as well, ``NAME.scores.tsv``.
    """

    form: str = "json"
    step: float | str = 1.0
    thresholds: dict = field(default_factory=dict)
    scores: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes
    ----------
    path : pathlib.Path
    duration : float
        Seconds; nan if the file could not be read.
    events : int
    fault : str or None
        One sentence.
    done_before : bool
    """

    path: Path
    duration: float
    events: int
    fault: str | None = None
    done_before: bool = False


def detect_files(paths, model, output, options, progress=None):
    """Find the events of each file, one after the other.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Media files.
    model : path-like
        Folder of a stored model.
    output : pathlib.Path
        Made if missing. Each file in it is replaced only when all of it is written.
    options : Options
    progress : callable, optional
        Called with the seconds of each stretch of sound as it is read.

    Yields
    ------
    Outcome
        In the order of `paths`, when its results are on disk.

    Raises
    ------
    BatchError
        If two files have one name, or a threshold is for no class of the model.
    sedlib.models.ModelError
        If there is no model, or it cannot do what the options ask for.
    """
    description = read_description(model)
    _check(paths, description, options)
    output.mkdir(parents=True, exist_ok=True)
    record, network = _read_record(output), None
    grid = options.step
    if grid == FRAMES:
        grid = 1 / segment_shape(STFTParams(**description["features"]))[0]
    settings = {"model": _hash(Path(model)), **asdict(options)}
    for path in paths:
        name = path.stem
        target = output / (name + annotations.SUFFIXES[options.form])
        scores = output / f"{name}.scores.tsv"
        made_from = {"file": path.name, **_state(path), **settings}
        known = record.get(name, {})
        there = target.is_file() and (scores.is_file() or not options.scores)
        if there and known.get("made_from") == made_from:
            yield Outcome(path, known["duration"], known["events"], done_before=True)
            continue
        network = network or load_model(model)[0]
        try:
            found = detect(path, network, description, options.thresholds, options.step, progress)
        except AudioError as error:
            yield Outcome(path, float("nan"), 0, str(error))
            continue
        if options.scores:
            detection.write_scores(found.scores, scores)
        annotations.write(found.events, target, options.form, step=grid)
        duration = round(found.duration, 6)
        record[name] = {"duration": duration, "events": len(found.events), "made_from": made_from}
        _write_json(record, output / RECORD)
        yield Outcome(path, duration, len(found.events))


def compare_with_truth(outcomes, truth, classes, output, form, aliases=None):
    """Score the events found, second by second.

    Only classes that the truth names are judged: where nobody has listened for a sound, an
    answer is neither right nor wrong.

    Parameters
    ----------
    outcomes : sequence of Outcome
    truth : pandas.DataFrame
        Event table of any recordings.
    classes : sequence of str
        Of the model.
    output : pathlib.Path
        The results, as `detect_files` has written them; ``metrics.json`` is added.
    form : str
        Their format.
    aliases : mapping of str to str or None, optional
        Label in `truth` to class; see `sedlib.annotations.correct_events`.

    Returns
    -------
    table : pandas.DataFrame
        See `sedlib.metrics.segment_metrics`.
    remarks : list of str
        What of the truth was mended or left out, and which files have none.

    Raises
    ------
    BatchError
        If there is nothing to judge.
    """
    durations = {o.path.stem: o.duration for o in outcomes if o.fault is None}
    truth = truth[truth["filename"].isin(durations)]
    remarks = [
        f"{name}: no annotation in the truth, not judged"
        for name in sorted(durations.keys() - set(truth["filename"]))
    ]
    truth, slips = annotations.correct_events(truth, classes, durations, aliases)
    slips["action"] = slips["action"].replace("kept", "not a class of the model, not judged")
    kinds = slips.groupby(["slip", "event_label", "action"], sort=False).size()
    remarks += [f"truth: {n} x {slip} '{label}', {act}" for (slip, label, act), n in kinds.items()]
    judged = [label for label in classes if label in set(truth["event_label"])]
    if not judged:
        raise BatchError(
            f"the truth names no event of the model's classes ({', '.join(classes)}) in these "
            "files; rename its labels by aliases"
        )
    grids = []
    for outcome in outcomes:
        name = outcome.path.stem
        if outcome.fault is None and name in set(truth["filename"]):
            target = output / (name + annotations.SUFFIXES[form])
            found = annotations.read(target) if outcome.events else annotations.event_table()
            pair = truth[truth["filename"] == name], found
            pair = [events[events["event_label"].isin(judged)] for events in pair]
            grids.append([label_segments(events, outcome.duration, judged) for events in pair])
    true, predicted = (np.concatenate(grid) for grid in zip(*grids, strict=True))
    table = metrics.segment_metrics(true, predicted, judged).drop(columns="average_precision")
    kept = {"clips": len(true), **metrics.averages(true, predicted)}
    _write_json(kept | {"classes": table.to_dict("index")}, output / METRICS)
    return table, remarks


def _check(paths, description, options):
    """Refuse what can be refused before the first file is read."""
    for name, count in Counter(path.stem for path in paths).items():
        if count > 1:
            raise BatchError(
                f"{count} of the files are named '{name}', and their results would be one file; "
                "detect them into different folders"
            )
    for label in options.thresholds:
        if label not in description["classes"]:
            near = difflib.get_close_matches(label, description["classes"], n=1, cutoff=0.0)[0]
            raise BatchError(f"no class '{label}' in the model; the nearest is '{near}'")


def _state(path):
    """Return what of a file changes when it is written again; None where there is no file."""
    try:
        state = path.stat()
    except OSError:
        return {"size": None, "modified": None}
    return {"size": state.st_size, "modified": state.st_mtime_ns}


def _hash(model):
    parts = [hashlib.sha256((model / name).read_bytes()) for name in (DESCRIPTION, WEIGHTS)]
    return hashlib.sha256(b"".join(part.digest() for part in parts)).hexdigest()


def _read_record(folder):
    """Read what has been done; nothing if the record is missing or is none."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_json(value, path):
    """JSON has no nan: null."""
    write_text(json.dumps(_plain(value), indent=2, allow_nan=False) + "\n", path)


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if value != value else value
