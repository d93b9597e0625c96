"""Folders of recordings and annotations, in order or with one of every kind of fault."""

from collections import Counter
from functools import partial

import numpy as np
import soundfile
from hypothesis import settings
from pympi import Eaf

from sedlib import check
from sedlib.annotations import event_table, write
from sedlib.config import Split

RATE = 8000  # Hz, for speed; nothing depends on it
CLASSES = ("speaking", "laughing", "door bell")
SPLIT = Split(train=("a", "b"), validation=("c",), test=("d",))
EVENTS = ((0.25, 1.5, "speaking"), (0.5, 1.0, "laughing"), (1.0, 2.0, "door bell"))
check_folder = partial(check.check_folder, sample_rate=RATE)
claim = settings(deadline=None, database=None)


def noise(name, seconds=2.0, rate=RATE):
    """Sound of its own for each name, in 16 bits, far from silence and full scale."""
    rng = np.random.default_rng(list(name.encode()))
    return rng.integers(-8000, 8000, round(seconds * rate)).astype(np.int16)


def record(folder, name, sound=None, events=EVENTS, rate=RATE, suffix="wav"):
    """One recording; without events it has no annotation."""
    path = folder / f"{name}.{suffix}"
    soundfile.write(path, noise(name) if sound is None else sound, rate)
    if events is not None:
        write(event_table((name, *event) for event in events), folder / f"{name}.json")
    return path


def make_folder(folder):
    """Four good recordings."""
    for name in SPLIT.episodes:
        record(folder, name)
    return folder


def found(report):
    """How often each (severity, finding, recording) is in a report."""
    return Counter(
        (finding.severity, finding.finding, finding.recording)
        for finding in report.findings.itertuples()
    )


def details(report):
    return report.findings["detail"].tolist()


def text_named_wav(folder, name):
    record(folder, name).write_text("not sound")
    return [("error", "unreadable media")]


def empty_file(folder, name):
    record(folder, name).write_bytes(b"")
    return [("error", "unreadable media")]


def truncated(folder, name):
    path = record(folder, name, suffix="flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return [("error", "unreadable media")]


def not_finite(folder, name):
    sound = noise(name).astype(np.float32) / 32768
    sound[1000] = np.nan
    soundfile.write(record(folder, name), sound, RATE, "FLOAT")
    return [("error", "unreadable media")]


def two_of_one_name(folder, name):
    record(folder, name)
    record(folder, name, noise(f"other {name}"), suffix="flac")
    return [("error", "same name")]


def broken_annotation(folder, name):
    record(folder, name, events=None)
    (folder / f"{name}.txt").write_text("0.5\t1.0\tspeaking\n1.0\tlater\tspeaking\n")
    return [("error", "unusable annotation")]


def two_annotations(folder, name):
    record(folder, name)
    (folder / f"{name}.txt").write_text("0.5\t1.0\tspeaking\n")
    return [("error", "unusable annotation")]


def fault_in_first_line(folder, name):
    record(folder, name, events=None)
    (folder / f"{name}.txt").write_text("-0.05\t1.0\tspeaking\n1.0\t1.5\tspeaking\n")
    return [("error", "unusable annotation")]


def in_milliseconds(folder, name):
    record(folder, name, events=[(100, 500, "speaking"), (1000, 1500, "laughing")])
    return [("error", "unusable annotation")]


def media_offset(folder, name):
    record(folder, name, events=None)
    document = Eaf()
    document.add_linked_file(f"{name}.wav", mimetype="audio/x-wav", time_origin=500)
    document.add_annotation("default", 500, 1000, "speaking")
    document.to_file(folder / f"{name}.eaf")
    return [("note", "media offset")]


def no_annotation(folder, name):
    record(folder, name, events=None)
    return [("warning", "no annotation")]


def no_audio(folder, name):
    record(folder, name).unlink()
    return [("warning", "no audio")]


def with_event(*events):
    def fault(folder, name):
        record(folder, name, events=[event for event, _ in events])
        return [finding for _, finding in events if finding]

    return fault


past_the_end = with_event(
    ((0.5, 3.0, "speaking"), ("warning", "past the end")),
    ((2.0, 2.5, "laughing"), ("warning", "past the end")),
)


reversed_event = with_event(((1.5, 0.5, "speaking"), ("warning", "reversed")))


zero_length = with_event(((0.5, 0.5, "speaking"), ("warning", "zero length")))


overlapping = with_event(
    ((0.5, 1.0, "speaking"), None),
    ((0.75, 1.5, "speaking"), ("warning", "overlapping")),
)


unknown_label = with_event(
    ((0.5, 1.0, "coughing"), ("error", "unknown label")),
    ((0.75, 1.5, "coughing"), ("warning", "overlapping")),
)


misspelt_label = with_event(
    ((0.5, 1.0, "speakin"), ("warning", "misspelt label")),
    ((1.5, 2.0, "speakin"), None),
    ((1.5, 2.0, "door bel"), ("warning", "misspelt label")),
)


def silent(folder, name):
    # Of its own length, or two such recordings would be duplicates.
    length = RATE + 1 + sum(name.encode())
    record(folder, name, np.zeros(length, np.int16), [(0.5, 1.0, "speaking")])
    return [("warning", "silent")]


def faint(folder, name):
    record(folder, name, noise(name) // 1000)
    return [("warning", "silent")]


def long_silence(folder, name):
    sound = noise(name, 5.0)
    sound[RATE : 3 * RATE] = 0
    record(folder, name, sound)
    return [("note", "digital silence")]


def mostly_silence(folder, name):
    sound = noise(name)
    sound[RATE // 2 :] = 0
    record(folder, name, sound)
    return [("warning", "digital silence")]


def clipped(folder, name):
    sound = noise(name)
    sound[500:516] = 32767
    record(folder, name, sound)
    return [("warning", "clipped")]


def barely_clipped(folder, name):
    sound = noise(name)
    sound[500:503] = -32768
    record(folder, name, sound)
    return [("note", "clipped")]


def too_short(folder, name):
    record(folder, name, noise(name, 0.9), [(0.1, 0.5, "speaking")])
    return [("error", "too short")]


def wrong_header(folder, name):
    path = record(folder, name, suffix="flac")
    raw = bytearray(path.read_bytes())
    raw[22:26] = RATE.to_bytes(4, "big")  # the lower 32 bits of the total number of samples
    path.write_bytes(raw)
    return [("warning", "wrong duration")]


def wrong_statement(folder, name):
    record(folder, name)
    state(folder, f"{name}.wav\t2.6")
    return [("warning", "wrong duration")]


def low_rate(folder, name):
    record(folder, name, noise(name, rate=4000), rate=4000)
    return [("note", "low sample rate")]


def duplicate(folder, name):
    record(folder, name)
    record(folder, f"{name}_again", noise(name), suffix="flac")
    return [("warning", "duplicate")]


def state(folder, row):
    """Add a row to the table of durations."""
    path = folder / "durations.tsv"
    text = path.read_text() if path.exists() else "filename\tduration\n"
    path.write_text(f"{text}{row}\n")


FAULTS = (
    *(text_named_wav, empty_file, truncated, not_finite, two_of_one_name, broken_annotation),
    *(fault_in_first_line, in_milliseconds, media_offset),
    *(two_annotations, no_annotation, no_audio, past_the_end, reversed_event, zero_length),
    *(overlapping, unknown_label, misspelt_label, silent, faint, long_silence, mostly_silence),
    *(clipped, barely_clipped, too_short, wrong_header, wrong_statement, low_rate, duplicate),
)
