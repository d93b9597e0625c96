"""Many files through `sedlib detect`: unreadable files, continuing, formats, reference."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from detect_runs import (
    DESCRIPTION,
    FEATURES,
    FORMATS,
    RATE,
    TWO,
    Ear,
    found,
    run,
    tone,
    write,
    write_mp4,
)

from sedlib import annotations, detection, places
from sedlib.__main__ import main
from sedlib.batch.record import Record
from sedlib.detection import score_table
from sedlib.files import staging_folder

ROOT = Path(__file__).resolve().parents[3]


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
    assert written == {*good, "silence.json", ".sedlib"}


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


def test_a_textgrid_ends_with_the_recording_and_not_with_the_last_event(place, monkeypatch):
    # At 7350 Hz no length but a whole second has as few digits as the times of events have.
    description = DESCRIPTION | {"stft": FEATURES | {"sample_rate": 7350}}
    monkeypatch.setattr("sedlib.batch.run.load_model", lambda folder: (Ear(), description))
    write(place / "in" / "middle.wav", 4.251, ((1, 2, 300),))
    write(place / "in" / "end.wav", 4.251, ((1, 4.251, 300),))
    assert run("in", "--format", "textgrid", "--hop", "0.2") == 0
    for name in ("middle", "end"):
        grid = place / "detected" / f"{name}.TextGrid"
        end = float(grid.read_text().splitlines()[4].removeprefix("xmax = "))
        assert end == pytest.approx(4.251, abs=1 / 7350)
        last = max(offset for _, offset, _ in found(grid))
        assert last == end if name == "end" else last < end


def test_a_hop_that_is_not_supported_is_refused(capsys):
    assert run("a.wav", "--hop", "0.3") == 2
    assert "argument --hop: invalid choice: '0.3'" in capsys.readouterr().err


def test_the_earlier_spellings_of_options_still_work(place):
    write(place / "in" / "a.wav")
    annotations.write(annotations.event_table([("a", 1.0, 2.0, "low")]), place / "own.tsv")
    assert run("in", "--hop", "0.5", "--reference", "own.tsv", "--output", "new") == 0
    assert run("in", "--step", "0.5", "--truth", "own.tsv", "--output", "old") == 0
    for name in ("a.json", "metrics.json"):
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
    detect = detection.detect

    def interrupted(path, *rest):
        if path.stem == "b":
            raise KeyboardInterrupt
        return detect(path, *rest)

    monkeypatch.setattr(detection, "detect", interrupted)
    assert run("in") == 130
    assert "run the same command to continue" in capsys.readouterr().err
    assert {p.name for p in (place / "detected").iterdir()} == {"a.json", ".sedlib"}
    monkeypatch.setattr(detection, "detect", detect)
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
    both = ["--threshold", "low=1.0"], ["--threshold", "0"]
    for first, second in (both, both[::-1]):
        assert run("in", *first, *second, "--output", "mixed", "--overwrite") == 0
        events = found(place / "mixed" / "a.json")
        assert events == [[0.0, 4.0, "high"], *found(place / "low" / "a.json")[:1]]
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
    assert run("in", "--reference", "reference") == 1
    printed = capsys.readouterr()
    assert "b.json" in printed.err
    assert "b: no reference annotation, not scored" in printed.out
    assert json.loads((place / "detected" / "metrics.json").read_text())["macro"]["f1"] == 1


def test_a_reference_without_any_class_of_the_model_is_one_sentence(place):
    write(place / "in" / "a.wav")
    annotations.write(annotations.event_table([("a", 1.0, 2.0, "siren")]), place / "reference.tsv")
    with pytest.raises(SystemExit, match="the reference has no event of the model's classes"):
        main(["detect", "in", "--reference", "reference.tsv"])


def test_a_result_contains_no_path_of_the_computer(place):
    write(place / "in" / "a.wav")
    assert run(place / "in") == 0
    files = [path for path in (place / "detected").rglob("*") if path.is_file()]
    assert len(files) == 2  # the events and the record of them
    assert not any(place.name in path.read_text() for path in files)


def no_decoding(monkeypatch):
    """Let the test fail when a file is decoded."""
    monkeypatch.setattr(detection, "detect", lambda *_: pytest.fail("a file was decoded"))


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(*arguments):
    """Run `sedlib detect`, which must stop with a sentence; return it."""
    code = run(*arguments)
    assert isinstance(code, str) and code.startswith("sedlib: ") and "\n" not in code
    return code


@pytest.mark.parametrize("format", FORMATS)
def test_a_result_never_replaces_a_file_that_detect_did_not_write(place, monkeypatch, format):
    write(place / "in" / "ep.wav")
    own = place / "in" / ("ep" + annotations.FORMATS[format].suffix)
    annotations.write(annotations.event_table([("ep", 1.0, 2.0, "high")]), own, format)
    before = contents(place)
    with monkeypatch.context() as patch:
        no_decoding(patch)
        said = refusal("in", "--output", "in", "--format", format, "--reference", own)
    assert f"in/{own.name}: was not written by sedlib detect" in said and "--overwrite" in said
    assert contents(place) == before
    assert run("in", "--output", "in", "--format", format, "--overwrite") == 0
    assert sorted(found(own)) == TWO
    assert run("in", "--output", "in", "--format", format) == 0  # now it is a result


def test_one_foreign_file_among_the_results_stops_the_batch_before_any_work(place, monkeypatch):
    for name in "abc":
        write(place / "in" / f"{name}.wav")
    (place / "detected").mkdir()
    (place / "detected" / "c.scores.tsv").write_text("my notes")
    no_decoding(monkeypatch)
    assert "c.scores.tsv: was not written by" in refusal("in", "--scores")
    assert [path.name for path in (place / "detected").iterdir()] == ["c.scores.tsv"]


def test_a_result_that_was_edited_or_damaged_is_neither_done_nor_replaced(place):
    write(place / "in" / "a.wav")
    result = place / "detected" / "a.json"
    assert run("in") == 0
    whole = result.read_bytes()
    for other in (whole[: len(whole) // 2], whole.replace(b"high", b"loud"), b""):
        result.write_bytes(other)
        assert "a.json: has been changed since sedlib detect wrote it" in refusal("in")
        assert "a.json: has been changed" in refusal("in", "--hop", "0.5")
        assert result.read_bytes() == other
    assert run("in", "--overwrite") == 0
    assert result.read_bytes() == whole


def test_a_record_that_cannot_be_read_gives_no_permission_to_replace(place):
    write(place / "in" / "a.wav")
    assert run("in") == 0
    [entry] = (place / "detected" / ".sedlib").iterdir()
    for text in ("", "{", "[" * 100_000, '{"name": "a.json", "sha256": []}', "9" * 5000):
        entry.write_text(text)
        assert "was not written by sedlib detect" in refusal("in")
    entry.unlink()
    (place / "detected" / "detected.json").write_text('{"a": {}}')  # of an earlier version
    assert "was not written by sedlib detect" in refusal("in")


def test_a_folder_or_a_dangling_link_in_the_place_of_a_result_is_not_replaced(place):
    write(place / "in" / "a.wav")
    (place / "detected" / "a.json").mkdir(parents=True)
    assert "a.json: was not written by" in refusal("in")
    (place / "links").mkdir()
    (place / "links" / "a.json").symlink_to(place / "nowhere")
    assert "a.json: was not written by" in refusal("in", "--output", "links")


def test_episodes_of_one_name_in_two_runs_do_not_replace_one_another(place):
    for season, spans in (("s1", [(0, 1, 300)]), ("s2", [(1, 2, 3000)])):
        (place / season).mkdir()
        write(place / season / "E01.flac", spans=spans)
        os.utime(place / season / "E01.flac", ns=(1, 1))
    assert run("s1", "--output", "X") == 0
    before = contents(place / "X")
    assert "E01.json: is the result of another file, E01.flac" in refusal("s2", "--output", "X")
    assert contents(place / "X") == before
    assert run("s1", "--output", "X") == 0


def test_episodes_of_one_name_in_one_run_have_results_that_say_which_is_which(place):
    for season, spans in (("s1", [(0, 1, 300)]), ("s2", [(1, 2, 3000)])):
        (place / season).mkdir()
        write(place / season / "E01.flac", spans=spans)
    assert run("s1", "s2", "--output", "X") == 0
    assert found(place / "X" / "s1" / "E01.json") == [[0.0, 1.0, "low"]]
    assert found(place / "X" / "s2" / "E01.json") == [[1.0, 2.0, "high"]]


def test_folders_are_searched_to_their_depth_and_the_results_keep_the_tree(place):
    deep = place / "in" / "show" / "season 1" / "disc 2"
    deep.mkdir(parents=True)
    write(deep / "E01.wav")
    write(place / "in" / "E01.wav", spans=[(0, 1, 300)])
    (deep / "loop").symlink_to(place / "in")  # which leads round in a circle
    assert run("in") == 0
    assert found(place / "detected/show/season 1/disc 2/E01.json") == TWO
    assert found(place / "detected/E01.json") == [[0.0, 1.0, "low"]]


def test_every_recording_of_a_folder_has_a_result_of_its_own(place):
    names = ("ep.flac", "ep.wav", "Show.S01E01", "Show.S01E02", "detected.wav", "metrics", "x.wav")
    names += ("x.scores.wav", "x.scores")
    for name in names:
        write_as_wav(place / "in" / name)
    annotations.write(annotations.event_table([("x", 0.0, 1.0, "low")]), place / "own.tsv")
    files = [f"in/{name}" for name in names]
    for format in ("json", "tsv"):
        arguments = (*files, "--format", format, "--scores", "--output", format)
        assert run(*arguments, "--reference", "own.tsv") == 0
        written = [path for path in contents(place / format) if ".sedlib" not in path.parts]
        assert len(written) == 2 * len(names) + 1
        assert run(*arguments, "--reference", "own.tsv") == 0


def write_as_wav(path):
    soundfile.write(path, tone(1, [(0, 1, 300)]), RATE, format="WAV")


def test_whatever_goes_wrong_with_one_file_stops_only_that_file(place, monkeypatch, capsys):
    folder = place / "in"
    write(folder / "a loud.wav")
    (folder / "b closed").mkdir()
    write(folder / "c bug.wav")
    write_as_wav(os.fsencode(folder) + b"/d caf\xe9.wav")
    write(folder / f"e {'long' * 62}.wav")  # no room for `.jsonl`
    (folder / "f dangling.wav").symlink_to(folder / "nowhere")
    unreachable = f"in/{'h' * 300}/a.wav"
    os.mkfifo(folder / "g pipe")
    write(folder / "z.wav")
    detect, scandir = detection.detect, os.scandir

    def closed(path):
        if "closed" in str(path):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    def with_bug(path, *rest):
        if "loud" in path.name:  # as what a sample of 3e38 becomes in a network
            return score_table([[np.nan]], ["low"])
        return 1 / 0 if "bug" in path.name else detect(path, *rest)

    monkeypatch.setattr(os, "scandir", closed)
    monkeypatch.setattr(detection, "detect", with_bug)
    assert run("in", "in/g pipe", unreachable, "--format", "jsonl") == 1
    printed = capsys.readouterr()
    faults = [line for line in printed.err.splitlines() if line.startswith("sedlib: ")]
    kinds = (
        "b closed",
        "a loud",
        "c bug",
        r"d caf\udce9",
        "e longlong",
        "f dangling",
        "g pipe",
        "hhh",
    )
    for fault, kind in zip(faults, kinds, strict=True):
        assert kind in fault
    assert "1 of 8 files done" in printed.out
    assert len(found(place / "detected" / "z.jsonl")) > 0


def test_a_result_that_may_not_be_written_stops_no_other(place, monkeypatch, capsys):
    for name in "ab":
        write(place / "in" / f"{name}.wav")
    write_result = Record.write

    def forbidden(self, path, name, *rest, **facts):
        if name == "a.json":
            raise PermissionError(13, "Permission denied")
        write_result(self, path, name, *rest, **facts)

    monkeypatch.setattr(Record, "write", forbidden)
    assert run("in") == 1
    printed = capsys.readouterr()
    assert "a.json: cannot be written (Permission denied); check the permissions" in printed.err
    assert "1 of 2 files done" in printed.out


@pytest.mark.parametrize("format", FORMATS)
def test_a_name_with_control_characters_is_processed_or_refused_before_decoding(
    place, monkeypatch, capsys, format
):
    write(place / "in" / "a\tb\n\x1b[31m.wav")
    write(place / "in" / "z.wav")
    decoded = []
    detect = detection.detect

    def noted(path, *rest):
        decoded.append(path.name)
        return detect(path, *rest)

    monkeypatch.setattr(detection, "detect", noted)
    code = run("in", "--format", format)
    printed = capsys.readouterr()
    assert "\t" not in printed.out + printed.err and "\x1b" not in printed.out + printed.err
    assert f"{2 - code} of 2 files done" in printed.out
    assert len(decoded) == 2 - code


def test_a_folder_without_known_media_is_an_error_that_says_what_was_passed_over(place):
    folder = place / "in"
    assert "in: holds no media file" in refusal("in")
    (folder / "deeper").mkdir()
    assert "in: holds no media file" in refusal("in")
    for name in ("a.xyz", "deeper/b.xyz", "c.json", "d"):
        (folder / name).touch()
    said = refusal("in")
    assert ".xyz (2)" in said and ".json (1)" in said and "no suffix (1)" in said
    assert not (place / "detected").exists()


def test_a_file_that_is_named_is_tried_whatever_its_suffix(place, capsys):
    for name in ("a.xyz", "b.wav", "c.mxf"):
        write_as_wav(place / "in" / name)
    assert run("in", "in/a.xyz") == 0
    printed = capsys.readouterr().out
    assert "3 of 3 files done" in printed and "passed over" in printed
    assert {path.name for path in (place / "detected").glob("*.json")} == {
        "a.xyz.json",
        "b.json",
        "c.json",
    }


def test_a_file_that_is_named_twice_is_processed_once(place, capsys):
    write(place / "in" / "a.wav")
    assert run("in", "in/a.wav", "./in/../in/a.wav", place / "in") == 0
    assert "1 of 1 file done" in capsys.readouterr().out


def test_two_runs_into_one_folder_keep_the_results_of_both(place, monkeypatch, capsys):
    for folder, name in (("in", "a"), ("in", "b"), ("other", "c"), ("in", "d")):
        (place / folder).mkdir(exist_ok=True)
        write(place / folder / f"{name}.wav")
    detect = detection.detect

    def with_another_run(path, *rest):
        if path.name == "b.wav":
            monkeypatch.setattr(detection, "detect", detect)
            assert run("other", "in/d.wav") == 0
        return detect(path, *rest)

    monkeypatch.setattr(detection, "detect", with_another_run)
    assert run("in") == 0
    assert "d.wav: 2 events, already done" in capsys.readouterr().out  # by the other run
    monkeypatch.setattr(detection, "detect", lambda *_: pytest.fail("all is done"))
    assert run("in", "other") == 0


def test_a_run_that_is_killed_at_any_replacement_continues_to_the_same_files(place):
    how = "--scores", "--jobs", "1"  # a kill stops only what is in the same process
    for name in "ab":
        write(place / "in" / f"{name}.wav")
    for earlier in (False, True):  # into an empty folder, and over results of other options
        files, whole = "in/a.wav" if earlier else "in", place / f"whole {earlier}"
        assert run(files, *how, "--output", whole) == 0
        for kill in itertools.count():
            output = place / f"killed {earlier} {kill}"
            if earlier:
                assert run(files, *how, "--hop", "0.5", "--output", output) == 0
            killed = is_killed_at(kill, files, *how, "--output", output)
            assert run(files, *how, "--output", output) == 0
            assert results(output) == results(whole)
            assert not [path for path in output.rglob("*") if path.name.startswith(".partial")]
            if not killed:
                break
        assert kill > 12  # two replacements for each result and one for each entry of the record


def test_what_a_killed_run_left_behind_is_removed_also_when_nothing_is_left_to_do(place):
    write(place / "in" / "a.wav")
    assert run("in", "--output", "out") == 0
    child = os.fork()
    if child == 0:
        with staging_folder(place / "out" / ".sedlib"):
            os._exit(9)
    os.waitpid(child, 0)
    assert len(list((place / "out" / ".sedlib").glob(".partial*"))) == 1
    assert run("in", "--output", "out") == 0
    assert list((place / "out" / ".sedlib").glob(".partial*")) == []


def results(output):
    """Read the files of a folder by their names, without the record."""
    files = {path.relative_to(output).as_posix(): text for path, text in contents(output).items()}
    return {name: text for name, text in files.items() if not name.startswith(".sedlib")}


def is_killed_at(number, *arguments):
    """Run `sedlib detect` in a process that ends without warning before or after a replacement.

    Returns False if there are fewer.
    """
    child = os.fork()
    if child == 0:
        count, replace = iter(range(number + 1)), os.replace

        def fatal(*paths):
            if next(count) == number:
                os._exit(9)
            replace(*paths)
            if next(count) == number:
                os._exit(9)

        os.replace = fatal
        try:
            main(["detect", *map(str, arguments)])
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("output", ["in/a.wav", "in/a.wav/deeper", "/proc/detected"])
def test_an_output_that_cannot_be_written_is_said_before_decoding(place, monkeypatch, output):
    write(place / "in" / "a.wav")
    before = contents(place)
    no_decoding(monkeypatch)
    said = refusal("in", "--output", output)
    assert "no results can be written there" in said and output.split("/")[1] in said
    assert contents(place) == before


def test_a_full_disk_is_one_sentence_and_leaves_no_partial_file(place, monkeypatch, capsys):
    for name in "abc":
        write(place / "in" / f"{name}.wav")
    write_scores, written = detection.write_scores, []

    def full_at_the_second(table, path):
        written.append(path)
        if len(written) == 2:
            path.write_text("half of i")
            raise OSError(28, "No space left on device")
        write_scores(table, path)

    monkeypatch.setattr(detection, "write_scores", full_at_the_second)
    assert run("in", "--scores") == 1
    printed = capsys.readouterr()
    [fault] = [line for line in printed.err.splitlines() if line.startswith("sedlib: ")]
    assert "b.json: cannot be written (No space left on device)" in fault
    assert "1 of 3 files done" in printed.out and len(written) == 2
    names = {path.name for path in contents(place / "detected")} - entries(place / "detected")
    assert names == {"a.json", "a.scores.tsv"}
    assert run("in", "--scores") == 0


def entries(output):
    return {path.name for path in (output / ".sedlib").glob("*.json")}


@pytest.mark.parametrize("named", [[], ["--model", "elsewhere"]])
def test_without_a_model_the_message_says_where_it_was_looked_for(tmp_path, named):
    write(tmp_path / "a.wav")
    said = in_new_process(tmp_path, "a.wav", *named)
    folder = tmp_path / ("elsewhere" if named else "data/model")
    assert f"no model in {folder} " in said and "name a folder that" in said
    assert said.endswith("Imported of the slow modules: []\n")


def test_what_is_done_already_is_told_without_importing_tensorflow_or_pandas(place):
    write(place / "in" / "a.wav")
    annotations.write(annotations.event_table([("a", 1.0, 2.0, "low")]), place / "own.tsv")
    assert run("in") == 0
    said = in_new_process(place, "in")
    assert "a.wav: 2 events, already done" in said and "1 of 1 file done" in said
    assert said.endswith("Imported of the slow modules: []\n")
    said = in_new_process(place, "in", "--reference", "own.tsv")
    assert said.endswith("Imported of the slow modules: ['pandas', 'scipy']\n")


def in_new_process(folder, *arguments):
    """Run `sedlib detect`; return what it prints, and which slow modules it imported."""
    slow = {"keras", "pandas", "scipy", "tensorflow"}
    code = (
        "import sys; from sedlib.__main__ import main\n"
        f"try: main({['detect', '--model', 'data/model', *arguments]})\n"
        "except SystemExit as stop: print(stop.code)\n"
        f"print('Imported of the slow modules:', sorted({slow} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    environment.pop("SEDLIB_WORKSPACE", None)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout + done.stderr


def outdated(capsys, *options):
    """The names of results that a run says are of an earlier one."""
    assert run("in", *options) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "earlier run" in line]
    assert len(lines) <= 1
    return [Path(name).name for name in re.findall("'([^']*)'", "".join(lines))], lines


def test_earlier_results_that_the_new_ones_no_longer_agree_with_are_named(place, capsys):
    write(place / "in" / "a.flac")
    assert outdated(capsys, "--html", "--scores")[0] == []
    assert outdated(capsys, "--format", "tsv")[0] == [], "the same events in another format"
    other = "--format", "tsv", "--threshold", "low=0.9"
    assert outdated(capsys, *other)[0] == ["a.json", "a.scores.tsv", "a.html"]
    (place / "detected" / "a.html").unlink()
    (place / "detected" / "a.json").write_text("corrected by hand")
    assert outdated(capsys, *other)[0] == ["a.scores.tsv"], "each time, but not what is the user's"
    assert outdated(capsys, "--scores", "--overwrite")[0] == ["a.tsv"]
    assert outdated(capsys, "--scores", "--format", "tsv")[0] == []


def test_a_long_list_of_earlier_results_is_shortened_and_odd_names_are_in_it(place, capsys):
    for name in ("two\nlines.flac", "b.flac", "c.flac", "d.flac"):
        write(place / "in" / name)
    assert outdated(capsys)[0] == []
    names, [line] = outdated(capsys, "--format", "tsv", "--threshold", "0.9")
    assert names == ["b.json", "c.json", "d.json"] and "and 1 more" in line
    for name in "bcd":
        (place / "detected" / f"{name}.json").unlink()
    assert "two\\nlines.json" in outdated(capsys, "--format", "tsv", "--threshold", "0.9")[1][0]


def test_metrics_and_pages_of_another_reference_are_named(place, capsys):
    write(place / "in" / "a.flac")
    for name, onset in (("one", 0.0), ("two", 1.0)):
        table = annotations.event_table([("a", onset, onset + 1, "low")])
        annotations.write(table, place / f"{name}.tsv")
    assert outdated(capsys, "--html", "--reference", "one.tsv")[0] == []
    assert outdated(capsys, "--reference", "one.tsv")[0] == []
    assert outdated(capsys, "--reference", "two.tsv")[0] == ["a.html"]
    assert outdated(capsys, "--html", "--threshold", "0.9")[0] == ["metrics.json"]


def test_a_result_that_an_interrupted_run_was_about_to_replace_is_named(place, capsys, monkeypatch):
    write(place / "in" / "a.flac")
    run("in", "--html")
    change = "--threshold", "0.9"

    def stop_at_the_page(staged, target):
        if target.suffix == ".html":
            raise KeyboardInterrupt
        move(staged, target)

    move = places.move_to
    with monkeypatch.context() as patch:
        patch.setattr(places, "move_to", stop_at_the_page)
        assert run("in", "--html", *change) == 130
    capsys.readouterr()
    assert outdated(capsys, *change)[0] == ["a.html"]
