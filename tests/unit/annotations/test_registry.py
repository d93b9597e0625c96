"""Annotations: what is written is read back, and what is no annotation is refused."""

import json
import re

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sedlib.annotations import (
    SUFFIXES,
    AnnotationError,
    event_table,
    read,
    read_clip_list,
    read_json,
    read_json_lines,
    read_tsv,
    write,
    write_json,
    write_tsv,
)

claim = settings(deadline=None, database=None, max_examples=50)
few = settings(deadline=None, database=None, max_examples=25)
times = st.one_of(
    st.integers(0, 10**8).map(lambda milliseconds: milliseconds / 1000),
    st.floats(0, 1e9, allow_nan=False),
)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
nasty = st.sampled_from(
    ['"', '""a"', "a,b;c", "\u2028x", "\x85", " lead", "é 😀", "!x", "<exists>", "7"]
)
lines = (words | nasty).filter(lambda text: "\r" not in text)
simple = lines.filter(lambda text: not re.search(r"[\t\n]", text))
READABLE = ["json", "jsonl", "tsv", "csv", "txt", "TextGrid", "eaf", "selections.txt"]


def same(read, written):
    pd.testing.assert_frame_equal(read, written, check_exact=True)


def in_time(events):
    return events.sort_values(["onset", "offset", "event_label"], ignore_index=True)


