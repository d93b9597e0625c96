"""`sedlib detect --html`: a page for each recording, and an index of the pages."""

import json
import re

import pytest
from detect_runs import Ear, run, write

from sedlib import annotations


def data_of(path):
    return json.loads(re.search(r'id="data">(.*?)</script>', path.read_text(), re.DOTALL)[1])


def links(folder):
    return re.findall(r'<a href="([^"#]*)', (folder / "index.html").read_text())


def test_every_recording_gets_a_page_that_the_index_lists(place):
    (place / "in" / "s1").mkdir()
    write(place / "in" / "a b.wav")
    write(place / "in" / "s1" / "silence.wav", spans=())
    assert run("in", "--html") == 0
    detected = place / "detected"
    files = [p.relative_to(detected).as_posix() for p in detected.rglob("[!.]*.[hj]*")]
    pages = ["a b.html", "s1/silence.html", "index.html"]
    assert set(pages) | {"a b.json", "s1/silence.json"} == {
        name for name in files if not name.startswith(".sedlib")
    }
    assert set(links(place / "detected")) == {"a%20b.html", "s1/silence.html"}
    events = data_of(place / "detected" / "a b.html")["events"]
    assert [(e["onset"], e["offset"], e["kind"], e["mark"]) for e in events] == [
        (1.0, 2.0, "estimated", ""),
        (2.0, 4.0, "estimated", ""),
    ]


def test_the_index_lists_the_pages_of_earlier_runs_and_forgets_deleted_ones(place):
    write(place / "in" / "a.wav")
    write(place / "in" / "b.wav")
    assert run("in/a.wav", "--html") == 0
    assert run("in/b.wav", "--html") == 0
    assert links(place / "detected") == ["a.html", "a.html", "b.html", "b.html"]  # two classes
    (place / "detected" / "a.html").unlink()
    assert run("in/b.wav", "--html") == 0
    assert links(place / "detected") == ["b.html", "b.html"]


def test_a_page_is_made_again_when_the_reference_changes_and_only_then(place):
    write(place / "in" / "a.wav")
    command = ["in", "--html", "--reference", "own.tsv"]

    def reference(*rows):
        annotations.write(annotations.event_table(rows), place / "own.tsv")

    def marks():
        return [(e["kind"], e["mark"]) for e in data_of(place / "detected" / "a.html")["events"]]

    reference(("a", 1.0, 2.0, "low"))
    assert run(*command) == 0
    assert marks() == [("estimated", "hit"), ("reference", "hit"), ("estimated", "")]
    Ear.scored = 0
    assert run(*command) == 0
    assert Ear.scored == 0
    reference(("a", 3.0, 4.0, "low"))
    assert run(*command) == 0
    assert marks() == [("estimated", "false alarm"), ("estimated", ""), ("reference", "miss")]


@pytest.mark.parametrize("name", ["a.html", "index.html"])
def test_a_page_never_replaces_a_file_that_detect_did_not_write(place, name):
    write(place / "in" / "a.wav")
    (place / "detected").mkdir()
    (place / "detected" / name).write_text("mine")
    assert f"{name}: was not written by" in run("in", "--html")
    assert (place / "detected" / name).read_text() == "mine"
    assert run("in", "--html", "--overwrite") == 0
    assert "mine" not in (place / "detected" / name).read_text()


def test_a_recording_called_index_keeps_its_page_beside_the_index(place):
    write(place / "in" / "index.wav")
    assert run("in", "--html") == 0
    assert set(links(place / "detected")) == {"index.wav.html"}
    assert data_of(place / "detected" / "index.wav.html")["duration"] == 4.0


def test_names_are_text_in_page_and_index(place):
    name = "<img src=x onerror=alert(1)>&.wav"
    write(place / "in" / name)
    assert run("in", "--html") == 0
    for page in (place / "detected").glob("*.html"):
        assert "<img" not in page.read_text()


def test_a_page_is_like_that_of_another_run(place):
    write(place / "in" / "a.wav")
    for folder in ("one", "two"):
        assert run("in", "--html", "--output", folder) == 0
    for name in ("a.html", "index.html"):
        assert (place / "one" / name).read_bytes() == (place / "two" / name).read_bytes()
