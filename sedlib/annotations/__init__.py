"""Event tables from and to files, and the slips people make in them.

An event table is a `pandas.DataFrame` with the columns ``filename``, ``onset``,
``offset`` (s, float64) and ``event_label``, one row an event, as in DCASE and
sed_eval. ``filename`` names the recording. Times in a file are seconds or clock times,
``mm:ss`` or ``hh:mm:ss``. Readers keep the order of the file and the slips people make;
`correct_events` mends and reports those.

`read` and `write` know every format: the reference's JSON, clip list and JSON lines,
event tables as TSV and CSV, Audacity labels, Raven selection tables, Praat TextGrids and
ELAN documents. `read_folder` finds the annotations of a folder of recordings.
"""

from sedlib.annotations.corrections import correct_events
from sedlib.annotations.event_table import COLUMNS, AnnotationError, event_table
from sedlib.annotations.folder import FolderAnnotations, read_folder
from sedlib.annotations.formats.delimited import read_tsv, write_tsv
from sedlib.annotations.formats.vtt2018 import (
    read_clip_list,
    read_json,
    read_json_lines,
    write_json,
    write_json_lines,
)
from sedlib.annotations.registry import SUFFIXES, read, write

__all__ = [
    "COLUMNS",
    "SUFFIXES",
    "AnnotationError",
    "FolderAnnotations",
    "correct_events",
    "event_table",
    "read",
    "read_clip_list",
    "read_folder",
    "read_json",
    "read_json_lines",
    "read_tsv",
    "write",
    "write_json",
    "write_json_lines",
    "write_tsv",
]
