"""Detect and check recordings with odd names and odd sound.

Each file must be done or named in one sentence, no file may stop the others, and the exit code must
be a documented one.
"""

import os
import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import soundfile
from processes import run
from scenarios import CLASSES, RATE, tones, write_model

from sedlib.__main__ import main

NAMES = [  # as bytes: not all are Unicode
    *(b"caf\xe9", b"x" * 240, b"y" * 251, b"a\tb", b"a\nb", b"a\rb", b"a\x1b[31mb", b" a ", b"..a"),
    *(
        "caf\u00e9 nfc",
        "cafe\u0301 nfd",
        "\u65e5\u672c\u8a9e",
        "\U0001f514",
        "\u202eabc",
        "a\u2028b",
    ),
    *(
        "detected",
        "metrics",
        "metrics.scores",
        "one",
        "one.scores",
        "-dash",
        "--output",
        "NA",
        "01",
    ),
    *("$x^{$", "<script>alert(1)<", "a&b'c\"d", "%s{0}", "*", "~", "a:b", "file:a", "1e5", "a.b.c"),
    *(
        "null",
        "nul\\x",
        "{}",
        "[a]",
        "#a",
        "a;b",
        "a,b",
        "a=b",
        "s01_ep01",
        "corrections",
        "params",
    ),
]


def write_named(folder):
    """Write a recording of each of NAMES, and where the name allows it a label beside it."""
    folder.mkdir()
    sound = folder.parent / "sound.wav"
    soundfile.write(sound, tones(1.5), RATE)
    for name in NAMES:
        raw = name if isinstance(name, bytes) else name.encode()
        for suffix, content in ((b".wav", sound.read_bytes()), (b".txt", b"0\t1\tlow\n")):
            Path(os.fsdecode(os.fsencode(folder) + b"/" + raw + suffix)).write_bytes(content)


