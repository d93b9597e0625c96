"""Which files are media files."""

import os

import pytest
import soundfile
from media_files import RATE, clicks

from sedlib.audio import MEDIA_SUFFIXES, AudioError, find_media, read_audio, search_media


def test_folders_stand_for_their_media_and_files_for_themselves(tmp_path):
    for name in ("b.MP3", "a.flac", ".c.wav", "d.wav.partial", "e.txt", "f.json"):
        (tmp_path / name).touch()
    (tmp_path / "deep.wav").mkdir()
    (tmp_path / "deep.wav" / "g.wav").touch()
    gone, text = tmp_path / "gone.mkv", tmp_path / "e.txt"
    found = find_media([gone, str(tmp_path), text, tmp_path / "a.flac"])
    assert found == [gone, tmp_path / "a.flac", tmp_path / "b.MP3", text]
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in MEDIA_SUFFIXES)


def test_sun_and_core_audio_files_are_found_and_read(tmp_path):
    for name in ("a.au", "b.caf"):
        soundfile.write(tmp_path / name, clicks(RATE), RATE)
    found = find_media([tmp_path])
    assert [path.name for path in found] == ["a.au", "b.caf"]
    assert [len(read_audio(path, RATE)) for path in found] == 2 * [len(clicks(RATE))]


def test_a_deep_search_keeps_the_names_below_the_folder_and_notes_what_it_passes_over(tmp_path):
    for name in ("a.wav", "s/b.mxf", "s/t/c.vob", "s/t/d.xyz", "s/.hidden/e.wav", "f.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    search = search_media([tmp_path, tmp_path / "s" / "t" / "d.xyz", tmp_path / "empty"])
    names = [name.as_posix() for name in search.files.values()]
    assert names == ["a.wav", "f.wav", "s/b.mxf", "s/t/c.vob", "d.xyz"]
    assert [path.name for path in search.passed_over] == ["pipe.wav", "d.xyz"]
    assert search.empty == [tmp_path / "empty"]
    assert ".xyz (1)" in " ".join(search.remarks)


def test_links_that_lead_to_themselves_stop_no_search(tmp_path):
    (tmp_path / "circle.wav").symlink_to("circle.wav")
    (tmp_path / "up").symlink_to(".")
    (tmp_path / "a.wav").touch()
    found = [path.name for path in search_media([tmp_path]).files]
    assert found == ["a.wav", "circle.wav"]  # the second is then named as no file


def test_a_folder_that_cannot_be_searched_is_said_and_does_not_stop_the_search(
    tmp_path, monkeypatch
):
    for name in ("closed/a.wav", "open/b.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    scandir = os.scandir

    def closed(path):
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    search = search_media([tmp_path])
    assert [path.name for path in search.files] == ["b.wav"]
    assert "Permission denied" in search.closed[tmp_path / "closed"]
    with pytest.raises(AudioError, match="closed: cannot be searched"):
        find_media([tmp_path / "closed"])
