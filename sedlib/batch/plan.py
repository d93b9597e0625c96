"""Planning what is to be detected: the files, their results, and which of them are done."""

import errno
import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath

from sedlib import annotations
from sedlib.annotations.event_table import recording_name
from sedlib.batch.names import METRICS, events_name, page_name, result_names, scores_name
from sedlib.batch.record import Record, source_id
from sedlib.errors import SedlibError
from sedlib.models import DESCRIPTION, WEIGHTS, read_description
from sedlib.names import nearest, printable
from sedlib.places import file_state, is_address_part, is_remote

_FORMS = {"format", "scores", "html", "reference"}  # what is written, not what is detected


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
    track : str or None
        Number or language of the audio track; see `sedlib.audio.probe`.
    html : bool
        Whether to write the page of each recording as well, to ``NAME.html``.
    """

    format: str = "json"
    hop: float | str = 1.0
    thresholds: dict = field(default_factory=dict)
    scores: bool = False
    track: str | None = None
    html: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of detection in one file.

    Attributes
    ----------
    path : pathlib.Path
        The media file.
    result : pathlib.Path
        The file of its events.
    duration : float
        In seconds; nan if there is a fault.
    events : dict of str to int
        Number of events of each class that has any.
    fault : str or None
        Why there is no result, in one sentence; None if there is one.
    done_before : bool
        Whether the result of an earlier run was kept.
    remarks : tuple of str
        About the sound; see `sedlib.detection.Detection`.
    """

    path: Path
    result: Path
    duration: float = float("nan")
    events: dict[str, int] = field(default_factory=dict)
    fault: str | None = None
    done_before: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One file of a batch.

    Attributes
    ----------
    path : pathlib.Path
        The media file.
    outputs : tuple of str
        The files to write, below the output folder; the events are the first.
    made_from : dict
        The state of the media file, the model and the options.
    source : str
        Stands for the place of the media file; see `sedlib.batch.record.source_id`.
    outcome : Outcome or None
        None if the file is to be processed.
    page : str or None
        The one of `outputs` that is the page.
    """

    path: Path
    outputs: tuple[str, ...]
    made_from: dict
    source: str
    outcome: Outcome | None
    page: str | None = None


def plan_tasks(files, model, output, options, overwrite=False, further=(), reference=None):
    """Decide what to do with each file; refuse to replace files that are not results of it.

    No result is written. A file is not processed again if its results are unchanged, and the
    size and modification time of the file, the model and the options are those of before.

    Parameters
    ----------
    files : mapping of pathlib.Path to pathlib.Path
        Media files, each with its name below the folder that was given; see
        `sedlib.audio.search_media`.
    model : pathlib.Path
        Folder of a saved model.
    output : pathlib.Path
        Folder of the results; it need not exist.
    options : Options
    overwrite : bool
        Whether files may be replaced that this command did not write.
    further : iterable of str
        Names of other files that are to be written to the output folder.
    reference : sedlib.batch.reference.Reference, optional
        Reference annotations, which the pages show.

    Returns
    -------
    list of Task
        In the order of `files`.

    Raises
    ------
    SedlibError
        If a result would replace a file that is not an earlier result of the same recording, no
        results can be written to the output folder, or a threshold is given for a class that
        the model does not have.
    sedlib.models.ModelError
        If there is no model.
    """
    classes = read_description(model)["classes"]
    for label in options.thresholds:
        if label not in classes:
            raise SedlibError(
                f"the model has no class '{label}'; the nearest is '{nearest(label, classes)}'"
            )
    record = Record(output, overwrite)
    settings = {"model": _hash_model(model), **asdict(options)}
    for name in further:
        record.check(name)
    tasks = []
    for path, name in result_names(files, options.format).items():
        page = page_name(name) if options.html else None
        scores = scores_name(name) if options.scores else None
        outputs = tuple(filter(None, [events_name(name, options.format), scores, page]))
        made_from = {"file": printable(path.name), **file_state(path), **settings}
        if page and reference is not None:
            made_from["reference"] = reference.digest(path)
        task = Task(path, outputs, made_from, source_id(path, output), None, page)
        outcome = _outcome_so_far(task, name, record, classes, options.format)
        tasks.append(replace(task, outcome=outcome))
    pending = [name for task in tasks if not task.outcome for name in task.outputs]
    if pending or further:
        record.check_writable([*pending, *further])
    return tasks


def _outcome_so_far(task, name, record, classes, format):
    """Return the outcome of a file that is done or cannot be; None if it is to be processed."""
    path, output = task.path, record.output
    if is_remote(output) and not is_address_part(name):
        why = "a name in a store must not hold '::' or ':/'"
        return failed(task, output, _unnameable(path, why))
    try:
        if outcome := earlier_outcome(task, record):
            return outcome
        for output_name in task.outputs:
            record.check(output_name, task.source)
        _refuse_unwritable_name(task, classes, format)
    except annotations.AnnotationError as error:
        return failed(task, output, str(error))
    except OSError as error:
        if is_remote(output) and error.errno != errno.ENAMETOOLONG:
            raise SedlibError(f"{output}: cannot be read ({error.strerror})") from None
        return failed(task, output, _unnameable(path, error.strerror))
    if isinstance(path, Path) and os.path.exists(path) and not os.path.isfile(path):
        return failed(task, output, f"{path}: is a pipe or a device; save it as a file")
    return None


def _unnameable(path, why):
    return f"{path}: no result can be named after it ({why}); rename it"


def earlier_outcome(task, record):
    """Return the outcome of an earlier run if its results are whole and still valid, else None."""
    if task.made_from["modified"] is None:  # it might have changed
        return None
    entry = record.done(task.outputs, task.made_from, task.source)
    if entry is None or not isinstance(entry.events, dict):  # an earlier version counted all
        return None
    result = record.output / task.outputs[0]
    remarks = tuple(f"{task.path}: {remark}" for remark in entry.remarks)
    return Outcome(task.path, result, entry.duration, entry.events, None, True, remarks)


def outdated_results(tasks, outcomes, output, options, reference=None):
    """Find results of earlier runs that the new ones no longer agree with.

    Parameters
    ----------
    tasks : sequence of Task
    outcomes : sequence of Outcome
        Of the first of these tasks, or of all.
    output : pathlib.Path
        Folder of the results. In a store, nothing is looked for, because that would take more
        than ten requests for each file.
    options : Options
        Those of the new results.
    reference : sedlib.batch.reference.Reference, optional

    Returns
    -------
    list of pathlib.Path
        Results of the same files in other formats, scores and pages, which nobody has changed;
        and the metrics, where there is a new result but no reference.
    """
    if is_remote(output):
        return []
    record, found = Record(output), []
    writable = [form for form, known in annotations.FORMATS.items() if known.to_text]
    for task, outcome in zip(tasks, outcomes, strict=False):
        name = task.outputs[0].removesuffix(events_name("", options.format))
        page = page_name(name)
        facts = {k: v for k, v in task.made_from.items() if k not in _FORMS}
        events = [events_name(name, form) for form in writable]
        others = dict.fromkeys([*events, scores_name(name), page], facts)
        if reference is not None:
            others[page] = facts | {"reference": reference.digest(task.path)}
        for other, own_facts in others.items():
            if outcome.fault is None and other not in task.outputs:
                with suppress(OSError):  # there is no such file, or it is not ours
                    if record.is_outdated(other, own_facts, task.source):
                        found.append(output / other)
    is_new = (outcome.fault is None and not outcome.done_before for outcome in outcomes)
    if reference is None and any(is_new):
        with suppress(OSError):
            if record.is_outdated(METRICS, None, ""):
                found.append(output / METRICS)
    return found


def failed(task, output, fault):
    """Return the outcome of a file that could not be done."""
    can_be_named = not is_remote(output) or is_address_part(task.outputs[0])
    result = output / task.outputs[0] if can_be_named else output
    return Outcome(task.path, result, fault=fault)


def _refuse_unwritable_name(task, classes, format):
    """Refuse a recording whose name cannot be written in the format, before it is decoded."""
    name = recording_name(task.path.name)
    events = annotations.event_table([(name, 0.0, 1.0, label) for label in classes])
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / PurePosixPath(task.outputs[0]).name
        try:
            annotations.write(events, trial, format)
        except annotations.AnnotationError as error:
            fault = str(error).replace(str(trial), str(task.path))
            raise annotations.AnnotationError(fault) from None


def _hash_model(folder):
    parts = [hashlib.sha256((folder / name).read_bytes()) for name in (DESCRIPTION, WEIGHTS)]
    return hashlib.sha256(b"".join(part.digest() for part in parts)).hexdigest()