def write_odd(folder):
    """Write recordings whose sound is odd, damaged or missing."""
    folder.mkdir()
    x = tones(1.5)
    pair = np.stack([x, x], axis=1)
    loud, broken, endless = x.copy(), x.copy(), x.copy()
    loud[99], broken[99], endless[99] = 3e38, np.nan, np.inf
    waves = {
        "intact.wav": (x, RATE, "PCM_16"),
        "loud.wav": (loud, RATE, "FLOAT"),
        "nan.wav": (broken, RATE, "FLOAT"),
        "inf.wav": (endless, RATE, "FLOAT"),
        "integers.wav": (x * 32768, RATE, "FLOAT"),
        "double.wav": (x, RATE, "DOUBLE"),
        "u8.wav": (x, RATE, "PCM_U8"),
        "s24.wav": (x, RATE, "PCM_24"),
        "ulaw.wav": (x, RATE, "ULAW"),
        "adpcm.wav": (x, RATE, "IMA_ADPCM"),
        "silent.wav": (0 * x, RATE, "PCM_16"),
        "none.wav": (x[:0], RATE, "PCM_16"),
        "one.wav": (x[:1], RATE, "PCM_16"),
        "short.wav": (x[:200], RATE, "PCM_16"),
        "dc.wav": (x * 0 + 0.5, RATE, "PCM_16"),
        "opposite.wav": (pair * [1, -1], RATE, "PCM_16"),
        "surround.wav": (np.tile(pair, 3), RATE, "PCM_16"),
        "many.wav": (np.tile(pair, 8), RATE, "PCM_16"),
        "slow.wav": (x, 1000, "PCM_16"),
        "slower.wav": (x, 10, "PCM_16"),
        "fast.wav": (x, 384_000, "PCM_16"),
        "a.w64": (x, RATE, "PCM_16"),
        "a.caf": (x, RATE, "PCM_16"),
        "a.au": (x, RATE, "PCM_16"),
        "a.aiff": (x, RATE, "PCM_16"),
        "a.rf64": (x, RATE, "PCM_16"),
        "a.voc": (x, RATE, "PCM_16"),
        "a.ogg": (x, RATE, "VORBIS"),
        "a.flac": (x, RATE, "PCM_24"),
        "a.mp3": (x, RATE, "MPEG_LAYER_III"),
    }
    for name, (sound, rate, subtype) in waves.items():
        soundfile.write(folder / name, sound, rate, subtype)
    content = {path.name: path.read_bytes() for path in folder.iterdir()}
    wav = content["intact.wav"]
    files = {
        "empty.wav": b"",
        "text.wav": b"this is not sound\n" * 50,
        "zeros.mp3": bytes(5000),
        "page.mp3": b"<!DOCTYPE html><html><body>404</body></html>",
        "picture.wav": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "archive.mp4": b"PK\x03\x04" + bytes(200),
        "truncated.wav": wav[:5000],
        "truncated.flac": content["a.flac"][:9000],
        "truncated.mp3": content["a.mp3"][:2000],
        "truncated.ogg": content["a.ogg"][:4000],
        "header.wav": wav[:44],
        "streamed.wav": wav[:4] + b"\xff" * 4 + wav[8:40] + b"\xff" * 4 + wav[44:],
        "unfinished.wav": wav[:4] + bytes(4) + wav[8:40] + bytes(4) + wav[44:],
        "tail.wav": wav + b"garbage" * 100,
        "tail.mp3": content["a.mp3"] + b"TAG" + b"\xe9" * 125,
        "twice.mp3": content["a.mp3"] * 2,
        "tagged.mp3": b"ID3\3"
        + bytes(5)
        + b"\x0fTIT2\0\0\0\5\0\0\0\xe9\xe9\xe9\xe9"
        + content["a.mp3"],
        "other.flac": wav,
        "other.wav": content["a.mp3"],
        "unlisted.xyz": wav,
        "nosuffix": wav,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    for name, codec in {"a.mkv": "aac", "a.mp4": "aac", "a.ts": "mp2", "a.webm": "libopus"}.items():
        _write_tracks(folder / name, codec, x)
    _write_tracks(folder / "tracks.mkv", "pcm_s16le", 0 * x, x)
    _write_tracks(folder / "picture.mp4", None)
    mp4 = (folder / "a.mp4").read_bytes()
    (folder / "truncated.mp4").write_bytes(mp4[: len(mp4) // 2])
    (folder / "folder.wav").mkdir()
    (folder / "dangling.wav").symlink_to("nowhere.wav")
    (folder / "circle.wav").symlink_to("circle.wav")
    (folder / "up").symlink_to(".")
    (folder / "zero.wav").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.wav")


def _write_tracks(path, codec, *waveforms):
    """Write a file with these audio tracks, or with a picture if there is none."""
    with av.open(str(path), "w") as container:
        packets = []
        for waveform in waveforms:
            stream = container.add_stream(codec, rate=48_000, layout="mono")
            formats = stream.codec_context.codec.audio_formats
            resampler = av.AudioResampler(formats[0] if formats else "s16", "mono", 48_000)
            frame = av.AudioFrame.from_ndarray(waveform[np.newaxis], format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
            for piece in (*resampler.resample(frame), *resampler.resample(None), None):
                packets += stream.encode(piece)
        if not waveforms:
            stream = container.add_stream("mpeg4", rate=25, width=32, height=32)
            for piece in (*(av.VideoFrame(32, 32, "yuv420p") for _ in range(25)), None):
                packets += stream.encode(piece)
        for packet in packets:
            if packet.dts is not None:
                container.mux(packet)


def torture(folder, seconds, seed, sample=False):
    """Detect and check all odd files together, then detect each of them alone.

    Parameters
    ----------
    folder : pathlib.Path
        For scratch files.
    seconds : float
        After this time no further file is tried alone.
    seed : int
        Not used: the inputs are the same in every run.
    sample : bool
        Whether to take a sixth of the files, and none alone.

    Returns
    -------
    dict
        Counts, and ``failures``, a list of sentences.
    """
    start = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    made = run(lambda: (write_named(folder / "names"), write_odd(folder / "odd")), folder)
    model = run(lambda: write_model(folder / "model"), folder)
    failures = [*made.faults, *model.faults]
    if made.code or model.code:
        failures.append(f"the inputs cannot be made: {made.err}{model.err}")
    counts = {"names": len(NAMES), "recordings": len(list((folder / "odd").iterdir())), "runs": 0}

    def attempt(what, codes, *arguments):
        ending = run(partial(main, list(arguments)), folder)
        counts["runs"] += 1
        faults = list(ending.faults)
        if ending.code not in codes:
            faults.append(f"exit code {ending.code}")
        for line in sentences(ending):
            if not line.startswith("sedlib: ") and "corrected annotations" not in line:
                faults.append(f"not a sentence of ours: {line[:200]}")
        failures.extend(f"{what}: {fault}" for fault in faults)
        return ending

    options = ["--model", "model", "--scores", "--jobs", "1"]
    for kind in ("names", "odd"):
        if sample:
            _keep_a_few(folder / kind)
        done = attempt(
            f"detect {kind}", (0, 1), "detect", kind, "--output", f"out {kind}", *options
        )
        again = attempt(
            f"again {kind}", (0, 1), "detect", kind, "--output", f"out {kind}", *options
        )
        failures += _check_accounts(kind, folder, done, again)
        attempt(f"check {kind}", (0, 1, 2), "check", kind, "--classes", *CLASSES)
        if sample:
            continue
        attempt(f"json {kind}", (0, 1, 2), "check", kind, "--json", "--classes", *CLASSES)
        target = ["--write-corrected", f"corrected {kind}"]
        attempt(f"correct {kind}", (0, 1, 2), "check", kind, *target, "--classes", *CLASSES)
    for kind in ("names", "odd"):
        for path in sorted(os.listdir(folder / kind)):
            if sample or time.monotonic() - start > seconds:
                break
            arguments = [f"{kind}/{path}", "--output", "alone", *options]
            attempt(f"detect {path!r}", (0, 1), "detect", *arguments)
    return {**counts, "failures": failures}


def sentences(ending):
    """List the lines about faults: what is on standard error beside the progress."""
    return [line for line in ending.err.splitlines() if " of sound, now " not in line]


def _keep_a_few(folder):
    for number, path in enumerate(sorted(folder.glob("*.*"))):
        if number % 12 > 1 and path.is_file():  # a recording and its annotation
            path.unlink()


def _check_accounts(kind, folder, done, again):
    """List what is wrong with how many files were done, and with what a second run did."""
    results = [p for p in (folder / f"out {kind}").rglob("*.json") if ".sedlib" not in p.parts]
    *_, last = done.out.splitlines() or [""]
    count, of, total = [*last.split(), "", "", ""][:3]
    faults = len(sentences(done))
    found = []
    if not (count.isdigit() and of == "of" and total.isdigit()):
        return [f"{kind}: the last line is {last!r}"]
    if int(count) != len(results):
        found.append(f"{kind}: {count} files are said to be done, {len(results)} results exist")
    if int(count) + faults != int(total):
        found.append(f"{kind}: {total} files, {count} done, {faults} sentences about faults")
    if kind == "names" and int(count) < int(total) - 2:  # not Unicode; too long for a result
        found.append(f"{kind}: only {count} of {total} odd names can be used")
    if again.out.count("already done") != int(count) or again.code != done.code:
        found.append(f"{kind}: the second run does not take what the first has done")
    return found
