"""Decoding: the right samples at the right times, and faults after the intact sound."""

import struct
import tracemalloc

import av
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import (
    CLICKS,
    FORMATS,
    LENGTH,
    RATE,
    clicks,
    find_clicks,
    intact_blocks,
    mux,
    place,
    sound,
    sound_packets,
    video_packets,
    whole,
    write_media,
)

from sedlib.audio import AudioError, probe, read_audio, read_blocks


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
                off = find_clicks(samples, out, CLICKS) - CLICKS
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
    off = find_clicks(samples, rate, expected) - expected
    assert np.abs(off).max() < 1.1e-3  # Matroska's clock has ticks of 1 ms
    assert abs(len(samples) - 4.0 * rate) < 0.05 * rate
    assert not samples[: round(1.95 * rate)].any()


def test_sound_alone_starts_at_0_whatever_its_times_say(tmp_path):
    path = write_media(tmp_path / "a.mkv", clicks(RATE), RATE, "pcm_s16le", start=100.0)
    assert probe(path).duration == LENGTH
    assert list(find_clicks(read_audio(path, RATE), RATE, CLICKS)) == list(CLICKS)


def test_times_count_from_the_start_of_the_container(tmp_path):
    with av.open(str(tmp_path / "a.ts"), "w") as container:
        packets = video_packets(container, 3.0, start=10.0)
        mux(container, packets + sound_packets(container, clicks(48000), 48000, "mp2", start=10.5))
    expected = np.array(CLICKS) + 0.5
    late = find_clicks(read_audio(tmp_path / "a.ts", 48000), 48000, expected) - expected
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
    assert np.abs(find_clicks(samples, 48000, kept) - kept).max() < 1e-3
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
    times = find_clicks(read_audio(path, 48000), 48000, expected)
    assert np.abs(times - expected).max() < 1e-3


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


def test_float_samples_may_exceed_1(tmp_path):
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
def test_channels_are_mixed_down_as_loud_as_in_stereo(tmp_path, layout, shares):
    x = np.random.default_rng(0).uniform(-1, 1, (len(shares), RATE)).astype(np.float32)
    write_media(tmp_path / "a.flac", x, RATE, "flac", layout=layout)
    assert probe(tmp_path / "a.flac").channels == len(shares)
    expected = np.array(shares) @ x
    assert np.abs(read_audio(tmp_path / "a.flac", RATE) - expected).max() < 1e-4


def test_surround_sound_of_a_film_is_mixed_down_by_its_layout(tmp_path):
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


def test_a_recording_that_is_read_is_in_memory_once(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros(240 * RATE, np.int16), RATE)
    tracemalloc.start()
    waveform = read_audio(tmp_path / "a.flac", RATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(waveform) == 240 * RATE
    assert peak < 1.5 * waveform.nbytes  # it grows by an eighth; some blocks are decoded ahead


@pytest.mark.parametrize(("threads", "growth"), [("1", 1.1), ("2", 2)])
def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path, monkeypatch, threads, growth):
    # How far a decoding thread is ahead depends on the load. The long file is 8 times as long.
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    peaks = []
    for minutes in (0.5, 4):
        path = tmp_path / f"{minutes}.flac"
        soundfile.write(path, np.zeros(round(minutes * 60 * 22050), np.int16), 22050)
        tracemalloc.start()
        for _ in read_blocks(path, 44100, 44100):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < growth * peaks[0]
    assert peaks[1] < 4e6  # bytes; the whole has 42e6


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=8, database=None, derandomize=True)
@given(part=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_gives_its_intact_samples_then_an_error(tmp_path_factory, name, part):
    data, rate, stated = sound(name)
    expected = whole(tmp_path_factory.getbasetemp(), name)
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data[: int(part * len(data))])
    blocks, fault = intact_blocks(path, rate)
    got = np.concatenate([np.empty(0, np.float32), *blocks])
    if fault is not None:
        assert fault.startswith(f"{path}: ")
        np.testing.assert_array_equal(got, expected[: len(got)])
    elif stated:
        duration = probe(tmp_path_factory.getbasetemp() / f"whole-{name}").duration
        assert len(got) > (duration - 0.26) * rate
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
    blocks, fault = intact_blocks(path, rate)
    assert blocks or fault
    assert fault is None or fault.startswith(f"{path}: ")
    assert all(np.isfinite(block).all() for block in blocks)


