"""Read mutated files with every reader, in a process that may crash or hang.

A reader may return something or raise a `SedlibError`. Anything else is a failure: another error, a
crash of the process, or more than five seconds.
"""

import json
import os
import resource
import select
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from scenarios import CLASSES, RATE, ROOT, STFT, tones

from sedlib.errors import SedlibError

SLOWEST = 5.0  # s
_STUCK = 60.0  # s without a result, on a busy machine
_MEMORY = 4 * 2**30  # bytes that reading one small file may add
_BATCH = 500  # inputs of one reader before the next reader has its turn

# What breaks parsers: numbers, brackets, quotes, separators, references, bytes that are no UTF-8.
_TOKENS = [
    *b"0 -1 1e999 NaN inf 1e-320 0x10 1_0 00:99:99 null true \xff\xfe \x00 \xe9 \xf0\x9f".split(),
    *b"\" ' , ; = &a *a <!-- ]]> &#0; ~ \x1b[2J \xed\xa0\x80 \xef\xbb\xbf \xd9\xa3".split(),
    *(b"\t", b"\n", b"\r", b" ", "e\u0301\u2028".encode()),
    *(b"9" * 5000, b"[" * 3000, b"{'a':" * 300, b"- " * 500, b"x" * 5000),
]


@dataclass(frozen=True)
class Reader:
    """What reads a file, and intact examples of the file.

    Attributes
    ----------
    name : str
    file : str
        Name of the file.
    examples : list of bytes
    read : callable
        Takes the path.
    """

    name: str
    file: str
    examples: list
    read: Callable


def make_readers(folder):
    """Make examples of every kind of file, and what reads it.

    Parameters
    ----------
    folder : pathlib.Path
        For scratch files.

    Returns
    -------
    list of Reader
    """
    return [*_annotation_readers(folder), *_media_readers(folder), *_other_readers(folder)]


def _annotation_readers(folder):
    from sedlib import annotations

    events = annotations.event_table(
        [("a", 0.0, 1.5, "low"), ("a", 1.0, 2.25, "high"), ("a", 62.5, 70.0, "low")]
    )
    examples = {"clip_list": [b"a.wav\tlow\nb.wav\thigh\n", b"/x/a.wav 0\n"]}
    for name, form in annotations.FORMATS.items():
        path = folder / f"a{form.suffix}"
        if form.to_text:
            annotations.write(events, path, name, hop=0.25, duration=80.0)
            examples[name] = [path.read_bytes()]
    examples["csv"].append(b"sep=;\nfilename;onset;offset;event_label\na.wav;0,5;1,5;low\n")
    examples["tsv"].append(b"Begin Time (s)\tEnd Time (s)\tAnnotation\n0:01\t00:01:02.5\tlow\n")
    examples["audacity"].append(b"# labels\n0,5\t1,5\thigh\n\\\t100\t200\n2 3 low\n")

    def read(path):
        events = annotations.read(path)
        annotations.correct_events(events, CLASSES)
        annotations.read_folder(path.parent, ["a"])

    formats = annotations.FORMATS
    return [Reader(name, f"a{formats[name].suffix}", examples[name], read) for name in examples]


