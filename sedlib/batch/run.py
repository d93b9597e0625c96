"""Detecting what is planned, file by file."""

import errno
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path, PurePosixPath

from sedlib import annotations
from sedlib.batch.pages import make_page
from sedlib.batch.plan import Options, Outcome, earlier_outcome, failed
from sedlib.batch.pool import run_tasks
from sedlib.batch.record import Record
from sedlib.config import STFTParams
from sedlib.engine import engine_name, load_model
from sedlib.errors import SedlibError
from sedlib.files import write_text
from sedlib.models import ModelError
from sedlib.places import is_remote, local_copy

_IN_THE_WAY = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
_FORBIDDEN = {errno.EACCES, errno.EPERM}


def detect_tasks(
    tasks, model, output, options, overwrite=False, progress=None, reference=None, pool=None
):
    """Detect the events of each file.

    An error in one file is stored in its outcome, and the next file is processed. If a result
    cannot be written, for example because the disk is full, no further outcomes follow.

    Parameters
    ----------
    tasks : list of Task
        As `plan_tasks` returns them.
    model, output, options, overwrite
        As in `plan_tasks`. Missing folders are created. A file is replaced only when the new one
        is complete.
    progress : callable, optional
        Called with the path of the file and the length in seconds of each block of its sound that
        has been read.
    reference : sedlib.batch.reference.Reference, optional
        As in `plan_tasks`.
    pool : callable, optional
        Takes the work and returns the pool that does it, several files at a time; see
        `sedlib.batch.pool`. By default this process does one file after the other. The results
        are the same.

    Yields
    ------
    Outcome
        In the order of `tasks`, as soon as the results of the file are on disk.

    Raises
    ------
    sedlib.models.ModelError
        If the model cannot be loaded or does not support the options.
    """
    work = Work(model, output, options, overwrite, reference)
    record = work.record
    record.clean()
    pending = [task for task in tasks if not task.outcome]
    if pool:
        results = run_tasks(pool(work), pending, progress)
    else:
        results = (work(task, progress) for task in pending)
    try:
        with closing(results):
            for task in tasks:
                result = (task.outcome, True) if task.outcome else next(results)
                if isinstance(result, SedlibError):  # its worker has died
                    result = failed(task, output, f"{task.path}: {result}"), True
                outcome, goes_on = result
                yield outcome
                if not goes_on:
                    return
    finally:
        record.clean()  # what workers that were killed have left


@dataclass(frozen=True)
class Work:
    """What is done with each file, in this process or in another.

    Attributes
    ----------
    model, output, options, overwrite, reference
        As in `detect_tasks`.
    """

    model: Path
    output: Path
    options: Options
    overwrite: bool = False
    reference: object = None

    def __call__(self, task, progress=None):
        """Return the outcome of a task, and whether further files can be processed."""
        # Another run may have processed the file since the tasks were planned.
        try:
            if outcome := earlier_outcome(task, self.record):
                return outcome, True
        except OSError as error:
            fault = f"{self.output}: cannot be read ({error.strerror})"
            return failed(task, self.output, fault), True
        return _process(task, self._detector, self.record, progress)

    @property
    def record(self):
        """The record of the output folder."""
        return Record(self.output, self.overwrite)

    @cached_property
    def _detector(self):
        return _Detector(self.model, self.options, self.reference)


class _Detector:
    """A model that is loaded, and how it is used."""

    def __init__(self, model, options, reference):
        from sedlib import detection
        from sedlib.features import segment_shape

        self._detection, self._options, self._reference = detection, options, reference
        self._network, self._description = load_model(model)
        self.engine = engine_name(self._network)
        self._hop = options.hop
        if options.hop == detection.FRAMES:
            self._hop = 1 / segment_shape(STFTParams(**self._description["stft"]))[0]

    def detect(self, task, progress):
        """Return what `sedlib.detection.detect` finds in a file, its page, and facts about that."""
        options = self._options
        detected = self._detection.detect(
            task.path,
            self._network,
            self._description,
            options.thresholds,
            options.hop,
            progress,
            options.track,
        )
        if not task.page:
            return detected, None, {}
        return detected, *make_page(task, detected, self._description, options, self._reference)

    def write(self, detected, events, scores):
        """Write the scores, if there is a path for them, and the events."""
        for path in scores:
            self._detection.write_scores(detected.scores, path)
        # The times of events are rounded like this; none may lie behind the end.
        facts = {"hop": self._hop, "duration": round(detected.duration, 6)}
        annotations.write(detected.events, events, self._options.format, **facts)


def _process(task, detector, record, progress):
    """Return the outcome of detection in one file, and whether further files can be processed."""
    try:
        with local_copy(task.path) as path:
            here = replace(task, path=path)
            detected, page, about_page = detector.detect(
                here, progress and partial(progress, task.path)
            )
    except ModelError:
        raise  # it would be the same for every file
    except Exception as error:  # whatever is wrong with one file, the others can be processed
        return failed(task, record.output, _describe(task.path, error)), True
    duration = round(detected.duration, 6)
    counts = Counter(detected.events["event_label"].tolist())
    facts = {
        "duration": duration,
        "events": counts,
        "made_from": task.made_from,
        "engine": detector.engine,
        # The record names no folder of this computer.
        "remarks": [remark.removeprefix(f"{path}: ") for remark in detected.remarks],
    }
    try:
        with record.staging() as folder:
            staged = {name: folder / PurePosixPath(name).name for name in task.outputs}
            events, *scores = [path for name, path in staged.items() if name != task.page]
            detector.write(detected, events, scores)
            if task.page:
                write_text(page, staged[task.page])
            # The events come last: with them the file counts as done.
            for name, path in reversed(staged.items()):
                about = about_page if name == task.page else {}
                record.write(path, name, task.source, **facts, **about)
    except SedlibError as error:
        return failed(task, record.output, _describe(task.path, error)), True
    except OSError as error:
        return _unwritten(task, record.output, error)
    result = record.output / task.outputs[0]
    remarks = tuple(f"{task.path}: {remark}" for remark in facts["remarks"])
    return Outcome(task.path, result, duration, counts, remarks=remarks), True


def _unwritten(task, output, error):
    """Return the outcome of a file whose results cannot be written, and whether others can be."""
    others_can = True
    if error.errno in _IN_THE_WAY:
        remedy = "; move what is in the way, or choose another --output"
    elif error.errno in _FORBIDDEN:
        remedy = "; check the permissions, or choose another --output"
    elif is_remote(output):
        remedy = "; run the command again"
    else:
        others_can = False
        remedy = (
            ", so that this file and those after it were not done; make room or choose another "
            "--output, and run the command again"
        )
    fault = f"{output / task.outputs[0]}: cannot be written ({error.strerror}){remedy}"
    return failed(task, output, fault), others_can


def _describe(path, error):
    """Describe in one sentence, which names the file, what went wrong with it."""
    text = str(error)
    if not isinstance(error, SedlibError):
        text = f"cannot be processed ({type(error).__name__}: {text})"
    return text if str(path) in text else f"{path}: {text}"
