"""Write a report as text, as JSON, and as corrected annotations."""

import json
import os
import textwrap
from datetime import timedelta
from pathlib import Path

import pandas as pd

from sedlib.annotations import AnnotationError, write
from sedlib.annotations.values import shown
from sedlib.errors import SedlibError
from sedlib.files import staging_folder
from sedlib.names import counted, is_file_name, printable

_WIDTH = 100  # characters
_SHOWN = 8  # findings of a kind; `as_json` has all


def render(report):
    """Lay out a report as plain text whose sentences are wrapped at 100 columns.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        A summary, the findings by severity (the first few of each kind), the classes, and
        a verdict in the last line. The text does not depend on the terminal.
    """
    findings, recordings = report.findings, report.recordings
    length = timedelta(seconds=round(recordings["duration"].sum()))
    annotated = recordings.loc[recordings["annotation"] != "", "recording"].nunique()
    numbers = {severity: counted(count, severity) for severity, count in report.counts.items()}
    notes = f", with {numbers['note']}" if report.counts["note"] else ""
    verdicts = {
        0: f"ready for training{notes}",
        1: f"can be trained on; look at {numbers['warning']} first",
        2: f"not fit for training: correct {numbers['error']} first",
    }
    lines = [
        str(report.folder),
        f"{counted(recordings['recording'].nunique(), 'recording')}, {length} of sound, "
        f"{annotated} annotated, {counted(len(report.corrected), 'event')}; "
        f"{', '.join(numbers.values())}",
    ]
    for severity, group in findings.groupby("severity", sort=False):
        lines += ["", f"{severity.capitalize()}s"]
        for kind, same_kind in group.groupby("finding", sort=False):
            lines += [f"  {kind} ({len(same_kind)})", *_finding_lines(same_kind)]
    if report.classes["events"].any():
        lines += ["", "Classes", *_class_lines(report.classes)]
    return "\n".join(map(printable, [*lines, "", f"Verdict: {verdicts[report.exit_code]}"]))


def as_json(report):
    """Turn a report into what JSON can hold.

    Parameters
    ----------
    report : Report

    Returns
    -------
    dict
        ``folder``, ``exit_code``, ``counts`` (by severity), and ``findings``,
        ``recordings`` and ``classes``, each a list with one dict for each row. A value
        that is missing or not finite is None.
    """
    result = {
        "folder": _printable(str(report.folder)),
        "exit_code": report.exit_code,
        "counts": report.counts,
    }
    for name in ("findings", "recordings", "classes"):
        table = getattr(report, name).map(_printable)
        result[name] = json.loads(table.to_json(orient="records", double_precision=6))
    return result


def refuse_target(folder, checked):
    """Refuse a folder that corrected annotations cannot be written to.

    Parameters
    ----------
    folder : path-like
        Where they would be written.
    checked : path-like
        The folder of the originals.

    Raises
    ------
    SedlibError
        If the folder is the one that is checked, lies in it or around it, is a file, holds
        anything, or can be neither made nor written to.
    """
    folder, checked = Path(folder), Path(checked)
    target, originals = folder.resolve(), checked.resolve()
    if target in (originals, *originals.parents) or originals in target.parents:
        raise SedlibError(
            f"{folder}: is, lies in or holds the folder that is checked, {checked}; "
            "originals are never written over, name a folder elsewhere"
        )
    if folder.exists() and not folder.is_dir():
        raise SedlibError(f"{folder}: is a file; name a folder")
    try:
        nearest_folder = next(path for path in target.parents if path.exists())
        with staging_folder(nearest_folder):
            pass  # it can be written to
        inside = min(target.iterdir(), default=None) if folder.exists() else None
        if inside:
            raise SedlibError(f"{folder}: already holds {inside.name}; name a new or empty folder")
    except OSError as error:
        raise _cannot_write(folder, error) from None


def write_corrected(report, folder):
    """Write the corrected annotations as JSON, one file for each recording, all or none.

    The files are written to a hidden folder first, which then becomes the target.

    Parameters
    ----------
    report : Report
    folder : path-like
        Made if missing.

    Raises
    ------
    SedlibError
        If there is nothing to write, or `refuse_target` refuses the folder.
    sedlib.annotations.AnnotationError
        If a name or label cannot be written as text. In both cases nothing is written.
    """
    refuse_target(folder, report.folder)
    annotated = report.recordings["annotation"] != ""
    sources = report.recordings[annotated].set_index("recording")["annotation"].to_dict()
    names = list(sources)
    for name in names:
        if not is_file_name(name):
            raise AnnotationError(
                f"{report.folder}: {sources[name]} is about a recording named {shown(name)}, but "
                "no file can have that name; correct it there"
            )
    if not names:
        raise SedlibError(f"{report.folder}: has no annotations that can be read; nothing to write")
    target = Path(folder).resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with staging_folder(target.parent) as aside:
            complete = aside / target.name
            complete.mkdir()
            for name in names:
                events = report.corrected[report.corrected["filename"] == name]
                write(events, complete / f"{name}.json")
            if target.exists():
                target.rmdir()  # empty, or this fails
            os.rename(complete, target)
    except AnnotationError as error:
        raise AnnotationError(str(error).replace(str(complete), str(folder))) from None
    except OSError as error:
        raise _cannot_write(folder, error) from None


def _cannot_write(folder, error):
    return SedlibError(f"{folder}: cannot be written to ({error.strerror}); name another folder")


def _finding_lines(findings):
    """Yield the lines for the findings of one kind, of many only the first few."""
    for finding in findings.head(_SHOWN).itertuples():
        place = finding.file or finding.recording
        if not pd.isna(finding.row):
            place = f"{finding.recording}, event {finding.row}"
        text = f"{place}: {finding.detail}" if place else finding.detail
        yield from textwrap.wrap(text, _WIDTH, initial_indent=4 * " ", subsequent_indent=6 * " ")
    if len(findings) > _SHOWN:
        yield f"    and {len(findings) - _SHOWN} more, which --json lists"


def _class_lines(classes):
    """Return a table of the classes, with events and share of the sound for each subset."""
    share = classes["share"].map("{:.1%}".format).replace("nan%", "–")
    groups = classes.assign(share=share).set_index("event_label").groupby("subset", sort=False)
    table = pd.concat({name: group[["events", "share"]] for name, group in groups}, axis=1)
    return table.rename_axis(None).to_string().split("\n")


def _printable(value):
    """Escape the parts of a text that are not Unicode, which file names can hold."""
    if isinstance(value, str):
        value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value
