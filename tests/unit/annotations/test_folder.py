"""A folder of recordings: what annotates them, what is broken, what is something else."""

import os
import unicodedata

import pandas as pd
import pytest

from sedlib.annotations import (
    COLUMNS,
    FORMATS,
    AnnotationError,
    correct_events,
    event_table,
    read_folder,
    write,
)


def one(name, label="speaking"):
    return event_table([(name, 0, 1, label)])


def test_every_annotation_of_a_folder_is_read_whatever_its_format(tmp_path):
    single = [form for form in FORMATS.values() if form.to_text and not form.many_recordings]
    files = {form.name: f"{form.name}{form.suffix}" for form in single}
    for name, file in files.items():
        write(one(name), tmp_path / file, name)
    files["raven"] = "raven.Table.1.selections.txt"  # as Raven calls it
    (tmp_path / "raven.selections.txt").rename(tmp_path / files["raven"])
    write(one("many/a.flac"), tmp_path / "table.csv")
    found = read_folder(tmp_path, [*files, "a"])
    assert sorted(found.events["filename"]) == sorted([*files, "a"])
    assert {name: path.name for name, path in found.sources.items()} == {
        **files, "a": "table.csv"
    }  # fmt: skip
    assert found.errors.empty
    assert found.ignored == {}


def test_an_annotation_without_a_recording_is_read_too(tmp_path):
    write(one("lost"), tmp_path / "lost.txt")
    assert list(read_folder(tmp_path, []).sources) == ["lost"]


def test_a_recording_may_have_dots_in_its_name(tmp_path):
    for name in ("s01", "s01.ep08"):
        write(one(name), tmp_path / f"{name}.wav.txt")
    found = read_folder(tmp_path, ["s01", "s01.ep08"])
    assert {name: path.name for name, path in found.sources.items()} == {
        "s01": "s01.wav.txt", "s01.ep08": "s01.ep08.wav.txt"
    }  # fmt: skip


def test_what_is_no_annotation_is_not_taken_for_a_broken_one(tmp_path):
    (tmp_path / "README.txt").write_text("Annotated by hand, 3 people, in 2 days.\n")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "sources.csv").write_text("path,label,duration_s\na.wav,speaking,30\n")
    (tmp_path / "durations.tsv").write_text("filename\tduration\na.wav\t30.0\n")
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "log.jsonl").write_text('{"level": 3}\n')
    (tmp_path / "a.txt.partial").write_text("0\t1")
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    (tmp_path / "a.srt").write_text("1\n")
    (tmp_path / "._a.txt").write_bytes(b"\x00\xff")
    (tmp_path / "a.txt").mkdir()
    found = read_folder(tmp_path, ["a"])
    assert found.events.empty and found.errors.empty and found.sources == {}
    assert [path.name for path in found.ignored] == [
        "README.txt", "durations.tsv", "empty.txt", "log.jsonl", "settings.json", "sources.csv",
    ]  # fmt: skip


def test_a_broken_annotation_is_an_error_and_the_others_are_read(tmp_path):
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.txt").write_text("0\t1\tspeaking\n5\tx\tspeaking\n")
    (tmp_path / "many.csv").write_text("file,onset,offset,label\nx.wav,0,1,a\nx.wav,0,soon,a\n")
    (tmp_path / "other.eaf").write_text("<a>")
    write(one("c"), tmp_path / "c.tsv")
    found = read_folder(tmp_path, ["a", "b", "c"])
    assert list(found.sources) == ["c"]
    assert list(found.errors["filename"]) == ["a", "b", "", ""]
    assert list(found.errors["file"]) == ["a.json", "b.txt", "many.csv", "other.eaf"]
    for sentence, fault in zip(
        found.errors["error"],
        ["not valid JSON", "row 2: 'x' is not a time", "row 2: 'soon' is not", "not a whole ELAN"],
        strict=True,
    ):
        assert fault in sentence


