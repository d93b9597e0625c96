"""Decoding media files to mono float32 samples at their right times, in blocks.

FFmpeg, through PyAV, decodes every format; soxr resamples.

**Time.** Time 0 is the start of the container, where its earliest stream starts: sound that starts
0.5 s after the picture is preceded by 0.5 s of silence. The delay and the padding of the encoder
are removed wherever the file states them: mp3 with a LAME header; AAC, mp3 and Opus in MP4,
Matroska and WebM; Opus and Vorbis in Ogg. MPEG-TS, FLV, AVI, fragmented MP4, bare AAC and mp3
without a LAME header do not state the delay, so that their sound is late by it, usually by 20 to
50 ms. A gap between the time stamps (lost packets) becomes silence, and an overlap is dropped,
unless it is as small as the rounding of the time stamps.

**Channels.** Mono is the mean of left and right. More channels are first mixed down to stereo as in
ITU-R BS.775, so that surround sound is as loud as its stereo version. The weights for 5.1 are 0.71
for the centre, 0.5 for left and right, 0.35 for each surround channel and 0 for the LFE. Their sum
exceeds 1, so that samples may, too.
"""

import itertools
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import soxr

from sedlib.audio.ahead import compute_ahead
from sedlib.audio.container import (
    AudioError,
    describe_track,
    open_media,
    start_time,
    stated_duration,
)
from sedlib.audio.levels import AUDIBLE, Levels
from sedlib.audio.mixing import Mixer

_SHORTFALL = 0.25  # s; a stated duration may include the delay and padding of the encoder
_JITTER = 0.01  # s; half a packet of Opus, ten ticks of Matroska's clock
_LONGEST_GAP = 3600.0  # s; a longer gap is a damaged time stamp
_REWIND = 1.0  # s; where time stamps may start anew, a larger step back starts a joined part
_TIMES_MAY_START_ANEW = av.format.Flags.ts_discont.value
_CHUNK = 2**16  # samples that are mixed and resampled at once
_RATES = (1_000, 1_000_000)  # Hz