def test_damage_in_the_middle_is_reported_with_its_time(tmp_path):
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
    for at in np.random.default_rng(0).integers(len(data) // 4, len(data) * 3 // 4, 10):
        changed = bytearray(data)
        changed[at] ^= 1
        (tmp_path / name).write_bytes(changed)
        blocks, fault = intact_blocks(tmp_path / name, rate)
        got, expected = np.concatenate([np.empty(0), *blocks]), whole(tmp_path, name)
        if name == "b.mkv" and not fault and len(got) > len(expected):
            # FFmpeg found the packet after a lost one, which is silence; times are to 1 ms.
            lost = np.flatnonzero(got[: len(expected)] != expected)[0]
            assert not got[lost : lost + rate // 20].any()
            assert len(got) <= len(expected) + rate // 1000
            continue
        np.testing.assert_array_equal(got, expected[: len(got)])
        assert fault or len(got) == len(expected)  # else between the packets


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_flac_or_wav_file_is_refused_wherever_it_ends(tmp_path, part):
    for suffix in ("flac", "wav"):
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 4 * RATE), RATE)
        data = path.read_bytes()
        path.write_bytes(data[: int(part * len(data))])
        with pytest.raises(AudioError, match=rf"a\.{suffix}: (truncated|cannot be|damaged)"):
            read_audio(path, RATE)


def test_sound_shorter_than_the_picture_is_not_called_truncated(tmp_path):
    for name in ("a.mkv", "a.mp4", "a.mov"):
        path = place(tmp_path, name, "aac", 44100, video=5.0)
        assert len(read_audio(path, 44100)) < 2.1 * 44100


def test_what_was_cut_out_of_a_stream_is_read_from_its_first_whole_packet(tmp_path):
    path = tmp_path / "a.vob"
    write_media(path, clicks(48000, 8.0), 48000, "ac3")
    data, length = path.read_bytes(), len(read_audio(path, 48000))
    for packs in range(1, 5):  # a DVD is cut between packs, in which any part of a packet may lie
        path.write_bytes(data[packs * 2048 :])
        assert 0.3 * length < len(read_audio(path, 48000)) <= length


def test_joined_mp3_files_are_read_to_the_end_with_their_tags_between_them(tmp_path):
    path = place(tmp_path, "a.mp3", "libmp3lame", 44100)
    data, length = path.read_bytes(), len(read_audio(path, 44100))
    assert data.startswith(b"ID3")
    path.write_bytes(2 * data)
    assert len(read_audio(path, 44100)) > 1.9 * length


def test_tags_at_the_end_of_an_mp3_are_not_taken_for_damage(tmp_path):
    junk = b"LYRICSBEGIN" + b"la la \xff\xfb\x90\x44 la" * 99 + b"TAG" + bytes(125)
    for name in ("a.mp3", "b.mp3"):
        data, rate, _ = sound(name)
        (tmp_path / name).write_bytes(data + junk)
        expected = whole(tmp_path, name)
        np.testing.assert_array_equal(read_audio(tmp_path / name, rate)[: len(expected)], expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.sampled_from([8000, 44100, 48000, 192000]))
def test_a_sound_of_a_few_samples_is_resampled_be_it_to_none(tmp_path_factory, n, rate):
    path = tmp_path_factory.getbasetemp() / "few.wav"
    soundfile.write(path, np.full(n, 0.5), rate)
    samples = read_audio(path, RATE)
    assert samples.dtype == np.float32
    assert samples.shape == pytest.approx((n * RATE / rate,), abs=1)


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
    [((0,), RATE, "its audio stream is empty"),
     ((9,), 1, "sampled at 1 Hz, which is not a sample rate of sound")],
)  # fmt: skip
def test_wav_files_with_an_implausible_header_are_refused(tmp_path, shape, rate, message):
    soundfile.write(tmp_path / "a.wav", np.zeros(shape), rate)
    with pytest.raises(AudioError, match=message):
        read_audio(tmp_path / "a.wav", RATE)
