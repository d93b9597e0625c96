"""Checking a folder: each fault is found, alone and among others, and nothing else is."""

import json
import shutil
import tracemalloc
from collections import Counter
from functools import partial
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib import check
from sedlib.annotations import AnnotationError, event_table, read_json, write_json
from sedlib.audio import read_blocks
from sedlib.check import CheckError, as_json, render, write_corrected
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
        write_json(event_table((name, *event) for event in events), folder / f"{name}.json")
    return path


def clean(folder):
    """Four good recordings."""
    for name in SPLIT.episodes:
        record(folder, name)
    return folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own").mkdir()
    return clean(tmp_path / "own")


def found(report):
    """How often each (severity, finding, recording) is in a report."""
    return Counter(
        (finding.severity, finding.finding, finding.recording)
        for finding in report.findings.itertuples()
    )


def details(report):
    return report.findings["detail"].tolist()


def contents(folder):
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_nothing_is_found_in_a_clean_folder(folder):
    for split in (None, SPLIT):
        report = check_folder(folder, CLASSES, split)
        assert found(report) == {} and report.exit_code == 0
    assert render(report).splitlines()[-1] == "Verdict: ready for training"


# Faults: each makes a recording of the name, and says what must be found of it.


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
    ((1.5, 2.0, "door belt"), ("warning", "misspelt label")),
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
    *(two_annotations, no_annotation, no_audio, past_the_end, reversed_event, zero_length),
    *(overlapping, unknown_label, misspelt_label, silent, faint, long_silence, mostly_silence),
    *(clipped, barely_clipped, too_short, wrong_header, wrong_statement, low_rate, duplicate),
)
EXIT_CODES = {"error": 2, "warning": 1, "note": 0}


@pytest.mark.parametrize("fault", range(len(FAULTS)))
def test_each_fault_is_found_and_nothing_else(folder, fault):
    expected = Counter((*finding, "x") for finding in FAULTS[fault](folder, "x"))
    report = check_folder(folder, CLASSES)
    assert found(report) == expected
    assert report.exit_code == max(EXIT_CODES[severity] for severity, *_ in expected)


@settings(claim, max_examples=10)
@given(st.lists(st.sampled_from(FAULTS), min_size=2, max_size=8))
def test_faults_at_random_are_all_found_and_nothing_else(faults):
    with TemporaryDirectory() as top:
        folder, expected = clean(Path(top)), Counter()
        for number, fault in enumerate(faults):
            name = f"recording {number}"
            expected.update((*finding, name) for finding in fault(folder, name))
        assert found(check_folder(folder, CLASSES)) == expected


@pytest.mark.parametrize("fault", [text_named_wav, broken_annotation, unknown_label, too_short])
def test_what_the_split_does_not_name_stops_no_training(folder, fault):
    fault(folder, "x")
    report = check_folder(folder, CLASSES, SPLIT)
    assert report.exit_code == 1
    fault(folder, "d")
    if fault is broken_annotation:
        (folder / "d.json").unlink()
    assert check_folder(folder, CLASSES, SPLIT).exit_code == 2


SAID = {  # file, event and sentence of the findings
    text_named_wav: ["x.wav", "cannot be read as sound"],
    empty_file: ["x.wav", "the file is empty"],
    truncated: ["x.flac", "truncated", "its header promises"],
    not_finite: ["x.wav", "not finite numbers"],
    two_of_one_name: ["'x.flac' and 'x.wav' have one name"],
    broken_annotation: ["x.txt", "row 2: 'later' is not a time"],
    two_annotations: ["x.json", "x.json and x.txt annotate 'x'"],
    no_annotation: ["x.wav", "add x.json"],
    no_audio: ["x.json", "names 'x', of which no media is here"],
    past_the_end: ["x.json 1 'speaking' from 0.5 to 3 s", "cut to 2.0 s", "x.json 2", "left out"],
    reversed_event: ["x.json 1 'speaking' from 1.5 to 0.5 s ends before it begins; swapped"],
    zero_length: ["x.json 1 'speaking' from 0.5 to 0.5 s has no length; lasts to 1.0 s"],
    overlapping: ["x.json 2 'speaking' from 0.75 to 1.5 s overlaps", "merged into 0.5 to 1.5 s"],
    unknown_label: ["x.json 1 'coughing' (2 events, the first at 0.5 s)", "is 'laughing'"],
    misspelt_label: ["x.json 1", "read as 'speaking'", "x.json 3", "read as 'door bell'"],
    silent: ["x.wav", "holds nothing above digital silence"],
    faint: ["x.wav", "a peak of -72 dBFS"],
    long_silence: ["x.wav", "40 % is digital silence, the longest stretch 2 s from 1 s on"],
    mostly_silence: ["x.wav", "75 % is digital silence, the longest stretch 1.5 s from 0.5 s on"],
    clipped: ["x.wav", "0.1 % of the samples lie in flat tops"],
    barely_clipped: ["x.wav", "0.019 % of the samples lie in flat tops"],
    too_short: ["x.wav", "lasts 0.9 s, less than one clip of 1 s"],
    wrong_header: ["x.flac", "lasts 2 s, but its header says 1 s"],
    wrong_statement: ["x.wav", "lasts 2 s, but durations.tsv says 2.6 s"],
    low_rate: ["x.wav", "sampled at 4000 Hz, it has nothing above 2000 Hz"],
    duplicate: ["x.wav", "'x' and 'x_again' hold the same sound; keep one"],
}


