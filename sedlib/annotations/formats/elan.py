"""ELAN documents (.eaf), read and written by pympi.

Each tier has labelled annotations that do not overlap. The format is described by the Max
Planck Institute for Psycholinguistics, "ELAN Annotation Format",
https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf.

``TIME_ORIGIN`` of a media file is the position in it, in milliseconds, at which the time of the
annotations is 0: ELAN adds it to the time of an annotation to find its place in the media file
(``WebAnnotationJSONBuilder.constructW3CAnnotation`` in the source code of ELAN) and raises it by
the begin of a selection that it saves as a document of its own (``ExportSelectionAsEAF``).
"""

import tempfile
from graphlib import TopologicalSorter
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from pympi.Elan import Eaf, to_string

from sedlib.annotations.event_table import (
    AnnotationError,
    Reading,
    recording_name,
    stem_name,
)
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_bytes
from sedlib.annotations.tiers import separate_tiers, sort_by_time
from sedlib.annotations.values import check_writable, parse_event, shown, to_milliseconds

_NOT_XML = r"\x00-\x08\x0b-\x1f\ufffe\uffff"  # and a carriage return, which XML turns into LF
_SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"
_DATE = "1970-01-01T00:00:00+00:00"  # ELAN wants a date; equal events make equal files


def read(path, classes=None):
    """Read the annotations of all tiers, sorted by time. See `AnnotationFormat`.

    An annotation without text has the name of its tier as its label. One that refers to
    another has the times of that one. One without times of its own gets those at which ELAN
    shows it. The offset of the media file is added to all times.
    """
    read_bytes(path)  # explains why a file cannot be read
    try:
        document = _open(path)
        _refuse_circles(document)
        interpolated = _interpolate_slots(document)
        media = [
            (unquote(entry["MEDIA_URL"]), int(entry.get("TIME_ORIGIN") or 0))
            for entry in document.media_descriptors
        ]
        tiers = {
            tier: document.get_annotation_data_for_tier(tier) for tier in document.get_tier_names()
        }
    except Exception as error:  # pympi raises many classes, and Exception itself for bad XML
        raise AnnotationError(
            f"{path}: not a whole ELAN document ({shown(error)}); save it again in ELAN"
        ) from None
    units = document.header.get("TIME_UNITS") or "milliseconds"
    if units != "milliseconds":
        raise AnnotationError(f"{path}: its times are {units}; save it with milliseconds")
    media_offset = _choose_offset(media, Path(path))
    rows, remarks = [], []
    if media_offset:
        remark = f"the offset of the media file, {media_offset} ms, was added to all times"
        remarks.append(("media offset", remark))
    if interpolated:
        remark = "annotations without times of their own were spread evenly, as ELAN shows them"
        remarks.append(("interpolated times", remark))
    for tier, annotations in tiers.items():
        for row, (start, stop, label, *_) in enumerate(annotations, start=1):
            where = f"{path}: tier '{tier}', row {row}"
            if start is None or stop is None:
                remark = (
                    f"tier '{tier}', row {row}: {shown(label)} has no times; left out, align it"
                )
                remarks.append(("no times", remark))
                continue
            times = start + media_offset, stop + media_offset
            onset, offset, label = parse_event(where, *times, label or tier, classes)
            rows.append(("", onset / 1000, offset / 1000, label))
    if not rows and any(tiers.values()):
        raise AnnotationError(f"{path}: no annotation has times of its own; align them in ELAN")
    return Reading(sort_by_time(rows), [], tuple(remarks))


def _open(path):
    """Parse a document, also one without a reference to the schema, which pympi insists on."""
    tree = ElementTree.parse(path)
    if tree.getroot().tag != "ANNOTATION_DOCUMENT":  # pympi would find nothing in it
        raise ValueError(f"it is a document of type {tree.getroot().tag}")
    if _SCHEMA in tree.getroot().attrib:
        return Eaf(path, suppress_version_warning=True)
    tree.getroot().set(_SCHEMA, "")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "document.eaf"
        tree.write(copy, encoding="utf-8")
        return Eaf(copy, suppress_version_warning=True)


def _refuse_circles(document):
    """Raise if annotations refer to each other in a circle, which pympi would follow for ever."""
    refers = {name: row[:1] for tier in document.tiers.values() for name, row in tier[1].items()}
    TopologicalSorter(refers).prepare()


def _interpolate_slots(document):
    """Give time slots without a time those at which ELAN shows them; return how many got one.

    ELAN spreads a chain of such slots evenly between the slots around it, in a tier after the
    tier that it refers to (``TimeProposer2`` in its source code).
    """
    tiers, times, count = document.tiers, document.timeslots, 0

    def depth(tier):
        level = 0
        while level < len(tiers) and tiers[tier][2].get("PARENT_REF") in tiers:
            tier, level = tiers[tier][2]["PARENT_REF"], level + 1
        return level

    for tier in sorted(tiers, key=depth):
        chain, last = [], None
        for start, stop, *_ in tiers[tier][0].values():
            for slot in (start, stop):
                if times[slot] is None:
                    chain += [slot] if chain[-1:] != [slot] else []
                    continue
                if last is not None and times[slot] >= last:
                    step = (times[slot] - last) // (len(chain) + 1)
                    times |= {slot: last + i * step for i, slot in enumerate(chain, start=1)}
                    count += len(chain)
                chain, last = [], times[slot]
    return count


def _choose_offset(media, path):
    """Return the offset (ms) of the media file that a document is about.

    That is the file beside the document with its name; of all files if none has its name.
    """
    files = {url.replace("\\", "/").rpartition("/")[2]: offset for url, offset in media}
    named = {file: files[file] for file in files if recording_name(file) == stem_name(path)}
    beside = {file: named[file] for file in named if path.with_name(file).is_file()}
    offsets = beside or named or files
    if len(set(offsets.values())) > 1:
        listed = ", ".join(f"{file} {offset} ms" for file, offset in offsets.items())
        raise AnnotationError(
            f"{path}: its media files have different offsets ({listed}); keep the one that the "
            "document is about"
        )
    return next(iter(offsets.values()), 0)


def to_text(events, path):
    """Format the events of one recording, a tier for each class. See `AnnotationFormat`.

    ELAN has whole milliseconds. A time is rounded to the nearest one, but an event that is
    shorter than a millisecond is extended to one.
    """
    check_writable(events, path, forbidden=_NOT_XML, positive_length=True)
    spans = [
        (*to_milliseconds(event.onset, event.offset), event.event_label)
        for event in events.itertuples()
    ]
    document = Eaf(author="")
    document.adocument["DATE"] = _DATE
    tiers = separate_tiers(spans)
    if tiers:
        document.remove_tier("default")  # every new document has it
    for name, label, intervals in tiers:
        document.add_tier(name)
        for start, stop in intervals:
            document.add_annotation(name, start, stop, label)
    text = to_string(document)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


ELAN = AnnotationFormat("eaf", (".eaf",), "ELAN document", read, to_text=to_text)
