"""Reference annotations, read and checked before anything is detected."""

import hashlib
import os
from collections import Counter
from dataclasses import dataclass, field

import pandas as pd

from sedlib import annotations
from sedlib.annotations.event_table import recording_name, stem_name
from sedlib.annotations.registry import read_named
from sedlib.batch.record import Record
from sedlib.errors import SedlibError
from sedlib.names import listed, printable
from sedlib.places import is_remote


@dataclass(frozen=True, eq=False)
class Reference:
    """The reference annotations of a batch.

    Attributes
    ----------
    events : pandas.DataFrame
        Event table of the files of the batch.
    names : frozenset of str
        The recordings of the batch that are annotated, with events or without.
    faults : list of str
        Why annotations in the folder cannot be used, a sentence for each.
    remarks : list of str
        What was changed or left out when the annotations were read, and which files cannot be
        scored, a sentence for each.
    classes : tuple of str
        The classes of the model that it has events of, in any file. Others may not have been
        annotated.
    aliases : dict of str to str or None
        Label to class; see `sedlib.annotations.correct_events`.
    """

    events: pd.DataFrame
    names: frozenset[str]
    faults: list[str]
    remarks: list[str]
    classes: tuple[str, ...]
    aliases: dict = field(default_factory=dict)

    def of_file(self, path, duration):
        """Return the corrected events of one file.

        Parameters
        ----------
        path : pathlib.Path
            The media file.
        duration : float
            In seconds.

        Returns
        -------
        pandas.DataFrame or None
            Event table of `classes`; None if nothing in the reference can be about the file.
        """
        name = recording_name(path.name)
        own = self.events[self.events["filename"] == name]
        if name not in self.names or annotations.find_misplaced(own, {name: duration}):
            return None
        events, _ = annotations.correct_events(own, self.classes, {name: duration}, self.aliases)
        return events[events["event_label"].isin(self.classes)].reset_index(drop=True)

    def digest(self, path):
        """Return a hash of all that decides what `of_file` returns."""
        name = recording_name(path.name)
        own = self.events[self.events["filename"] == name].to_csv(index=False)
        text = repr((name in self.names, own, self.classes, sorted(self.aliases.items())))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def read_reference(path, tasks, output, classes, aliases=None):
    """Read the reference annotations from a file or a folder.

    Parameters
    ----------
    path : pathlib.Path
    tasks : list of Task
        As `sedlib.batch.plan_tasks` returns them.
    output : pathlib.Path
        Folder of the results.
    classes : sequence of str
        Classes of the model.
    aliases : mapping of str to str or None, optional
        Label in the reference to class; see `sedlib.annotations.correct_events`.

    Returns
    -------
    Reference

    Raises
    ------
    SedlibError
        If the reference cannot be read, is itself a result, names no file of the batch, or has
        no event of the model's classes.
    """
    count = Counter(recording_name(task.path.name) for task in tasks)
    results = [output, *(output / task.outputs[0] for task in tasks)]
    if os.path.realpath(path) in {os.path.realpath(r) for r in results if not is_remote(r)}:
        raise SedlibError(
            f"{path}: is where the results go, which would be compared with themselves; name the "
            "reference annotations, or choose another --output"
        )
    faults, files = [], [path]
    if path.is_dir():
        found = annotations.read_folder(path, count)
        events, names, faults = found.events, list(found.sources), list(found.errors["error"])
        files = found.sources.values()
        read = [(path / row.file, row.remark) for row in found.remarks.itertuples()]
    else:
        events, names, remarks = read_named(path)
        read = [(path, remark) for _, remark in remarks]
        names = names or [stem_name(path)]  # the recording that the file is named after
    if not is_remote(output):
        result = next(filter(Record(output).holds, files), None)
        if result:
            raise SedlibError(
                f"{result}: is a result of sedlib detect; name the reference annotations"
            )
    single = {name for name, files in count.items() if files == 1}
    remarks = [f"{file}: {remark}" for file, remark in read]
    remarks += [
        f"{name}: {files} of the files have this name, not scored"
        for name, files in sorted(count.items())
        if files > 1
    ] + [f"{name}: no reference annotation, not scored" for name in sorted(single - set(names))]
    if not single & set(names):
        named = listed(names, most=3) or "none at all"
        rest = [f"further faults: {len(faults) - 3}"] if len(faults) > 3 else []
        reason = (
            f"{path}: the reference names no file that was detected; it names {named}, and the "
            f"files are {listed(count, most=3)}"
        )
        raise SedlibError("; ".join([reason, *faults[:3], *rest]))
    events = events[events["filename"].isin(single)].reset_index(drop=True)
    labels = set(annotations.correct_events(events, classes, aliases=aliases)[0]["event_label"])
    known = tuple(label for label in classes if label in labels)
    if not known:
        raise SedlibError(
            f"{path}: the reference has no event of the model's classes ({', '.join(classes)}) in "
            "these files; map its labels to classes with --alias"
        )
    remarks = [printable(remark) for remark in remarks]
    annotated = frozenset(single & set(names))
    return Reference(events, annotated, faults, remarks, known, dict(aliases or {}))
