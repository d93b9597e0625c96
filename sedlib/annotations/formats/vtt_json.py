"""The JSON of the 2018 experiment, in which the episodes are stored.

``{"file_name", "sound_results": [{"start_time", "sound_type", "end_time"}]}``, one file for
each recording. ``file_name`` is the name of the recording with ``.json``. Detected events also
have their ``score`` and ``peak_score``.
"""

import json
from pathlib import Path

from sedlib.annotations.event_table import (
    SCORES,
    AnnotationError,
    FormatError,
    Reading,
    event_table,
    present_scores,
    single_recording,
)
from sedlib.annotations.formats import AnnotationFormat
from sedlib.annotations.text_files import read_text
from sedlib.annotations.values import check_writable, parse_event, parse_scores, shown


def parse_json(text, where, error_class=FormatError):
    """Return the value of a JSON text; raise `error_class` if it is not valid."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        fault = str(error)
    except KeyError as error:
        fault = f"it has the key {error} twice"
    except ValueError:  # Python's limit for whole numbers
        fault = "it holds a number with thousands of digits"
    except RecursionError:
        fault = "it is nested too deeply"
    raise error_class(f"{where}: not valid JSON ({fault}); correct it")


def _unique(pairs):
    """Return a mapping; raise KeyError if a key is there twice, of which one would be lost."""
    found = {}
    for key, value in pairs:
        if key in found:
            raise KeyError(key)
        found[key] = value
    return found


def read(path, classes=None):
    """Read the events of one recording. See `AnnotationFormat`."""
    raw = parse_json(read_text(path), path)
    if not isinstance(raw, dict) or not isinstance(raw.get("sound_results"), list):
        raise FormatError(f"{path}: has no list 'sound_results'; is it an annotation file?")
    filename = raw.get("file_name", Path(path).name)
    if not isinstance(filename, str):
        raise AnnotationError(
            f"{path}: the file_name {shown(filename)} is not text; put it in quotation marks"
        )
    if filename.lower().endswith(".json"):
        filename = filename[: -len(".json")]
    rows = []
    for row, entry in enumerate(raw["sound_results"], start=1):
        try:
            values = entry["start_time"], entry["end_time"], entry["sound_type"]
        except (TypeError, KeyError):
            raise AnnotationError(
                f"{path}: row {row}: {shown(entry)} lacks start_time, sound_type or end_time; "
                "add it"
            ) from None
        event = parse_event(f"{path}: row {row}", *values, classes)
        rows.append((filename, *event, *parse_scores(*map(entry.get, SCORES))))
    return Reading(event_table(rows), [filename] if rows or "file_name" in raw else [])


def to_text(events, path):
    """Format the events of one recording, times to the last digit. See `AnnotationFormat`."""
    name = single_recording(events, path, Path(path).name.removesuffix(".json"))
    check_writable(events, path)
    results = [
        {"start_time": event.onset, "sound_type": event.event_label, "end_time": event.offset}
        | present_scores(event)
        for event in events.itertuples()
    ]
    raw = {"file_name": f"{name}.json", "sound_results": results}
    return json.dumps(raw, indent=4, ensure_ascii=False, allow_nan=False) + "\n"


JSON = AnnotationFormat(
    "json", (".json",), "JSON of the 2018 experiment", read, to_text=to_text, scores=SCORES
)
