"""Sound of any media file -> mono float32 in blocks; mono float32 -> FLAC.

FFmpeg (PyAV) decodes every format, soxr resamples. Nothing here knows of annotations or
features.

**Time.** t = 0 is the start of the container, where its earliest stream begins: sound that
starts 0.5 s after the picture has 0.5 s of silence in front. The delay of the encoder and
its padding are left out wherever the file tells them: mp3 with a LAME header; AAC, mp3 and
Opus in MP4, Matroska and WebM; Opus and Vorbis in Ogg. MPEG-TS, FLV, AVI, fragmented MP4,
bare AAC and mp3 without that header do not tell, and their sound is late by that delay, 20
to 50 ms as a rule. A gap in the times of the file (lost packets) becomes silence and an
overlap is dropped, beyond the jitter of coarse clocks.

**Channels.** The mean of left and right; more channels are first mixed to stereo as in ITU-R
BS.775, so that surround sound is as loud as its stereo version: of 5.1 the centre has 0.71,
left and right 0.5, the surrounds 0.35 each, the LFE nothing. The sum may exceed 1.

**Which sound.** Of several audio streams, the first that is marked as default, else the
first.

**Cut files.** Noticed by what the file says of its length: WAV, AVI and Ogg at once; FLAC,
mp3 with a LAME header, MP4, Matroska, WebM, FLV, WMA and AIFF when the sound ends more than
a quarter of a second early. A cut that falls between two pages of Ogg, two fragments of a
fragmented MP4 or two packets of a stream without a length (MPEG-TS, bare AAC, mp3 without
that header, anything recorded live) cannot be noticed, nor can a changed byte in a format
without checksums.
"""

import itertools
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from sedlib.config import SedlibError
from sedlib.files import replacing

MEDIA_SUFFIXES = frozenset(
    ".3gp .aac .ac3 .aif .aiff .avi .flac .flv .m2ts .m4a .m4b .m4v .mka .mkv .mov .mp2 .mp3 "
    ".mp4 .mpeg .mpg .mts .oga .ogg .ogv .opus .ts .wav .webm .wma .wmv .wv".split()
)

# What FFmpeg calls a duration is a guess in all other formats.
_STREAMS_SAY_LENGTH = {"aiff", "avi", "flac", "mov,mp4,m4a,3gp,3g2,mj2", "mp3", "ogg", "wav"}
_FILE_SAYS_LENGTH = {"asf", "flv", "matroska,webm"}
_SHORTFALL = 0.25  # s; a promise may count the encoder's delay and padding
_JITTER = 0.01  # s; half a packet of Opus, ten ticks of Matroska's clock
_LONGEST_GAP = 3600.0  # s; more is a damaged time
_REWIND = 1.0  # s; where times may begin anew, a fall back by more begins a joined part
_TIMES_MAY_BEGIN_ANEW = av.format.Flags.ts_discont.value
_CHUNK = 2**16  # samples handled at once
_LARGEST_PAGE = 27 + 255 + 255 * 255  # bytes, of Ogg
_RATES = (1_000, 1_000_000)  # Hz
# Up to version 18, PyAV refuses files whose tags are not UTF-8 unless told otherwise.
_TAGS_IN_ANY_ENCODING = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)


class AudioError(SedlibError):
    """Sound that cannot be used; the message names the file, the fault and what to do."""


@dataclass(frozen=True)
class Media:
    """What a media file says of its sound.

    Attributes
    ----------
    duration : float or None
        From t = 0 to the end of the sound (in Matroska, FLV and WMA: of the file), in
        seconds; None where the file does not say.
    sample_rate : int
        In Hz.
    channels : int
    codec, container : str
        As FFmpeg names them.
    """

    duration: float | None
    sample_rate: int
    channels: int
    codec: str
    container: str


def probe(path):
    """Read what a media file says of its sound, without decoding it.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Media

    Raises
    ------
    AudioError
        If the file is missing, empty, no media, without sound, in an unknown codec, or
        seen to be cut at a glance.
    """
    path = Path(path)
    with _opened(path) as (container, stream):
        codec = stream.codec_context
        return Media(
            duration=_promised(path, container, stream),
            sample_rate=codec.sample_rate,
            channels=codec.channels,
            codec=codec.codec.canonical_name,
            container=container.format.name,
        )


