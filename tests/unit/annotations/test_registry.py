"""Every registered format: files are read as they were written, and others are refused.

A new format is tested here without further ado. What it cannot hold is stated in `LIMITS`.
"""

import json
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sedlib.annotations import (
    COLUMNS,
    FORMATS,
    SCORES,
    AnnotationError,
    correct_events,
    event_table,
    read,
    write,
)
from sedlib.annotations.registry import formats_for

few = settings(deadline=None, database=None, max_examples=25)
words = st.text(st.characters(codec="utf-8"), min_size=1)
nasty = st.sampled_from(
    ['"', '""a"', "a,b;c", "\u2028x", "\x85", " lead", "é 😀", "!x", "<exists>", "7"]
)
real_times = st.one_of(
    st.integers(0, 10**8).map(lambda milliseconds: milliseconds / 1000),
    st.floats(0, 1e9, allow_nan=False),
)
milliseconds = st.integers(0, 10**8).map(lambda number: number / 1000)
whole_seconds = st.integers(0, 1000).map(float)


@dataclass(frozen=True)
class Limits:
    """What a format cannot hold; its own tests show that it refuses it."""

    labels: str = r"\r|\0"  # labels that match are excluded
    times: st.SearchStrategy = real_times  # those that are written to the last digit
    positive_length: bool = False
    sorted: bool = False  # the events come back in the order of time
    disjoint: bool = False


LIMITS = {
    "audacity": Limits(r"[\t\n\r\0]"),
    "raven": Limits(r"[\t\n\r\0]"),
    "textgrid": Limits(r"^\s*$|\r|\0", positive_length=True, sorted=True),
    "eaf": Limits(
        "[\x00-\x1f\x7f-\x9f\ufffe\uffff]", milliseconds, positive_length=True, sorted=True
    ),
    "rttm": Limits(times=milliseconds, positive_length=True),
    "webvtt": Limits(r"[\n\r\0]", milliseconds, positive_length=True, sorted=True),
    "jsonl": Limits("\r", whole_seconds, positive_length=True, sorted=True, disjoint=True),
}

WRITABLE = [name for name, form in FORMATS.items() if form.to_text]
SUFFIXES = sorted({suffix for form in FORMATS.values() for suffix in form.suffixes})


def same(read, written):
    pd.testing.assert_frame_equal(read, written, check_exact=True)


def in_time(events):
    return events.sort_values(["onset", "offset", "event_label"], ignore_index=True)


@st.composite
def tables(draw, limits):
    """Event tables of one recording that a format can hold."""
    labels = (words | nasty).filter(lambda label: not re.search(limits.labels, label))
    rows = draw(st.lists(st.tuples(st.just("e"), limits.times, limits.times, labels)))
    if limits.positive_length:
        rows = [(e, *sorted((a, b)), label) for e, a, b, label in rows if a != b]
    events = event_table(rows)
    return correct_events(events)[0] if limits.disjoint else events


@pytest.mark.parametrize("format", WRITABLE)
@few
@given(st.data())
def test_what_is_written_is_read_to_the_last_digit(tmp_path_factory, format, data):
    path = tmp_path_factory.getbasetemp() / f"e{FORMATS[format].suffix}"
    limits = LIMITS.get(format, Limits())
    events = data.draw(tables(limits))
    write(events, path)
    if limits.sorted:
        same(in_time(read(path)), in_time(events))
    else:
        same(read(path), events)


@pytest.mark.parametrize("format", WRITABLE)
@few
@given(st.lists(st.tuples(*[st.floats(0, 1) | st.just(float("nan"))] * 2), min_size=1))
def test_events_keep_the_scores_that_a_format_can_hold(tmp_path_factory, format, scores):
    path = tmp_path_factory.getbasetemp() / f"scores{FORMATS[format].suffix}"
    spans = [("scores", 2.0 * i, 2.0 * i + 1, "a") for i in range(len(scores))]
    write(event_table((*span, *pair) for span, pair in zip(spans, scores, strict=True)), path)
    found = read(path, ["a"])
    same(found[COLUMNS], event_table(spans))
    for name, column in zip(SCORES, zip(*scores, strict=True), strict=True):
        if name in FORMATS[format].scores and (name == "score" or "peak_score" in found):
            known = np.array(column)
            if name == "peak_score":  # which is read only after a score
                known[np.isnan([score for score, _ in scores])] = np.nan
            np.testing.assert_array_equal(found.get(name, np.full(len(known), np.nan)), known)


def test_a_format_holds_scores_unless_its_programs_have_no_place_for_them():
    assert {name for name in WRITABLE if not FORMATS[name].scores} == {
        "audacity",
        "eaf",
        "textgrid",
    }


