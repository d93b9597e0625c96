"""Annotations: event tables, the formats they are read from and written to, and corrections.

An event table is a `pandas.DataFrame` with the columns ``filename``, ``onset``, ``offset``
(s, float64) and ``event_label``, one row for each event, as in DCASE and sed_eval.
``filename`` names the recording. Detected events also have ``score`` and ``peak_score``, the mean
and the highest score of their class over the event, in [0, 1].

`read` and `write` know every format in `FORMATS`, `read_folder` finds the annotations of a folder
of recordings, and `correct_events` corrects and reports annotation errors, which the readers
leave as they are.

pandas is imported by the functions that need it, so that a command with nothing to do is quick.
"""

from sedlib.annotations.corrections import correct_events, find_misplaced
from sedlib.annotations.event_table import COLUMNS, SCORES, AnnotationError, event_table
from sedlib.annotations.folder import FolderAnnotations, read_folder
from sedlib.annotations.registry import FORMATS, AnnotationFormat, read, write
