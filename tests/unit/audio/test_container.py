"""Opening media files: the right stream, what a file states, and clear errors."""

import os
import socket
import sys

import av
import numpy as np
import pytest
import soundfile
from media_files import (
    LENGTH,
    RATE,
    clicks,
    media,
    mux,
    place,
    sound,
    sound_packets,
    video_packets,
    write_media,
)

from sedlib.audio import AudioError, probe, read_audio, write_flac


@pytest.mark.parametrize(("default", "peak"), [(0, 0.5), (1, 0.0), (None, 0.5)])
def test_the_default_stream_is_chosen_among_several(tmp_path, default, peak):
    options = {"default_mode": "passthrough"}
    with av.open(str(tmp_path / "a.mkv"), "w", container_options=options) as container:
        loud = sound_packets(container, np.full(RATE, 0.5), RATE, "pcm_s16le")
        silent = sound_packets(container, np.zeros(RATE), RATE, "pcm_s16le")
        for n, stream in enumerate(container.streams.audio):
            stream.disposition = av.stream.Disposition(1 if n == default else 0)
        mux(container, loud + silent)
    assert read_audio(tmp_path / "a.mkv", RATE).max() == peak


def test_a_probe_reads_what_the_file_states(tmp_path):
    assert vars(probe(place(tmp_path, "a.opus", "libopus", 48000))) == {
        "duration": pytest.approx(LENGTH, abs=0.01),
        "sample_rate": 48000,
        "channels": 1,
        "codec": "opus",
        "container": "ogg",
        "choice": None,
    }
    film = probe(place(tmp_path, "a.mkv", "aac", 44100, video=3.0))
    assert (film.duration, film.codec) == (pytest.approx(3.0, abs=0.01), "aac")
    assert probe(place(tmp_path, "a.mp3", "libmp3lame")).duration == LENGTH
    assert probe(place(tmp_path, "b.mp3", "libmp3lame", write_xing="0")).duration is None
    assert probe(place(tmp_path, "a.aac", "aac")).duration is None


def test_the_error_of_a_truncated_file_names_its_size_and_the_stated_size(tmp_path):
    data, rate, _ = sound("a.mkv")
    (tmp_path / "a.mkv").write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioError, match=r"a\.mkv: truncated, holds \d\.\d\d s of the 2\.02 s"):
        read_audio(tmp_path / "a.mkv", rate)
    for name in ("a.wav", "a.ogg"):
        data, rate, _ = sound(name)
        (tmp_path / name).write_bytes(data[:-100])
        with pytest.raises(AudioError) as error:
            probe(tmp_path / name)
        assert f"truncated, {len(data) - 100} of the {len(data)} bytes" in str(error.value)


def write_wav_that_states(path, riff, samples):
    """Write a WAV file whose header states these numbers of bytes: of the rest, of the samples."""
    soundfile.write(path, clicks(RATE), RATE)
    data = bytearray(path.read_bytes())
    data[4:8] = riff.to_bytes(4, "little")
    at = data.find(b"data") + 4
    data[at : at + 4] = samples.to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("riff", "samples"), [(0, 0), (2**32 - 1, 2**32 - 1), (0x7FFFF024, 0x7FFFF000)]
)
def test_a_wav_header_written_into_a_pipe_is_not_called_truncated(tmp_path, riff, samples):
    write_wav_that_states(tmp_path / "a.wav", riff, samples)
    assert len(read_audio(tmp_path / "a.wav", RATE)) == LENGTH * RATE


@pytest.mark.parametrize("size", [2_200_000_000, 4_200_000_000])
def test_a_wav_header_of_some_gigabytes_tells_that_the_file_is_truncated(tmp_path, size):
    write_wav_that_states(tmp_path / "a.wav", size, size - 36)
    with pytest.raises(AudioError, match=rf"truncated, \d+ of the {size + 8} bytes its header"):
        read_audio(tmp_path / "a.wav", RATE)


@pytest.mark.parametrize("form", ["AIFF", "AU", "RF64", "W64", "WAV"])
def test_half_of_an_uncompressed_file_is_truncated(tmp_path, form):
    path = tmp_path / f"a.{form.lower()}"
    soundfile.write(path, clicks(RATE), RATE, format=form)
    assert len(read_audio(path, RATE)) == LENGTH * RATE
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioError, match=r"a\.\w+: truncated, "):
        read_audio(path, RATE)