def read_blocks(path, sample_rate, block_length=2**18, track=None, warn=None):
    """Read the sound of a media file of any length in constant memory.

    Parameters
    ----------
    path : path-like
    sample_rate : int
        In Hz. Sound at another rate is resampled; sound at this rate is returned unchanged.
    block_length : int
        Samples in a block. The samples themselves do not depend on it.
    track : int or str, optional
        Which of several audio tracks; see `sedlib.audio.probe`.
    warn : callable, optional
        Called when all sound has been read, perhaps before the last block is yielded, with a
        sentence for each sign that this is not the sound that was meant: it is silent and another
        track is not, left and right cancel each other, or its samples are far above full scale.

    Yields
    ------
    numpy.ndarray of float32, shape (block_length,)
        Mono sound; the last block may be shorter. Nominally in [-1, 1]; lossy decoders, the
        resampler and files of floats may exceed it.

    Raises
    ------
    AudioError
        While reading: before the first block if the file is missing, empty, not a media file,
        without sound, without the track or in an unknown codec; after the intact blocks if it is
        truncated or damaged, changes its sample rate, or holds samples that are not finite or
        above 2**32.
    """
    pieces, size = [], 0
    for samples in _resample(Path(path), sample_rate, track, warn):
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
        In Hz. Sound at another rate is resampled; sound at this rate is returned unchanged.

    Returns
    -------
    numpy.ndarray of float32, shape (n_samples,)
        Mono sound, as `read_blocks` yields it.

    Raises
    ------
    AudioError
        As `read_blocks` does.
    """
    sound = bytearray()  # grows in place; joining the blocks would take twice the memory
    for block in read_blocks(path, sample_rate):
        sound += block.data.cast("B")
    return np.frombuffer(sound, np.float32)


def _resample(path, sample_rate, track, warn):
    """Yield the mono sound at `sample_rate` in chunks, then warn of what is suspicious."""
    resampler, levels = None, Levels()
    with open_media(path, track) as (container, stream):
        # A thread decodes the next chunks, where there is a processor for it.
        with closing(compute_ahead(_place_in_time(path, container, stream, levels))) as chunks:
            for samples, rate in chunks:
                levels.check(path, samples)
                if rate != sample_rate:
                    resampler = resampler or soxr.ResampleStream(rate, sample_rate, 1)
                    samples = resampler.resample_chunk(samples)
                yield samples
        if resampler:
            yield resampler.resample_chunk(np.empty(0, np.float32), last=True)
        if warn is not None:
            for fault in levels.faults():
                warn(f"{path}: {fault}")
            number = container.streams.audio.index(stream) + 1
            other = levels.peak < AUDIBLE and _find_audible(path, container, number, sample_rate)
            if other:
                warn(
                    f"{path}: track {describe_track(container, number)} is silent, but track "
                    f"{describe_track(container, other)} is not; take that one (--track {other})"
                )


def _find_audible(path, container, silent, sample_rate):
    """Return the number of the first track that holds sound; None if there is none."""
    for number in range(1, len(container.streams.audio) + 1):
        try:
            blocks = () if number == silent else read_blocks(path, sample_rate, track=number)
            if any(np.abs(block).max(initial=0.0) >= AUDIBLE for block in blocks):
                return number
        except AudioError:
            continue  # what cannot be read is no better choice
    return None


def _place_in_time(path, container, stream, levels):
    """Yield the mono sound from time 0 on, without gaps, in chunks with their sample rate."""
    stated = stated_duration(path, container, stream)
    start, tick = start_time(container), float(stream.time_base)
    mixer, position, rate, length = Mixer(path, levels), 0, None, 0
    has_no_gaps = container.format.name == "flac"
    frames = itertools.chain(_decode(path, container, stream, stated), [None])
    for frame, following in itertools.pairwise(frames):
        if frame.sample_rate != rate:
            rate = rate or frame.sample_rate
            _check_rate(path, rate, frame.sample_rate, position)
        if not position and frame.pts is not None and 0 <= frame.pts * tick < start:
            start = frame.pts * tick  # FFmpeg errs about Opus in Matroska not marked 48 kHz
        jump = _lateness(frame, start, tick, position)
        slack = rate * (_JITTER if position else min(tick, _JITTER))
        late = abs(jump) > slack
        if late and position and following:
            # FFmpeg also errs about single frames of Vorbis, where block sizes change.
            late = abs(_lateness(following, start, tick, position + frame.samples)) > slack
        if not late:
            jump = 0
        if jump < -_REWIND * rate and container.format.flags & _TIMES_MAY_START_ANEW:
            start, jump = start + jump / rate, 0
        impossible = jump > _LONGEST_GAP * rate
        if stated is not None and jump > 0:
            impossible |= position + jump > (stated + _SHORTFALL) * rate
        if has_no_gaps and position:
            impossible |= frame.pts is None or jump != 0
        if impossible:
            raise AudioError(
                f"{path}: damaged after {position / rate:.1f} s (the times of its sound jump); "
                "restore or remake the file"
            )
        for n in range(0, jump, _CHUNK):
            if mixer.size >= _CHUNK:
                yield mixer.take(), rate
            position += mixer.add_silence(min(_CHUNK, jump - n))
        if mixer.size >= _CHUNK:
            yield mixer.take(), rate
        length = mixer.add(frame, max(-jump, 0))
        position += length
    samples = mixer.take()
    if stated is not None and stream.duration is not None:
        padding = max(position - round(stated * rate), 0)
        if padding <= length:
            samples = samples[: len(samples) - padding]
    yield samples, rate


def _lateness(frame, start, tick, position):
    """Count the samples by which the time stamp of a frame is later than `position`."""
    if frame.pts is None:
        return 0
    return round((frame.pts * tick - start) * frame.sample_rate) - position


def _check_rate(path, rate, new, position):
    if not _RATES[0] <= new <= _RATES[1]:
        raise AudioError(
            f"{path}: sampled at {new} Hz, which is not a sample rate of sound; correct or remake "
            "the file"
        )
    if new != rate:
        raise AudioError(
            f"{path}: changes from {rate} to {new} Hz after {position / rate:.1f} s; "
            "convert it to one sample rate"
        )


def _decode(path, container, stream, stated):
    """Yield the frames of a stream in order; raise faults after the intact frames."""
    start, tick = start_time(container), float(stream.time_base)
    # Where one length is stated for all streams, only the latest of them shows that the file is
    # complete.
    watched = [stream] if stream.duration is not None else list(container.streams)
    decoded = end = 0.0
    fault, begun = None, False
    try:
        for packet in container.demux(watched):
            if packet.stream_index != stream.index:
                if packet.pts is not None:
                    last = (packet.pts + (packet.duration or 0)) * packet.time_base
                    end = max(end, float(last) - start)
                continue
            first, begun = not begun, True
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                # What was cut out of a stream may begin in the middle of a packet, and mp3 files
                # that were joined have the tag of the second one between them.
                cut = first and stated is None
                joined = container.format.name == "mp3" and packet.size and b"ID3" in bytes(packet)
                if not cut and not joined:
                    fault = fault or error
                continue
            for frame in frames:
                if fault:
                    raise _damage(path, stream, decoded, fault)
                begin = decoded if frame.pts is None else frame.pts * tick - start
                decoded = begin + frame.samples / frame.sample_rate
                end = max(end, decoded)
                yield frame
    except av.FFmpegError as error:
        fault = fault or error
    if fault and not decoded:
        raise _damage(path, stream, decoded, fault)
    if stated is not None and end < stated - (_JITTER if fault else _SHORTFALL):
        raise AudioError(
            f"{path}: truncated, holds {end:.2f} s of the {stated:.2f} s its header states; "
            "restore or remake the file"
        )
    # FFmpeg may take tags at the end of an mp3 for sound.
    if fault and stated is None and container.format.name != "mp3":
        raise _damage(path, stream, decoded, fault)
    if not decoded:
        raise AudioError(f"{path}: holds no sound, its audio stream is empty; remake the file")


def _damage(path, stream, decoded, fault):
    """Make the error for a stream that failed after `decoded` seconds."""
    reason = fault.strerror
    if not decoded:
        codec = stream.codec_context.codec.canonical_name
        return AudioError(
            f"{path}: cannot be decoded as {codec} ({reason}), truncated, damaged or encrypted; "
            "restore or remake the file"
        )
    return AudioError(
        f"{path}: damaged after {decoded:.1f} s ({reason}); restore or remake the file"
    )
