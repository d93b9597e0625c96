"""Opening media files: the audio stream, what the file states of it, and truncated files.

FFmpeg, through PyAV, opens every container format.

**Which track.** Of several audio streams, called tracks, the first one that is marked as default is
decoded, else the first one, unless a number or a language names another.

**Truncated files.** A truncated file is recognized by the length that the file states: WAV, W64,
AVI and Ogg when they are opened; FLAC, mp3 with a LAME header, MP4, Matroska, WebM, FLV, WMA, AIFF
and AU while they are decoded, when the sound ends more than a quarter of a second too early. A cut
between two pages of Ogg, two fragments of a fragmented MP4 or two packets of a stream without a
stated length (MPEG-TS, bare AAC, mp3 without a LAME header, live recordings) cannot be
recognized, nor can a truncated CAF file or a changed byte in a format without checksums.
"""

import errno
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av

from sedlib.errors import SedlibError

# In all other formats, the duration that FFmpeg gives is an estimate.
_LENGTH_OF_STREAM = {"aiff", "au", "avi", "flac", "mov,mp4,m4a,3gp,3g2,mj2", "mp3", "ogg", "wav"}
_LENGTH_OF_FILE = {"asf", "flv", "matroska,webm"}
_LISTS = frozenset({"concat", "dash", "hls", "hls,applehttp", "sdp"})  # formats that name files
_LARGEST_OGG_PAGE = 27 + 255 + 255 * 255  # bytes
# Up to version 18, PyAV refuses files whose tags are not UTF-8 unless told otherwise.
_TAGS_IN_ANY_ENCODING = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)


class AudioError(SedlibError):
    """Sound that cannot be used; the message names the file, the fault and what to do."""


@dataclass(frozen=True)
class Media:
    """What a media file states about its sound.

    Attributes
    ----------
    duration : float or None
        Seconds from the start of the file to the end of the sound (in Matroska, FLV and WMA: to
        the end of the file); None if the file does not state it.
    sample_rate : int
        In Hz.
    channels : int
    codec, container : str
        FFmpeg's names.
    choice : str or None
        Which of several audio tracks this is about, and why, in one sentence; None if there is
        only one.
    """

    duration: float | None
    sample_rate: int
    channels: int
    codec: str
    container: str
    choice: str | None = None


def probe(path, track=None):
    """Read what a media file states about its sound, without decoding it.

    Parameters
    ----------
    path : path-like
    track : int or str, optional
        Number of an audio track, from 1, or its language as the file states it (``eng``), of
        which the beginning is enough. Default: the track marked as default, else the first.

    Returns
    -------
    Media

    Raises
    ------
    AudioError
        If the file is missing, empty, not a media file, without sound or without that track, in
        an unknown codec, or of a format whose truncation shows without decoding and truncated.
    """
    path = Path(path)
    with open_media(path, track) as (container, stream):
        codec = stream.codec_context
        return Media(
            duration=stated_duration(path, container, stream),
            sample_rate=codec.sample_rate,
            channels=codec.channels,
            codec=codec.codec.canonical_name,
            container=container.format.name,
            choice=_explain_choice(path, container, stream, track),
        )


@contextmanager
def open_media(path, track=None):
    """Open a media file for decoding.

    Parameters
    ----------
    path : pathlib.Path
    track : int or str, optional
        See `probe`.

    Yields
    ------
    container : av.container.InputContainer
    stream : av.audio.AudioStream
        The stream to decode.

    Raises
    ------
    AudioError
        As `probe` does.
    """
    try:
        _refuse_truncated(path)
        # Without 'file:', FFmpeg takes what precedes a colon in the name for a protocol.
        container = av.open(f"file:{path}", **_TAGS_IN_ANY_ENCODING)
    except (OSError, av.FFmpegError) as error:
        raise AudioError(f"{path}: {_explain(path, error)}") from None
    with container:
        if container.format.name in _LISTS:
            raise AudioError(f"{path}: is a list of other files; give those")
        sounds = container.streams.audio
        if not sounds:
            others = ", ".join(sorted({stream.type for stream in container.streams}) or ["nothing"])
            raise AudioError(
                f"{path}: holds no sound, only {others} ({container.format.name}); "
                "give a file with sound"
            )
        stream = _choose_track(path, sounds, track)
        if stream.codec_context is None:
            raise AudioError(f"{path}: its sound is in an unknown codec; convert it to FLAC")
        if not stream.codec_context.sample_rate:
            raise AudioError(
                f"{path}: cannot be read as sound ({container.format.name} without a sample "
                "rate); restore or remake the file"
            )
        if stream.codec_context.name == "flac":
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
        yield container, stream


def describe_track(container, number):
    """Return the number of an audio track with its language and title: ``2 (eng, Commentary)``.

    Parameters
    ----------
    container : av.container.InputContainer
    number : int
        From 1.

    Returns
    -------
    str
    """
    tags = container.streams.audio[number - 1].metadata
    known = [tags.get("language", ""), tags.get("title", "")]
    known = [" ".join(filter(str.isprintable, tag.split())) for tag in known if tag != "und"]
    return f"{number} ({', '.join(filter(None, known))})" if any(known) else str(number)


