"""Which files are media files."""

import soundfile
from media_files import RATE, clicks

from sedlib.audio import MEDIA_SUFFIXES, find_media, read_audio


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
