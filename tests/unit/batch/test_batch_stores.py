"""`sedlib detect` with recordings and results in an object store."""

import json
import sys
import tempfile
from pathlib import Path

import fsspec
import pytest
from detect_runs import TWO, contents, found, run, write

MEMORY = fsspec.filesystem("memory")
STORE = "memory://bucket"


@pytest.fixture
def store():
    """Return the path of an empty store in memory."""
    MEMORY.store.clear()
    MEMORY.pseudo_dirs[:] = [""]
    return "/bucket"


def upload(folder, address):
    """Put a folder of this machine into the store."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            MEMORY.pipe_file(f"{address}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def stored(address):
    """Return the objects below an address, by their names there, without the record."""
    names = [name for name in MEMORY.find(address) if "/.sedlib/" not in name]
    return {name.removeprefix(f"{address}/"): MEMORY.cat_file(name) for name in names}


def test_a_store_gets_what_a_folder_gets_byte_for_byte(place, store, capsys):
    (place / "in" / "season 1").mkdir()
    write(place / "in" / "a.wav")
    write(place / "in" / "season 1" / "b [x].wav", spans=((1, 3, 300),))
    (place / "in" / "notes.txt").write_text("not media")
    upload(place / "in", f"{store}/in")
    options = "--scores", "--html", "--format", "audacity"
    assert run("in", "--output", "out", *options) == 0
    said, written = capsys.readouterr().out, contents(place / "out")
    assert run(f"{STORE}/in", "--output", f"{STORE}/out", *options) == 0
    own = {name: data for name, data in written.items() if not name.startswith(".sedlib/")}
    assert stored(f"{store}/out") == own and len(own) == 7
    said = said.replace("in/", f"{STORE}/in/").replace("done: out", f"done: {STORE}/out")
    assert capsys.readouterr().out.split() == said.split()


def test_recordings_and_results_may_be_in_different_places(place, store):
    write(place / "in" / "a.wav")
    upload(place / "in", f"{store}/in")
    assert run("in", "--output", f"{STORE}/out") == 0
    assert run(f"{STORE}/in/a.wav", "--output", "out") == 0
    assert found(place / "out" / "a.json") == TWO
    assert stored(f"{store}/out") == {"a.json": (place / "out" / "a.json").read_bytes()}


def test_a_second_run_detects_what_is_new_or_was_changed(place, store, capsys):
    for name in "ab":
        write(place / "in" / f"{name}.wav")
    upload(place / "in", f"{store}/in")
    assert run(f"{STORE}/in", "--output", f"{STORE}/out") == 0
    write(place / "in" / "b.wav", spans=((1, 3, 300),))
    write(place / "in" / "c.wav")
    for name in "bc":
        MEMORY.put_file(place / "in" / f"{name}.wav", f"{store}/in/{name}.wav")
    capsys.readouterr()
    assert run(f"{STORE}/in", "--output", f"{STORE}/out") == 0
    lines = capsys.readouterr().out.splitlines()[1:4]
    assert lines == [
        f"{STORE}/in/a.wav: 2 events, already done",
        f"{STORE}/in/b.wav: 1 event",
        f"{STORE}/in/c.wav: 2 events",
    ]


def test_what_detect_did_not_write_is_not_replaced(place, store):
    write(place / "in" / "a.wav")
    MEMORY.pipe_file(f"{store}/out/a.json", b"mine")
    said = run("in", "--output", f"{STORE}/out")
    assert said.startswith(f"sedlib: {STORE}/out/a.json: was not written by sedlib detect; choose")
    assert stored(store) == {"out/a.json": b"mine"}
    assert run("in", "--output", f"{STORE}/out", "--overwrite") == 0
    assert json.loads(stored(store)["out/a.json"])


def test_a_bad_file_and_a_missing_one_stop_no_other(place, store, capsys):
    write(place / "in" / "a.wav")
    (place / "in" / "b.wav").write_text("no sound")
    upload(place / "in", f"{store}/in")
    assert run(f"{STORE}/in", f"{STORE}/nosuch.wav", "--output", "out") == 1
    printed = capsys.readouterr()
    first, second = printed.err.splitlines()
    assert first.startswith(f"sedlib: {STORE}/in/b.wav: ") and tempfile.gettempdir() not in first
    assert second.startswith(f"sedlib: {STORE}/nosuch.wav: cannot be fetched (FileNotFoundError: ")
    assert "1 of 3 files done" in printed.out
    assert not list(Path(tempfile.gettempdir()).glob(".partial.*"))


def test_the_events_in_a_store_are_compared_with_a_reference(place, store, capsys):
    write(place / "in" / "a.wav")
    upload(place / "in", f"{store}/in")
    (place / "a.tsv").write_text(
        "filename\tonset\toffset\tevent_label\na.wav\t1\t2\tlow\na.wav\t2\t4\thigh\n"
    )
    where = f"{STORE}/in", "--output", f"{STORE}/out", "--reference", "a.tsv"
    assert run(*where, "--html") == 0
    metrics = json.loads(stored(f"{store}/out")["metrics.json"])
    assert metrics["classes"]["low"]["f1"] == metrics["classes"]["high"]["f1"] == 1.0
    assert b"a.html" in stored(f"{store}/out")["index.html"]


@pytest.mark.parametrize("workers", ["processes", "cluster"])
def test_workers_read_and_write_in_a_store_as_one_process_does(quick, capsys, workers):
    (quick / "in" / "b.wav").write_text("bad")
    address = f"shelf://{quick}"
    assert run(f"{address}/in", "--output", f"{address}/out") == 1
    said, written = capsys.readouterr(), contents(quick / "out")
    (quick / "out").rename(quick / "of one process")
    if workers == "processes":
        assert run(f"{address}/in", "--output", f"{address}/out", "--jobs", 2) == 1
    else:
        distributed = pytest.importorskip("distributed")
        options = {"processes": False, "protocol": "tcp://", "dashboard_address": None}
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster:
            where = f"{address}/in", "--output", f"{address}/out"
            assert run(*where, "--scheduler", cluster.scheduler_address) == 1
    assert capsys.readouterr() == said
    assert contents(quick / "out") == written and len(written) == 2 * 9


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("nosuch://bucket/a.wav", "is no address of a store"),
        ("s3://bucket/a.wav", "a package is missing that reaches it (Install s3fs to"),
    ],
)
def test_an_address_that_cannot_be_reached_is_one_sentence(
    place, capsys, monkeypatch, address, fault
):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert run(address) == 2
    assert f"{address}: {fault}" in capsys.readouterr().err


@pytest.mark.parametrize("place_of_fault", ["find", "pipe_file", "put_file", "get_file"])
def test_whatever_a_store_raises_is_one_sentence(place, store, capsys, monkeypatch, place_of_fault):
    write(place / "in" / "a.wav")
    upload(place / "in", f"{store}/in")

    def fail(*arguments, **options):
        raise RuntimeError("the store is\nclosed")

    monkeypatch.setattr(type(MEMORY), place_of_fault, fail)
    code = run(f"{STORE}/in", "--output", f"{STORE}/out")
    said = f"{code}{capsys.readouterr().err}"
    assert "RuntimeError: the store is closed" in said and STORE in said
    assert "Traceback" not in said