def _media_readers(folder):
    import av
    import soundfile

    from sedlib.audio import probe, read_blocks

    def read(path):
        probe(path)
        for _ in read_blocks(path, 4000, 2**14, warn=lambda _: None):
            pass

    sound = tones(0.5)
    for suffix in ("wav", "flac", "ogg", "aiff", "w64", "caf", "au"):
        soundfile.write(folder / f"m.{suffix}", sound, RATE)
    for suffix, codec in {"mp3": "libmp3lame", "mp4": "aac", "mkv": "aac", "ts": "aac"}.items():
        with av.open(str(folder / f"m.{suffix}"), "w") as container:
            stream = container.add_stream(codec, rate=16000, layout="mono")
            resampler = av.AudioResampler(stream.format or "fltp", "mono", 16000)
            frame = av.AudioFrame.from_ndarray(sound[np.newaxis], format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
            for resampled in (*resampler.resample(frame), *resampler.resample(None), None):
                container.mux(stream.encode(resampled))
    suffixes = "wav flac mp3 mp4 ogg mkv aiff ts w64 caf au".split()
    return [Reader(s, f"m.{s}", [(folder / f"m.{s}").read_bytes()], read) for s in suffixes]


def _other_readers(folder):
    import nbformat
    import pandas as pd

    from sedlib import annotations, episodes, features, models
    from sedlib.batch.record import Record
    from sedlib.config import STFTParams, load_params
    from sedlib.files import read_json
    from sedlib.reports.notebooks import pair_differences, published_text
    from sedlib.synthesis.soundbank_groups import read_groups
    from sedlib.training.checkpoint import read_checkpoint, write_checkpoint

    stft = STFTParams(**STFT)
    magnitude = features.spectrogram(features.split_segments(tones(3), stft), stft)
    features.write_features(folder / "f.npy", magnitude)
    weights = [np.arange(6, dtype=np.float32).reshape(2, 3)]
    history = [{"epoch": 1, "loss": 0.5}]
    write_checkpoint(folder / "c.npz", "key", [], weights, weights, history)
    corrections = annotations.correct_events(
        annotations.event_table([("01", 2.0, 1.0, "low"), ("NA", 1.0, 1.0, "high")])
    )[1]
    left_out = pd.DataFrame([("1e5", "too short")], columns=["name", "reason"])
    episodes.write_remarks(folder, corrections, left_out)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(6 * 7)")])
    record = Record(folder / "out")
    with record.staging() as staged:
        (staged / "a.json").write_text("[]")
        record.write(staged / "a.json", "a.json", "source", duration=1.0, events={})
    [entry] = (folder / "out" / ".sedlib").glob("*.json")

    def read_features(path):
        features.open_features(path, stft).sum()

    def resume(path):
        found = read_checkpoint(path, "key", [])
        if found and not (found[0] == history and np.array_equal(found[1:], [weights, weights])):
            raise AssertionError("a damaged checkpoint was taken for an intact one")

    def read_record(path):
        target = path.parent / ".sedlib" / entry.name
        target.parent.mkdir(exist_ok=True)
        os.replace(path, target)
        (path.parent / "a.json").write_text("[]")
        known = Record(path.parent)
        known.done(["a.json"], {}, "source")
        known.check("a.json", "source")

    def read_model(path):
        (path.parent / models.WEIGHTS).write_bytes(b"none")
        models.read_description(path.parent)
        models.load_model(path.parent)

    def read_remarks(path):
        (path.parent / "left_out.tsv").write_text("name\treason\n")
        episodes.read_remarks(path.parent)

    def read_bank(path):
        for name in ("low/x.wav", "high/y.wav"):
            (path.parent / name).parent.mkdir(exist_ok=True)
            (path.parent / name).touch()
        read_groups(path.parent)

    def read_pair(path):
        source = path.with_suffix(".py")
        source.write_text("# %%\nprint(6 * 7)\n")
        published_text(source, path)

    def read_source(path):
        (path.parent / "n.ipynb").write_text(nbformat.writes(notebook))
        pair_differences(path, path.parent / "n.ipynb")

    thresholds = dict.fromkeys(CLASSES, 0.5)
    described = {"preset": "compact", "classes": CLASSES, "stft": STFT, "thresholds": thresholds}
    described |= {
        "weights_sha256": "0" * 64,
        "network_sha256": "0" * 64,
        "frames": {"smoothing": 0.5, "thresholds": thresholds},
    }
    bank = b"path,notes\nlow/x.wav,group=one\n.\\high\\y.wav,group=one; CC0\n"
    params = (ROOT / "params.yaml").read_bytes()
    text = b"# ---\n# jupyter:\n#   kernelspec:\n#     name: python3\n# ---\n\n# %%\nprint(6 * 7)\n"
    results = json.dumps({"f1": 0.5, "classes": {"low": [0.25, None]}}, indent=2).encode()
    return [
        Reader("params.yaml", "params.yaml", [params], load_params),
        Reader("model.json", "model.json", [json.dumps(described).encode()], read_model),
        Reader("sources.csv", "sources.csv", [bank], read_bank),
        Reader("features", "f.npy", [(folder / "f.npy").read_bytes()], read_features),
        Reader("checkpoint", "c.npz", [(folder / "c.npz").read_bytes()], resume),
        Reader("record of detect", "r.json", [entry.read_bytes()], read_record),
        Reader(
            "corrections.tsv",
            "corrections.tsv",
            [(folder / "corrections.tsv").read_bytes()],
            read_remarks,
        ),
        Reader("executed notebook", "n.ipynb", [nbformat.writes(notebook).encode()], read_pair),
        Reader("notebook", "n.py", [text], read_source),
        Reader("metrics.json", "metrics.json", [results], read_json),
    ]


def mutate(data, rng):
    """Change bytes, lines and values of a file at random places.

    Parameters
    ----------
    data : bytes
    rng : numpy.random.Generator

    Returns
    -------
    bytes
    """
    for _ in range(min(int(rng.geometric(0.6)), 5)):  # mostly one change
        at, end = sorted(rng.integers(0, len(data) + 1, 2)) if len(data) else (0, 0)
        end = min(end, at + int(rng.integers(1, 64)))
        kind = int(rng.integers(0, 9))
        if kind == 0:  # flip a bit
            change = bytes([data[at] ^ 1 << int(rng.integers(8))]) if at < len(data) else b""
            data = data[:at] + change + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + rng.bytes(int(rng.integers(1, 5))) + data[end:]
        elif kind == 2:
            data = data[:at] + data[end:]
        elif kind == 3:
            data = data[:end] + data[at:end] + data[end:]
        elif kind == 4 and rng.random() < 0.3:  # truncate
            data = data[:at]
        elif kind in (5, 6):
            data = data[:at] + _TOKENS[int(rng.integers(len(_TOKENS)))] + data[at:]
        elif kind == 7:  # another value in the place of one
            data = _replace_value(data, rng)
        else:
            lines = data.splitlines(keepends=True)
            if len(lines) > 1:
                i, j = rng.integers(0, len(lines), 2)
                lines[i], lines[j] = lines[j], lines[i]
                data = b"".join(lines if rng.random() < 0.5 else lines[:i] + lines[i + 1 :])
    return data


def _replace_value(data, rng):
    words = data.split(b" ")
    i = int(rng.integers(len(words)))
    words[i] = _TOKENS[int(rng.integers(len(_TOKENS)))]
    return b" ".join(words)


def mutation(reader, seed, number):
    """Return the mutated file of this number; the same for the same seed.

    Parameters
    ----------
    reader : Reader
    seed, number : int

    Returns
    -------
    bytes
    """
    rng = np.random.default_rng([seed, number, *reader.name.encode()])
    return mutate(reader.examples[number % len(reader.examples)], rng)


def torture(folder, seconds, seed, count=100_000):
    """Read mutated files until the time is over or there were enough.

    Parameters
    ----------
    folder : pathlib.Path
        For scratch files.
    seconds : float
    seed : int
    count : int
        Number of inputs over all readers.

    Returns
    -------
    dict
        Counts, and ``failures``, a list of sentences.
    """
    start = time.monotonic()
    (folder / "made").mkdir(parents=True)
    readers = make_readers(folder / "made")
    counts = {reader.name: {"inputs": 0, "read": 0, "refused": 0} for reader in readers}
    failures, slowest = [], 0.0
    batch = max(1, min(_BATCH, count // len(readers)))
    while sum(c["inputs"] for c in counts.values()) < count:
        for reader in readers:
            if time.monotonic() - start > seconds:
                break
            done = counts[reader.name]
            first = done["inputs"]
            for number, outcome, duration in _read_batch(reader, folder, seed, first, batch):
                done["inputs"] += 1
                slowest = max(slowest, duration)
                if duration > SLOWEST:
                    outcome = f"took {duration:.1f} s"
                if outcome in ("read", "refused"):
                    done[outcome] += 1
                else:
                    where = f"{reader.name}, seed {seed}, input {number}"
                    failures.append(f"{where}: {outcome}")
        else:
            continue
        break
    inputs = sum(c["inputs"] for c in counts.values())
    facts = {"inputs": inputs, "slowest": round(slowest, 2), "readers": counts}
    return {**facts, "failures": failures}


def _read_batch(reader, folder, seed, first, size):
    """Yield the number, the outcome and the seconds of each input; a crash ends one process."""
    number, last = first, first + size
    while number < last:
        out, end = os.pipe()
        process = os.fork()
        if not process:
            os.close(out)
            _read_in_child(reader, folder, seed, number, last, end)
        os.close(end)
        with os.fdopen(out) as lines:
            while select.select([lines], [], [], _STUCK)[0]:
                line = lines.readline()
                if not line:
                    break
                outcome, duration = line.rstrip("\n").rsplit("\t", 1)
                yield number, outcome, float(duration)
                number += 1
            else:
                os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        if number < last:  # it ended too early
            yield number, f"ended the process: {os.waitstatus_to_exitcode(status)}", 0.0
            number += 1


def _read_in_child(reader, folder, seed, first, last, end):
    """Read inputs and write a line about each; never returns."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + _MEMORY, size + _MEMORY))
        place = folder / reader.name
        place.mkdir(exist_ok=True)
        os.chdir(place)
        with os.fdopen(end, "w", buffering=1) as lines:
            for number in range(first, last):
                path = place / reader.file
                path.write_bytes(mutation(reader, seed, number))
                start = time.process_time()
                outcome = _outcome(reader, path)
                lines.write(f"{outcome}\t{time.process_time() - start:.4f}\n")
    finally:
        os._exit(0)


def _outcome(reader, path):
    try:
        reader.read(path)
    except SedlibError:
        return "refused"
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in place if "/sedlib/" in frame.filename] or place
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return f"{said} ({Path(own[-1].filename).name}:{own[-1].lineno})"
    return "read"