def test_a_finding_says_where_what_and_the_value(folder):
    for number, fault in enumerate(FAULTS):
        fault(folder, f"x{number}")
    findings = check_folder(folder, CLASSES).findings
    for number, fault in enumerate(FAULTS):
        rows = findings[findings["recording"] == f"x{number}"]
        texts = [f"{row.file} {row.row} {row.detail}" for row in rows.itertuples()]
        text = "; ".join(texts).replace(f"x{number}", "x")
        assert [part for part in SAID[fault] if part not in text] == []


def test_a_time_rounded_up_is_not_past_the_end(folder):
    record(folder, "x", noise("x", 1.99525), [(0.5, 2.0, "speaking")])
    report = check_folder(folder, CLASSES)
    assert found(report) == {}
    assert report.corrected.query("filename == 'x'")["offset"].tolist() == [1.99525]


def test_touching_events_are_not_overlapping(folder):
    record(folder, "x", events=[(0.5, 1.0, "speaking"), (1.0, 1.5, "speaking")])
    assert found(check_folder(folder, CLASSES)) == {}


def test_an_annotation_without_events_is_one(folder):
    record(folder, "x", events=[])
    report = check_folder(folder, CLASSES)
    assert found(report) == {}
    assert report.recordings.set_index("recording").loc["x", "events"] == 0


def test_one_table_may_annotate_all(tmp_path):
    for name in SPLIT.episodes:
        record(tmp_path, name, events=None)
    rows = [f"{n}.wav\t{on}\t{off}\t{label}" for n in SPLIT.episodes for on, off, label in EVENTS]
    table = tmp_path / "annotation.tsv"
    table.write_text("\n".join(["filename\tonset\toffset\tevent_label", *rows]))
    report = check_folder(tmp_path, CLASSES, SPLIT)
    assert found(report) == {}
    assert set(report.recordings["annotation"]) == {"annotation.tsv"}


def test_aliases_are_followed(folder):
    record(folder, "x", events=[(0.5, 1.0, "speech"), (0.5, 1.0, "coughing")])
    report = check_folder(folder, CLASSES, aliases={"speech": "speaking", "coughing": None})
    assert found(report) == {}
    assert report.corrected.query("filename == 'x'")["event_label"].tolist() == ["speaking"]


def test_a_pair_misnamed_is_recognised(folder):
    (folder / "d.json").rename(folder / "episode_5.txt")
    (folder / "episode_5.txt").write_text("0.5\t1.0\tspeaking\n")
    (folder / "d.wav").rename(folder / "episode_05.wav")
    report = check_folder(folder, CLASSES)
    assert found(report) == {
        ("warning", "no annotation", "episode_05"): 1,
        ("warning", "no audio", "episode_5"): 1,
    }
    assert "does 'episode_5' belong to it?" in details(report)[0]
    assert "does 'episode_05' belong to it?" in details(report)[1]


def test_an_annotation_that_names_another_recording_is_recognised(folder):
    (folder / "d.wav").rename(folder / "renamed.wav")
    (folder / "d.json").rename(folder / "renamed.json")
    detail = details(check_folder(folder, CLASSES))[1]
    assert detail.startswith("names 'd', of which no media is here;")
    assert detail.endswith("or does 'renamed' belong to it?")


