"""A folder of recordings: what annotates them, what is broken, what is something else."""

import pytest

from sedlib.annotations import FORMATS, AnnotationError, event_table, read_folder, write


def one(name, label="speaking"):
    return event_table([(name, 0, 1, label)])


def test_every_annotation_of_a_folder_is_read_whatever_its_format(tmp_path):
    single = [form for form in FORMATS.values() if form.write and not form.many_recordings]
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
    assert found.ignored == ()


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
