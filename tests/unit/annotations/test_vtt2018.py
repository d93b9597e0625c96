"""The reference's formats: JSON, clip list, JSON lines."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.annotations import (
    AnnotationError,
    correct_events,
    event_table,
    read_clip_list,
    read_json,
    read_json_lines,
    write_json,
    write_json_lines,
)

CLASSES = ("background music", "speaking", "laughing")

claim = settings(deadline=None, database=None, max_examples=30)


def write(path, start=0, end=1, label="speaking", **more):
    entries = [
        {"start_time": 0, "sound_type": "speaking", "end_time": 1},
        {"start_time": start, "sound_type": label, "end_time": end},
    ]
    path.write_text(json.dumps({"file_name": "e.json", "sound_results": entries} | more))
    return path


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
    with pytest.raises(ValueError, match="nan is not a time"):
        write_json(event_table([("a", 0, np.nan, "speaking")]), path)
    with pytest.raises(AnnotationError, match="rename it"):
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
        (b"\xff", "not UTF-8 text"),
        ("[" * 100_000, "not valid JSON"),
        ("1" * 5000, "not valid JSON"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_annotation_is_refused_in_one_sentence(tmp_path, content, fault):
    path = tmp_path / "e.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(AnnotationError, match=f"e.json: {fault}") as error:
        read_json(path)
    assert "\n" not in str(error.value)


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


def lines(*entries):
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def test_consecutive_json_lines_of_a_class_are_one_event(tmp_path):
    path = tmp_path / "s01_e01.jsonl"
    at = [(2, "speaking"), (3, "laughing"), (3, "speaking"), (5, "speaking"), (6, "speaking")]
    path.write_text(lines(*({"seconds": t, "type": "sound", "class": c} for t, c in at)))
    expected = event_table(
        [
            ("s01_e01", 2, 4, "speaking"),
            ("s01_e01", 3, 4, "laughing"),
            ("s01_e01", 5, 7, "speaking"),
        ]
    )
    pd.testing.assert_frame_equal(read_json_lines(path, CLASSES), expected, check_exact=True)
    write_json_lines(expected, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_text() == path.read_text()


def test_a_line_written_twice_is_left_to_be_reported(tmp_path):
    path = tmp_path / "e.jsonl"
    path.write_text(lines(*({"seconds": t, "class": "speaking"} for t in (2, 3, 3))))
    _, report = correct_events(read_json_lines(path))
    assert list(report["slip"]) == ["overlapping"]


def test_what_is_no_sound_is_passed_over(tmp_path):
    path = tmp_path / "e.jsonl"
    path.write_text(lines({"seconds": 0, "type": "person", "class": "Ross"}) + "\n")
    assert read_json_lines(path).empty


def test_a_step_of_its_own_and_the_end_of_a_recording_have_a_length(tmp_path):
    path = tmp_path / "e.jsonl"
    write_json_lines(event_table([("e", 1, 2.5, "speaking"), ("e", 0, 1, "laughing")]), path, 0.5)
    assert path.read_text() == lines(
        {"seconds": 0, "type": "sound", "class": "laughing", "length": 0.5},
        {"seconds": 0.5, "type": "sound", "class": "laughing", "length": 0.5},
        {"seconds": 1, "type": "sound", "class": "speaking", "length": 0.5},
        {"seconds": 1.5, "type": "sound", "class": "speaking", "length": 0.5},
        {"seconds": 2, "type": "sound", "class": "speaking", "length": 0.5},
    )
    write_json_lines(event_table([("e", 1, 2.25, "speaking")]), path)
    assert path.read_text() == lines(
        {"seconds": 1, "type": "sound", "class": "speaking"},
        {"seconds": 2, "type": "sound", "class": "speaking", "length": 0.25},
    )


steps = st.sampled_from([1.0, 0.5, 0.2, 0.1, 0.25, 2.0])
runs = st.lists(st.tuples(st.integers(0, 10**5), st.integers(1, 20), st.sampled_from(CLASSES)))


@claim
@given(steps, runs, st.integers(0, 999))
def test_json_lines_are_exact_to_the_step(tmp_path_factory, step, runs, rest):
    path = tmp_path_factory.getbasetemp() / "e.jsonl"
    rows = [("e", round(k * step, 6), round((k + n) * step, 6), c) for k, n, c in runs]
    events, _ = correct_events(event_table(rows))
    events["offset"] = events["offset"].where(
        events["offset"] < events["offset"].max(), np.round(events["offset"] + rest / 10**5, 6)
    )
    write_json_lines(events, path, step)
    read = read_json_lines(path).sort_values(["onset", "offset", "event_label"], ignore_index=True)
    pd.testing.assert_frame_equal(read, events, check_exact=True)
    lengths = events["offset"] - events["onset"]
    assert len(path.read_text().splitlines()) == np.ceil(lengths / step - 1e-7).sum()


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([("e", 0.5, 2, "speaking")], "row 1: 'speaking' from 0.5 to 2.0 s does not lie on steps"),
        ([("e", 0, 1.5, "speaking"), ("e", 1, 3, "laughing")], "row 1: .* does not lie on steps"),
        ([("e", 0, 1e-7, "speaking"), ("e", 1, 3, "laughing")], "row 1: .* does not lie on steps"),
        ([("e", 2, 1, "speaking")], "row 1: .* ends no later than it begins"),
        ([("e", 0, 1, "speaking"), ("f", 0, 1, "speaking")], "events of 2 recordings"),
    ],
)
def test_json_lines_refuse_what_they_cannot_hold(tmp_path, rows, fault):
    with pytest.raises(AnnotationError, match=fault):
        write_json_lines(event_table(rows), tmp_path / "e.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", [0, -1, float("nan"), float("inf")])
def test_a_step_has_a_length(tmp_path, step):
    with pytest.raises(AnnotationError, match="is no length"):
        write_json_lines(event_table([("e", 0, 1, "speaking")]), tmp_path / "e.jsonl", step)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"seconds": 3, "class": "spe', "row 2: not valid JSON"),
        ('{"seconds": 3}', "row 2: .* lacks 'seconds' or 'class'"),
        ("[]", "row 2: .* lacks 'seconds' or 'class'"),
        ('{"seconds": -1, "class": "speaking"}', "row 2: -1 is not a time"),
        ('{"seconds": 1, "class": "speaking", "length": "x"}', "row 2: 'x' is not a time"),
        ('{"seconds": 1, "class": "speeking"}', "row 2: unknown label 'speeking'"),
    ],
)
def test_a_bad_json_line_is_refused_by_its_row(tmp_path, line, fault):
    path = tmp_path / "e.jsonl"
    path.write_text(lines({"seconds": 2, "class": "speaking"}) + line + "\n")
    with pytest.raises(AnnotationError, match=fault):
        read_json_lines(path, CLASSES)
