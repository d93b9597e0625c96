"""Event tables: what is written is read back, and slips are mended and reported."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.annotations import (
    AnnotationError,
    event_table,
    normalise,
    read_clip_list,
    read_json,
    read_tsv,
    write_json,
    write_tsv,
)

CLASSES = ("background music", "speaking", "laughing")

claim = settings(deadline=None, database=None)
times = st.one_of(
    st.integers(0, 10**8).map(lambda milliseconds: milliseconds / 1000),
    st.floats(0, 1e9, allow_nan=False),
)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
rows = st.lists(st.tuples(words, times, times, words))
lines = words.filter(lambda text: "\r" not in text)
tabular = st.lists(st.tuples(lines, times, times, lines))
small = st.integers(0, 12).map(lambda quarters: quarters / 4)
slipping = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), small, small, st.sampled_from(CLASSES))
).map(event_table)


def write(path, start=0, end=1, label="speaking", **more):
    entries = [
        {"start_time": 0, "sound_type": "speaking", "end_time": 1},
        {"start_time": start, "sound_type": label, "end_time": end},
    ]
    path.write_text(json.dumps({"file_name": "e.json", "sound_results": entries} | more))
    return path


@claim
@given(tabular)
def test_a_tsv_table_is_read_as_it_was_written(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "events.tsv"
    events = event_table(rows)
    write_tsv(events, path)
    pd.testing.assert_frame_equal(read_tsv(path), events, check_exact=True)


@claim
@given(words, rows)
def test_a_json_file_is_read_as_it_was_written(tmp_path_factory, name, rows):
    path = tmp_path_factory.getbasetemp() / "events.json"
    events = event_table(rows).assign(filename=name)
    write_json(events, path)
    pd.testing.assert_frame_equal(read_json(path), events, check_exact=True, check_dtype=False)


def test_a_file_has_the_layout_of_the_reference(tmp_path):
    path = tmp_path / "s01_ep08.json"
    write_json(event_table([("s01_ep08", 2, 3.25, "speaking")]), path)
    assert json.loads(path.read_text()) == {
        "file_name": "s01_ep08.json",
        "sound_results": [{"start_time": 2.0, "sound_type": "speaking", "end_time": 3.25}],
    }


def test_the_file_of_a_recording_without_events_is_named_after_its_path(tmp_path):
    path = tmp_path / "quiet.json"
    write_json(event_table(), path)
    assert json.loads(path.read_text()) == {"file_name": "quiet.json", "sound_results": []}
    assert read_json(path).empty


def test_events_of_two_recordings_do_not_go_into_one_json_file(tmp_path):
    events = event_table([("a", 0, 1, "speaking"), ("b", 0, 1, "speaking")])
    with pytest.raises(AnnotationError, match=r"events\.json: events of 2 recordings"):
        write_json(events, tmp_path / "events.json")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "events.json"
    write_json(event_table([("a", 0, 1, "speaking")]), path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(event_table([("a", 0, np.nan, "speaking")]), path)
    with pytest.raises(UnicodeEncodeError):
        write_json(event_table([("a", 0, 1, "speaking"), ("a", 1, 2, "\ud800")]), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (7, 7.0),
        (7.125, 7.125),
        ("7.125", 7.125),
        ("01:02", 62.0),
        ("1:02.345", 62.345),
        ("75:30", 4530.0),
        ("01:02:03", 3723.0),
        ("10:00:00.001", 36000.001),
        ("90:59:59", 327599.0),
    ],
)
def test_a_time_is_seconds_or_a_clock_time_with_its_hours(tmp_path, written, seconds):
    events = read_json(write(tmp_path / "e.json", written, written))
    assert (events["onset"][1], events["offset"][1]) == (seconds, seconds)


@claim
@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_clock_time_is_exact_to_the_millisecond(tmp_path_factory, hours, minutes, seconds, ms):
    path = tmp_path_factory.getbasetemp() / "clock.json"
    events = read_json(write(path, 0, f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"))
    assert events["offset"][1] == (((hours * 60 + minutes) * 60 + seconds) * 1000 + ms) / 1000


@pytest.mark.parametrize(
    "time",
    [-1, float("nan"), float("inf"), 10**400, True, None, [], "", "soon", "1:2:3:4", "00:60",
     "1:60:00", "-0:05", "nan"],
)  # fmt: skip
def test_a_bad_time_is_refused_by_file_row_and_value(tmp_path, time):
    path = write(tmp_path / "e.json", end=time)
    with pytest.raises(AnnotationError) as error:
        read_json(path)
    value = repr(json.loads(json.dumps(time)))
    assert str(error.value).startswith(f"{path}: row 2: {value} is not a time; give ")


def test_an_unknown_label_is_refused_with_the_nearest_known_one(tmp_path):
    path = write(tmp_path / "e.json", label="backround music")
    assert list(read_json(path)["event_label"]) == ["speaking", "backround music"]
    with pytest.raises(AnnotationError) as error:
        read_json(path, CLASSES)
    assert str(error.value) == (
        f"{path}: row 2: unknown label 'backround music'; "
        "the nearest known label is 'background music'"
    )
    assert len(read_json(path, (*CLASSES, "backround music"))) == 2


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "not valid JSON"),
        ("[]", "has no list 'sound_results'"),
        ('{"sound_results": {}}', "has no list 'sound_results'"),
        ('{"sound_results": [7]}', "row 1: 7 lacks start_time"),
        ('{"sound_results": [{"start_time": 1, "end_time": 2}]}', "row 1: .* lacks"),
        ('{"sound_results": [{"start_time": 1, "end_time": 2, "sound_type": 3}]}',
         "row 1: 3 is not a label"),
        (b"\xff\xfe", "not UTF-8 text"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_annotation_is_refused_in_one_sentence(tmp_path, content, fault):
    path = tmp_path / "e.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(AnnotationError, match=f"e.json: {fault}") as error:
        read_json(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("read", [read_json, read_tsv, read_clip_list])
def test_a_missing_file_is_named(tmp_path, read):
    with pytest.raises(AnnotationError, match=r"gone\.txt: no such file"):
        read(tmp_path / "gone.txt")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "no column 'filename'"),
        ("a\t0\t1\tspeaking\n", "no column 'filename'"),
        ("filename\tonset\tevent_label\n", "no column 'offset'"),
        ("filename\tonset\toffset\tevent_label\na\t0\n", "row 1: None is not a time"),
        ("filename\tonset\toffset\tevent_label\na\t0\t1\t\n", "row 1: '' is not a label"),
        ("filename\tonset\toffset\tevent_label\na\t0\t1\tspeaking\na\t0\tx\tspeaking\n",
         "row 2: 'x' is not a time"),
        ("filename\tonset\toffset\tevent_label\na\t0\t1\tspeeking\n",
         "row 1: unknown label 'speeking'; the nearest known label is 'speaking'"),
    ],
)  # fmt: skip
def test_a_bad_tsv_table_is_refused_in_one_sentence(tmp_path, content, fault):
    path = tmp_path / "e.tsv"
    path.write_text(content)
    with pytest.raises(AnnotationError, match=f"e.tsv: {fault}"):
        read_tsv(path, CLASSES)


def test_a_clip_list_gives_each_label_the_times_of_its_clip(tmp_path):
    path = tmp_path / "clips.txt"
    path.write_text("s01_ep06-005.wav\t38000\t52125\tspeaking|laughing\nx\t0\t1\tspeaking\n")
    expected = event_table(
        [
            ("s01_ep06", 38.0, 52.125, "speaking"),
            ("s01_ep06", 38.0, 52.125, "laughing"),
            ("x", 0.0, 0.001, "speaking"),
        ]
    )
    pd.testing.assert_frame_equal(read_clip_list(path, CLASSES), expected, check_exact=True)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("a-1.wav\t0\t1000", "row 2: .* has 3 tab separated fields"),
        ("a-1.wav\t0\tlong\tspeaking", "row 2: 'long' is not a time"),
        ("a-1.wav\t0\t1000\t", "row 2: '' is not a label"),
        ("a-1.wav\t0\t1000\tspeaking|loughing", "row 2: unknown label 'loughing'"),
    ],
)
def test_a_bad_clip_list_is_refused_by_its_row(tmp_path, line, fault):
    path = tmp_path / "clips.txt"
    path.write_text(f"a-0.wav\t0\t1000\tspeaking\n{line}\n")
    with pytest.raises(AnnotationError, match=fault):
        read_clip_list(path, CLASSES)


@pytest.mark.parametrize(
    ("onset", "offset", "label", "mended", "slip", "action"),
    [
        (57.0, 41.0, "speaking", (41.0, 57.0, "speaking"), "reversed", "swapped"),
        (86.0, 86.0, "speaking", (86.0, 87.0, "speaking"), "zero length",
         "lasts to 87.0 s, the end of its second"),
        (86.25, 86.25, "speaking", (86.25, 87.0, "speaking"), "zero length",
         "lasts to 87.0 s, the end of its second"),
        (2.0, 6.0, "backround music", (2.0, 6.0, "background music"), "misspelt label",
         "read as 'background music'"),
        (2.0, 6.0, " Speaking", (2.0, 6.0, "speaking"), "misspelt label", "read as 'speaking'"),
        (2.0, 6.0, "helicopter", (2.0, 6.0, "helicopter"), "unknown label", "kept"),
    ],
)  # fmt: skip
def test_a_slip_is_mended_and_reported_as_it_was(onset, offset, label, mended, slip, action):
    events = event_table([("e", 100, 101, "laughing"), ("e", onset, offset, label)])
    table, report = normalise(events, CLASSES)
    assert table.to_numpy().tolist() == [["e", *mended], ["e", 100.0, 101.0, "laughing"]]
    assert report.to_numpy().tolist() == [["e", 2, onset, offset, label, slip, action]]


def test_overlapping_and_touching_events_of_one_class_become_one():
    events = event_table(
        [
            ("e", 5, 7, "speaking"),
            ("e", 1, 4, "speaking"),
            ("e", 2, 3, "speaking"),
            ("e", 4, 5, "speaking"),
            ("e", 4, 5, "laughing"),
            ("f", 6, 9, "speaking"),
        ]
    )
    table, report = normalise(events)
    assert table.to_numpy().tolist() == [
        ["e", 1.0, 7.0, "speaking"],
        ["e", 4.0, 5.0, "laughing"],
        ["f", 6.0, 9.0, "speaking"],
    ]
    action = "merged into 1.0 to 7.0 s"
    assert report.drop(columns=["onset", "offset"]).to_numpy().tolist() == [
        ["e", 1, "speaking", "touching", action],
        ["e", 3, "speaking", "overlapping", action],
        ["e", 4, "speaking", "touching", action],
    ]


@claim
@given(slipping)
def test_normalising_keeps_the_time_covered_and_leaves_events_apart(events):
    quarters = set()  # an obvious count: every quarter of a second of every class
    for filename, onset, offset, label in events.itertuples(index=False):
        start, end = sorted((onset, offset))
        end = np.floor(start) + 1 if start == end else end
        quarters |= {(filename, label, q) for q in range(int(4 * start), int(4 * end))}
    before = events.copy()
    table, report = normalise(events, CLASSES)
    pd.testing.assert_frame_equal(events, before)
    kept = [
        (filename, label, q)
        for filename, onset, offset, label in table.itertuples(index=False)
        for q in range(int(4 * onset), int(4 * offset))
    ]
    assert len(kept) == len(set(kept))
    assert set(kept) == quarters
    merged = report["slip"].isin(["touching", "overlapping"]).sum()
    assert len(table) == len(events) - merged
    pd.testing.assert_frame_equal(
        table, table.sort_values(["filename", "onset", "offset", "event_label"])
    )


@claim
@given(slipping)
def test_normalising_twice_finds_nothing_more(events):
    once, _ = normalise(events, CLASSES)
    twice, report = normalise(once, CLASSES)
    pd.testing.assert_frame_equal(once, twice)
    assert report.empty
