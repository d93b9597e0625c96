"""Judge a folder of recordings and annotations: each rule yields the findings of some kinds.

A recording that the split does not name stops no training, so what makes it useless is only a
warning.
"""

import math
import os
from pathlib import Path

import pandas as pd

from sedlib.check.copies import shared_sound
from sedlib.check.findings import SEVERITIES, Finding, Report
from sedlib.check.measure import DURATION_FILES, class_table, measure_folder, recording_table
from sedlib.names import counted, listed, nearest

_SEGMENT = 1.0  # s; a shorter recording holds no segment
_ROUNDING = 0.01  # s by which an event may end late: times are rounded when written
_DURATION_SLACK = 0.5  # s; a smaller difference cannot move a label by a segment
_CLIPPED = 1e-3  # share of a recording from which clipping is a warning
_SILENT_PEAK = -60.0  # dBFS
_LONG_SILENCE = 2.0  # s of digital silence that are worth a note
_MOSTLY_SILENT = 0.5  # share of digital silence from which it is a warning
_SIMILAR = 0.6  # difflib ratio from which one name may be meant for another
_EVENT_ERRORS = {  # as `correct_events` names them; what aliases do was asked for
    "reversed": "ends before it begins",
    "zero length": "has no length",
    "overlapping": "overlaps another event of its class",
    "past the end": "goes past the end of the recording",
}


def check_folder(folder, classes, split=None, aliases=None, sample_rate=44100, progress=None):
    """Find what is wrong with a folder of recordings and annotations.

    Parameters
    ----------
    folder : path-like
        Media, annotations in any format, and optionally ``durations.tsv`` or ``.csv`` with
        the columns ``filename`` and ``duration``. Subfolders are not read.
    classes : sequence of str
        The known labels.
    split : sedlib.config.Split, optional
        Without it all recordings count, and none is in a subset.
    aliases : mapping of str to str or None, optional
        Label in the annotations to class; see `sedlib.annotations.correct_events`.
    sample_rate : int
        Of the training, in Hz.
    progress : callable, optional
        Called with the name of a recording and the seconds of sound read from it (0 if it
        cannot be read) when it is done.

    Returns
    -------
    Report
        A folder that is missing or empty is an error in it; no exception is raised.
    """
    contents = measure_folder(folder, classes, split, aliases, sample_rate, progress)
    findings = [*unusable_folder(contents)] or [
        finding for rule in RULES for finding in rule(contents)
    ]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    columns = ["severity", "recording", "file", "row", "finding", "detail"]
    table = pd.DataFrame(findings, columns=Finding._fields)[columns].astype({"row": "Int64"})
    tables = table, recording_table(contents), class_table(contents), contents.corrected[0]
    return Report(contents.path, *tables)


def unusable_folder(folder):
    """Yield the one finding about a folder in which there is nothing to judge."""
    path, kind = folder.path, "no folder"
    if not os.path.exists(path):
        fault = "does not exist; check the name"
    elif not os.path.isdir(path):
        fault = "is a file; name the folder that it is in"
    elif not os.access(path, os.R_OK | os.X_OK):
        fault = "cannot be read; check its permissions"
    elif not (folder.sounds or folder.sources or len(folder.annotations.errors)):
        inside = sum(map(os.path.isdir, path.iterdir()))
        advice = f"it has {counted(inside, 'folder')}, name one of them"
        fault = f"holds no media and no annotations; {advice if inside else 'check the name'}"
        fault += f"; passed over: {folder.passed_over}" if folder.passed_over else ""
        kind = "empty folder"
    else:
        return
    yield Finding("error", kind, f"{path} {fault}")


def single_sounds(folder):
    """Yield what the rules for a single media file find in each."""
    for sound in folder.sounds:
        for rule in [unreadable] if sound.fault else SOUND_RULES:
            for finding in rule(sound, folder):
                yield finding._replace(recording=sound.recording, file=sound.file)


def unreadable(sound, folder):
    """Yield why a media file cannot be read."""
    yield Finding(_severity_if_useless(folder, sound.recording), "unreadable media", sound.fault)


def too_short(sound, folder):
    """Yield a finding if a recording is shorter than one segment."""
    if sound.duration < _SEGMENT:
        detail = f"lasts {_in_seconds(sound.duration)}, less than one segment of {_SEGMENT:g} s"
        severity = _severity_if_useless(folder, sound.recording)
        yield Finding(severity, "too short", f"{detail}; leave it out")