def test_a_recording_annotated_by_two_files_is_an_error_that_names_both(tmp_path):
    write(one("a"), tmp_path / "a.json")
    write(one("a"), tmp_path / "a.txt")
    write(event_table([("a.wav", 0, 1, "x"), ("b.wav", 0, 1, "x")]), tmp_path / "many.tsv")
    found = read_folder(tmp_path, ["a", "b"])
    assert list(found.events["filename"]) == ["b"]
    assert found.errors.to_numpy().tolist() == [
        ["a", "a.json", f"{tmp_path}: a.json and a.txt and many.tsv annotate 'a'; keep one of them"]
    ]


def test_a_recording_without_events_is_annotated_all_the_same(tmp_path):
    (tmp_path / "a.txt").write_text("")
    write(event_table(), tmp_path / "b.tsv")
    (tmp_path / "many.tsv").write_text("filename\tonset\toffset\tevent_label\nc.wav\t\t\t\n")
    found = read_folder(tmp_path, ["a", "b", "c", "d"])
    assert list(found.sources) == ["a", "b", "c"]
    assert found.events.empty


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(AnnotationError, match="gone: no such folder"):
        read_folder(tmp_path / "gone", [])


@pytest.mark.parametrize("kept", ["NFC", "NFD"])
@pytest.mark.parametrize("way", ["own file", "table"])
def test_names_are_compared_in_unicode_normal_form(tmp_path, kept, way):
    other = {"NFC": "NFD", "NFD": "NFC"}[kept]
    media, name = (unicodedata.normalize(form, "Amélie 1.é") for form in (kept, other))
    if way == "own file":
        (tmp_path / f"{name}.wav.txt").write_text("0\t1\ta\n")
    else:
        write(
            event_table([(f"{name}.wav", 0, 1, "a"), (f"{media}.wav", 1, 2, "a")]),
            tmp_path / "t.tsv",
        )
    found = read_folder(tmp_path, [media])
    assert list(found.sources) == [unicodedata.normalize("NFC", media)] and found.errors.empty
    assert set(found.events["filename"]) == set(found.sources)


def test_what_is_ignored_is_told_with_the_reason(tmp_path):
    (tmp_path / "all.csv").write_text("soon,1,a\n2,3,b\n")
    (tmp_path / "empty.csv").write_text("")
    reasons = [
        reason.rpartition("all.csv: ")[2] for reason in read_folder(tmp_path, []).ignored.values()
    ]
    assert reasons[0].startswith("not a table of events; its first line 'soon,1,a' has neither")
    assert reasons[1].endswith("empty.csv: empty, and not named after a recording")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_in_the_folder_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "a.txt")
    assert read_folder(tmp_path, ["a"]).sources == {}


def test_annotations_of_another_length_are_errors_of_their_recordings(tmp_path):
    write(event_table([("a", 1000, 2500, "x"), ("b", 1, 2, "x")]), tmp_path / "t.tsv")
    found = read_folder(tmp_path, ["a", "b"]).without_misplaced({"a": 3.0, "b": 3.0})
    assert list(found.sources) == ["b"] and list(found.events["filename"]) == ["b"]
    assert found.errors[["filename", "file"]].to_numpy().tolist() == [["a", "t.tsv"]]


def test_recordings_with_scores_and_without_are_read_together(tmp_path):
    scored = [("a", 0, 1, "speaking", 0.5, 0.75)]
    write(event_table(scored), tmp_path / "a.json")
    write(event_table([("b", 0, 1, "speaking")]), tmp_path / "b.tsv")
    events = read_folder(tmp_path, ["a", "b"]).events
    expected = event_table([*scored, ("b", 0, 1, "speaking")])
    pd.testing.assert_frame_equal(events, expected, check_exact=True)
    corrected, _ = correct_events(events, ["speaking"])
    assert list(corrected) == COLUMNS