@pytest.mark.parametrize("score", ["good", "", "-0.5", "7", "nan", "1:00"])
@pytest.mark.parametrize("lines", [
    "e.csv:onset,offset,label,score\n0,1,a,{}\n",
    "e.selections.txt:Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\tScore\n1\t0\t1\ta\t{}\n",
    'e.json:{{"sound_results": [{{"start_time": 0, "end_time": 1, "sound_type": "a", '
    '"score": "{}"}}]}}',
    "e.rttm:SPEAKER e 1 0 1 <NA> <NA> a {} <NA>\n",
    "e.vtt:WEBVTT\n\nscore={}\n00:00.000 --> 00:01.000\na\n",
])  # fmt: skip
def test_a_score_that_is_no_score_makes_no_annotation_invalid(tmp_path, lines, score):
    name, _, text = lines.partition(":")
    (tmp_path / name).write_text(text.format(score))
    same(read(tmp_path / name), event_table([("e", 0, 1, "a")]))


def test_every_format_describes_itself_and_its_suffix_says_which_it_is():
    assert list(FORMATS) == sorted(FORMATS)
    assert all(name == form.name and form.description for name, form in FORMATS.items())
    written = [FORMATS[name].suffix.casefold() for name in WRITABLE]
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_format_at_most_takes_what_no_other_recognises(suffix):
    assert sum(form.sniff is None for form in formats_for(f"e{suffix}")) <= 1


@pytest.mark.parametrize("format", WRITABLE)
def test_no_events_are_read_as_none(tmp_path, format):
    path = tmp_path / f"quiet{FORMATS[format].suffix}"
    write(event_table(), path)
    same(read(path), event_table())


@pytest.mark.parametrize("format", WRITABLE)
def test_the_suffix_says_the_format(tmp_path, format):
    events = event_table([("e", 0, 1, "speaking"), ("e", 2, 3, "speaking")])
    write(events, tmp_path / "named", format)
    write(events, tmp_path / f"e{FORMATS[format].suffix.upper()}")
    assert (tmp_path / "named").read_bytes() == next(tmp_path.glob("e*")).read_bytes()


def test_the_hop_is_passed_on_to_the_json_lines(tmp_path):
    events = event_table([("e", 0.5, 1, "speaking")])
    write(events, tmp_path / "e.jsonl", hop=0.5)
    same(read(tmp_path / "e.jsonl"), events)


@pytest.mark.parametrize("format", WRITABLE)
def test_a_file_of_one_recording_does_not_take_two(tmp_path, format):
    events = event_table([("a", 0, 1, "speaking"), ("b", 0, 1, "speaking")])
    path = tmp_path / f"e{FORMATS[format].suffix}"
    if FORMATS[format].many_recordings:
        write(events, path, format)
        return same(read(path), events)
    with pytest.raises(AnnotationError, match="events of 2 recordings; write a file for each"):
        write(events, path, format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", WRITABLE)
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
    with pytest.raises(AnnotationError, match="not an annotation file in a known ") as error:
        read(tmp_path / name)
    assert all(form.description in str(error.value) for form in FORMATS.values())
    with pytest.raises(AnnotationError, match="choose one of " + ", ".join(WRITABLE)):
        write(event_table(), tmp_path / name)


def test_a_format_that_is_only_read_cannot_be_chosen(tmp_path):
    for name in FORMATS.keys() - set(WRITABLE):
        with pytest.raises(AnnotationError, match=f"no format '{name}' can be written"):
            write(event_table(), tmp_path / "e", name)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_file_is_named(tmp_path, suffix):
    with pytest.raises(AnnotationError, match=r"gone.* no such file"):
        read(tmp_path / f"gone{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(AnnotationError, match=r"folder.* cannot be read"):
        read(tmp_path / f"folder{suffix}")


@pytest.mark.parametrize("format", FORMATS)
def test_every_reader_names_a_missing_file(tmp_path, format):
    with pytest.raises(AnnotationError, match=r"gone\.txt: no such file"):
        FORMATS[format].read(tmp_path / "gone.txt", None)


@pytest.mark.parametrize("format", WRITABLE)
def test_the_known_labels_hold_in_every_format(tmp_path, format):
    path = tmp_path / f"e{FORMATS[format].suffix}"
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


@pytest.mark.parametrize("suffix", SUFFIXES)
@few
@given(garbage)
def test_garbage_is_read_or_refused_but_never_anything_else(tmp_path_factory, suffix, content):
    path = tmp_path_factory.getbasetemp() / f"garbage{suffix}"
    path.write_bytes(content)
    try:
        events = read(path)
    except AnnotationError as error:
        assert str(error).startswith(str(path))
    else:
        same(events, event_table(events.itertuples(index=False)))
        assert (events[["onset", "offset"]] >= 0).all(axis=None)
        assert (events["event_label"] != "").all()


@pytest.mark.parametrize("format", WRITABLE)
@few
@given(st.integers(0, 10**4), st.binary(max_size=3), st.booleans())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, format, at, inserted, cut):
    path = tmp_path_factory.getbasetemp() / f"damaged{FORMATS[format].suffix}"
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