def read_blocks(path, sample_rate, block_length=2**18):
    """Read the sound of a media file of any length in constant memory.

    Parameters
    ----------
    path : path-like
    sample_rate : int
        In Hz; sound of another rate is resampled, sound of this rate is left exact.
    block_length : int
        Samples in a block; the samples themselves do not depend on it.

    Yields
    ------
    numpy.ndarray of float32, shape (block_length,)
        Mono, the last block shorter; nominally in [-1, 1], which a lossy decoder, the
        resampler and float files may overshoot.

    Raises
    ------
    AudioError
        While reading. If the file is missing, empty, no media, without sound or in an
        unknown codec, before the first block; if it is cut, damaged, changes its sample
        rate, or holds samples that are not finite, after the good blocks before that.
    """
    pieces, size = [], 0
    for samples in _resampled(Path(path), sample_rate):
        pieces.append(samples)
        size += len(samples)
        if size >= block_length:
            joined = np.concatenate(pieces)
            whole = size - size % block_length
            for start in range(0, whole, block_length):
                yield joined[start : start + block_length]
            pieces, size = [joined[whole:]], size - whole
    if size:
        yield np.concatenate(pieces)


def read_audio(path, sample_rate):
    """Read the whole sound of a media file.

    Parameters
    ----------
    path : path-like
    sample_rate : int
        In Hz; sound of another rate is resampled, sound of this rate is left exact.

    Returns
    -------
    numpy.ndarray of float32, shape (n_samples,)
        Mono, as `read_blocks` gives it.

    Raises
    ------
    AudioError
        As `read_blocks` does.
    """
    return np.concatenate(list(read_blocks(path, sample_rate)))


def find_media(paths):
    """List media files.

    Parameters
    ----------
    paths : iterable of path-like
        Files, and folders to look into (not below).

    Returns
    -------
    list of pathlib.Path
        Each file once, as given, be it there or not; in place of a folder its files with
        one of the `MEDIA_SUFFIXES`, sorted, hidden ones left out.
    """
    found = {}
    for path in map(Path, paths):
        inside = sorted(filter(_looks_like_media, path.iterdir())) if path.is_dir() else [path]
        found |= dict.fromkeys(inside)
    return list(found)


def write_flac(path, waveform, sample_rate):
    """Write a mono waveform as 16-bit FLAC, whole or not at all.

    Parameters
    ----------
    path : path-like
        Target; replaced only when all is written.
    waveform : numpy.ndarray, shape (n_samples,)
        Samples in [-1, 1].
    sample_rate : int
        In Hz.

    Raises
    ------
    AudioError
        If a sample lies outside [-1, 1] or is not finite: it would be clipped.
    """
    path = Path(path)
    peak = np.abs(waveform).max(initial=0.0)
    if not peak <= 1.0:
        raise AudioError(f"{path}: peak is {peak:.3g}, outside [-1, 1]; scale the waveform down")
    with replacing(path) as partial:
        soundfile.write(partial, waveform, sample_rate, subtype="PCM_16", format="FLAC")


def convert_to_flac(source, target, sample_rate):
    """Write the sound of a media file as mono 16-bit FLAC, in constant memory.

    Samples outside [-1, 1) are clipped: lossy decoders overshoot a little, and the mix of a
    very loud surround sound may. 16-bit mono of this rate comes out unchanged.

    Parameters
    ----------
    source : path-like
        Media file.
    target : path-like
        Replaced only when all is written.
    sample_rate : int
        In Hz.

    Returns
    -------
    float
        Duration in seconds.

    Raises
    ------
    AudioError
        As `read_blocks` does; then the target is left as it was.
    """
    with (
        replacing(target) as partial,
        soundfile.SoundFile(partial, "w", sample_rate, 1, "PCM_16", format="FLAC") as file,
    ):
        for block in read_blocks(source, sample_rate):
            file.write(block)  # clips
        return file.frames / sample_rate


def _looks_like_media(path):
    visible = not path.name.startswith(".")
    return visible and path.suffix.lower() in MEDIA_SUFFIXES and path.is_file()


