"""Sound of any media file: the right samples at the right times, or one clear sentence."""

import os
import socket
import struct
import sys
import tempfile
import tracemalloc
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.audio import (
    MEDIA_SUFFIXES,
    AudioError,
    convert_to_flac,
    find_media,
    probe,
    read_audio,
    read_blocks,
    write_flac,
)

RATE = 8000
CLICKS = (0.25, 1.0, 1.6180)  # s
LENGTH = 2.0  # s


def clicks(rate, length=LENGTH):
    """Noise at -80 dB with a click at each of CLICKS."""
    x = 1e-4 * np.random.default_rng(0).standard_normal(round(rate * length))
    x[[round(time * rate) for time in CLICKS]] = 0.9
    return x.astype(np.float32)


def found_clicks(samples, rate, expected):
    """Where, within 50 ms of the expected times, the samples are loudest, in s."""
    times = []
    for time in expected:
        first = max(round((time - 0.05) * rate), 0)
        near = np.abs(samples[first : round((time + 0.05) * rate)])
        assert near.max() > 0.2
        times.append((first + near.argmax()) / rate)
    return np.array(times)


def encode(stream, frames):
    """Packets of a stream."""
    packets = [packet for frame in (*frames, None) for packet in stream.encode(frame)]
    return [packet for packet in packets if packet.dts is not None]


