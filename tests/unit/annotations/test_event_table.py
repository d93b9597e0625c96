"""The names of recordings."""

import pytest

from sedlib.annotations import event_table, read, write
from sedlib.annotations.formats import delimited


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("dev00.flac", "dev00"),
        ("a/b/dev00.flac", "dev00"),
        ("c:\\a\\dev00.WAV", "dev00"),
        ("s01.ep08", "s01.ep08"),
        ("s01.ep08.mkv", "s01.ep08"),
        ("talk.mp3.wav", "talk"),
        (".wav", ".wav"),
    ],
)
def test_a_recording_is_called_without_directory_and_media_suffix(tmp_path, written, name):
    path = tmp_path / "table.tsv"
    write(event_table([(written, 0, 1, "a")]), path)
    assert list(read(path)["filename"]) == [name]
    assert list(delimited.read(path)[0]["filename"]) == [written]
    write(event_table([(written, 0, 1, "a")]), tmp_path / "e.json")
    assert list(read(tmp_path / "e.json")["filename"]) == [name]


@pytest.mark.parametrize(
    "name", ["foo.txt", "foo.wav.txt", "foo.Table.1.selections.txt", "foo.selections.txt"]
)
def test_a_file_that_names_no_recording_is_about_the_one_it_is_called_after(tmp_path, name):
    (tmp_path / name).write_text("0\t1\ta\n")
    assert list(read(tmp_path / name)["filename"]) == ["foo"]
