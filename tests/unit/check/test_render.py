"""Writing a report: the text is complete, JSON is valid, and originals stay untouched."""

import json
import os
import re
import shutil
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from faulty_folders import (
    CLASSES,
    FAULTS,
    SPLIT,
    broken_annotation,
    check_folder,
    claim,
    empty_file,
    found,
    no_annotation,
    no_audio,
    record,
    silent,
    truncated,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.annotations import AnnotationError, read
from sedlib.check import as_json, render, write_corrected
from sedlib.errors import SedlibError


def contents(folder):
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_name_that_is_no_text_can_be_shown(folder):
    name = "caf\udce9"  # as a file named in Latin-1 is seen
    try:
        (folder / "d.wav").rename(folder / f"{name}.wav")
    except OSError:
        pytest.skip("this file system has no such names")
    report = check_folder(folder, CLASSES)
    for text in (render(report), json.dumps(as_json(report), ensure_ascii=False)):
        assert "caf\\udce9.wav" in text.encode("utf-8").decode().replace("\\\\", "\\")


def test_two_checks_give_the_same_report(folder):
    for number, fault in enumerate(FAULTS):
        fault(folder, f"recording {number}")
    first, second = (check_folder(folder, CLASSES, SPLIT) for _ in range(2))
    assert as_json(first) == as_json(second) and render(first) == render(second)
    pd.testing.assert_frame_equal(first.corrected, second.corrected)


def test_the_text_fits_a_terminal_and_cuts_no_sentence(folder):
    for number, fault in enumerate(FAULTS):
        fault(folder, f"a recording with a long name, and with the number {number}")
    report = check_folder(folder, CLASSES, SPLIT)
    text = render(report)
    assert max(map(len, text.splitlines())) <= 100
    letters = Counter("".join(text.split()))
    shown = report.findings.groupby(["severity", "finding"]).head(8)
    needed = Counter("".join("".join(shown["detail"]).split()))
    assert needed <= letters
    counts = as_json(report)["counts"]
    assert f"{counts['error']} errors, {counts['warning']} warnings" in text.splitlines()[1]


def test_of_many_findings_of_a_kind_the_first_are_shown_and_the_rest_counted(folder):
    for number in range(10):
        no_annotation(folder, f"x{number}")
    report = check_folder(folder, CLASSES)
    lines = render(report).splitlines()
    assert "  no annotation (10)" in lines
    assert sum("has no annotation" in line for line in lines) == 8
    assert sum("and 2 more, which --json lists" in line for line in lines) == 1
    assert len(as_json(report)["findings"]) == 10
    assert lines[-1] == "Verdict: can be trained on; look at 10 warnings first"


def test_the_verdict_is_the_last_line(folder):
    empty_file(folder, "x")
    lines = render(check_folder(folder, CLASSES)).splitlines()
    assert lines[1] == "5 recordings, 0:00:08 of sound, 5 annotated, 15 events; " + (
        "1 error, 0 warnings, 0 notes"
    )
    assert lines[-1] == "Verdict: not fit for training: correct 1 error first"


def test_json_holds_no_nan(folder):
    silent(folder, "x")
    truncated(folder, "y")
    no_audio(folder, "z")
    raw = as_json(check_folder(folder, CLASSES, SPLIT))
    assert json.loads(json.dumps(raw, allow_nan=False)) == raw
    assert list(raw) == ["folder", "exit_code", "counts", "findings", "recordings", "classes"]


times = st.integers(0, 24).map(lambda eighths: eighths / 8)
labels = st.sampled_from(["speaking", "laughing", "laughin", "Door bell"])
events = st.lists(st.tuples(times, times, labels), max_size=8)


@settings(claim, max_examples=15)
@given(events, events)
def test_corrected_annotations_have_nothing_left_to_correct(first, second):
    with TemporaryDirectory() as top:
        folder, corrected = Path(top, "own"), Path(top, "corrected")
        folder.mkdir()
        record(folder, "a")
        within = (0.0, 0.125, "door bell")  # or all events could lie after the end
        record(folder, "x", events=[within, *first])
        record(folder, "y", events=[within, *second])
        report = check_folder(folder, CLASSES)
        write_corrected(report, corrected)
        for path in folder.glob("*.wav"):
            shutil.copy(path, corrected)
        again = check_folder(corrected, CLASSES)
        assert found(again) == {}
        pd.testing.assert_frame_equal(again.corrected, report.corrected)


def test_a_file_is_written_for_each_annotated_recording(folder, tmp_path):
    record(folder, "x", events=[])
    no_annotation(folder, "y")
    broken_annotation(folder, "z")
    report = check_folder(folder, CLASSES)
    write_corrected(report, tmp_path / "new" / "corrected")
    written = sorted((tmp_path / "new" / "corrected").iterdir())
    assert [path.name for path in written] == ["a.json", "b.json", "c.json", "d.json", "x.json"]
    for path in written:
        rows = report.corrected[report.corrected["filename"] == path.stem]
        pd.testing.assert_frame_equal(read(path), rows.reset_index(drop=True))


def test_the_originals_are_left_as_they_are(folder, tmp_path):
    for number, fault in enumerate(FAULTS):
        fault(folder, f"recording {number}")
    before = contents(folder)
    report = check_folder(folder, CLASSES, SPLIT)
    write_corrected(report, tmp_path / "corrected")
    for target in (folder, folder / "corrected", tmp_path):
        with pytest.raises(SedlibError):
            write_corrected(report, target)
    assert contents(folder) == before


def test_corrected_annotations_are_not_written_near_the_originals(folder, tmp_path, monkeypatch):
    report = check_folder(folder, CLASSES)
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    before, link = contents(tmp_path), tmp_path / "link"
    for target in (folder, folder / "new", tmp_path, link, link / "new", ""):
        with pytest.raises(SedlibError, match="originals are never written over"):
            write_corrected(report, target)
    assert contents(tmp_path) == before and not (folder / "new").exists()


def test_corrected_annotations_are_written_all_or_none(folder, tmp_path):
    event = {"start_time": 0.5, "sound_type": "\ud800", "end_time": 1.0}
    (folder / "d.json").write_text(json.dumps({"file_name": "d", "sound_results": [event]}))
    with pytest.raises(AnnotationError, match=r"d\.json: row 1: '\\ud800' holds"):
        write_corrected(check_folder(folder, CLASSES), tmp_path / "corrected")
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_a_refused_correction_names_the_file_in_the_folder_that_was_asked_for(folder, tmp_path):
    event = {"start_time": 0.5, "sound_type": "\ud800", "end_time": 1.0}
    (folder / "d.json").write_text(json.dumps({"file_name": "d", "sound_results": [event]}))
    target = tmp_path / "corrected"
    with pytest.raises(AnnotationError, match=re.escape(f"{target / 'd.json'}: row 1")):
        write_corrected(check_folder(folder, CLASSES), target)


@pytest.mark.parametrize("before", [True, False])
def test_what_a_killed_correction_left_behind_is_removed_by_the_next(folder, tmp_path, before):
    report, rename = check_folder(folder, CLASSES), os.rename
    child = os.fork()
    if child == 0:
        os.rename = lambda *paths: (before or rename(*paths), os._exit(9))
        write_corrected(report, tmp_path / "corrected")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert len(list(tmp_path.glob(".partial*"))) == 1
    with nullcontext() if before else pytest.raises(SedlibError, match="already holds"):
        write_corrected(report, tmp_path / "corrected")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corrected", "own"]


def test_a_folder_that_cannot_be_written_to_is_one_sentence(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SedlibError, match=r"cannot be written to \(.*\); name another folder"):
        write_corrected(check_folder(folder, CLASSES), tmp_path / "file" / "corrected")


def test_nothing_is_written_over(folder, tmp_path):
    report = check_folder(folder, CLASSES)
    target = tmp_path / "corrected"
    target.mkdir()
    (target / "c.json").write_text("mine")
    with pytest.raises(SedlibError, match=r"already holds c\.json; name a new or empty folder"):
        write_corrected(report, target)
    assert [path.name for path in target.iterdir()] == ["c.json"]
    assert (target / "c.json").read_text() == "mine"
    with pytest.raises(SedlibError, match="is a file; name a folder"):
        write_corrected(report, target / "c.json")


def test_corrected_annotations_may_fill_an_empty_folder(folder, tmp_path):
    (tmp_path / "corrected").mkdir()
    write_corrected(check_folder(folder, CLASSES), tmp_path / "corrected")
    assert len(list((tmp_path / "corrected").iterdir())) == 4
    assert (tmp_path / "corrected").stat().st_mode == folder.stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corrected", "own"]


@pytest.mark.parametrize("function", ["rename", "rmdir", "replace"])
def test_an_interrupted_run_leaves_all_corrected_annotations_or_none(
    folder, tmp_path, monkeypatch, function
):
    report = check_folder(folder, CLASSES)
    (tmp_path / "corrected").mkdir()
    original, calls = getattr(os, function), []

    def stop_at(number):
        def stop(*arguments, **options):
            calls.append(arguments)
            if len(calls) == number:
                raise KeyboardInterrupt
            return original(*arguments, **options)

        return stop

    for number in range(1, 6):
        calls.clear()
        with monkeypatch.context() as patch:
            patch.setattr(os, function, stop_at(number))
            try:
                write_corrected(report, tmp_path / "corrected")
            except KeyboardInterrupt:
                written = list((tmp_path / "corrected").glob("*"))
                assert len(written) in (0, 4)
                if not written:
                    continue  # and try again: a rerun is not blocked
        break
    assert len(list((tmp_path / "corrected").iterdir())) == 4


def test_annotations_of_another_length_are_not_corrected_to_silence(folder, tmp_path):
    record(folder, "x", events=[(1000, 1500, "speaking"), (1600, 1900, "laughing")])
    report = check_folder(folder, CLASSES)
    assert found(report) == {("error", "unusable annotation", "x"): 1}
    assert "look like milliseconds" in report.findings["detail"][0]
    write_corrected(report, tmp_path / "corrected")
    assert not (tmp_path / "corrected" / "x.json").exists()


@pytest.mark.parametrize("name", ["{proj}/", "{proj}/./", "../", "/", "x\0y", "a" * 300])
def test_corrected_annotations_stay_in_their_folder_whatever_recordings_are_called(
    folder, tmp_path, name
):
    precious = tmp_path / "proj" / ".json"
    precious.parent.mkdir()
    precious.write_text("my settings")
    record(folder, "a")
    event = {"start_time": 0, "end_time": 1, "sound_type": CLASSES[0]}
    named = {"file_name": name.format(proj=precious.parent), "sound_results": [event]}
    (folder / "a.json").write_text(json.dumps(named))
    before = contents(tmp_path)
    try:
        write_corrected(check_folder(folder, CLASSES), tmp_path / "corrected")
    except AnnotationError as error:
        assert "a.json" in str(error) and "no file can have that name" in str(error)
    after = contents(tmp_path)
    assert {path: after[path] for path in before} == before
    assert all(path.parent == tmp_path / "corrected" for path in after.keys() - before.keys())


def test_no_control_character_reaches_the_terminal(folder):
    record(folder, "a", events=None)
    (folder / "a.txt").write_text("0\t1\t\033[31mX\033]0;title\007\n")
    assert "\033" not in render(check_folder(folder, CLASSES))
