"""Files are written completely or not at all."""

import json
import os
import re
from pathlib import Path

import numpy as np
import psutil
import pytest

from sedlib.files import (
    nan_to_null,
    replacing,
    staging_folder,
    write_arrays,
    write_json,
    write_text,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_when_the_block_ends_and_not_before(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_old_file_is_kept_when_the_block_fails_and_nothing_is_left_behind(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as partial:
        partial.write_text("ne")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_no_new_file_appears_when_the_block_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.txt") as partial:
        partial.write_text("ne")
        raise ZeroDivisionError
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError("Can't write data"), "Can't write data"),  # as h5py and Keras raise it
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(28, "No space left on device", "the temporary file"), "No space left on device"),
    ],
)
def test_an_error_names_the_target_and_keeps_its_reason(tmp_path, error, reason):
    path = tmp_path / "a.txt"
    with pytest.raises(OSError, match=re.escape(reason)) as raised, replacing(path) as partial:
        if error.filename:
            error.filename = str(partial)
        raise error
    found = raised.value
    assert (found.errno, found.strerror, found.filename) == (error.errno, reason, str(path))
    assert "->" not in str(found)


def test_an_error_about_another_file_is_raised_as_it_is(tmp_path):
    with pytest.raises(FileNotFoundError) as raised, replacing(tmp_path / "a.txt"):
        (tmp_path / "b.txt").read_text()
    assert raised.value.filename == str(tmp_path / "b.txt")


def test_a_block_that_writes_nothing_is_an_error_and_keeps_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt"):
        pass
    assert (tmp_path / "a.txt").read_text() == "old"


def test_the_temporary_file_is_hidden_in_the_same_folder_with_the_same_suffix(tmp_path):
    with replacing(str(tmp_path / "a.tar.gz")) as partial:
        assert partial.parent == tmp_path
        assert partial.name.startswith(".")
        assert partial.suffixes[-2:] == [".tar", ".gz"]
        partial.touch()


def test_processes_that_write_one_target_do_not_disturb_one_another(tmp_path):
    path = tmp_path / "a.txt"
    with replacing(path) as one, replacing(path) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"  # which ended last
    assert names(tmp_path) == ["a.txt"]


def test_a_name_as_long_as_a_file_system_allows_can_be_written(tmp_path):
    path = tmp_path / ("\u00e9" * 125 + ".json")
    write_text("a", path)
    assert path.read_text() == "a"


def test_what_a_killed_process_left_behind_is_removed_and_what_a_running_one_writes_is_not(
    tmp_path,
):
    child = os.fork()
    if child == 0:
        with replacing(tmp_path / "a.txt") as partial, staging_folder(tmp_path) as folder:
            partial.touch()
            (folder / "b").touch()
            os._exit(9)
    os.waitpid(child, 0)
    assert len(names(tmp_path)) == 2
    with replacing(tmp_path / "b.txt") as running:
        running.write_text("b")
        write_text("c", tmp_path / "c.txt")
        assert names(tmp_path) == [running.name, "c.txt"]


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="needs /proc")
def test_what_another_container_with_the_same_host_name_writes_is_not_removed(
    tmp_path, monkeypatch
):
    child = os.fork()
    if child == 0:
        with replacing(tmp_path / "a.txt") as partial:
            partial.touch()
            os._exit(9)
    os.waitpid(child, 0)
    [left] = names(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "readlink", lambda _: "pid:[1]")
        write_text("b", tmp_path / "b.txt")
    assert names(tmp_path) == [left, "b.txt"]
    write_text("c", tmp_path / "c.txt")
    assert names(tmp_path) == ["b.txt", "c.txt"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_process_that_has_ended_but_is_still_listed_is_not_running(tmp_path):
    child = os.fork()  # not waited for, as in a container without an init process
    if child == 0:
        with replacing(tmp_path / "a.txt") as partial:
            partial.touch()
            os._exit(9)
    while Path(f"/proc/{child}/stat").read_text().split()[2] != "Z":
        pass
    assert len(names(tmp_path)) == 1
    write_text("b", tmp_path / "b.txt")
    assert names(tmp_path) == ["b.txt"]
    os.waitpid(child, 0)


def test_what_a_process_that_only_its_user_can_see_writes_is_not_removed(tmp_path, monkeypatch):
    def hidden(process):
        raise psutil.NoSuchProcess(process)

    def forbidden(process, signal):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(psutil, "Process", hidden)  # as where /proc is mounted with hidepid=2
    with replacing(tmp_path / "a.txt") as partial:
        partial.touch()
        with monkeypatch.context() as patch:
            patch.setattr(os, "kill", forbidden)
            write_text("b", tmp_path / "b.txt")
        assert names(tmp_path) == [partial.name, "b.txt"]
        partial.rename(left := partial.with_name(re.sub(r"\.\d+\.", ".4194305.", partial.name)))
        write_text("c", tmp_path / "c.txt")  # process numbers end at 4194304
        assert not left.exists()
        partial.touch()


@pytest.mark.parametrize("number", [2**22 + 1, 2**31, 10**30])
def test_a_number_that_no_process_can_have_stops_nothing(tmp_path, number):
    with replacing(tmp_path / "a.txt") as partial:
        left = partial.with_name(partial.name.replace(f".{os.getpid()}.", f".{number}."))
        left.touch()
        write_text("b", tmp_path / "b.txt")
        partial.touch()
    assert (tmp_path / "b.txt").read_text() == "b"


def test_a_staging_folder_is_removed_with_what_is_in_it(tmp_path):
    with pytest.raises(KeyError), staging_folder(tmp_path) as folder:
        (folder / "a").touch()
        raise KeyError
    assert names(tmp_path) == []


def test_text_is_written_in_utf_8_with_its_own_line_ends(tmp_path):
    write_text("é\r\nb\n", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\r\nb\n"


def test_json_is_readable_and_read_back_as_it_was(tmp_path):
    value = {"é": [1, 2.5, None], "b": {}}
    write_json(value, tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert text.startswith('{\n  "é": [\n') and text.endswith("}\n")


def test_what_is_not_a_number_is_null_in_json(tmp_path):
    nan = float("nan")
    value = {"a": nan, "b": {"c": (nan, 0.5, [nan]), "d": "nan"}, "e": None, "f": 0}
    write_json(nan_to_null(value), tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "a": None, "b": {"c": [None, 0.5, [None]], "d": "nan"}, "e": None, "f": 0,
    }  # fmt: skip


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {1, 2}])
def test_what_json_cannot_hold_is_an_error_and_keeps_the_old_file(tmp_path, bad):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises((ValueError, TypeError)):
        write_json({"a": bad}, tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == "{}"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_are_read_back_by_their_names(tmp_path, compressed):
    arrays = {"x": np.arange(6.0).reshape(2, 3), "y/z": np.array([True, False])}
    write_arrays(tmp_path / "a.npz", compressed, **arrays)
    with np.load(tmp_path / "a.npz") as stored:
        assert set(stored) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(stored[name], array)
    assert names(tmp_path) == ["a.npz"]
