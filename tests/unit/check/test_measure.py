"""Reading a folder: the sound is measured exactly, the tables describe it."""

import tracemalloc
from functools import partial
from itertools import groupby

import numpy as np
import pytest
import soundfile
from faulty_folders import (
    CLASSES,
    EVENTS,
    RATE,
    SPLIT,
    check_folder,
    details,
    empty_file,
    found,
    noise,
    record,
)

from sedlib.audio import read_blocks
from sedlib.check import as_json, measure


def test_an_annotation_without_events_is_one(folder):
    record(folder, "x", events=[])
    report = check_folder(folder, CLASSES)
    assert found(report) == {}
    assert report.recordings.set_index("recording").loc["x", "events"] == 0


def test_one_table_may_annotate_all(tmp_path):
    for name in SPLIT.episodes:
        record(tmp_path, name, events=None)
    rows = [f"{n}.wav\t{on}\t{off}\t{label}" for n in SPLIT.episodes for on, off, label in EVENTS]
    table = tmp_path / "annotation.tsv"
    table.write_text("\n".join(["filename\tonset\toffset\tevent_label", *rows]))
    report = check_folder(tmp_path, CLASSES, SPLIT)
    assert found(report) == {}
    assert set(report.recordings["annotation"]) == {"annotation.tsv"}


def test_aliases_are_followed(folder):
    record(folder, "x", events=[(0.5, 1.0, "speech"), (0.5, 1.0, "coughing")])
    report = check_folder(folder, CLASSES, aliases={"speech": "speaking", "coughing": None})
    assert found(report) == {}
    assert report.corrected.query("filename == 'x'")["event_label"].tolist() == ["speaking"]


def slow_runs(samples, values):
    """Length and begin of each run of samples that are among the values."""
    begin = 0
    for inside, run in groupby(samples.tolist(), lambda sample: sample in values):
        length = len(list(run))
        if inside:
            yield length, begin
        begin += length


@pytest.mark.parametrize("block_length", [7, 64, 1000, 2**18])
def test_measures_agree_with_slow_ones_whatever_the_blocks(tmp_path, monkeypatch, block_length):
    rng, rate = np.random.default_rng(0), 1000
    lengths = rng.choice([1, 2, 3, 4, 30, 99, 100, 101, 150], 200)
    values = rng.choice([0, 0, 32767, -32767, -32768, 12345], 200)
    lengths[77], values[77] = 2500, 0
    sound = np.repeat(values, lengths).astype(np.int16)
    record(tmp_path, "x", sound, rate=rate)
    record(tmp_path, "y", rate=rate, sound=noise("y"))
    monkeypatch.setattr(
        measure.audio, "read_blocks", partial(read_blocks, block_length=block_length)
    )
    report = check_folder(tmp_path, CLASSES, sample_rate=rate)
    x, y = report.recordings.itertuples()
    zeros = [run for run in slow_runs(sound, {0}) if run[0] >= 100]
    tops = [*slow_runs(sound, {32767}), *slow_runs(sound, {-32767, -32768})]
    assert x.silent == sum(length for length, _ in zeros) / len(sound) > 0
    assert x.clipped == sum(length for length, _ in tops if length >= 3) / len(sound) > 0
    length, begin = max(zeros, key=lambda run: run[0])
    stretch = f"the longest stretch {length / rate:g} s from {begin / rate:g} s on"
    assert any(stretch in detail for detail in details(report))
    samples = noise("y") / 32768
    assert y.peak == pytest.approx(20 * np.log10(np.abs(samples).max()), abs=1e-6)
    assert y.level == pytest.approx(10 * np.log10(np.mean(samples**2)), abs=1e-6)
    assert (y.clipped, y.silent, y.duration) == (0, 0, len(samples) / rate)


@pytest.mark.parametrize("clips", [True, False])
@pytest.mark.parametrize(("suffix", "subtype"), [("wav", "PCM_16"), ("ogg", "OPUS")])
def test_clipping_is_found_also_after_lossy_compression(tmp_path, suffix, subtype, clips):
    sound = 1.6 * np.sin(2 * np.pi * 220 * np.arange(4 * 48000) / 48000)
    sound = np.clip(sound, -1, 1) if clips else sound / 4
    soundfile.write(tmp_path / f"x.{suffix}", sound, 48000, subtype)
    (row,) = check_folder(tmp_path, CLASSES).recordings.itertuples()
    assert (row.clipped > 1e-3) == clips


def test_floats_beyond_full_scale_are_not_clipped(tmp_path):
    sound = 1.6 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)
    soundfile.write(tmp_path / "x.wav", sound, RATE, "FLOAT")
    (row,) = check_folder(tmp_path, CLASSES).recordings.itertuples()
    assert row.peak > 0 and row.clipped == 0


def test_memory_does_not_grow_with_the_recording(tmp_path, monkeypatch):
    monkeypatch.setattr(measure.audio, "read_blocks", partial(read_blocks, block_length=2**12))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # no thread, which is more or less far ahead
    peaks = []
    for seconds in (20, 200):
        (tmp_path / str(seconds)).mkdir()
        record(tmp_path / str(seconds), "x", noise("x", seconds), suffix="flac")
        check_folder(tmp_path / str(seconds), CLASSES)
        tracemalloc.start()
        check_folder(tmp_path / str(seconds), CLASSES)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_recordings_are_described(folder):
    record(folder, "b", np.zeros((RATE, 2), np.int16), suffix="flac", events=None)
    (folder / "b.wav").unlink()
    (folder / "c.wav").unlink()
    a, b, c, d = as_json(check_folder(folder, CLASSES, SPLIT))["recordings"]
    assert b == {
        "recording": "b",
        "file": "b.flac",
        "annotation": "b.json",
        "subset": "train",
        "duration": 1.0,
        "peak": None,
        "level": None,
        "clipped": 0.0,
        "silent": 1.0,
        "codec": "flac",
        "sample_rate": RATE,
        "channels": 2,
        "events": 2,
    }
    assert (a["codec"], a["channels"], a["events"], a["subset"]) == ("pcm_s16le", 1, 3, "train")
    assert (c["file"], c["annotation"], c["duration"], c["channels"]) == ("", "c.json", None, None)
    assert (d["subset"], d["duration"]) == ("test", 2.0)


def test_classes_are_counted_by_subset(folder):
    record(folder, "b", noise("b", 3.0), [(0.0, 1.5, "speaking"), (2.0, 2.5, "speaking")])
    table = check_folder(folder, CLASSES, SPLIT).classes.set_index(["subset", "event_label"])
    assert table.loc["train", "speaking"].tolist() == [3, 3.25, 3.25 / 5]
    assert table.loc["test", "laughing"].tolist() == [1, 0.5, 0.25]
    assert table.loc["train", "door bell"].tolist() == [1, 1.0, 0.2]
    assert table.loc["all", "speaking"].tolist() == [5, 5.75, 5.75 / 9]
    assert list(table.index) == [
        (subset, label) for subset in ("all", "train", "validation", "test") for label in CLASSES
    ]


def test_progress_is_told_of_every_recording_once(folder):
    empty_file(folder, "x")
    told = []
    check_folder(folder, CLASSES, progress=lambda *done: told.append(done))
    assert sorted(told) == [(name, 2.0) for name in "abcd"] + [("x", 0.0)]