def test_a_name_that_is_no_text_can_be_shown(folder):
    name = "caf\udce9"  # as a file named in Latin-1 is seen
    try:
        (folder / "d.wav").rename(folder / f"{name}.wav")
    except OSError:
        pytest.skip("this file system has no such names")
    report = check_folder(folder, CLASSES)
    for text in (render(report), json.dumps(as_json(report), ensure_ascii=False)):
        assert "caf\\udce9.wav" in text.encode("utf-8").decode().replace("\\\\", "\\")


def test_a_file_that_is_no_annotation_is_noted(folder):
    (folder / "README.txt").write_text("My recordings.\n")
    report = check_folder(folder, CLASSES)
    assert report.findings[["severity", "file"]].to_numpy().tolist() == [["note", "README.txt"]]
    assert render(report).splitlines()[-1] == "Verdict: ready for training, with 1 note"


def test_stated_durations_that_fit_are_no_finding(folder):
    for name in SPLIT.episodes:
        state(folder, f"{name}.wav\t2.000")
    assert found(check_folder(folder, CLASSES, SPLIT)) == {}


def test_a_stated_duration_without_a_recording_is_found(folder):
    state(folder, "x.wav\t2.000")
    report = check_folder(folder, CLASSES)
    assert found(report) == {("warning", "no audio", "x"): 1}
    assert report.findings["file"].tolist() == ["durations.tsv"]


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("durations.tsv", "name\tduration\na\t2\n", "no column 'filename' in the first line"),
        ("durations.csv", "filename,duration\na.wav,2\nb.wav,long\n", "row 2: 'b.wav', 'long' is"),
    ],
)
def test_durations_that_cannot_be_used_are_found(folder, file, text, fault):
    (folder / file).write_text(text)
    report = check_folder(folder, CLASSES)
    assert found(report) == {("warning", "unusable durations", ""): 1}
    assert fault in details(report)[0]


def test_the_same_sound_is_known_in_every_lossless_container(folder):
    sound = noise("x")
    record(folder, "x", sound)
    record(folder, "y", sound, suffix="flac")
    record(folder, "z", np.stack([sound, sound], axis=1), suffix="aiff")
    soundfile.write(record(folder, "w"), sound / 32768, RATE, "FLOAT")
    report = check_folder(folder, CLASSES)
    assert found(report) == {("warning", "duplicate", "w"): 1}
    assert details(report)[0].startswith("'w', 'x', 'y' and 'z' hold the same sound")


def test_the_same_sound_on_two_sides_is_leakage(folder):
    record(folder, "d", noise("b"))
    report = check_folder(folder, CLASSES, SPLIT)
    assert found(report) == {("error", "leakage", "b"): 1}
    assert details(report)[0].startswith("'b' and 'd' hold the same sound, in 'train' and 'test'")


def test_the_same_sound_twice_on_one_side_is_an_error_for_the_split_is_refused(folder):
    record(folder, "b", noise("a"))
    assert found(check_folder(folder, CLASSES, SPLIT)) == {("error", "duplicate", "a"): 1}
    assert found(check_folder(folder, CLASSES)) == {("warning", "duplicate", "a"): 1}


def test_a_copy_outside_the_split_is_no_error(folder):
    record(folder, "x", noise("d"))
    assert found(check_folder(folder, CLASSES, SPLIT)) == {
        ("warning", "duplicate", "d"): 1,
        ("note", "not in the split", "x"): 1,
    }


def test_an_episode_that_the_split_names_must_be_there(folder):
    split = Split(train=("a", "b"), validation=("c",), test=("d", "cc"))
    report = check_folder(folder, CLASSES, split)
    assert found(report) == {("error", "missing episode", "cc"): 1}
    assert details(report) == [
        "split.test names 'cc', which is not in the folder; the nearest name there is 'c'"
    ]


@pytest.mark.parametrize(("suffix", "kind"), [("wav", "no audio"), ("json", "no annotation")])
def test_half_an_episode_of_the_split_is_an_error(folder, suffix, kind):
    (folder / f"a.{suffix}").unlink()
    assert found(check_folder(folder, CLASSES, SPLIT)) == {("error", kind, "a"): 1}


