"""Scoring the events of a batch against reference annotations."""

from functools import partial

import numpy as np

from sedlib import annotations, metrics
from sedlib.annotations.event_table import recording_name
from sedlib.batch.names import METRICS
from sedlib.batch.record import Record
from sedlib.errors import SedlibError
from sedlib.files import nan_to_null, write_json
from sedlib.labels import label_segments
from sedlib.places import local_copy


def compare_with_reference(outcomes, reference, classes, output, overwrite=False):
    """Score the detected events segment by segment, against reference annotations.

    Only the classes that occur in the reference are scored, because any other class may not have
    been annotated. False alarms of the other classes are therefore not counted.

    Parameters
    ----------
    outcomes : sequence of Outcome
    reference : sedlib.batch.Reference
    classes : sequence of str
        Classes of the model.
    output : pathlib.Path
        Folder of the results. The metrics are written there, to ``metrics.json``.
    overwrite : bool
        Whether a ``metrics.json`` that this function did not write may be replaced.

    Returns
    -------
    table : pandas.DataFrame
        Metrics of each class; see `sedlib.metrics.segment_metrics`.
    remarks : list of str
        The corrections of the reference.

    Raises
    ------
    SedlibError
        If the reference has no event of the model's classes in any file that was processed.
    """
    detected = {recording_name(o.path.name): o for o in outcomes if not o.fault}
    scored_files = {name: outcome for name, outcome in detected.items() if name in reference.names}
    durations = {name: outcome.duration for name, outcome in scored_files.items()}
    misplaced = annotations.find_misplaced(reference.events, durations)
    scored_files = {name: o for name, o in scored_files.items() if name not in misplaced}
    events = reference.events[reference.events["filename"].isin(scored_files)]
    events, corrections = annotations.correct_events(events, classes, durations, reference.aliases)
    corrections["correction"] = corrections["correction"].replace(
        "kept", "not a class of the model, not scored"
    )
    kinds = corrections.groupby(["error", "event_label", "correction"], sort=False).size()
    remarks = [f"reference: {fault}; not scored" for fault in misplaced.values()]
    remarks += [
        f"reference: {count} x {error} '{label}', {correction}"
        for (error, label, correction), count in kinds.items()
    ]
    scored = [label for label in classes if label in set(events["event_label"])]
    if not scored:
        raise SedlibError(
            "the reference has no event of the model's classes within a file that was detected"
            + "".join(f"; {remark}" for remark in remarks)
        )
    labels = []
    for name, outcome in scored_files.items():
        estimated = annotations.event_table()
        if outcome.events:
            with local_copy(outcome.result) as result:
                estimated = annotations.read(result)
        tables = events[events["filename"] == name], estimated
        tables = [table[table["event_label"].isin(scored)] for table in tables]
        labels.append([label_segments(table, outcome.duration, scored) for table in tables])
    pair = [np.concatenate(each) for each in zip(*labels, strict=True)]
    table = metrics.segment_metrics(*pair, scored).drop(columns="average_precision")
    summary = {"segments": len(pair[0]), **metrics.averages(*pair)}
    summary["classes"] = table.to_dict("index")
    Record(output, overwrite).write_alone(METRICS, partial(write_json, nan_to_null(summary)))
    return table, remarks