def _resampled(path, sample_rate):
    """Chunks of the mono sound at `sample_rate`, checked."""
    resampler = None
    with _opened(path) as (container, stream):
        for samples, rate in _placed(path, container, stream):
            if not np.isfinite(samples).all():
                raise AudioError(
                    f"{path}: holds samples that are not finite numbers; export it again"
                )
            if rate != sample_rate:
                resampler = resampler or soxr.ResampleStream(rate, sample_rate, 1)
                samples = resampler.resample_chunk(samples)
            yield samples
    if resampler:
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _placed(path, container, stream):
    """Chunks of the mono sound from t = 0 on without gaps, and their sample rate."""
    promised = _promised(path, container, stream)
    start, tick = _start(container), float(stream.time_base)
    pending, size, position, form, rate = [], 0, 0, None, None
    frames = itertools.chain(_frames(path, container, stream, promised), [None])
    for frame, following in itertools.pairwise(frames):
        if (frame.format.name, frame.layout.name, frame.sample_rate) != form:
            form = frame.format.name, frame.layout.name, frame.sample_rate
            rate = rate or frame.sample_rate
            _refuse_rate(path, rate, frame.sample_rate, position)
            layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
            mixer = av.AudioResampler("flt", layout, options={"rematrix_maxval": "100"})
        samples = _mixed(path, mixer, frame)
        if not position and frame.pts is not None and 0 <= frame.pts * tick < start:
            start = frame.pts * tick  # FFmpeg errs about Opus in Matroska not marked 48 kHz
        jump = _ahead(frame, start, tick, position)
        # FFmpeg also errs about single frames of Vorbis, where block sizes change.
        then = _ahead(following, start, tick, position + len(samples)) if following else jump
        slack = rate * (_JITTER if position else min(tick, _JITTER))
        if abs(jump) <= slack or (position and abs(then) <= slack):
            jump = 0
        if jump < -_REWIND * rate and container.format.flags & _TIMES_MAY_BEGIN_ANEW:
            start, jump = start + jump / rate, 0
        impossible = jump > _LONGEST_GAP * rate
        if promised is not None and jump > 0:
            impossible |= position + jump > (promised + _SHORTFALL) * rate
        if container.format.name == "flac" and position:  # its sound has no gaps
            impossible |= frame.pts is None or jump != 0
        if impossible:
            raise AudioError(
                f"{path}: damaged after {position / rate:.1f} s (the times of its sound jump); "
                "restore or remake the file"
            )
        silence = (np.zeros(min(_CHUNK, jump - n), np.float32) for n in range(0, jump, _CHUNK))
        for piece in itertools.chain(silence, [samples[max(-jump, 0) :]]):
            if size >= _CHUNK:
                yield np.concatenate(pending), rate
                pending, size = [], 0
            pending.append(piece)
            size += len(piece)
            position += len(piece)
    if promised is not None and stream.duration is not None:
        padding = max(position - round(promised * rate), 0)
        if padding <= len(pending[-1]):
            pending[-1] = pending[-1][: len(pending[-1]) - padding]
    yield np.concatenate(pending), rate


def _ahead(frame, start, tick, position):
    """Count the samples by which a frame's time is later than the place it would get."""
    if frame.pts is None:
        return 0
    return round((frame.pts * tick - start) * frame.sample_rate) - position


def _refuse_rate(path, rate, new, position):
    if not _RATES[0] <= new <= _RATES[1]:
        raise AudioError(
            f"{path}: sampled at {new} Hz, which is no rate of sound; correct or remake the file"
        )
    if new != rate:
        raise AudioError(
            f"{path}: changes from {rate} to {new} Hz after {position / rate:.1f} s; "
            "convert it to one sample rate"
        )


def _frames(path, container, stream, promised):
    """Decode frames in order; raise faults after the good ones."""
    start, tick = _start(container), float(stream.time_base)
    # Only the latest of all streams tells whether a file is whole that has one length for all.
    watched = [stream] if stream.duration is not None else list(container.streams)
    heard = end = 0.0
    fault = None
    try:
        for packet in container.demux(watched):
            if packet.stream_index != stream.index:
                if packet.pts is not None:
                    last = (packet.pts + (packet.duration or 0)) * packet.time_base
                    end = max(end, float(last) - start)
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                fault = fault or error
                continue
            for frame in frames:
                if fault:
                    raise _damage(path, stream, heard, fault)
                begin = heard if frame.pts is None else frame.pts * tick - start
                heard = begin + frame.samples / frame.sample_rate
                end = max(end, heard)
                yield frame
    except av.FFmpegError as error:
        fault = fault or error
    if fault and not heard:
        raise _damage(path, stream, heard, fault)
    if promised is not None and end < promised - (_JITTER if fault else _SHORTFALL):
        raise AudioError(
            f"{path}: truncated, holds {end:.2f} s of the {promised:.2f} s its header promises; "
            "restore or remake the file"
        )
    # Tags at the end of an mp3 may look like sound to FFmpeg.
    if fault and promised is None and container.format.name != "mp3":
        raise _damage(path, stream, heard, fault)
    if not heard:
        raise AudioError(f"{path}: holds no sound, its audio stream is empty; remake the file")


