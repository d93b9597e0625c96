"""ELAN documents (.eaf), read and written by pympi.

Each tier has labelled annotations that do not overlap. The format is described by the Max
Planck Institute for Psycholinguistics, "ELAN Annotation Format",
https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf.
"""

from pympi.Elan import Eaf, to_string

from sedlib.annotations.event_table import COLUMNS, AnnotationError
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_bytes
from sedlib.annotations.tiers import separate_tiers, sort_by_time
from sedlib.annotations.values import check_writable, parse_event
from sedlib.files import write_text

_NOT_XML = r"\x00-\x08\x0b-\x1f\ufffe\uffff"  # and a carriage return, which XML turns into LF
_DATE = "1970-01-01T00:00:00+00:00"  # ELAN wants a date; equal events make equal files


def read(path, classes=None):
    """Read the annotations of all tiers, sorted by time. See `AnnotationFormat`.

    An annotation without text has the name of its tier as its label. One that refers to
    another has the times of that one.
    """
    read_bytes(path)  # explains why a file cannot be read
    try:
        document = Eaf(path, suppress_version_warning=True)
        tiers = {
            tier: document.get_annotation_data_for_tier(tier) for tier in document.get_tier_names()
        }
    except Exception as error:  # pympi raises many classes, and Exception itself for bad XML
        raise AnnotationError(
            f"{path}: not a whole ELAN document ({type(error).__name__}: {error}); "
            "save it again in ELAN"
        ) from None
    rows = []
    for tier, annotations in tiers.items():
        for row, (start, stop, label, *_) in enumerate(annotations, start=1):
            where = f"{path}: tier '{tier}', row {row}"
            if start is None or stop is None:
                raise AnnotationError(f"{where}: {label!r} has no times of its own; align it")
            onset, offset, label = parse_event(where, start, stop, label or tier, classes)
            rows.append(("", onset / 1000, offset / 1000, label))
    return sort_by_time(rows), []


def write(events, path):
    """Write the events of one recording, a tier for each class. See `AnnotationFormat`.

    ELAN has whole milliseconds. A time is rounded to the nearest one, but an event that is
    shorter than a millisecond is extended to one.
    """
    check_writable(events, path, forbidden=_NOT_XML, positive_length=True)
    spans = []
    for onset, offset, label in events[COLUMNS[1:]].itertuples(index=False):
        start = round(1000 * onset)
        spans.append((start, max(round(1000 * offset), start + 1), label))
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
    write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', path)


ELAN = AnnotationFormat("eaf", (".eaf",), "ELAN document", read, write=write)