def wrong_duration(sound, folder):
    """Yield the durations stated for a recording that differ from the one measured."""
    stated = folder.stated[0]
    stated = stated.loc[stated["recording"] == sound.recording, ["file", "duration"]]
    for source, duration in [("its header", sound.media.duration), *stated.itertuples(index=False)]:
        if duration is not None and abs(duration - sound.duration) > _DURATION_SLACK:
            fault = f"lasts {_in_seconds(sound.duration)}, but {source} states "
            advice = "check that the file is complete and is the one that was annotated"
            detail = f"{fault}{_in_seconds(duration)}; {advice}"
            yield Finding("warning", "wrong duration", detail)


def silence(sound, _):
    """Yield a finding if a recording is silent, altogether or for long."""
    length, begin = sound.longest_silence
    mostly = sound.silent >= _MOSTLY_SILENT
    if sound.peak < _SILENT_PEAK:
        peak = "digital silence" if sound.peak == -math.inf else f"a peak of {sound.peak:.0f} dBFS"
        detail = f"holds nothing above {peak}; check the export, or leave it out"
        yield Finding("warning", "silent", detail)
    elif mostly or length >= _LONG_SILENCE:
        detail = (
            f"{100 * sound.silent:.2g} % is digital silence, the longest stretch "
            f"{_in_seconds(length)} from {_in_seconds(begin)} on; check that no sound is missing"
        )
        yield Finding("warning" if mostly else "note", "digital silence", detail)


def clipping(sound, _):
    """Yield a finding if a recording is clipped."""
    if sound.clipped:
        share = f"{100 * sound.clipped:.2g} % of the samples lie in flat tops at full scale"
        detail = f"{share}; record or export it at a lower level"
        yield Finding("warning" if sound.clipped >= _CLIPPED else "note", "clipped", detail)


def doubtful_sound(sound, folder):
    """Yield which of several tracks was read, and signs that it is not the one that was meant."""
    useless = _severity_if_useless(folder, sound.recording)  # no episode is made from it
    yield from (Finding(severity or useless, *remark) for severity, *remark in sound.remarks)


def low_sample_rate(sound, folder):
    """Yield a finding if a recording lacks the highest frequencies of the training."""
    rate = sound.media.sample_rate
    if rate < folder.sample_rate:
        detail = f"sampled at {rate} Hz, it holds nothing above {rate / 2:.10g} Hz"
        yield Finding("note", "low sample rate", detail)


def shared_names(folder):
    """Yield the names that several media files share."""
    for name, media in folder.media.items():
        if len(media) > 1:
            files = listed(sound.file for sound in media)
            detail = f"{files} have one name without suffix; rename or remove one"
            severity = _severity_if_useless(folder, name)
            yield Finding(severity, "same name", detail, name, media[0].file)


def unusable_tables(folder):
    """Yield the files of annotations and durations that cannot be used."""
    for fault in folder.annotations.errors.sort_values(["filename", "file"]).itertuples():
        name, file = fault.filename, fault.file
        severity = _severity_if_useless(folder, name) if name else "error"
        detail = fault.error.removeprefix(f"{folder.path / file}: ")
        detail = detail.removeprefix(f"{folder.path}: ")
        yield Finding(severity, "unusable annotation", detail, name, file)
    for path, fault in folder.annotations.ignored.items():
        if path.name not in DURATION_FILES:
            detail = f"{fault.removeprefix(f'{path}: ')}; ignored"
            yield Finding("note", "no annotation file", detail, file=path.name)
    if folder.passed_over:
        detail = f"neither media nor annotations by their suffixes: {folder.passed_over}"
        yield Finding("note", "passed over", detail)
    for file, fault in folder.stated[1].items():
        yield Finding("warning", "unusable durations", fault, file=file)


def remarks_of_readers(folder):
    """Yield what the user should know of how annotation files were read."""
    for row in folder.annotations.remarks.itertuples():
        severity = "warning" if row.kind == "no times" else "note"  # the event is left out
        yield Finding(severity, row.kind, row.remark, row.filename, row.file)


def incomplete_pairs(folder):
    """Yield sound without annotations and annotations without sound."""
    annotated = {name: path.name for name, path in folder.sources.items()}
    tried = annotated.keys() | set(folder.annotations.errors["filename"])
    lone_media = [name for name in folder.media if name not in tried]
    lone_annotations = [name for name in annotated if name not in folder.media]
    for name in lone_media:
        detail = f"has no annotation; add {name}.json, without events if there is nothing to hear"
        detail += _suggestion(name, lone_annotations)
        severity, file = _severity_if_incomplete(folder, name), folder.media[name][0].file
        yield Finding(severity, "no annotation", detail, name, file)
    stated = folder.stated[0].set_index("recording")["file"].to_dict()
    for name, file in (stated | annotated).items():
        if name not in folder.media:
            own = Path(file).stem
            detail = f"names '{name}', but there is no such media; correct the name, or add it"
            detail += _suggestion(own if own in lone_media else name, lone_media)
            severity = _severity_if_incomplete(folder, name)
            yield Finding(severity, "no audio", detail, name, file)
    if not folder.usable:
        detail = "no recording has both readable sound and annotations; add what is missing"
        yield Finding("error", "nothing to train on", detail)