def _mixed(path, mixer, frame):
    """Mono samples of a frame."""
    try:
        mixed = mixer.resample(frame)[0]
        return mixed.to_ndarray().reshape(-1, mixed.layout.nb_channels).mean(axis=1)
    except av.FFmpegError:
        raise AudioError(
            f"{path}: has {frame.layout.nb_channels} channels of unknown places; mix it down"
        ) from None


@contextmanager
def _opened(path):
    """Open a media file: the container and the stream of its sound."""
    try:
        _refuse_cut(path)
        # 'file:', or a colon in the name would end a protocol.
        container = av.open(f"file:{path}", **_TAGS_IN_ANY_ENCODING)
    except (OSError, av.FFmpegError) as error:
        raise AudioError(f"{path}: {_reason(path, error)}") from None
    with container:
        sounds = container.streams.audio
        if not sounds:
            others = ", ".join(sorted({stream.type for stream in container.streams}) or ["nothing"])
            raise AudioError(
                f"{path}: holds no sound, only {others} ({container.format.name}); "
                "give a file with sound"
            )
        default = av.stream.Disposition.default
        stream = next((sound for sound in sounds if sound.disposition & default), sounds[0])
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


def _promised(path, container, stream):
    """Seconds from t = 0 to the end, by what the file says; None if it does not say."""
    name, begin = container.format.name, stream.start_time or 0
    if name == "mp3" and not (begin and _lame_header_fits(path)):
        return None
    if name in _STREAMS_SAY_LENGTH and stream.duration:
        return round(float((begin + stream.duration) * stream.time_base) - _start(container), 6)
    if name in _FILE_SAYS_LENGTH and stream.duration is None and container.duration:
        return round(container.duration / av.time_base - max(_start(container), 0.0), 6)
    return None


def _lame_header_fits(path):
    """Tell whether the LAME header of an mp3 counts all its bytes; else FFmpeg does not use it."""
    with path.open("rb") as file:
        tag = file.read(10)
        begin = 0
        if tag[:3] == b"ID3":  # its size has seven bits a byte
            begin = 10 + sum(byte << 7 * place for place, byte in enumerate(tag[:5:-1]))
        file.seek(begin)
        frame = file.read(64)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or len(frame) < at + 16 or not frame[at + 7] & 2:
        return False
    at += 8 + 4 * (frame[at + 7] & 1)
    size = begin + int.from_bytes(frame[at : at + 4], "big")
    return path.stat().st_size < 1.05 * size  # FFmpeg: 1 + 1/16


def _start(container):
    return (container.start_time or 0) / av.time_base


def _refuse_cut(path):
    """Compare the size of WAV, AVI and Ogg with what they say; FFmpeg does not."""
    held = promised = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if head[:4] == b"RIFF":
            size = int.from_bytes(head[4:], "little") + 8
            # A writer into a pipe leaves 0, -1 or about 2 GiB; some count the eight bytes
            # of this head twice, or a pad byte that is not there.
            if 8 < size < 0x7FFFF000 and size > held + 9:
                promised = size
        elif head[:4] == b"OggS":
            file.seek(max(held - _LARGEST_PAGE, 0))
            tail = file.read()
            page = tail[tail.rfind(b"OggS") :]
            body = page[26] + sum(page[27 : 27 + page[26]]) if len(page) > 26 else 0
            promised = held - len(page) + 27 + body
    if held < promised:
        raise AudioError(
            f"{path}: truncated, {held} of the {promised} bytes its header promises; "
            "restore or remake the file"
        )


def _damage(path, stream, heard, fault):
    reason = fault.strerror
    if not heard:
        codec = stream.codec_context.codec.canonical_name
        return AudioError(
            f"{path}: cannot be decoded as {codec} ({reason}), truncated, damaged or encrypted; "
            "restore or remake the file"
        )
    return AudioError(f"{path}: damaged after {heard:.1f} s ({reason}); restore or remake the file")


def _reason(path, error):
    if not path.exists():
        return "no such file; check the path"
    if path.is_dir():
        return "is a folder; name a file"
    if path.stat().st_size == 0:
        return "the file is empty; restore or remake it"
    if isinstance(error, av.FFmpegError):
        with path.open("rb") as file:
            if file.read(8)[4:] == b"ftyp":
                return "an MP4 without its index, truncated or unfinished; restore or remake it"
    return f"cannot be read as sound ({error.strerror}); restore or remake the file"