def test_a_class_without_events_is_found_with_the_sides_that_lack_it(folder):
    for name in "cd":
        record(folder, name, events=EVENTS[:2])
    report = check_folder(folder, (*CLASSES, "knocking"), SPLIT)
    assert found(report) == {("warning", "class without events", ""): 2}
    assert details(report)[0].startswith("'door bell' has no event in 'validation' and 'test';")
    assert details(report)[1].startswith("'knocking' has no event in 'train', 'validation' and ")
    report = check_folder(folder, (*CLASSES, "knocking"))
    assert [detail[:37] for detail in details(report)] == ["'knocking' has no event in any record"]


def test_annotations_alone_train_nothing(folder):
    for path in folder.glob("*.wav"):
        path.unlink()
    report = check_folder(folder, CLASSES)
    expected = Counter(("warning", "no audio", name) for name in SPLIT.episodes)
    assert found(report) == expected + Counter([("error", "nothing to train on", "")])
    assert report.classes["events"].tolist() == [4, 4, 4]
    assert report.classes["share"].isna().all()


def test_a_folder_that_is_none_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "bank" / "doors").mkdir(parents=True)
    (tmp_path / "bank" / "laughs").mkdir()
    for name, fault in {
        "missing": "does not exist",
        "file": "is a file; name the folder that it is in",
        "bank": "holds no media and no annotations; it has 2 folders, name one of them",
        "bank/doors": "holds no media and no annotations; check the name",
    }.items():
        report = check_folder(tmp_path / name, CLASSES, SPLIT)
        assert report.exit_code == 2
        assert len(details(report)) == 1 and fault in details(report)[0]
        assert len(report.recordings) == 0 and len(report.corrected) == 0
        assert json.loads(json.dumps(as_json(report)))["exit_code"] == 2
        assert fault in " ".join(render(report).split())
        with pytest.raises(CheckError, match="has no annotations that can be read"):
            write_corrected(report, tmp_path / "corrected")


# Measures


def slow_runs(samples, values):
    """Length and begin of each run of samples that are among the values."""
    begin = 0
    for inside, run in groupby(samples.tolist(), lambda sample: sample in values):
        length = len(list(run))
        if inside:
            yield length, begin
        begin += length


@pytest.mark.parametrize("block_length", [7, 64, 1000, 2**18])
def test_measures_agree_with_slow_ones_whatever_the_blocks(tmp_path, monkeypatch, block_length):
    rng, rate = np.random.default_rng(0), 1000
    lengths = rng.choice([1, 2, 3, 4, 30, 99, 100, 101, 150], 200)
    values = rng.choice([0, 0, 32767, -32767, -32768, 12345], 200)
    lengths[77], values[77] = 2500, 0
    sound = np.repeat(values, lengths).astype(np.int16)
    record(tmp_path, "x", sound, rate=rate)
    record(tmp_path, "y", rate=rate, sound=noise("y"))
    monkeypatch.setattr(check, "read_blocks", partial(read_blocks, block_length=block_length))
    report = check_folder(tmp_path, CLASSES, sample_rate=rate)
    x, y = report.recordings.itertuples()
    zeros = [run for run in slow_runs(sound, {0}) if run[0] >= 100]
    tops = [*slow_runs(sound, {32767}), *slow_runs(sound, {-32767, -32768})]
    assert x.silent == sum(length for length, _ in zeros) / len(sound) > 0
    assert x.clipped == sum(length for length, _ in tops if length >= 3) / len(sound) > 0
    length, begin = max(zeros, key=lambda run: run[0])
    stretch = f"the longest stretch {length / rate:g} s from {begin / rate:g} s on"
    assert any(stretch in detail for detail in details(report))
    samples = noise("y") / 32768
    assert y.peak == pytest.approx(20 * np.log10(np.abs(samples).max()), abs=1e-6)
    assert y.level == pytest.approx(10 * np.log10(np.mean(samples**2)), abs=1e-6)
    assert (y.clipped, y.silent, y.duration) == (0, 0, len(samples) / rate)


