"""Judging a folder: each fault is found, alone and among others, and nothing else is."""

import json
import unicodedata
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest
import soundfile
from faulty_folders import (
    CLASSES,
    EVENTS,
    FAULTS,
    RATE,
    SPLIT,
    barely_clipped,
    broken_annotation,
    check_folder,
    claim,
    clipped,
    details,
    duplicate,
    empty_file,
    faint,
    fault_in_first_line,
    found,
    in_milliseconds,
    long_silence,
    low_rate,
    make_folder,
    media_offset,
    misspelt_label,
    mostly_silence,
    no_annotation,
    no_audio,
    noise,
    not_finite,
    overlapping,
    past_the_end,
    record,
    reversed_event,
    silent,
    state,
    text_named_wav,
    too_short,
    truncated,
    two_annotations,
    two_of_one_name,
    unknown_label,
    wrong_header,
    wrong_statement,
    zero_length,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.check import as_json, render, write_corrected
from sedlib.config import Split
from sedlib.errors import SedlibError


def test_nothing_is_found_in_a_clean_folder(folder):
    for split in (None, SPLIT):
        report = check_folder(folder, CLASSES, split)
        assert found(report) == {} and report.exit_code == 0
    assert render(report).splitlines()[-1] == "Verdict: ready for training"


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
        folder, expected = make_folder(Path(top)), Counter()
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


DETAILS = {  # file, event and sentence of the findings
    text_named_wav: ["x.wav", "cannot be read as sound"],
    empty_file: ["x.wav", "the file is empty"],
    truncated: ["x.flac", "truncated", "its header states"],
    not_finite: ["x.wav", "not finite numbers"],
    two_of_one_name: ["'x.flac' and 'x.wav' have one name"],
    broken_annotation: ["x.txt", "row 2: 'later' is not a time"],
    two_annotations: ["x.json", "x.json and x.txt annotate 'x'"],
    fault_in_first_line: ["x.txt", "row 1: '-0.05' is not a time"],
    in_milliseconds: ["x.json", "all events lie after the end", "look like milliseconds"],
    media_offset: ["x.eaf", "the offset of the media file, 500 ms, was added to all times"],
    no_annotation: ["x.wav", "add x.json"],
    no_audio: ["x.json", "names 'x', but there is no such media"],
    past_the_end: ["x.json 1 'speaking' from 0.5 to 3 s", "cut to 2.0 s", "x.json 2", "left out"],
    reversed_event: ["x.json 1 'speaking' from 1.5 to 0.5 s ends before it begins; swapped"],
    zero_length: ["x.json 1 'speaking' from 0.5 to 0.5 s has no length; lasts to 1.0 s"],
    overlapping: ["x.json 2 'speaking' from 0.75 to 1.5 s overlaps", "merged into 0.5 to 1.5 s"],
    unknown_label: [
        "x.json 1 'coughing' (2 events, the first at 0.5 s)",
        "is not a class; the nearest class is 'laughing'",
    ],
    misspelt_label: ["x.json 1", "read as 'speaking'", "x.json 3", "read as 'door bell'"],
    silent: ["x.wav", "holds nothing above digital silence"],
    faint: ["x.wav", "a peak of -72 dBFS"],
    long_silence: ["x.wav", "40 % is digital silence, the longest stretch 2 s from 1 s on"],
    mostly_silence: ["x.wav", "75 % is digital silence, the longest stretch 1.5 s from 0.5 s on"],
    clipped: ["x.wav", "0.1 % of the samples lie in flat tops"],
    barely_clipped: ["x.wav", "0.019 % of the samples lie in flat tops"],
    too_short: ["x.wav", "lasts 0.9 s, less than one segment of 1 s"],
    wrong_header: ["x.flac", "lasts 2 s, but its header states 1 s"],
    wrong_statement: ["x.wav", "lasts 2 s, but durations.tsv states 2.6 s"],
    low_rate: ["x.wav", "sampled at 4000 Hz, it holds nothing above 2000 Hz"],
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
        assert [part for part in DETAILS[fault] if part not in text] == []


def test_a_time_rounded_up_is_not_past_the_end(folder):
    record(folder, "x", noise("x", 1.99525), [(0.5, 2.0, "speaking")])
    report = check_folder(folder, CLASSES)
    assert found(report) == {}
    assert report.corrected.query("filename == 'x'")["offset"].tolist() == [1.99525]


def test_touching_events_are_not_overlapping(folder):
    record(folder, "x", events=[(0.5, 1.0, "speaking"), (1.0, 1.5, "speaking")])
    assert found(check_folder(folder, CLASSES)) == {}


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
    assert detail.startswith("names 'd', but there is no such media;")
    assert detail.endswith("or does 'renamed' belong to it?")


def test_a_file_that_is_no_annotation_is_noted(folder):
    (folder / "README.txt").write_text("My recordings.\n")
    report = check_folder(folder, CLASSES)
    assert report.findings[["severity", "file"]].to_numpy().tolist() == [["note", "README.txt"]]
    assert render(report).splitlines()[-1] == "Verdict: ready for training, with 1 note"


def test_what_is_neither_media_nor_annotation_is_noted_by_its_suffix(folder, tmp_path):
    for name in ("one.xyz", "two.XYZ", ".hidden.xyz", "LICENCE"):
        (folder / name).touch()
    [detail] = details(check_folder(folder, CLASSES))
    assert detail.endswith("by their suffixes: .xyz (2), no suffix (1)")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "one.xyz").touch()
    report = check_folder(tmp_path / "other", CLASSES)
    assert report.exit_code == 2
    assert details(report)[0].endswith("check the name; passed over: .xyz (1)")


@pytest.mark.parametrize("name", ["01", "007", "1e5", "NA", "null", "True", "nan"])
def test_a_recording_may_have_any_name(folder, name):
    record(folder, name, events=[(1.0, 0.5, "NA")])
    state(folder, f"{name}.wav\t2.0")
    split = Split(train=("a", "b", name), validation=("c",), test=("d",))
    report = check_folder(folder, CLASSES, split, aliases={"NA": "speaking"})
    assert found(report) == {("warning", "reversed", name): 1}
    rows = [row for row in as_json(report)["recordings"] if row["recording"] == name]
    assert [(row["subset"], row["events"]) for row in rows] == [("train", 1)]
    assert name in render(report)


@pytest.mark.parametrize("kept", ["NFC", "NFD"])
def test_media_annotation_split_and_durations_may_differ_in_their_normal_form(folder, kept):
    other = {"NFC": "NFD", "NFD": "NFC"}[kept]
    media, written = (unicodedata.normalize(form, "Amélie 1") for form in (kept, other))
    record(folder, media)
    (folder / f"{media}.json").rename(folder / f"{written}.json")
    state(folder, f"{written}.wav\t2.0")
    for name in (media, written):
        split = Split(train=("a", "b", name), validation=("c",), test=("d",))
        assert found(check_folder(folder, CLASSES, split)) == {}


def test_a_table_with_a_fault_in_its_first_line_is_noted_with_the_fault(folder):
    (folder / "all.csv").write_text("soon,1,speaking\n2,3,speaking\n")
    assert (
        "its first line 'soon,1,speaking' has neither" in details(check_folder(folder, CLASSES))[0]
    )


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
        (
            "durations.tsv",
            "name\tduration\na\t2\n",
            "no columns 'filename' and 'duration' in the first line",
        ),
        ("durations.csv", "filename,duration\na.wav,2\nb.wav,long\n", "row 2: 'b.wav', 'long' is"),
        ("durations.csv", "filename,duration\na.wav\n", "row 1: 'a.wav', '' is not a name and"),
        ("durations.csv", "id,filename,duration\n1,a.wav,2\n2\n", "row 2: '', '' is not a name"),
        ("durations.csv", "", "no columns 'filename' and 'duration' in the first line"),
        (
            "durations.tsv",
            'filename\tduration\n"a.wav\t2\n' + "b.wav\t2\n" * 20_000,
            "not a table (field larger than field limit (131072)); correct the quotation marks",
        ),
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


def test_the_same_sound_in_two_subsets_is_leakage(folder):
    record(folder, "d", noise("b"))
    report = check_folder(folder, CLASSES, SPLIT)
    assert found(report) == {("error", "leakage", "b"): 1}
    assert details(report)[0].startswith("'b' and 'd' hold the same sound, in 'train' and 'test'")


def test_the_same_sound_twice_in_one_subset_is_an_error_because_the_split_is_refused(folder):
    record(folder, "b", noise("a"))
    assert found(check_folder(folder, CLASSES, SPLIT)) == {("error", "duplicate", "a"): 1}
    assert found(check_folder(folder, CLASSES)) == {("warning", "duplicate", "a"): 1}


def test_a_reencoded_copy_in_another_subset_is_leakage(folder):
    sound = noise("b", 5.0) / 2**15
    record(folder, "b", sound)
    (folder / "d.wav").unlink()
    record(folder, "d", 0.1 * sound[RATE // 2 :], suffix="mp3")
    report = check_folder(folder, CLASSES, SPLIT)
    assert found(report) == {("error", "leakage", "b"): 1}
    [detail] = details(report)
    assert detail.startswith("'b' and 'd' share 4 s of sound, in 'train' and 'test', as copies")
    assert found(check_folder(folder, CLASSES)) == {}


def test_a_title_sequence_in_two_subsets_deserves_a_look_and_is_no_error(folder):
    for name in "bd":
        sound = np.concatenate([noise("title", 12.0), noise(name, 20.0)])
        record(folder, name, sound)
    report = check_folder(folder, CLASSES, SPLIT)
    assert found(report) == {("warning", "shared sound", "b"): 1}
    assert details(report)[0].startswith("'b' and 'd' share 12 s of sound, in 'train' and 'test'")


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


def test_a_class_without_events_is_found_with_the_subsets_that_lack_it(folder):
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
        with pytest.raises(SedlibError, match="has no annotations that can be read"):
            write_corrected(report, tmp_path / "corrected")


def test_errors_come_first_then_warnings_then_notes(folder):
    for number, fault in enumerate((low_rate, duplicate, clipped, unknown_label, empty_file)):
        fault(folder, f"x{number}")
    severities = check_folder(folder, CLASSES).findings["severity"].tolist()
    assert severities == ["error", "error", *["warning"] * 3, "note"]


def test_sound_of_which_no_episode_is_made_is_an_error_if_the_split_needs_it(folder):
    sound = noise("b") / 2**15
    record(folder, "b", np.stack([sound, -sound], axis=1))
    soundfile.write(folder / "e.wav", noise("e").astype(np.float32), RATE, "FLOAT")
    report = check_folder(folder, CLASSES, SPLIT)
    assert found(report)["error", "doubtful sound", "b"] == 1
    assert found(report)["warning", "doubtful sound", "e"] == 1
    said = details(report)
    assert any(detail.startswith("left and right have opposite polarity") for detail in said)
    assert any("16-bit integers stored as floats" in detail for detail in said)


def test_of_several_tracks_the_one_that_is_read_is_noted(folder):
    with av.open(str(folder / "a.mkv"), "w") as container:
        for _ in range(2):
            container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for stream in container.streams.audio:
            samples = noise("a").reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, 0
            container.mux(stream.encode(frame) + stream.encode(None))
    (folder / "a.wav").unlink()
    report = check_folder(folder, CLASSES, SPLIT)
    assert found(report)["note", "several tracks", "a"] == 1
    assert any(detail.startswith("track 1 is taken, because it is ") for detail in details(report))