def _choose_track(path, sounds, track):
    """Return the audio stream that is asked for, by default the one marked as default."""
    if track is None:
        default = av.stream.Disposition.default
        return next((sound for sound in sounds if sound.disposition & default), sounds[0])
    wanted = str(track).casefold()
    for number, sound in enumerate(sounds, start=1):
        language = sound.metadata.get("language", "").casefold()
        if wanted == str(number) or (len(wanted) > 1 and language.startswith(wanted)):
            return sound
    container = sounds[0].container
    known = ", ".join(describe_track(container, number + 1) for number in range(len(sounds)))
    raise AudioError(f"{path}: has no audio track '{track}'; choose one of: {known}")


def _explain_choice(path, container, stream, track):
    """Say which of several audio tracks was chosen, and why; None if there is only one."""
    sounds = container.streams.audio
    if len(sounds) == 1:
        return None
    reason = "is the first"
    if stream.disposition & av.stream.Disposition.default:
        reason = "is marked as the default"
    if track is not None:
        reason = f"was asked for as '{track}'"
    tracks = [describe_track(container, number + 1) for number in range(len(sounds))]
    taken = tracks[sounds.index(stream)]
    return (
        f"{path}: track {taken} is taken, because it {reason}; the audio tracks are "
        f"{', '.join(tracks)}, and --track takes another"
    )


def stated_duration(path, container, stream):
    """Return the duration that the file states.

    Parameters
    ----------
    path : pathlib.Path
    container, stream
        As `open_media` yields them.

    Returns
    -------
    float or None
        As the attribute of `Media`.
    """
    name, begin = container.format.name, stream.start_time or 0
    if name == "mp3" and not (begin and _has_valid_lame_header(path)):
        return None
    if name in _LENGTH_OF_STREAM and stream.duration:
        end = float((begin + stream.duration) * stream.time_base)
        return round(end - start_time(container), 6)
    if name in _LENGTH_OF_FILE and stream.duration is None and container.duration:
        return round(container.duration / av.time_base - max(start_time(container), 0.0), 6)
    return None


def start_time(container):
    """Return the time stamp, in seconds, at which the earliest stream of a container starts."""
    return (container.start_time or 0) / av.time_base


def _has_valid_lame_header(path):
    """Tell whether the LAME header of an mp3 counts all bytes of the file, as FFmpeg demands."""
    with path.open("rb") as file:
        tag = file.read(10)
        begin = 0
        if tag[:3] == b"ID3":  # the bytes of its size have seven bits each
            begin = 10 + sum(byte << 7 * place for place, byte in enumerate(tag[:5:-1]))
        file.seek(begin)
        frame = file.read(64)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or len(frame) < at + 16 or not frame[at + 7] & 2:
        return False
    at += 8 + 4 * (frame[at + 7] & 1)
    size = begin + int.from_bytes(frame[at : at + 4], "big")
    return path.stat().st_size < 1.05 * size  # FFmpeg: 1 + 1/16


def _refuse_truncated(path):
    """Compare the size of WAV, W64, AVI and Ogg files with what they state; FFmpeg does not."""
    size = stated = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(24)
        if head[:4] == b"RIFF":
            riff = int.from_bytes(head[4:8], "little") + 8
            # A program that writes into a pipe leaves 0, -1 or about 2 GiB; some count the eight
            # bytes of this header twice, or a padding byte that does not exist.
            unknown = riff == 8 or 0x7FFFF000 <= riff < 0x80001000 or riff >= 0xFFFFF000
            if not unknown and riff > size + 9:
                stated = riff
        elif head[:6] == b"riff.\x91":  # W64, whose size has 64 bits; -1 if it is not known
            stated = int.from_bytes(head[16:], "little", signed=True)
        elif head[:4] == b"OggS":
            file.seek(max(size - _LARGEST_OGG_PAGE, 0))
            tail = file.read()
            page = tail[tail.rfind(b"OggS") :]
            body = page[26] + sum(page[27 : 27 + page[26]]) if len(page) > 26 else 0
            stated = size - len(page) + 27 + body
    if size < stated:
        raise AudioError(
            f"{path}: truncated, {size} of the {stated} bytes its header states; "
            "restore or remake the file"
        )


def _explain(path, error):
    """Say in plain words why a file cannot be opened, and what to do."""
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
        return f"cannot be read ({error.strerror}); check its permissions"
    if not os.path.exists(path):
        return "no such file; check the path"
    if os.path.isdir(path):
        return "is a folder; name a file"
    if path.stat().st_size == 0:
        return "the file is empty; restore or remake it"
    if isinstance(error, av.FFmpegError):
        with path.open("rb") as file:
            if file.read(8)[4:] == b"ftyp":
                return "an MP4 without its index, truncated or unfinished; restore or remake it"
    return f"cannot be read as sound ({error.strerror}); restore or remake the file"