def test_memory_does_not_grow_with_the_recording(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "read_blocks", partial(read_blocks, block_length=2**12))
    peaks = []
    for seconds in (20, 200):
        (tmp_path / str(seconds)).mkdir()
        record(tmp_path / str(seconds), "x", noise("x", seconds), suffix="flac")
        check_folder(tmp_path / str(seconds), CLASSES)
        tracemalloc.start()
        check_folder(tmp_path / str(seconds), CLASSES)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_recordings_are_described(folder):
    record(folder, "b", np.zeros((RATE, 2), np.int16), suffix="flac", events=None)
    (folder / "b.wav").unlink()
    (folder / "c.wav").unlink()
    a, b, c, d = as_json(check_folder(folder, CLASSES, SPLIT))["recordings"]
    assert b == {
        "recording": "b",
        "file": "b.flac",
        "annotation": "b.json",
        "side": "train",
        "duration": 1.0,
        "peak": None,
        "level": None,
        "clipped": 0.0,
        "silent": 1.0,
        "codec": "flac",
        "sample_rate": RATE,
        "channels": 2,
        "events": 2,
    }
    assert (a["codec"], a["channels"], a["events"], a["side"]) == ("pcm_s16le", 1, 3, "train")
    assert (c["file"], c["annotation"], c["duration"], c["channels"]) == ("", "c.json", None, None)
    assert (d["side"], d["duration"]) == ("test", 2.0)


def test_classes_are_counted_by_side(folder):
    record(folder, "b", noise("b", 3.0), [(0.0, 1.5, "speaking"), (2.0, 2.5, "speaking")])
    table = check_folder(folder, CLASSES, SPLIT).classes.set_index(["side", "event_label"])
    assert table.loc["train", "speaking"].tolist() == [3, 3.25, 3.25 / 5]
    assert table.loc["test", "laughing"].tolist() == [1, 0.5, 0.25]
    assert table.loc["train", "door bell"].tolist() == [1, 1.0, 0.2]
    assert table.loc["all", "speaking"].tolist() == [5, 5.75, 5.75 / 9]
    assert list(table.index) == [
        (side, label) for side in ("all", "train", "validation", "test") for label in CLASSES
    ]


def test_progress_is_told_of_every_recording_once(folder):
    empty_file(folder, "x")
    told = []
    check_folder(folder, CLASSES, progress=lambda *done: told.append(done))
    assert sorted(told) == [(name, 2.0) for name in "abcd"] + [("x", 0.0)]


def test_two_checks_give_the_same_report(folder):
    for number, fault in enumerate(FAULTS):
        fault(folder, f"recording {number}")
    first, second = (check_folder(folder, CLASSES, SPLIT) for _ in range(2))
    assert as_json(first) == as_json(second) and render(first) == render(second)
    pd.testing.assert_frame_equal(first.corrected, second.corrected)


# What is shown


def test_the_text_fits_a_terminal_and_cuts_no_sentence(folder):
    for number, fault in enumerate(FAULTS):
        fault(folder, f"a recording with a long name, and with the number {number}")
    report = check_folder(folder, CLASSES, SPLIT)
    text = render(report)
    assert max(map(len, text.splitlines())) <= 100
    letters = Counter("".join(text.split()))
    shown = report.findings.groupby(["severity", "finding"]).head(8)
    needed = Counter("".join("".join(shown["detail"]).split()))
    assert needed <= letters
    counts = as_json(report)["counts"]
    assert f"{counts['error']} errors, {counts['warning']} warnings" in text.splitlines()[1]


def test_of_many_findings_of_a_kind_the_first_are_shown_and_the_rest_counted(folder):
    for number in range(10):
        no_annotation(folder, f"x{number}")
    report = check_folder(folder, CLASSES)
    lines = render(report).splitlines()
    assert "  no annotation (10)" in lines
    assert sum("has no annotation" in line for line in lines) == 8
    assert sum("and 2 more, which JSON has" in line for line in lines) == 1
    assert len(as_json(report)["findings"]) == 10
    assert lines[-1] == "Verdict: can be trained on; look at 10 warnings first"


def test_the_verdict_is_the_last_line(folder):
    empty_file(folder, "x")
    lines = render(check_folder(folder, CLASSES)).splitlines()
    assert lines[1] == "5 recordings, 0:00:08 of sound, 5 annotated, 15 events; " + (
        "1 error, 0 warnings, 0 notes"
    )
    assert lines[-1] == "Verdict: not fit for training: mend 1 error first"


