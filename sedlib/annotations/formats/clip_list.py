"""The clip list of the 2018 experiment.

One line for each clip of a recording, ``clip_name start_ms end_ms label|label``, separated by
tabs, without a header. The clip ``s01_ep06-005.wav`` belongs to the recording ``s01_ep06``.
"""

import re

from sedlib.annotations.event_table import AnnotationError, Reading, event_table
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_lines, split_lines
from sedlib.annotations.values import parse_event, shown

_CLIP = re.compile(r"[^\t]+-\d+(?:\.\w+)?\t(\d+)\t(\d+)\t[^\t]+")


def sniff(text):
    """Return whether every line is a clip in milliseconds.

    A table of events in whole seconds of recordings called ``a-1.wav`` looks the same. It has
    no event of a thousand seconds, whereas a list of clips has one of at least a second.
    """
    clips = [_CLIP.fullmatch(line) for line in split_lines(text) if line.strip()]
    return (
        all(clips) and max((float(clip[2]) - float(clip[1]) for clip in clips), default=0) >= 1000
    )


def read(path, classes=None):
    """Read one event for each label of each clip. See `AnnotationFormat`."""
    rows = []
    for row, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) != 4:
            raise AnnotationError(
                f"{path}: row {row}: {shown(line)} has {len(fields)} tab separated fields, not 4: "
                "clip_name, start_ms, end_ms, label|label"
            )
        clip_name, start, stop, labels = fields
        filename = clip_name.rpartition("-")[0] or clip_name
        for label in labels.split("|"):
            onset, offset, label = parse_event(f"{path}: row {row}", start, stop, label, classes)
            rows.append((filename, onset / 1000, offset / 1000, label))
    events = event_table(rows)
    return Reading(events, list(events["filename"].unique()))


CLIP_LIST = AnnotationFormat(
    "clip_list",
    (".txt",),
    "clip list of the 2018 experiment",
    read,
    sniff=sniff,
    many_recordings=True,
)
