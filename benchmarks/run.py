"""Measure how long each step takes beside a peer: another library, or the least that it needs.

``make bench`` runs this script. A task and its peer take turns, so that other load affects both;
the ratio of their times depends less on the machine than the times do. Decoding is measured where
there is an ``ffmpeg`` command. All sound is noise made here. The result goes to
``reports/benchmarks.json``.
"""

import argparse
import importlib
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import av
import librosa
import numpy as np
import scipy.fft
from distributed import LocalCluster

from sedlib import audio, detection, features, models, training
from sedlib.config import load_params, repository
from sedlib.files import write_json

SECONDS = 600  # of sound in each file
SEGMENTS = 64  # of one second, whose features are computed
FILES = 8  # for several workers
EPISODES = 10  # of SECONDS, in an epoch of training: as many segments as the default has
EPOCH = EPISODES * (SECONDS // SEGMENTS) * SEGMENTS  # segments
PACKAGES = "av keras librosa numpy scipy soxr tensorflow".split()
CODECS = {"wav": ("pcm_s16le", 44100), "mp3": ("libmp3lame", 44100), "m4a": ("aac", 48000)}


def make_material(params, folder, seconds, episodes):
    """Make stereo files, segments, a network and training examples."""
    rng, classes = np.random.default_rng(params.seed), params.classes
    for suffix, (codec, rate) in CODECS.items():
        level = np.repeat(rng.uniform(0.01, 0.3, 4 * seconds), rate // 4)
        write_stereo(folder / f"a.{suffix}", codec, rate, level * rng.normal(size=len(level)))
    segments = rng.normal(0, 0.1, (SEGMENTS, params.stft.sample_rate)).astype(np.float32)
    magnitude = np.tile(
        features.spectrogram(segments, params.stft), (max(seconds // SEGMENTS, 1), 1, 1)
    )
    labels = rng.random((episodes * len(magnitude), len(classes))) < 0.2
    frames = np.repeat(labels[:, np.newaxis], magnitude.shape[1], axis=1)
    examples = [magnitude] * episodes, labels, frames
    training.make_reproducible(params.seed)
    network = models.with_frames(models.build_model("compact", classes, params.stft))
    network.compile("adam", loss={"scores": "bce", "frames": "bce"})
    return SimpleNamespace(
        params=params, stft=params.stft, folder=folder, segments=segments, network=network,
        magnitude=magnitude, examples=examples,
        batches=partial(training.Batches, *examples, params.train, params.seed),
        released=models.load_model(repository() / "models" / "released"),
    )  # fmt: skip


def write_stereo(path, codec, rate, left):
    """Encode noise as the left channel, and the same a little later as the right one."""
    planes = np.stack([left, np.roll(left, rate // 1000)]).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
    frame.sample_rate = rate
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        container.mux([*stream.encode(frame), *stream.encode(None)])


def librosa_spectrograms(m):
    """Compute with librosa what `features.spectrogram` computes."""
    lengths = {"n_fft": m.stft.n_fft, "hop_length": m.stft.hop_length}
    lengths["win_length"] = m.stft.win_length
    return [np.abs(librosa.stft(x, pad_mode="constant", **lengths)) for x in m.segments]


def bare_ffts(m):
    """Transform as many frames of as many samples."""
    frames, _ = features.segment_shape(m.stft)
    for _ in range(0, len(m.segments), features.SEGMENTS_AT_ONCE):
        scipy.fft.rfft(np.ones((features.SEGMENTS_AT_ONCE, frames, m.stft.n_fft), np.float32))


def run_ffmpeg(m, suffix):
    """Let the ``ffmpeg`` command decode a file to mono floats at our rate."""
    to_mono = f"-ac 1 -ar {m.stft.sample_rate} -f f32le pipe:1".split()
    command = ["ffmpeg", "-v", "error", "-i", str(m.folder / f"a.{suffix}"), *to_mono]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def score_batches(m, suffix):
    """Score as many batches as there are in a file, without reading it."""
    seconds = audio.probe(m.folder / f"a.{suffix}").duration
    batch = np.ascontiguousarray(m.magnitude[: detection.BATCH_SIZE, ..., np.newaxis])
    for _ in range(-(-int(seconds) // detection.BATCH_SIZE)):
        m.released[0].predict_on_batch(batch)


def run_detect(m, path, *options):
    """Run ``sedlib detect`` in a new process."""
    command = [sys.executable, "-m", "sedlib", "detect", str(path), *options]
    output = ["--output", str(m.folder / f"{time.monotonic_ns()}")]
    subprocess.run([*command, *output], check=True, capture_output=True, cwd=repository())


def detect_on(m, cluster):
    """Run ``sedlib detect`` on several files with the workers of a cluster."""
    folder = m.folder / "several"
    if not folder.exists():
        folder.mkdir()
        for number in range(FILES):
            os.link(m.folder / "a.m4a", folder / f"{number}.m4a")
    run_detect(m, folder, "--scheduler", cluster.scheduler_address)


def train_epochs(m, rounds):
    """Measure epochs, with validation and checkpoint, each followed by as many bare steps."""
    own, peer, start, step = [], [], time.perf_counter(), m.batches(0)[0]

    def on_epoch(_):
        nonlocal start
        own.append(time.perf_counter() - start)
        peer.append(measure(lambda: [m.network.train_on_batch(*step) for _ in range(steps)]))
        start = time.perf_counter()

    steps, network = len(m.batches(0)), models.build_model("compact", m.params.classes, m.stft)
    options = m.params.train.model_copy(update={"epochs": rounds + 1, "patience": rounds + 1})
    validation = [m.magnitude] * 2, m.examples[1][: 2 * len(m.magnitude)]
    checkpoint = m.folder / "checkpoint.npz"
    training.train(network, m.batches, validation, options, checkpoint, "", [on_epoch])
    return own[1:], peer[1:]  # the first compiles


def tasks(m, quick):
    """List the tasks: name, what is measured, name of the peer, the peer."""
    import_tensorflow = [sys.executable, "-c", "import tensorflow"]
    yield (
        "features, segment by segment",
        lambda: [features.spectrogram(x[np.newaxis], m.stft) for x in m.segments],
        "librosa",
        lambda: librosa_spectrograms(m),
    )
    batched = partial(features.spectrogram, m.segments, m.stft)
    yield "features, batched", batched, "librosa", lambda: librosa_spectrograms(m)
    yield "features, batched", batched, "bare FFT", lambda: bare_ffts(m)
    for suffix in CODECS if shutil.which("ffmpeg") else ():
        decode = partial(audio.read_audio, m.folder / f"a.{suffix}", m.stft.sample_rate)
        yield f"decoding {suffix}", decode, "ffmpeg", partial(run_ffmpeg, m, suffix)
    x, y = m.batches(0)[0]
    step, score = partial(m.network.train_on_batch, x, y), partial(m.network.predict_on_batch, x)
    yield "training step", step, "scoring the batch", score
    network, _ = m.released
    yield "scoring", partial(models.predict_scores, network, m.magnitude), "predict of Keras", (
        lambda: network.predict(m.magnitude[..., np.newaxis], batch_size=64, verbose=0)
    )  # fmt: skip
    for suffix in ("wav", "m4a"):
        detect = partial(detection.detect, m.folder / f"a.{suffix}", *m.released)
        yield (
            f"detect {suffix}, model loaded",
            detect,
            "scoring alone",
            partial(score_batches, m, suffix),
        )
    if not quick:
        run = partial(subprocess.run, import_tensorflow, capture_output=True)
        whole = partial(run_detect, m, m.folder / "a.m4a")
        yield "detect m4a, command", whole, "import of TensorFlow", run
        options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None}
        with (
            LocalCluster(n_workers=1, **options) as one,
            LocalCluster(n_workers=2, **options) as two,
        ):
            work = partial(detect_on, m, one), partial(detect_on, m, two)
            yield f"detect {FILES} m4a, two workers", work[1], "one worker", work[0]


def measure(task):
    """Return how long a task takes, in seconds."""
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def take_turns(own, peer, rounds):
    """Measure two tasks in turn, after each has run once."""
    own()
    peer()
    times = [(measure(own), measure(peer)) for _ in range(rounds)]
    return zip(*times, strict=True)


def summarise(task, peer, own_times, peer_times):
    """Return and print the median and the range of the times in seconds and of their ratio."""
    ratios = [own / other for own, other in zip(own_times, peer_times, strict=True)]
    found = {"task": task, "peer": peer, "rounds": len(ratios)}
    for key, values in (("seconds", own_times), ("peer_seconds", peer_times), ("ratio", ratios)):
        median, least, most = statistics.median(values), min(values), max(values)
        found[key] = {"median": round(median, 4), "least": round(least, 4), "most": round(most, 4)}
    ratio = "{median:.2f} ({least:.2f} to {most:.2f})".format(**found["ratio"])
    print(f"{task}: {ratio} times as long as {peer}", flush=True)
    return found


def describe_machine():
    """Return what the times depend on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: importlib.import_module(name).__version__ for name in PACKAGES},
    }


def main(arguments=None):
    """Measure all tasks and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="seconds of sound, to try the script")
    parser.add_argument("--output", type=Path, default=repository() / "reports" / "benchmarks.json")
    chosen = parser.parse_args(arguments)
    rounds, seconds, episodes = (1, 4, 2) if chosen.quick else (5, SECONDS, EPISODES)
    with tempfile.TemporaryDirectory() as folder:
        m = make_material(load_params(), Path(folder), seconds, episodes)
        results = [
            summarise(task, peer_name, *take_turns(own, peer, rounds))
            for task, own, peer_name, peer in tasks(m, chosen.quick)
        ]
        results.append(summarise("training epoch", "its steps alone", *train_epochs(m, rounds)))
    work = {
        "seconds of each file": seconds,
        "segments of features": len(m.segments),
        "segments of a step": m.params.train.batch_size,
        "segments of scoring": len(m.magnitude),
        "segments of an epoch": len(m.examples[1]),
    }
    write_json({"machine": describe_machine(), "work": work, "tasks": results}, chosen.output)


if __name__ == "__main__":
    main()
