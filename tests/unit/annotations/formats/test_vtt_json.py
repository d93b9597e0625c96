"""The JSON of the 2018 experiment."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.annotations import AnnotationError, event_table, read, write
from sedlib.annotations.formats import vtt_json

claim = settings(deadline=None, database=None, max_examples=50)
times = st.floats(0, 1e9, allow_nan=False)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


def test_a_file_has_the_layout_of_the_2018_experiment(tmp_path):
    path = tmp_path / "s01_ep08.json"
    write(event_table([("s01_ep08", 2, 3.25, "speaking")]), path)
    assert json.loads(path.read_text()) == {
        "file_name": "s01_ep08.json",
        "sound_results": [{"start_time": 2.0, "sound_type": "speaking", "end_time": 3.25}],
    }


def test_the_file_of_a_recording_without_events_is_named_after_its_path(tmp_path):
    path = tmp_path / "quiet.json"
    write(event_table(), path)
    assert json.loads(path.read_text()) == {"file_name": "quiet.json", "sound_results": []}
    assert read(path).empty


@claim
@given(words, st.lists(st.tuples(words, times, times, words)))
def test_a_recording_of_any_name_is_read_as_it_was_written(tmp_path_factory, name, rows):
    path = tmp_path_factory.getbasetemp() / "events.json"
    events = event_table(rows).assign(filename=name)
    write(events, path)
    read_events, names, _ = vtt_json.read(path)
    pd.testing.assert_frame_equal(read_events, events, check_exact=True, check_dtype=False)
    assert names == [name if rows else "events"]  # a table without events has no names


def test_the_suffix_is_no_part_of_the_name_in_any_case(tmp_path):
    event = {"start_time": 1.0, "end_time": 2.0, "sound_type": "speaking"}
    (tmp_path / "EP1.JSON").write_text(json.dumps({"sound_results": [event]}))
    assert vtt_json.read(tmp_path / "EP1.JSON").names == ["EP1"]


def test_a_recording_without_events_may_have_a_file_of_another_name(tmp_path):
    (tmp_path / "a1.json").write_text('{"file_name": "ep1.json", "sound_results": []}')
    assert vtt_json.read(tmp_path / "a1.json").names == ["ep1"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "events.json"
    write(event_table([("a", 0, 1, "speaking")]), path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="nan is not a time"):
        write(event_table([("a", 0, np.nan, "speaking")]), path)
    with pytest.raises(AnnotationError, match="rename it"):
        write(event_table([("a", 0, 1, "speaking"), ("a", 1, 2, "\ud800")]), path)
    assert path.read_bytes() == before


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
        ('{"sound_results": [], "sound_results": []}', "not valid JSON .*'sound_results' twice"),
        (b"\xff", "not UTF-8 text"),
        ("[" * 100_000, "not valid JSON"),
        ("1" * 5000, "not valid JSON"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_annotation_is_refused_in_one_sentence(tmp_path, content, fault):
    path = tmp_path / "e.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(AnnotationError, match=f"e.json: {fault}") as error:
        read(path)
    assert "\n" not in str(error.value)