def unknown_labels(folder):
    """Yield the labels that are not a class, once for each recording."""
    labels = folder.corrected[1].query("error in ['unknown label', 'misspelt label']")
    keys = ["filename", "error", "event_label"]
    for (name, error, label), events in labels.groupby(keys, sort=False):
        first, severity = events.iloc[0], "warning"
        advice = f"; {first['correction']}"
        if error == "unknown label":
            severity = _severity_if_useless(folder, name)
            advice = f"; the nearest class is '{nearest(label, folder.classes)}', so "
            advice += "correct the label, add it to the classes, or give it an alias"
        place = f"{counted(len(events), 'event')}, the first at {_in_seconds(first['onset'])}"
        detail = f"'{label}' ({place}) is not a class{advice}"
        yield Finding(severity, error, detail, name, folder.sources[name].name, int(first["row"]))


def event_errors(folder):
    """Yield the events whose times had to be corrected."""
    for event in folder.corrected[1].itertuples():
        end = folder.durations.get(event.filename, math.inf)
        begin, late = sorted([event.onset, event.offset])
        rounded = event.error == "past the end" and begin < end and late - end <= _ROUNDING
        if event.error in _EVENT_ERRORS and not rounded:
            times = f"from {event.onset:.10g} to {_in_seconds(event.offset)}"
            fault = f"{_EVENT_ERRORS[event.error]}; {event.correction}"
            detail = f"'{event.event_label}' {times} {fault}"
            place = event.filename, folder.sources[event.filename].name, event.row
            yield Finding("warning", event.error, detail, *place)


def mismatch_with_split(folder):
    """Yield what only one of the split and the folder holds."""
    known = folder.media.keys() | folder.sources.keys() | set(folder.stated[0]["recording"])
    known |= set(folder.annotations.errors["filename"])
    for name, subset in folder.subset_of.items():
        if name not in known:
            near = nearest(name, sorted(folder.media))
            hint = f"the nearest name there is '{near}'" if near else "it holds no media"
            detail = f"split.{subset} names '{name}', which is not in the folder; {hint}"
            yield Finding("error", "missing episode", detail, name)
    for name, media in folder.media.items():
        if folder.subsets and name not in folder.subset_of:
            detail = "is in no subset of the split and is not used"
            yield Finding("note", "not in the split", detail, name, media[0].file)


def classes_without_events(folder):
    """Yield the classes without an event in one of the subsets."""
    subset_of = {name: folder.subset_of.get(name, "any recording") for name in folder.usable}
    events = folder.corrected[0]
    events = events[events["filename"].isin(folder.usable)]
    present = set(zip(events["filename"].map(subset_of), events["event_label"], strict=True))
    subsets = [name for name in folder.subsets or ["any recording"] if name in subset_of.values()]
    for label in folder.classes:
        lacking = [subset for subset in subsets if (subset, label) not in present]
        if lacking:
            where = listed(lacking) if folder.subsets else lacking[0]
            detail = f"'{label}' has no event in {where}; find some, or drop the class"
            yield Finding("warning", "class without events", detail)


SOUND_RULES = (too_short, wrong_duration, doubtful_sound, silence, clipping, low_sample_rate)
RULES = (
    *(single_sounds, shared_names, unusable_tables, remarks_of_readers, incomplete_pairs),
    *(unknown_labels, event_errors, shared_sound, mismatch_with_split, classes_without_events),
)


def _severity_if_useless(folder, recording):
    """Return ``warning`` if the split does not need the recording."""
    return "warning" if folder.subsets and recording not in folder.subset_of else "error"


def _severity_if_incomplete(folder, recording):
    """Return ``error`` if the split needs the recording; otherwise it is only left out."""
    return "error" if recording in folder.subset_of else "warning"


def _suggestion(name, others):
    near = nearest(name, others, _SIMILAR)
    return f"; or does '{near}' belong to it?" if near else ""


def _in_seconds(time):
    """Return a time as text, to the microsecond at most."""
    return f"{round(time, 6):.10g} s"
