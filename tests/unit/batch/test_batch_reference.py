"""Comparison with reference annotations: which are read, when, and what is said of them."""

import json
import re
import unicodedata

import pytest
from detect_runs import Ear, run, write

from sedlib import annotations, detection

ROWS = [("a", 1.0, 2.0, "low"), ("a", 2.0, 4.0, "high")]


def reference(path, rows=ROWS):
    annotations.write(annotations.event_table(rows), path)


@pytest.fixture
def undecoded(place, monkeypatch):
    """The working directory with one recording, which must not be decoded."""
    write(place / "in" / "a.wav")
    monkeypatch.setattr(detection, "detect", lambda *_: pytest.fail("a file was decoded"))
    return place


def test_a_reference_that_names_no_file_that_was_detected_says_that(undecoded):
    reference(undecoded / "own.tsv", [("b.wav", 1.0, 2.0, "low")])
    said = run("in", "--reference", "own.tsv")
    assert "own.tsv: the reference names no file that was detected" in said
    assert "it names 'b', and the files are 'a'" in said and "label" not in said


@pytest.mark.parametrize("given", ["annotated", "annotated/a.eaf"])
def test_what_was_left_out_when_the_reference_was_read_is_said(place, capsys, given):
    write(place / "in" / "a.wav")
    (place / "annotated").mkdir()
    path = place / "annotated" / "a.eaf"
    reference(path)
    path.write_text(re.sub(r'(TIME_SLOT_ID="ts4") TIME_VALUE="\d+"', r"\1", path.read_text()))
    assert run("in", "--reference", given) == 0
    said = capsys.readouterr().out
    assert f"{given.removesuffix('/a.eaf')}/a.eaf: tier 'low', row 1: 'low' has no times" in said


@pytest.mark.parametrize("faults", [1, 3, 5])
def test_a_folder_of_many_faults_is_a_sentence_with_the_first_three(undecoded, faults):
    (undecoded / "folder").mkdir()
    rows = [(f"b{number}.wav", 1.0, 2.0, "low") for number in range(faults)]
    for name in ("one.tsv", "two.tsv"):
        reference(undecoded / "folder" / name, rows)
    said = run("in", "--reference", "folder")
    assert said.count("keep one of them") == min(faults, 3)
    assert ("; further faults: 2" in said) == (faults == 5)


def test_a_reference_that_cannot_be_read_stops_before_decoding(undecoded):
    (undecoded / "own.json").write_text("not JSON")
    assert "own.json" in run("in", "--reference", "own.json")
    for name in ("none.tsv", "none"):
        assert f"{name}: no such file" in run("in", "--reference", name)
    assert not (undecoded / "detected").exists()


def test_labels_that_are_no_classes_stop_before_decoding(undecoded):
    reference(undecoded / "own.tsv", [("a", 1.0, 2.0, "siren")])
    assert "has no event of the model's classes" in run("in", "--reference", "own.tsv")


def test_metrics_never_replace_a_file_that_detect_did_not_write(undecoded):
    reference(undecoded / "own.tsv")
    (undecoded / "detected").mkdir()
    (undecoded / "detected" / "metrics.json").write_text("{}")
    assert "metrics.json: was not written by" in run("in", "--reference", "own.tsv")
    assert (undecoded / "detected" / "metrics.json").read_text() == "{}"


def test_results_are_never_compared_with_themselves(place):
    write(place / "in" / "a.wav")
    assert run("in") == 0
    for path in ("detected", "detected/a.json"):
        assert "would be compared with themselves" in run("in", "--reference", path)


def test_results_below_the_output_folder_are_no_reference_but_annotations_there_are(place):
    (place / "in" / "s1").mkdir()
    write(place / "in" / "s1" / "b.wav")
    assert run("in") == 0
    for form in ("json", "tsv"):
        said = run("in", "--reference", "detected/s1", "--format", form)
        assert "b.json: is a result of sedlib detect; name the reference annotations" in said
    said = run("in", "--reference", "detected/s1/b.json", "--format", "tsv")
    assert "b.json: is a result of sedlib detect" in said
    (place / "detected" / "own").mkdir()
    reference(place / "detected" / "own" / "b.tsv", [("b", 1.0, 2.0, "low")])
    assert run("in", "--reference", "detected/own") == 0


@pytest.mark.parametrize("kind", ["table", "folder"])
@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_are_compared_in_unicode_normal_form(place, forms, kind):
    media, annotated = (unicodedata.normalize(form, "caf\u00e9 \uac00") for form in forms)
    write(place / "in" / f"{media}.wav")
    rows = [(annotated, *row[1:]) for row in ROWS]
    path = place / "own.tsv"
    if kind == "folder":
        (place / "own").mkdir()
        path = place / "own" / f"{annotated}.json"
    reference(path, rows)
    assert run("in", "--reference", "own" if kind == "folder" else "own.tsv") == 0
    assert json.loads((place / "detected" / "metrics.json").read_text())["macro"]["f1"] == 1


def test_a_name_that_several_files_share_is_not_scored(place, capsys):
    for season in ("s1", "s2"):
        (place / "in" / season).mkdir()
        write(place / "in" / season / "E01.wav")
    write(place / "in" / "a.wav")
    reference(place / "own.tsv", [*ROWS, ("E01", 0.0, 4.0, "low")])
    assert run("in", "--reference", "own.tsv") == 0
    assert "E01: 2 of the files have this name, not scored" in capsys.readouterr().out
    assert json.loads((place / "detected" / "metrics.json").read_text())["segments"] == 4


def test_the_comparison_of_what_is_done_scores_nothing_again(place):
    write(place / "in" / "a.wav")
    assert run("in") == 0
    reference(place / "own.tsv")
    Ear.scored = 0
    assert run("in", "--reference", "own.tsv") == 0
    assert Ear.scored == 0


@pytest.mark.parametrize("kind", ["table", "folder"])
def test_a_file_that_is_annotated_with_no_event_is_scored(place, capsys, kind):
    write(place / "in" / "a.wav")
    write(place / "in" / "b.wav")
    if kind == "table":
        rows = "filename\tonset\toffset\tevent_label\na.wav\t1\t2\tlow\nb.wav\t\t\t\n"
        (place / "own").write_text(rows)
        (place / "own").rename(place / "own.tsv")
    else:
        (place / "own").mkdir()
        (place / "own" / "a.txt").write_text("1\t2\tlow\n")
        (place / "own" / "b.txt").write_text("")
    assert run("in", "--reference", "own.tsv" if kind == "table" else "own") == 0
    assert "not scored" not in capsys.readouterr().out
    assert json.loads((place / "detected" / "metrics.json").read_text())["segments"] == 8


def test_the_index_lists_the_pages_even_if_the_reference_fits_no_recording(place):
    write(place / "in" / "a.wav")
    reference(place / "late.tsv", [("a", 100.0, 101.0, "low")])
    assert "no event of the model's classes" in run("in", "--html", "--reference", "late.tsv")
    assert "a.html" in (place / "detected" / "index.html").read_text()
