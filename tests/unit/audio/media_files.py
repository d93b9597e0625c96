"""Small media files of many formats for the tests of this folder, and reading them again."""

import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import soundfile

from sedlib.audio import AudioError, read_audio, read_blocks

RATE = 8000
CLICKS = (0.25, 1.0, 1.6180)  # s
LENGTH = 2.0  # s


def clicks(rate, length=LENGTH):
    """Noise at -80 dB with a click at each of CLICKS."""
    x = 1e-4 * np.random.default_rng(0).standard_normal(round(rate * length))
    x[[round(time * rate) for time in CLICKS]] = 0.9
    return x.astype(np.float32)


def find_clicks(samples, rate, expected):
    """Return where, within 50 ms of each expected time, the samples are loudest, in s."""
    times = []
    for time in expected:
        first = max(round((time - 0.05) * rate), 0)
        near = np.abs(samples[first : round((time + 0.05) * rate)])
        assert near.max() > 0.2
        times.append((first + near.argmax()) / rate)
    return np.array(times)


def encode(stream, frames):
    """Return the packets of a stream."""
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
    """Return the bytes of a media file with clicks; the suffix chooses the container."""
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


FORMATS = {  # name: codec, whether the file states its length
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
    codec, stated = FORMATS[name]
    rate = 48000 if codec == "libopus" else 44100
    return media(name, codec, rate, **OPTIONS.get(name, {})), rate, stated


@cache
def whole(folder, name):
    path = folder / f"whole-{name}"
    path.write_bytes(sound(name)[0])
    return read_audio(path, sound(name)[1])


def intact_blocks(path, rate):
    """Return the blocks up to the end or the fault, and the message of the fault."""
    blocks = []
    try:
        blocks.extend(read_blocks(path, rate, 500))  # extend keeps what came before an error
    except AudioError as error:
        return blocks, str(error)
    return blocks, None


def write_tracks(path, *tracks):
    """Write sound for each (waveform, language, whether it is the default track)."""
    with av.open(str(path), "w", container_options={"default_mode": "passthrough"}) as container:
        packets = []
        for waveform, language, default in tracks:
            packets += sound_packets(container, waveform, RATE, "pcm_s16le")
            stream = container.streams.audio[-1]
            stream.disposition = av.stream.Disposition(int(default))
            stream.metadata["language"] = language
        mux(container, packets)
    return path
