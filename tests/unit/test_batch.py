"""Many files through `sedlib detect`: unreadable files, continuing, formats, reference."""

import json
import os

import av
import numpy as np
import pandas as pd
import pytest
import soundfile

from sedlib import annotations, batch
from sedlib.cli import main
from sedlib.models import save_model

RATE = 8000
CLASSES = ["low", "high"]
FEATURES = {"sample_rate": RATE, "n_fft": 256, "hop_length": 256, "win_length": 256}
FORMATS = [name for name, form in annotations.FORMATS.items() if form.write]


class Ear:
    """Stands for a network: detects low and high tones, and counts the segments it scores."""

    scored = 0

    def predict_on_batch(self, magnitude):
        Ear.scored += len(magnitude)
        power = np.square(magnitude[..., 0]).mean(axis=1)
        bands = np.stack([power[:, :32].sum(axis=1), power[:, 32:].sum(axis=1)], axis=1)
        return np.minimum(bands / 100, 1).astype(np.float32)

    def save_weights(self, path):
        path.write_bytes(b"none")


class FrameEar(Ear):
    """The same, frame by frame."""

    def predict_on_batch(self, magnitude):
        power = np.square(magnitude[..., 0])
        bands = np.stack([power[..., :32].sum(axis=2), power[..., 32:].sum(axis=2)], axis=2)
        return {"frames": np.minimum(bands / 100, 1).astype(np.float32)}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with a model in data/model, and an empty folder `in`."""
    description = {"preset": "ear", "classes": CLASSES, "stft": FEATURES}
    description["thresholds"] = {"low": 0.5, "high": 0.5}
    description["frames"] = {"smoothing": 0.01, "thresholds": {"low": 0.5, "high": 0.5}}
    save_model(tmp_path / "data" / "model", Ear(), description)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEDLIB_WORKSPACE", raising=False)
    monkeypatch.setattr(batch, "load_model", lambda folder: (Ear(), description))
    monkeypatch.setattr("sedlib.detection.recording.with_frames", lambda network: FrameEar())
    (tmp_path / "in").mkdir()
    return tmp_path


def tone(seconds, spans):
    """Silence with tones: (onset, offset, Hz)."""
    times = np.arange(round(seconds * RATE)) / RATE
    x = np.zeros(len(times), np.float32)
    for onset, offset, pitch in spans:
        x += 0.4 * np.sin(2 * np.pi * pitch * times) * ((times >= onset) & (times < offset))
    return x


def write(path, seconds=4.0, spans=((1, 2, 300), (2, 4, 3000))):
    soundfile.write(path, tone(seconds, spans), RATE)
    return path


def write_mp4(path, seconds=4.0):
    """Encode silence as AAC in MP4."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        silence = np.zeros((1, 1024), np.float32)
        for i in range(int(seconds * RATE) // 1024):
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, i * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def run(*arguments):
    """Run `sedlib detect`; return its exit code."""
    with pytest.raises(SystemExit) as stop:
        main(["detect", *map(str, arguments)])
    return stop.value.code


def found(path):
    return annotations.read(path)[["onset", "offset", "event_label"]].to_numpy().tolist()


TWO = [[1.0, 2.0, "low"], [2.0, 4.0, "high"]]


def test_unreadable_files_are_reported_and_do_not_stop_the_others(place, capsys):
    for i in range(5):
        write(place / "in" / f"good{i}.flac")
    write(place / "in" / "silence.wav", spans=())
    write_mp4(place / "in" / "cut.mp4")
    whole = (place / "in" / "cut.mp4").read_bytes()
    (place / "in" / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    (place / "in" / "text.wav").write_text("this is not sound\n" * 50)
    (place / "in" / "empty.mp3").write_bytes(b"")
    x = tone(4, [(1, 2, 300)])
    x[1000] = np.nan
    soundfile.write(place / "in" / "nan.wav", x, RATE, subtype="FLOAT")
    assert run("in") == 1
    assert [found(place / "detected" / f"good{i}.json") for i in range(5)] == 5 * [TWO]
    assert found(place / "detected" / "silence.json") == []
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("sedlib: ")]
    for line, name in zip(lines, ("cut.mp4", "empty.mp3", "nan.wav", "text.wav"), strict=True):
        assert line.count(name) == 1
    written = {path.name for path in (place / "detected").iterdir()}
    good = {f"good{i}.json" for i in range(5)}
    assert written == {*good, "silence.json", "detected.json"}


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_reads_back_as_the_events_detected(place, format):
    write(place / "in" / "a.wav", 4.25, ((1, 2, 300), (2, 4.25, 3000)))
    assert run("in/a.wav", "--format", format, "--hop", "0.5", "--threshold", "0.6") == 0
    target = place / "detected" / ("a" + annotations.FORMATS[format].suffix)
    assert sorted(found(target)) == [[1.0, 2.0, "low"], [2.0, 4.25, "high"]]


@pytest.mark.parametrize("format", FORMATS)
def test_frame_level_events_lie_within_a_frame_of_the_sound_in_every_format(place, format):
    write(place / "in" / "a.wav", 4.25, ((1.1, 2.3, 300), (2.5, 4.25, 3000)))
    assert run("in/a.wav", "--format", format, "--hop", "frames") == 0
    events = found(place / "detected" / ("a" + annotations.FORMATS[format].suffix))
    assert [label for *_, label in events] == ["low", "high"]
    times = [time for event in events for time in event[:2]]
    np.testing.assert_allclose(times, [1.1, 2.3, 2.5, 4.25], atol=1.5 / 32)


def test_a_hop_that_is_not_supported_is_refused(capsys):
    assert run("a.wav", "--hop", "0.3") == 2
    assert "'0.3' is not one of 1.0, 0.5, 0.2, 0.1 and frames" in capsys.readouterr().err


def test_the_earlier_spellings_of_options_still_work(place):
    write(place / "in" / "a.wav")
    annotations.write(annotations.event_table([("a", 1.0, 2.0, "low")]), place / "own.tsv")
    assert run("in", "--hop", "0.5", "--reference", "own.tsv", "--output", "new") == 0
    assert run("in", "--step", "0.5", "--truth", "own.tsv", "--output", "old") == 0
    for name in ("a.json", "detected.json", "metrics.json"):
        assert (place / "old" / name).read_bytes() == (place / "new" / name).read_bytes()


def test_a_file_is_not_processed_again_until_something_changes(place, capsys):
    file = write(place / "in" / "a.wav")
    write(place / "in" / "b.wav")
    Ear.scored = 0
    assert run("in") == 0
    first, Ear.scored = Ear.scored, 0
    assert run("in") == 0
    assert Ear.scored == 0 and "already done" in capsys.readouterr().out
    write(file, spans=[(0, 2, 300)])
    os.utime(file, ns=(1, 1))  # as if written at another time, however coarse the clock
    assert run("in") == 0
    assert Ear.scored == first / 2
    printed = capsys.readouterr().out
    assert "a.wav: 1 event\n" in printed and "b.wav: 2 events, already done\n" in printed
    assert found(place / "detected" / "a.json") == [[0.0, 2.0, "low"]]
    for options in (["--hop", "0.5"], ["--threshold", "0.9"], ["--scores"]):
        Ear.scored = 0
        assert run("in", *options) == 0
        assert Ear.scored > 0, options
    (place / "detected" / "b.json").unlink()
    Ear.scored = 0
    assert run("in", "--scores") == 0
    assert Ear.scored == first / 2 and found(place / "detected" / "b.json") == TWO


def test_an_interrupted_run_continues_where_it_stopped(place, monkeypatch, capsys):
    for name in "abc":
        write(place / "in" / f"{name}.wav")
    detect = batch.detect

    def interrupted(path, *rest):
        if path.stem == "b":
            raise KeyboardInterrupt
        return detect(path, *rest)

    monkeypatch.setattr(batch, "detect", interrupted)
    assert run("in") == 130
    assert "run the same command to continue" in capsys.readouterr().err
    assert {p.name for p in (place / "detected").iterdir()} == {"a.json", "detected.json"}
    monkeypatch.setattr(batch, "detect", detect)
    assert run("in") == 0
    assert "a.wav: 2 events, already done" in capsys.readouterr().out
    assert found(place / "detected" / "c.json") == TWO


def test_thresholds_are_those_of_the_model_unless_given_for_a_class_or_for_all(place):
    write(place / "in" / "a.wav")
    assert run("in", "--threshold", "low=1.0", "--scores", "--output", "low") == 0
    scores = pd.read_csv(place / "low" / "a.scores.tsv", sep="\t")
    assert scores["low"].max() == 1 and found(place / "low" / "a.json")[0][2] == "low"
    assert run("in", "--threshold", "0", "--output", "all") == 0
    assert found(place / "all" / "a.json") == [[0.0, 4.0, "low"], [0.0, 4.0, "high"]]
    with pytest.raises(SystemExit, match="the model has no class 'hihg'; the nearest is 'high'"):
        main(["detect", "in", "--threshold", "hihg=0.5"])


def test_a_reference_gives_the_metrics_of_the_classes_in_it(place, capsys):
    for name in "ab":
        write(place / "in" / f"{name}.wav")
    rows = [("a.wav", 1.0, 2.0, "Low"), ("a.wav", 3.0, 9.0, "treble"), ("a.wav", 0, 1, "siren")]
    annotations.write(annotations.event_table(rows), place / "reference.tsv")
    assert run("in", "--reference", "reference.tsv", "--alias", "treble=high") == 0
    printed = capsys.readouterr().out
    assert (
        "b: no reference annotation, not scored" in printed
        and "past the end" in printed
        and "siren" in printed
    )
    stored = json.loads((place / "detected" / "metrics.json").read_text())
    assert stored["segments"] == 4
    assert stored["classes"]["low"]["f1"] == 1.0
    assert stored["classes"]["high"] == pytest.approx(
        {"precision": 0.5, "recall": 1, "f1": 2 / 3, "iou": 0.5, "accuracy": 0.75, "support": 1}
    )
    # the same from results that were there before
    assert run("in", "--reference", "reference.tsv", "--alias", "treble=high") == 0
    assert json.loads((place / "detected" / "metrics.json").read_text()) == stored


def test_the_reference_may_be_a_folder_and_unreadable_files_there_are_reported(place, capsys):
    for name in "ab":
        write(place / "in" / f"{name}.wav")
    rows = [("a", 1.0, 2.0, "low"), ("a", 2.0, 4.0, "high")]
    (place / "reference").mkdir()
    annotations.write(annotations.event_table(rows), place / "reference" / "a.json")
    (place / "reference" / "b.json").write_text("not JSON")
    assert run("in", "--reference", "reference") == 0
    printed = capsys.readouterr()
    assert "b.json" in printed.err
    assert "b: no reference annotation, not scored" in printed.out
    assert json.loads((place / "detected" / "metrics.json").read_text())["macro"]["f1"] == 1


def test_a_reference_without_any_class_of_the_model_is_one_sentence(place):
    write(place / "in" / "a.wav")
    annotations.write(annotations.event_table([("a", 1.0, 2.0, "siren")]), place / "reference.tsv")
    with pytest.raises(SystemExit, match="the reference has no event of the model's classes"):
        main(["detect", "in", "--reference", "reference.tsv"])


def test_two_files_with_one_name_are_refused_before_anything_is_written(place):
    write(place / "in" / "a.wav")
    write(place / "in" / "a.flac")
    with pytest.raises(SystemExit, match="2 of the files are named 'a'"):
        main(["detect", "in"])
    assert not (place / "detected").exists()


def test_without_a_model_the_message_says_how_to_get_one(place):
    with pytest.raises(SystemExit, match=r"model\.json: no such file; train a model"):
        main(["detect", "in", "--model", "elsewhere"])


def test_results_contain_no_path_of_the_computer(place):
    write(place / "in" / "a.wav")
    assert run(place / "in") == 0
    assert str(place) not in (place / "detected" / "detected.json").read_text()
    assert list(pd.json_normalize(json.loads((place / "detected/detected.json").read_text())))