@pytest.mark.parametrize("excess", [1, 8, 9])
def test_a_wav_header_that_counts_itself_is_not_called_truncated(tmp_path, excess):
    path = tmp_path / "a.wav"
    soundfile.write(path, clicks(RATE), RATE)
    data = bytearray(path.read_bytes())
    data[4:8] = (len(data) - 8 + excess).to_bytes(4, "little")
    path.write_bytes(data)
    assert len(read_audio(path, RATE)) == LENGTH * RATE


def test_a_name_with_a_colon_is_not_taken_for_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_flac("http:a.flac", clicks(RATE), RATE)
    assert probe("http:a.flac").duration == LENGTH


def test_a_file_with_tags_that_are_not_utf_8_is_read(tmp_path):
    path = write_media(tmp_path / "a.wav", clicks(RATE), RATE, "pcm_s16le")
    data = path.read_bytes()
    assert b"Lavf" in data
    path.write_bytes(data.replace(b"Lavf", b"\xe9\xff\xe9\xe8"))
    assert len(read_audio(path, RATE)) == LENGTH * RATE


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
def test_a_file_whose_name_is_not_utf_8_is_read(tmp_path):
    path = write_media(tmp_path / "a.wav", clicks(RATE), RATE, "pcm_s16le")
    path = path.rename(tmp_path / os.fsdecode(b"caf\xe9 \xff.wav"))
    assert len(read_audio(path, RATE)) == LENGTH * RATE


def unusable_files():
    unknown = bytearray(media("a.wav", "pcm_s16le"))
    unknown[20:22] = b"\xf0\xff"
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "00" * 16}
    encrypted = media("e.mp4", "aac", **key, encryption_kid="11" * 16)
    two_rates = media("a.aac", "aac", 44100) + media("b.aac", "aac", 48000)
    return {
        "empty.mp4": (b"", "the file is empty; restore or remake it"),
        "text.wav": (b"not sound\n" * 99, "cannot be read as sound .*; restore or remake"),
        "text.flac": (b"not sound", "cannot be read as sound .*; restore or remake"),
        "words.wav": (b"1\n00:00:01,000 --> 00:00:02,000\nhi\n\n" * 9, "holds no sound, only sub"),
        "playlist.mp3": (b"#EXTM3U\n#EXTINF:9,\nhttp://localhost:9/a.mp3\n", "cannot be read"),
        "noindex.mp4": (media("a.m4a", "aac")[:9000], "an MP4 without its index, truncated or"),
        "unknown.wav": (bytes(unknown), "its sound is in an unknown codec; convert it to FLAC"),
        "encrypted.mp4": (encrypted, "cannot be decoded as aac .* damaged or encrypted; restore"),
        "rates.aac": (two_rates, "changes from 44100 to 48000 Hz after 2.. s; convert it"),
    }


@pytest.mark.parametrize("name", list(unusable_files()))
def test_a_file_without_usable_sound_is_refused_in_one_sentence(tmp_path, name):
    data, message = unusable_files()[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(AudioError, match=message) as error:
        read_audio(path, RATE)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    if not message.startswith(("cannot be decoded", "changes")):
        with pytest.raises(AudioError, match=message):
            probe(path)


def test_a_playlist_opens_no_network_connection(tmp_path):
    path = tmp_path / "a.m3u8"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path.write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n"
        )
        with pytest.raises(AudioError, match="cannot be read as sound"):
            probe(path)
        with pytest.raises(BlockingIOError):  # nobody has called
            server.accept()


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile sound.wav\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsound.wav\n#EXT-X-ENDLIST\n",
    ],
)
@pytest.mark.parametrize("suffix", [".wav", ".m3u8"])
def test_a_list_of_files_is_not_decoded_as_the_file_that_it_names(tmp_path, text, suffix):
    (tmp_path / "sound.wav").write_bytes(media("sound.wav", "pcm_s16le"))
    path = tmp_path / f"list{suffix}"
    path.write_text(text)
    with pytest.raises(AudioError, match=r"is a list of other files|cannot be read as sound"):
        probe(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for read in (probe, lambda path: read_audio(path, RATE)):
        with pytest.raises(AudioError, match=r"gone\.flac: no such file"):
            read(tmp_path / "gone.flac")
        with pytest.raises(AudioError, match=f"{tmp_path.name}: is a folder"):
            read(tmp_path)


def test_video_without_sound_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        mux(container, video_packets(container, 1.0))
    with pytest.raises(AudioError, match=r"a\.mp4: holds no sound, only video"):
        probe(tmp_path / "a.mp4")