@claim
@given(st.lists(st.tuples(lines, times, times, lines)))
def test_a_tsv_table_is_read_as_it_was_written(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "events.tsv"
    events = event_table(rows)
    write_tsv(events, path)
    same(read_tsv(path), events)


@claim
@given(words, st.lists(st.tuples(words, times, times, words)))
def test_a_json_file_is_read_as_it_was_written(tmp_path_factory, name, rows):
    path = tmp_path_factory.getbasetemp() / "events.json"
    events = event_table(rows).assign(filename=name)
    write_json(events, path)
    pd.testing.assert_frame_equal(read_json(path), events, check_exact=True, check_dtype=False)


@pytest.mark.parametrize("format", ["json", "tsv", "csv", "audacity", "raven"])
@few
@given(st.data())
def test_what_is_written_is_read_to_the_last_digit(tmp_path_factory, format, data):
    path = tmp_path_factory.getbasetemp() / f"e{SUFFIXES[format]}"
    labels = simple if format in ("audacity", "raven") else lines
    rows = data.draw(st.lists(st.tuples(st.just("e"), times, times, labels)))
    events = event_table(rows)
    write(events, path)
    same(read(path), events)


@few
@given(st.lists(st.tuples(times, times, lines)))
def test_a_textgrid_is_read_to_the_last_digit_overlaps_and_all(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "e.TextGrid"
    kept = [("e", *sorted((a, b)), c) for a, b, c in rows if a != b and c.strip()]
    write(event_table(kept), path)
    same(read(path), in_time(event_table(kept)))


xml = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufffe\uffff")
milliseconds = st.integers(0, 10**8)


@few
@given(st.lists(st.tuples(milliseconds, st.integers(1, 10**6), st.text(xml, min_size=1))))
def test_an_elan_document_is_exact_to_the_millisecond(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "e.eaf"
    events = event_table(("e", a / 1000, (a + n) / 1000, c) for a, n, c in rows)
    write(events, path)
    same(read(path), in_time(events))


@pytest.mark.parametrize("format", SUFFIXES)
def test_no_events_are_read_as_none(tmp_path, format):
    path = tmp_path / f"quiet{SUFFIXES[format]}"
    write(event_table(), path)
    same(read(path), event_table())


@pytest.mark.parametrize("format", SUFFIXES)
def test_the_suffix_says_the_format(tmp_path, format):
    events = event_table([("e", 0, 1, "speaking"), ("e", 2, 3, "speaking")])
    write(events, tmp_path / "named", format)
    write(events, tmp_path / f"e{SUFFIXES[format].upper()}")
    assert (tmp_path / "named").read_bytes() == next(tmp_path.glob("e*")).read_bytes()


def test_the_step_goes_through_to_the_json_lines(tmp_path):
    events = event_table([("e", 0.5, 1, "speaking")])
    write(events, tmp_path / "e.jsonl", step=0.5)
    same(read(tmp_path / "e.jsonl"), events)


@pytest.mark.parametrize("format", [f for f in SUFFIXES if f not in ("tsv", "csv")])
def test_a_file_of_one_recording_does_not_take_two(tmp_path, format):
    events = event_table([("a", 0, 1, "speaking"), ("b", 0, 1, "speaking")])
    with pytest.raises(AnnotationError, match="events of 2 recordings; write a file for each"):
        write(events, tmp_path / "e", format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", SUFFIXES)
@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (("e", float("nan"), 1, "a"), "nan is not a time"),
        (("e", 0, float("inf"), "a"), "inf is not a time"),
        (("e", -1, 1, "a"), "-1.0 is not a time"),
        (("e", 0, 1, ""), "'' is not a label"),
        (("e", 0, 1, "\ud800"), "rename it"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, format, row, fault):
    with pytest.raises(AnnotationError, match=f"row 2: .*{fault}"):
        write(event_table([("e", 0, 1, "a"), row]), tmp_path / "e", format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["e.docx", "e", "e.txt.partial"])
def test_a_format_that_is_not_known_is_refused_with_those_that_are(tmp_path, name):
    (tmp_path / name).write_text("0\t1\ta\n")
    with pytest.raises(AnnotationError, match=r"no annotation; can be read: .*JSON .*ELAN"):
        read(tmp_path / name)
    with pytest.raises(AnnotationError, match=r"no format .*; choose one of json, jsonl, tsv"):
        write(event_table(), tmp_path / name)


@pytest.mark.parametrize("suffix", READABLE)
def test_a_missing_file_is_named(tmp_path, suffix):
    with pytest.raises(AnnotationError, match=r"gone.* no such file"):
        read(tmp_path / f"gone.{suffix}")
    (tmp_path / f"folder.{suffix}").mkdir()
    with pytest.raises(AnnotationError, match=r"folder.* cannot be read"):
        read(tmp_path / f"folder.{suffix}")


@pytest.mark.parametrize("reader", [read_json, read_tsv, read_clip_list, read_json_lines])
def test_every_reader_names_a_missing_file(tmp_path, reader):
    with pytest.raises(AnnotationError, match=r"gone\.txt: no such file"):
        reader(tmp_path / "gone.txt")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("dev00.flac", "dev00"),
        ("a/b/dev00.flac", "dev00"),
        ("c:\\a\\dev00.WAV", "dev00"),
        ("s01.ep08", "s01.ep08"),
        ("s01.ep08.mkv", "s01.ep08"),
        (".wav", ".wav"),
    ],
)
def test_a_recording_is_called_without_directory_and_media_suffix(tmp_path, written, name):
    path = tmp_path / "table.tsv"
    write(event_table([(written, 0, 1, "a")]), path)
    assert list(read(path)["filename"]) == [name]
    assert list(read_tsv(path)["filename"]) == [written]
    write(event_table([(written, 0, 1, "a")]), tmp_path / "e.json")
    assert list(read(tmp_path / "e.json")["filename"]) == [name]


@pytest.mark.parametrize(
    "name", ["foo.txt", "foo.wav.txt", "foo.Table.1.selections.txt", "foo.selections.txt"]
)
def test_a_file_that_names_no_recording_is_about_the_one_it_is_called_after(tmp_path, name):
    (tmp_path / name).write_text("0\t1\ta\n")
    assert list(read(tmp_path / name)["filename"]) == ["foo"]


def test_a_clip_list_is_told_from_a_table_of_events(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("s1-5.wav\t38000\t52000\tspeaking|laughing\ns1-6.wav\t0\t500\tspeaking\n")
    same(read(path), read_clip_list(path))
    path.write_text("s1-5.wav\t38\t52\tspeaking|laughing\n")
    same(read(path), event_table([("s1-5", 38, 52, "speaking|laughing")]))


@pytest.mark.parametrize("format", SUFFIXES)
def test_the_known_labels_hold_in_every_format(tmp_path, format):
    path = tmp_path / f"e{SUFFIXES[format]}"
    write(event_table([("e", 0, 1, "speeking")]), path)
    with pytest.raises(
        AnnotationError, match=r"unknown label 'speeking'; the nearest .*'speaking'"
    ):
        read(path, ["speaking", "laughing"])
    same(read(path, ["speeking"]), read(path))


table_like = st.lists(
    st.lists(
        st.sampled_from(["onset", "offset", "label", "file", "Selection", "0", "1:2", "x", '"', ""])
        | st.text(max_size=5),
        max_size=5,
    ),
    max_size=5,
).flatmap(lambda rows: st.sampled_from("\t,;").map(lambda by: "\n".join(map(by.join, rows))))
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["sound_results", "file_name", "start_time", "end_time", "sound_type",
                         "seconds", "class", "length", "type"]),
        inner, max_size=4,
    ),
).map(json.dumps)  # fmt: skip
garbage = st.one_of(
    st.binary(max_size=200),
    st.one_of(st.text(), table_like, json_like).map(lambda text: text.encode("utf-8", "replace")),
)


@pytest.mark.parametrize("suffix", READABLE)
@few
@given(garbage)
def test_garbage_is_read_or_refused_but_never_anything_else(tmp_path_factory, suffix, content):
    path = tmp_path_factory.getbasetemp() / f"garbage.{suffix}"
    path.write_bytes(content)
    try:
        events = read(path)
    except AnnotationError as error:
        assert str(error).startswith(str(path))
    else:
        same(events, event_table(events.itertuples(index=False)))
        assert (events[["onset", "offset"]] >= 0).all(axis=None)
        assert (events["event_label"] != "").all()


@pytest.mark.parametrize("format", SUFFIXES)
@few
@given(st.integers(0, 10**4), st.binary(max_size=3), st.booleans())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, format, at, inserted, cut):
    path = tmp_path_factory.getbasetemp() / f"damaged{SUFFIXES[format]}"
    write(event_table([("e", 0, 1, "speaking"), ("e", 1, 3, "laughing")]), path)
    whole = path.read_bytes()
    at %= len(whole)
    damaged = whole[:at] + inserted + (b"" if cut else whole[at + len(inserted) :])
    assume(damaged != whole)
    path.write_bytes(damaged)
    try:
        read(path)
    except AnnotationError as error:
        assert str(error).startswith(str(path))
