"""WebVTT, the captions that video players show.

A cue for each event, in the order of time, with the label as its text. The identifier of a cue,
which players do not show, holds the scores. Captions of another origin are read as well: tags are
removed, and the lines of a cue are joined. See the specification, https://www.w3.org/TR/webvtt1/.
"""

import html
import re

from sedlib.annotations import values
from sedlib.annotations.event_table import (
    SCORES,
    AnnotationError,
    FormatError,
    Reading,
    event_table,
    present_scores,
)
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_lines

_ARROW = "-->"
_TAG = re.compile(r"<[^>]*>")


def read(path, classes=None):
    """Read the cues. See `AnnotationFormat`."""
    lines = read_lines(path)
    if not lines or not re.match(r"WEBVTT(\s|$)", lines[0]):
        raise FormatError(f"{path}: not WebVTT; its first line is not WEBVTT")
    rows = [
        _parse_cue(f"{path}: line {number}", *cue, classes=classes)
        for number, *cue in _split_cues(lines)
    ]
    return Reading(event_table(rows), [])


def _split_cues(lines):
    """Yield the cues: number of the line with the times, identifier, times, lines of the text.

    A line with an arrow begins a cue wherever it stands, and the line above it is the identifier if
    it is the first of its block. Notes, styles and the header have no arrow.
    """
    cue, block = None, []
    for number, line in enumerate([*lines[1:], ""], start=2):
        if line and _ARROW not in line:
            (cue or block).append(line)
            continue
        if cue:
            yield cue
        identifier = block[0] if len(block) == 1 else ""
        cue, block = [number, identifier, line] if line else None, []


def _parse_cue(where, identifier, times, *text, classes):
    """Return the event of a cue."""
    start, _, rest = times.partition(_ARROW)
    stop = rest.split()[:1]  # settings may follow
    if not stop:
        raise AnnotationError(f"{where}: {values.shown(times)} lacks a time; correct it")
    words = [line for line in text if line.strip()] or text
    label = html.unescape(_TAG.sub("", " ".join(words)))
    scores = dict(re.findall(r"(\w+)=(\S+)", identifier))
    event = values.parse_event(where, start, stop[0], label, classes)
    return ("", *event, *values.parse_scores(*map(scores.get, SCORES)))


def to_text(events, path):
    """Format the events of one recording. See `AnnotationFormat`.

    WebVTT has whole milliseconds. A time is rounded to the nearest one, but an event that is
    shorter than a millisecond is extended to one.
    """
    values.check_writable(events, path, forbidden=r"\n\r\0", positive_length=True)
    cues = []
    for event in events.sort_values(["onset", "offset", "event_label"]).itertuples():
        scores = (f"{name}={score}" for name, score in present_scores(event).items())
        times = map(_clock, values.to_milliseconds(event.onset, event.offset))
        lines = (
            " ".join([str(len(cues) + 1), *scores]),
            f" {_ARROW} ".join(times),
            html.escape(event.event_label, quote=False),
        )
        cues.append("\n".join(lines) + "\n")
    return "\n".join(["WEBVTT\n", *cues])


def _clock(milliseconds):
    """Write a time as ``hh:mm:ss.ttt``."""
    rest, fraction = divmod(milliseconds, 1000)
    minutes, seconds = divmod(rest, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{fraction:03}"


WEBVTT = AnnotationFormat(
    "webvtt", (".vtt",), "WebVTT captions", read, to_text=to_text, scores=SCORES
)