def sound_packets(container, waveform, rate, codec, start=0.0, layout="mono"):
    """Encode a waveform of shape (samples,) or (channels, samples)."""
    stream = container.add_stream(codec, rate=rate)
    stream.layout = layout
    planes = np.ascontiguousarray(np.atleast_2d(waveform).T, dtype=np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(planes, format="flt", layout=layout)
    frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
    frame.pts = round(start * rate)
    formats = stream.codec_context.codec.audio_formats
    mixer = av.AudioResampler(formats[0] if formats else "s16", layout)
    return encode(stream, mixer.resample(frame) + mixer.resample(None))


def video_packets(container, length, start=0.0):
    stream = container.add_stream("mpeg4", rate=25, width=32, height=32, pix_fmt="yuv420p")
    frames = [av.VideoFrame(32, 32, "yuv420p") for _ in range(round(25 * length))]
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number + round(25 * start), Fraction(1, 25)
    return encode(stream, frames)


def mux(container, packets):
    for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
        container.mux(packet)


def write_media(path, waveform, rate, codec, *, layout="mono", video=0.0, start=0.0, **options):
    """Write sound beginning at `start` s, beside `video` s of picture."""
    with av.open(str(path), "w", container_options=options) as container:
        packets = video_packets(container, video) if video else []
        packets += sound_packets(container, waveform, rate, codec, start, layout)
        mux(container, packets)
    return path


@cache
def media(name, codec, rate=44100, video=0.0, **options):
    """Bytes of a media file with clicks; the name's suffix says the container."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        if codec == "libvorbis":  # not in PyAV's FFmpeg; in libsndfile
            soundfile.write(path, clicks(rate), rate, format="OGG", subtype="VORBIS")
        else:
            write_media(path, clicks(rate), rate, codec, video=video, **options)
        return path.read_bytes()


def place(folder, name, *arguments, **options):
    path = folder / name
    path.write_bytes(media(name, *arguments, **options))
    return path


# Time


@pytest.mark.parametrize(
    ("name", "codec", "rates"),
    [
        ("a.mp3", "libmp3lame", (44100, 48000, 22050)),
        ("a.m4a", "aac", (44100, 48000, 22050)),
        ("a.mp4", "aac", (44100, 48000, 22050)),
        ("a.mkv", "aac", (44100, 48000, 22050)),
        ("b.mkv", "libmp3lame", (44100, 48000, 22050)),
        ("a.ogg", "libvorbis", (44100, 48000, 22050)),
        ("a.opus", "libopus", (48000, 24000)),
        ("a.webm", "libopus", (48000, 24000)),
        ("c.mkv", "libopus", (48000, 24000)),
        ("c.mp4", "libopus", (48000, 24000)),
        ("a.mov", "alac", (44100, 48000, 22050)),
        ("a.flac", "flac", (44100, 48000, 22050)),
        ("a.wav", "pcm_s16le", (44100, 48000, 22050)),
    ],
)
def test_a_click_is_found_at_its_time(tmp_path, name, codec, rates):
    for rate in rates:
        for video in (0.0, LENGTH) if name.endswith(("mkv", "mp4", "mov")) else (0.0,):
            path = place(tmp_path, name, codec, rate, video)
            for out in {44100, rate}:
                samples = read_audio(path, out)
                off = found_clicks(samples, out, CLICKS) - CLICKS
                assert np.abs(off).max() < 1e-3, (rate, video, out)
                assert -1 < len(samples) - LENGTH * out < 0.1 * out  # Matroska keeps padding


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.mp4", "a.opus", "a.webm", "a.ogg"])
def test_the_padding_of_the_encoder_is_left_out(tmp_path, name):
    codec = {"mp3": "libmp3lame", "m4a": "aac", "mp4": "aac", "ogg": "libvorbis"}
    codec = codec.get(name[2:], "libopus")
    assert len(read_audio(place(tmp_path, name, codec, 48000), 48000)) == 48000 * LENGTH


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [("a.mp4", "aac", 48000), ("a.mkv", "aac", 44100), ("a.mkv", "libopus", 48000),
     ("a.mov", "pcm_s16le", 44100)],
)  # fmt: skip
def test_sound_that_starts_after_the_picture_has_silence_in_front(tmp_path, name, codec, rate):
    path = write_media(tmp_path / name, clicks(rate), rate, codec, video=5.0, start=2.0)
    samples = read_audio(path, rate)
    expected = np.array(CLICKS) + 2.0
    off = found_clicks(samples, rate, expected) - expected
    assert np.abs(off).max() < 1.1e-3  # Matroska's clock has ticks of 1 ms
    assert abs(len(samples) - 4.0 * rate) < 0.05 * rate
    assert not samples[: round(1.95 * rate)].any()


def test_sound_alone_starts_at_0_whatever_its_times_say(tmp_path):
    path = write_media(tmp_path / "a.mkv", clicks(RATE), RATE, "pcm_s16le", start=100.0)
    assert probe(path).duration == LENGTH
    assert list(found_clicks(read_audio(path, RATE), RATE, CLICKS)) == list(CLICKS)


def test_times_count_from_the_start_of_the_container(tmp_path):
    with av.open(str(tmp_path / "a.ts"), "w") as container:
        packets = video_packets(container, 3.0, start=10.0)
        mux(container, packets + sound_packets(container, clicks(48000), 48000, "mp2", start=10.5))
    expected = np.array(CLICKS) + 0.5
    late = found_clicks(read_audio(tmp_path / "a.ts", 48000), 48000, expected) - expected
    assert np.all((late > -1e-3) & (late < 0.015))  # MPEG-TS does not tell mp2's delay of 481


def test_the_jitter_of_coarse_clocks_is_left_alone(tmp_path):
    noise = np.random.default_rng(0).uniform(-1, 1, 5 * 44100).astype(np.float32)
    path = write_media(tmp_path / "a.mkv", noise, 44100, "flac")
    samples = read_audio(path, 44100)  # clock of 1 ms, packets of 104.5 ms
    assert samples.shape == noise.shape
    assert np.abs(samples - noise).max() <= 2.0**-15


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libopus"), ("a.mp4", "aac")])
@pytest.mark.parametrize("lost", [range(20, 21), range(20, 45)])
def test_lost_packets_become_silence(tmp_path, name, codec, lost):
    with av.open(str(tmp_path / name), "w") as container:
        packets = sound_packets(container, clicks(48000), 48000, codec)
        mux(container, [packet for n, packet in enumerate(packets) if n not in lost])
    kept = [time for time in CLICKS if time != 1.0 or len(lost) > 25] if len(lost) > 1 else CLICKS
    samples = read_audio(tmp_path / name, 48000)
    assert np.abs(found_clicks(samples, 48000, kept) - kept).max() < 1e-3
    assert abs(len(samples) - LENGTH * 48000) < 0.03 * 48000
    if len(lost) > 1:
        assert not samples[round(0.7 * 48000) : round(0.8 * 48000)].any()


def with_a_gap(path, gap, **options):
    """Write two seconds of noise with `gap` seconds of nothing in the middle."""
    with av.open(str(path), "w", container_options=options) as container:
        packets = sound_packets(container, clicks(RATE), RATE, "flac")
        for packet in packets[len(packets) // 2 :]:
            packet.pts += round(gap / packet.time_base)
            packet.dts = packet.pts
        mux(container, packets)
    return path


def test_a_gap_of_hours_is_damage(tmp_path):
    assert len(read_audio(with_a_gap(tmp_path / "a.mkv", 60, live="1"), RATE)) == 62 * RATE
    with pytest.raises(AudioError, match=r"damaged after 1\.\d s \(the times of its sound jump\)"):
        read_audio(with_a_gap(tmp_path / "a.mkv", 7200, live="1"), RATE)


def test_a_gap_beyond_the_end_of_the_file_is_damage(tmp_path):
    path = with_a_gap(tmp_path / "a.mkv", 60)
    data = path.read_bytes()
    assert len(read_audio(path, RATE)) == 62 * RATE
    duration = b"\x44\x89\x88" + struct.pack(">d", 62_000)  # ms
    assert duration in data
    path.write_bytes(data.replace(duration, b"\x44\x89\x88" + struct.pack(">d", 3_000)))
    with pytest.raises(AudioError, match=r"damaged after 1\.\d s \(the times of its sound jump\)"):
        read_audio(path, RATE)


def test_repeated_packets_are_dropped(tmp_path):
    noise = np.random.default_rng(0).uniform(-1, 1, 4 * RATE)
    for name, repeated in (("once.mkv", ()), ("twice.mkv", (2, 5))):
        with av.open(str(tmp_path / name), "w") as container:
            packets = sound_packets(container, noise, RATE, "flac")
            assert len(packets) > 6
            for n, packet in enumerate(packets):
                again = av.Packet(bytes(packet))
                again.stream, again.time_base = packet.stream, packet.time_base
                again.pts = again.dts = packet.pts
                again.duration = packet.duration
                container.mux(packet)
                if n in repeated:
                    container.mux(again)
    once, twice = (read_audio(tmp_path / name, RATE) for name in ("once.mkv", "twice.mkv"))
    assert (tmp_path / "twice.mkv").stat().st_size > (tmp_path / "once.mkv").stat().st_size + 500
    np.testing.assert_array_equal(once, twice)


def test_the_part_joined_to_an_ogg_file_follows_it(tmp_path):
    path = place(tmp_path, "a.opus", "libopus", 48000)
    path.write_bytes(2 * path.read_bytes())
    expected = np.array([*CLICKS, *(LENGTH + time for time in CLICKS)])
    times = found_clicks(read_audio(path, 48000), 48000, expected)
    assert np.abs(times - expected).max() < 1e-3


# Samples


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.wav", "PCM_U8"), ("a.wav", "PCM_16"), ("a.wav", "PCM_24"), ("a.wav", "PCM_32"),
     ("a.wav", "FLOAT"), ("a.flac", "PCM_16"), ("a.flac", "PCM_24"), ("a.aiff", "PCM_16")],
)  # fmt: skip
def test_lossless_samples_are_those_of_libsndfile(tmp_path, name, subtype, channels):
    noise = np.random.default_rng(0).uniform(-1, 1, (3 * RATE + 7, channels))
    soundfile.write(tmp_path / name, noise, RATE, subtype=subtype)
    expected, _ = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)
    samples = read_audio(tmp_path / name, RATE)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, expected.mean(axis=1))


def test_float_samples_may_lie_outside_1(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([1.5, -3.0]), RATE, subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", RATE), [1.5, -3.0])


@pytest.mark.parametrize(
    ("layout", "shares"),
    [
        ("stereo", [0.5, 0.5]),
        ("5.1", [0.5, 0.5, 0.5**0.5, 0, 0.125**0.5, 0.125**0.5]),
        ("5.1(side)", [0.5, 0.5, 0.5**0.5, 0, 0.125**0.5, 0.125**0.5]),
        ("7.1", [0.5, 0.5, 0.5**0.5, 0, *4 * [0.125**0.5]]),
    ],
)
def test_channels_are_mixed_by_their_places_as_loud_as_in_stereo(tmp_path, layout, shares):
    x = np.random.default_rng(0).uniform(-1, 1, (len(shares), RATE)).astype(np.float32)
    write_media(tmp_path / "a.flac", x, RATE, "flac", layout=layout)
    assert probe(tmp_path / "a.flac").channels == len(shares)
    expected = np.array(shares) @ x
    assert np.abs(read_audio(tmp_path / "a.flac", RATE) - expected).max() < 1e-4


def test_surround_sound_of_a_film_is_mixed_by_its_places(tmp_path):
    time = np.arange(2 * 48000) / 48000
    x = np.zeros((6, len(time)), np.float32)
    x[2] = 0.5 * np.sin(2 * np.pi * 440 * time)  # speech is in the centre
    x[3] = 0.5 * np.sin(2 * np.pi * 50 * time)
    for name, codec in (("a.mp4", "aac"), ("a.mkv", "ac3"), ("a.webm", "libopus")):
        write_media(tmp_path / name, x, 48000, codec, layout="5.1")
        y = read_audio(tmp_path / name, 48000)[24000:72000]
        spectrum = np.abs(np.fft.rfft(y)) / 24000
        assert spectrum[440] == pytest.approx(0.5 * 0.5**0.5, rel=0.02)
        assert spectrum[50] < 1e-3


@pytest.mark.parametrize("rate", [48000, 22050, 96000, 8000])
def test_resampling_in_blocks_is_resampling_of_the_whole(tmp_path, rate):
    noise = np.random.default_rng(0).uniform(-1, 1, 2 * rate + 13).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", noise, rate, subtype="FLOAT")
    np.testing.assert_array_equal(
        read_audio(tmp_path / "a.wav", 44100), soxr.resample(noise, rate, 44100)
    )


@settings(deadline=None, max_examples=12, database=None)
@given(
    block_length=st.one_of(st.integers(1, 200_000), st.integers(50, 2000)),
    name=st.sampled_from(["a.opus", "a.mp3", "a.flac"]),
)
def test_the_block_length_changes_no_sample(tmp_path_factory, block_length, name):
    codec = {"opus": "libopus", "mp3": "libmp3lame", "flac": "flac"}[name[2:]]
    path = place(tmp_path_factory.getbasetemp(), name, codec, 48000)
    blocks = list(read_blocks(path, 44100, block_length))
    assert {len(block) for block in blocks[:-1]} <= {block_length}
    assert 0 < len(blocks[-1]) <= block_length
    assert all(block.dtype == np.float32 for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), read_audio(path, 44100))


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path):
    peaks = []
    for minutes in (0.5, 4):
        path = tmp_path / f"{minutes}.flac"
        soundfile.write(path, np.zeros(round(minutes * 60 * 22050), np.int16), 22050)
        tracemalloc.start()
        for _ in read_blocks(path, 44100, 44100):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < 4e6  # bytes; the whole has 42e6


@pytest.mark.parametrize(("default", "peak"), [(0, 0.5), (1, 0.0), (None, 0.5)])
def test_the_default_sound_is_taken_of_several(tmp_path, default, peak):
    options = {"default_mode": "passthrough"}
    with av.open(str(tmp_path / "a.mkv"), "w", container_options=options) as container:
        loud = sound_packets(container, np.full(RATE, 0.5), RATE, "pcm_s16le")
        silent = sound_packets(container, np.zeros(RATE), RATE, "pcm_s16le")
        for n, stream in enumerate(container.streams.audio):
            stream.disposition = av.stream.Disposition(1 if n == default else 0)
        mux(container, loud + silent)
    assert read_audio(tmp_path / "a.mkv", RATE).max() == peak


def test_a_file_says_what_it_is(tmp_path):
    assert vars(probe(place(tmp_path, "a.opus", "libopus", 48000))) == {
        "duration": pytest.approx(LENGTH, abs=0.01),
        "sample_rate": 48000,
        "channels": 1,
        "codec": "opus",
        "container": "ogg",
    }
    film = probe(place(tmp_path, "a.mkv", "aac", 44100, video=3.0))
    assert (film.duration, film.codec) == (pytest.approx(3.0, abs=0.01), "aac")
    assert probe(place(tmp_path, "a.mp3", "libmp3lame")).duration == LENGTH
    assert probe(place(tmp_path, "b.mp3", "libmp3lame", write_xing="0")).duration is None
    assert probe(place(tmp_path, "a.aac", "aac")).duration is None


# Files that cannot be used

FORMATS = {  # name: codec, whether the file says how long it is
    "a.mp3": ("libmp3lame", True),
    "a.mp4": ("aac", True),
    "a.m4a": ("aac", True),
    "a.mkv": ("aac", True),
    "a.webm": ("libopus", True),
    "a.flac": ("flac", True),
    "b.mkv": ("flac", True),
    "a.wav": ("pcm_s16le", True),
    "a.aiff": ("pcm_s16be", True),
    "a.avi": ("libmp3lame", True),
    "a.flv": ("libmp3lame", True),
    "a.opus": ("libopus", True),
    "a.ogg": ("libvorbis", True),
    "a.aac": ("aac", False),
    "a.ts": ("aac", False),
    "fragmented.mp4": ("aac", False),
    "live.mkv": ("aac", False),
    "b.mp3": ("libmp3lame", False),
}
OPTIONS = {
    "a.mp4": {"movflags": "faststart"},
    "fragmented.mp4": {"movflags": "frag_keyframe+empty_moov", "frag_duration": "200000"},
    "live.mkv": {"live": "1"},
    "b.mp3": {"write_xing": "0"},
}


def sound(name):
    codec, promises = FORMATS[name]
    rate = 48000 if codec == "libopus" else 44100
    return media(name, codec, rate, **OPTIONS.get(name, {})), rate, promises


@cache
def whole(folder, name):
    path = folder / f"whole-{name}"
    path.write_bytes(sound(name)[0])
    return read_audio(path, sound(name)[1])


def good_blocks(path, rate):
    """Blocks up to the end or the fault, and the fault."""
    blocks = []
    try:
        blocks.extend(read_blocks(path, rate, 500))  # extend keeps what came before an error
    except AudioError as error:
        return blocks, str(error)
    return blocks, None


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=8, database=None, derandomize=True)
@given(part=st.floats(0, 1, exclude_max=True))
def test_a_cut_file_gives_its_good_samples_then_an_error(tmp_path_factory, name, part):
    data, rate, promises = sound(name)
    expected = whole(tmp_path_factory.getbasetemp(), name)
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data[: int(part * len(data))])
    blocks, fault = good_blocks(path, rate)
    got = np.concatenate([np.empty(0, np.float32), *blocks])
    if fault is not None:
        assert fault.startswith(f"{path}: ")
        np.testing.assert_array_equal(got, expected[: len(got)])
    elif promises:
        assert len(got) > len(expected) - 0.26 * rate
    if fault is None:
        sure = max(min(len(got), len(expected)) - 2304, 0)  # a cut frame may sound
        np.testing.assert_array_equal(got[:sure], expected[:sure])


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=6, database=None, derandomize=True)
@given(
    part=st.floats(0, 1, exclude_max=True),
    length=st.integers(1, 4000),
    seed=st.one_of(st.none(), st.integers(0, 99)),
)
def test_a_damaged_file_gives_sound_or_an_error(tmp_path_factory, name, part, length, seed):
    data, rate, _ = sound(name)
    data = bytearray(data)
    first = int(part * len(data))
    length = min(length, len(data) - first)
    noise = bytes(length) if seed is None else np.random.default_rng(seed).bytes(length)
    data[first : first + length] = noise
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    blocks, fault = good_blocks(path, rate)
    assert blocks or fault.startswith(f"{path}: ")
    assert all(np.isfinite(block).all() for block in blocks)


def test_damage_in_the_middle_is_told_with_its_time(tmp_path):
    for name in ("a.mp3", "a.mp4", "a.flac"):
        data, rate, _ = sound(name)
        data = bytearray(data)
        middle = len(data) // 2
        data[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(AudioError, match=r"damaged after [01]\.\d s \(.*\); restore"):
            read_audio(path, rate)


@pytest.mark.parametrize("name", ["a.flac", "b.mkv"])
def test_no_changed_byte_of_flac_goes_unnoticed(tmp_path, name):
    data, rate, _ = sound(name)
    for place in np.random.default_rng(0).integers(len(data) // 4, len(data) * 3 // 4, 10):
        changed = bytearray(data)
        changed[place] ^= 1
        (tmp_path / name).write_bytes(changed)
        blocks, fault = good_blocks(tmp_path / name, rate)
        got = np.concatenate([np.empty(0), *blocks])
        np.testing.assert_array_equal(got, whole(tmp_path, name)[: len(got)])
        assert fault or len(got) == len(whole(tmp_path, name))  # else between the packets


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_cut_flac_or_wav_file_is_refused_wherever_it_was_cut(tmp_path, part):
    for suffix in ("flac", "wav"):
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 4 * RATE), RATE)
        data = path.read_bytes()
        path.write_bytes(data[: int(part * len(data))])
        with pytest.raises(AudioError, match=rf"a\.{suffix}: (truncated|cannot be|damaged)"):
            read_audio(path, RATE)


def test_a_cut_file_says_how_much_of_how_much_it_holds(tmp_path):
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


def test_sound_shorter_than_the_picture_is_not_called_truncated(tmp_path):
    for name in ("a.mkv", "a.mp4", "a.mov"):
        path = place(tmp_path, name, "aac", 44100, video=5.0)
        assert len(read_audio(path, 44100)) < 2.1 * 44100


@pytest.mark.parametrize("size", [0, 2**32 - 1, 0x7FFFF024])
def test_a_wav_header_written_into_a_pipe_is_no_cut(tmp_path, size):
    path = tmp_path / "a.wav"
    soundfile.write(path, clicks(RATE), RATE)
    data = bytearray(path.read_bytes())
    data[4:8] = size.to_bytes(4, "little")
    at = data.find(b"data") + 4
    data[at : at + 4] = max(size - 36, 0).to_bytes(4, "little") if size != 2**32 - 1 else data[4:8]
    path.write_bytes(data)
    assert len(read_audio(path, RATE)) == LENGTH * RATE


@pytest.mark.parametrize("excess", [1, 8, 9])
def test_a_wav_header_that_counts_itself_is_no_cut(tmp_path, excess):
    path = tmp_path / "a.wav"
    soundfile.write(path, clicks(RATE), RATE)
    data = bytearray(path.read_bytes())
    data[4:8] = (len(data) - 8 + excess).to_bytes(4, "little")
    path.write_bytes(data)
    assert len(read_audio(path, RATE)) == LENGTH * RATE


def test_tags_at_the_end_of_an_mp3_are_no_damage(tmp_path):
    junk = b"LYRICSBEGIN" + b"la la \xff\xfb\x90\x44 la" * 99 + b"TAG" + bytes(125)
    for name in ("a.mp3", "b.mp3"):
        data, rate, _ = sound(name)
        (tmp_path / name).write_bytes(data + junk)
        expected = whole(tmp_path, name)
        np.testing.assert_array_equal(read_audio(tmp_path / name, rate)[: len(expected)], expected)


def test_a_name_with_a_colon_is_no_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_flac("http:a.flac", clicks(RATE), RATE)
    assert probe("http:a.flac").duration == LENGTH


def test_tags_that_are_not_utf_8_do_no_harm(tmp_path):
    path = write_media(tmp_path / "a.wav", clicks(RATE), RATE, "pcm_s16le")
    data = path.read_bytes()
    assert b"Lavf" in data
    path.write_bytes(data.replace(b"Lavf", b"\xe9\xff\xe9\xe8"))
    assert len(read_audio(path, RATE)) == LENGTH * RATE


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
def test_a_name_that_is_not_utf_8_does_no_harm(tmp_path):
    path = write_media(tmp_path / "a.wav", clicks(RATE), RATE, "pcm_s16le")
    path = path.rename(tmp_path / os.fsdecode(b"caf\xe9 \xff.wav"))
    assert len(read_audio(path, RATE)) == LENGTH * RATE


def not_media():
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


@pytest.mark.parametrize("name", list(not_media()))
def test_what_is_not_usable_sound_is_told_in_one_sentence(tmp_path, name):
    data, message = not_media()[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(AudioError, match=message) as error:
        read_audio(path, RATE)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    if not message.startswith(("cannot be decoded", "changes")):
        with pytest.raises(AudioError, match=message):
            probe(path)


def test_a_playlist_does_not_reach_into_the_network(tmp_path):
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


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path, bad):
    for channels in (1, 2):
        x = np.zeros((RATE, channels))
        x[RATE // 2, 0] = bad
        soundfile.write(tmp_path / "a.wav", x, RATE, subtype="FLOAT")
        with pytest.raises(AudioError, match=r"a\.wav: holds samples that are not finite"):
            read_audio(tmp_path / "a.wav", RATE)


@pytest.mark.parametrize(
    ("shape", "rate", "message"),
    [((0,), RATE, "its audio stream is empty"), ((9, 9), RATE, "9 channels of unknown places"),
     ((9,), 1, "sampled at 1 Hz, which is no rate of sound")],
)  # fmt: skip
def test_odd_wav_files_are_refused(tmp_path, shape, rate, message):
    soundfile.write(tmp_path / "a.wav", np.zeros(shape), rate)
    with pytest.raises(AudioError, match=message):
        read_audio(tmp_path / "a.wav", RATE)


# Finding and writing


def test_folders_stand_for_their_media_and_files_for_themselves(tmp_path):
    for name in ("b.MP3", "a.flac", ".c.wav", "d.wav.partial", "e.txt", "f.json"):
        (tmp_path / name).touch()
    (tmp_path / "deep.wav").mkdir()
    (tmp_path / "deep.wav" / "g.wav").touch()
    gone, text = tmp_path / "gone.mkv", tmp_path / "e.txt"
    found = find_media([gone, str(tmp_path), text, tmp_path / "a.flac"])
    assert found == [gone, tmp_path / "a.flac", tmp_path / "b.MP3", text]
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in MEDIA_SUFFIXES)


@settings(max_examples=20, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 3 * RATE))
def test_what_is_written_is_read_back_to_the_16_bits_of_the_file(tmp_path_factory, seed, n):
    path = tmp_path_factory.getbasetemp() / "written.flac"
    waveform = np.random.default_rng(seed).uniform(-1, 1, n).astype(np.float32)
    write_flac(path, waveform, RATE)
    again = read_audio(path, RATE)
    assert again.dtype == np.float32
    assert again.shape == (n,)
    assert np.abs(again - waveform).max() <= 2.0**-15


def test_the_same_waveform_gives_the_same_bytes(tmp_path):
    waveform = np.random.default_rng(0).uniform(-1, 1, RATE)
    for name in ("a.flac", "b.flac"):
        write_flac(tmp_path / name, waveform, RATE)
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


@pytest.mark.parametrize("bad", [1.01, -1.5, np.nan, np.inf])
def test_a_waveform_that_would_be_clipped_is_refused_and_the_old_file_kept(tmp_path, bad):
    path = tmp_path / "a.flac"
    write_flac(path, np.zeros(RATE), RATE)
    before = path.read_bytes()
    with pytest.raises(AudioError, match=r"a\.flac: peak is .* outside \[-1, 1\]"):
        write_flac(path, np.array([0.0, bad]), RATE)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.flac"]


def test_16_bit_sound_is_converted_without_loss(tmp_path):
    x = np.random.default_rng(0).integers(-(2**15), 2**15, 3 * RATE, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", x, RATE)
    assert convert_to_flac(tmp_path / "a.wav", tmp_path / "a.flac", RATE) == 3.0
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.flac", dtype="int16")[0], x)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.flac", "a.wav"]


def test_conversion_clips_what_overshoots(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([0.5, 1.0, 1.5, -3.0]), RATE, subtype="FLOAT")
    convert_to_flac(tmp_path / "a.wav", tmp_path / "a.flac", RATE)
    expected = [2**14, 2**15 - 1, 2**15 - 1, -(2**15)]
    assert list(soundfile.read(tmp_path / "a.flac", dtype="int16")[0]) == expected


def test_a_failed_conversion_leaves_the_old_file(tmp_path):
    data, rate, _ = sound("a.mkv")
    (tmp_path / "a.mkv").write_bytes(data[: len(data) // 2])
    (tmp_path / "a.flac").write_bytes(b"old")
    with pytest.raises(AudioError, match="truncated"):
        convert_to_flac(tmp_path / "a.mkv", tmp_path / "a.flac", rate)
    assert (tmp_path / "a.flac").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.flac", "a.mkv"]
