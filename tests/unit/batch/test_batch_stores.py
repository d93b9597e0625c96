"""`sedlib detect` with recordings and results in an object store."""

import errno
import functools
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import fsspec
import pytest
from detect_runs import TWO, contents, found, run, write

from sedlib.batch.names import result_names
from sedlib.files import _host
from sedlib.places import parse_place

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


def fail_with(error, monkeypatch, method, on=""):
    """Let a method of the store raise an error for the paths that hold a text."""
    working = getattr(type(MEMORY), method)

    def fail(self, *arguments, **options):
        if any(on in str(argument) for argument in arguments):
            raise error
        return working(self, *arguments, **options)

    monkeypatch.setattr(type(MEMORY), method, fail)


def test_two_places_with_one_path_have_results_of_their_own():
    addresses = "memory://b/a.wav", "/b/a.wav", "shelf:///b/a.wav", "http://b/a.wav"
    places = [parse_place(text) for text in addresses]
    names = result_names({place: Path("a.wav") for place in places}, "json")
    assert len(set(names.values())) == 4 and not any(":" in name for name in names.values())
    assert result_names({place: Path("a.wav") for place in places}, "json") == names


def test_an_output_that_cannot_be_read_is_not_blamed_on_a_recording(place, store, monkeypatch):
    write(place / "in" / "a.wav")
    fail_with(PermissionError("no credentials"), monkeypatch, "cat_file")
    said = run("in", "--output", f"{STORE}/out")
    assert said == f"sedlib: {STORE}/out: cannot be read (PermissionError: no credentials)"


def test_a_result_that_a_store_refuses_stops_no_other(place, store, capsys, monkeypatch):
    for name in "abc":
        write(place / "in" / f"{name}.wav")
    fail_with(PermissionError("denied"), monkeypatch, "put_file", "out/b.json")
    assert run("in", "--output", f"{STORE}/out") == 1
    said = capsys.readouterr()
    fault = (
        f"{STORE}/out/b.json: cannot be written (PermissionError: denied); run the command again"
    )
    assert said.err == f"sedlib: {fault}\n"
    assert "2 of 3 files done" in said.out


def test_a_store_that_lets_nothing_be_removed_will_do(place, store, monkeypatch):
    write(place / "in" / "a.wav")
    fail_with(PermissionError("denied"), monkeypatch, "rm_file")
    for _ in range(2):
        assert run("in", "--output", f"{STORE}/out", "--html") == 0
    odd = [name for name in MEMORY.find(store) if "writable" in name]
    assert odd == [f"{store}/out/.sedlib/.writable"]


@pytest.fixture
def web(place):
    """Serve the folder `in` to the web; return the address."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=place / "in")
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_recording_on_a_web_server_is_detected_again_when_it_has_changed(place, web, capsys):
    write(place / "in" / "a.wav")
    assert run(f"{web}/a.wav") == 0
    assert run(f"{web}/a.wav") == 0
    assert "2 events, already done" in capsys.readouterr().out
    before = (place / "in" / "a.wav").stat()
    write(place / "in" / "a.wav", spans=((1, 3, 300),))
    os.utime(place / "in" / "a.wav", (before.st_atime, before.st_mtime + 60))
    assert run(f"{web}/a.wav") == 0
    assert f"{web}/a.wav: 1 event\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("http://a.b/in/", "http://a.b/in/: folders of a web server are not searched; name its"),
        ("http://a.b/a.wav?token=secret", "http://a.b/a.wav?...: has a query; fetch the file and"),
    ],
)
def test_what_a_web_server_does_not_offer_is_said(place, capsys, address, fault):
    said = f"{run(address)}{capsys.readouterr().err}"
    assert fault in said and "secret" not in said


def test_names_that_are_no_paths_are_refused_and_folder_markers_passed_over(
    place, store, capsys, monkeypatch
):
    write(place / "in" / "a.wav")
    upload(place / "in", f"{store}/in")
    listing = MEMORY.find(f"{store}/in", detail=True)
    marker = {f"{store}/in/sub/": {"type": "file", "size": 0}}
    monkeypatch.setattr(type(MEMORY), "find", lambda *_, **__: listing | marker)
    assert run(f"{STORE}/in", "--output", "out") == 0
    assert "passed over" not in capsys.readouterr().out
    names = "/b.wav", "c::d.wav", "./e.wav"
    odd = {f"{store}/in/{name}": {"type": "file", "size": 9} for name in names}
    monkeypatch.setattr(type(MEMORY), "find", lambda *_, **__: listing | odd)
    assert run(f"{STORE}/in", "--output", "out") == 1
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        f"sedlib: {STORE}/in/./e.wav: has an empty part or a dot as part; rename it",
        f"sedlib: {STORE}/in//b.wav: has an empty part or a dot as part; rename it",
        f"sedlib: {STORE}/in/c::d.wav: holds '::' or ':/'; rename it",
    ]
    assert "1 of 1 file done" in said.out


def test_an_object_hides_nothing_that_is_below_its_name(place, store, capsys, monkeypatch):
    write(place / "in" / "b.wav")
    upload(place / "in", f"{store}/in")
    # As in S3, where an object can have the name of what is a folder for others.
    listing = MEMORY.find(f"{store}/in", detail=True) | {f"{store}/in": {"type": "file", "size": 9}}
    monkeypatch.setattr(type(MEMORY), "find", lambda *_, **__: listing)
    monkeypatch.setattr(type(parse_place(STORE)), "is_file", lambda _: True)
    assert run(f"{STORE}/in", "--output", "out") == 0
    said = capsys.readouterr().out
    assert f"{STORE}/in/b.wav: 2 events" in said and "passed over, not media" in said


def test_a_name_that_a_store_reads_as_an_address_stops_no_other(place, store, capsys):
    for name in ("live::a", "b"):
        write(place / "in" / f"{name}.wav")
    assert run("in", "--output", f"{STORE}/out") == 1
    said = capsys.readouterr()
    assert "in/live::a.wav: no result can be named after it (a name in a store must" in said.err
    assert "1 of 2 files done" in said.out


def test_a_record_that_cannot_be_read_is_not_taken_for_none(place, store, monkeypatch):
    write(place / "in" / "a.wav")
    assert run("in", "--output", f"{STORE}/out") == 0
    fail_with(PermissionError("denied"), monkeypatch, "cat_file", ".sedlib")
    said = run("in", "--output", f"{STORE}/out")
    assert said == f"sedlib: {STORE}/out: cannot be read (PermissionError: denied)"


def test_a_full_temporary_folder_is_named(place, store, capsys, monkeypatch):
    write(place / "in" / "a.wav")
    upload(place / "in", f"{store}/in")
    fail_with(OSError(errno.ENOSPC, "No space left"), monkeypatch, "get_file")
    assert run(f"{STORE}/in") == 1
    where = (
        f"the temporary folder {tempfile.gettempdir()} is full; make room there, or name another"
    )
    assert where in capsys.readouterr().err


def test_the_copies_of_killed_processes_are_removed_even_if_all_is_done(place, store, monkeypatch):
    write(place / "in" / "a.wav")
    upload(place / "in", f"{store}/in")
    assert run(f"{STORE}/in") == 0
    (place / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place / "tmp"))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    copy = place / "tmp" / f".partial.{_host()}.{ended.pid}.0"
    copy.mkdir()
    (copy / "a.wav").write_text("half")
    assert run(f"{STORE}/in") == 0
    assert list((place / "tmp").iterdir()) == []