def test_errors_come_first_then_warnings_then_notes(folder):
    for number, fault in enumerate((low_rate, duplicate, clipped, unknown_label, empty_file)):
        fault(folder, f"x{number}")
    severities = check_folder(folder, CLASSES).findings["severity"].tolist()
    assert severities == ["error", "error", *["warning"] * 3, "note"]


def test_json_holds_no_nan(folder):
    silent(folder, "x")
    truncated(folder, "y")
    no_audio(folder, "z")
    raw = as_json(check_folder(folder, CLASSES, SPLIT))
    assert json.loads(json.dumps(raw, allow_nan=False)) == raw
    assert list(raw) == ["folder", "exit_code", "counts", "findings", "recordings", "classes"]


# What is written

times = st.integers(0, 24).map(lambda eighths: eighths / 8)
labels = st.sampled_from(["speaking", "laughing", "laughin", "Door bell"])
slips = st.lists(st.tuples(times, times, labels), max_size=8)


@settings(claim, max_examples=15)
@given(slips, slips)
def test_corrected_annotations_have_nothing_left_to_correct(first, second):
    with TemporaryDirectory() as top:
        folder, corrected = Path(top, "own"), Path(top, "corrected")
        folder.mkdir()
        record(folder, "a")
        record(folder, "x", events=first)
        record(folder, "y", events=second)
        report = check_folder(folder, CLASSES)
        write_corrected(report, corrected)
        for path in folder.glob("*.wav"):
            shutil.copy(path, corrected)
        again = check_folder(corrected, CLASSES)
        assert found(again) == {}
        pd.testing.assert_frame_equal(again.corrected, report.corrected)


def test_a_file_is_written_for_each_annotated_recording(folder, tmp_path):
    record(folder, "x", events=[])
    no_annotation(folder, "y")
    broken_annotation(folder, "z")
    report = check_folder(folder, CLASSES)
    write_corrected(report, tmp_path / "new" / "corrected")
    written = sorted((tmp_path / "new" / "corrected").iterdir())
    assert [path.name for path in written] == ["a.json", "b.json", "c.json", "d.json", "x.json"]
    for path in written:
        rows = report.corrected[report.corrected["filename"] == path.stem]
        pd.testing.assert_frame_equal(read_json(path), rows.reset_index(drop=True))


def test_the_originals_are_left_as_they_are(folder, tmp_path):
    for number, fault in enumerate(FAULTS):
        fault(folder, f"recording {number}")
    before = contents(folder)
    report = check_folder(folder, CLASSES, SPLIT)
    write_corrected(report, tmp_path / "corrected")
    for target in (folder, folder / "corrected", tmp_path):
        with pytest.raises(CheckError):
            write_corrected(report, target)
    assert contents(folder) == before


def test_corrected_annotations_are_not_written_near_the_originals(folder, tmp_path, monkeypatch):
    report = check_folder(folder, CLASSES)
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    before, link = contents(tmp_path), tmp_path / "link"
    for target in (folder, folder / "new", tmp_path, link, link / "new", ""):
        with pytest.raises(CheckError, match="originals are never written over"):
            write_corrected(report, target)
    assert contents(tmp_path) == before and not (folder / "new").exists()


def test_corrected_annotations_are_written_all_or_none(folder, tmp_path):
    event = {"start_time": 0.5, "sound_type": "\ud800", "end_time": 1.0}
    (folder / "d.json").write_text(json.dumps({"file_name": "d", "sound_results": [event]}))
    with pytest.raises(AnnotationError, match=r"d\.json: row 1: '\\ud800' holds"):
        write_corrected(check_folder(folder, CLASSES), tmp_path / "corrected")
    assert list((tmp_path / "corrected").iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_one_sentence(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckError, match=r"cannot be written to \(.*\); name another folder"):
        write_corrected(check_folder(folder, CLASSES), tmp_path / "file" / "corrected")


def test_nothing_is_written_over(folder, tmp_path):
    report = check_folder(folder, CLASSES)
    target = tmp_path / "corrected"
    target.mkdir()
    (target / "c.json").write_text("mine")
    with pytest.raises(CheckError, match=r"already holds c\.json; name a new or empty folder"):
        write_corrected(report, target)
    assert [path.name for path in target.iterdir()] == ["c.json"]
    assert (target / "c.json").read_text() == "mine"
    with pytest.raises(CheckError, match="is a file; name a folder"):
        write_corrected(report, target / "c.json")
