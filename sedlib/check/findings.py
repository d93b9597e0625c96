"""What a check finds, and the report of all that it found.

A finding is an ``error`` where training would be impossible or wrong, a ``warning`` where
something is corrected, left out or deserves a look, and a ``note`` otherwise.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

SEVERITIES = ("error", "warning", "note")


class Finding(NamedTuple):
    """Something that is wrong with a folder, or worth knowing.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
    finding : str
        Its kind.
    detail : str
        A sentence with the values and what to do.
    recording : str
        Empty if it is about all recordings or none.
    file : str
        Name in the folder, or empty.
    row : int or None
        The event, from 1 within the recording; of several, the first.
    """

    severity: str
    finding: str
    detail: str
    recording: str = ""
    file: str = ""
    row: int | None = None


@dataclass(frozen=True, eq=False)
class Report:
    """The result of `check_folder`.

    Attributes
    ----------
    folder : pathlib.Path
    findings : pandas.DataFrame
        Errors, then warnings, then notes, with the attributes of `Finding` as columns;
        ``row`` is missing where a finding is about no event.
    recordings : pandas.DataFrame
        A row for each media file and for each recording without one: ``recording``,
        ``file``, ``annotation`` (the names of both files, or empty), ``subset`` of the split
        or empty, ``duration`` (s), ``peak`` and ``level`` (root mean square; both dBFS),
        ``clipped`` and ``silent`` (shares, in [0, 1], of samples in flat tops at full scale
        and in digital silence), ``codec``, ``sample_rate`` (Hz), ``channels``, ``events``
        (corrected); missing where not known.
    classes : pandas.DataFrame
        A row for each class in each subset, and in ``all``: ``event_label``, ``subset``,
        ``events``, ``seconds``, and ``share`` of the annotated sound, in [0, 1], nan if there
        is none.
    corrected : pandas.DataFrame
        Event table of all annotations, corrected by `sedlib.annotations.correct_events`.
    """

    folder: Path
    findings: pd.DataFrame
    recordings: pd.DataFrame
    classes: pd.DataFrame
    corrected: pd.DataFrame

    @property
    def counts(self):
        """Severity to its number of findings."""
        counts = self.findings["severity"].value_counts()
        return {severity: int(counts.get(severity, 0)) for severity in SEVERITIES}

    @property
    def exit_code(self):
        """2 with errors, 1 with warnings, else 0."""
        return 2 if self.counts["error"] else int(self.counts["warning"] > 0)
