"""The JSON lines of the 2018 experiment."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.annotations import AnnotationError, correct_events, event_table, read, write

CLASSES = ("background music", "speaking", "laughing")

claim = settings(deadline=None, database=None, max_examples=30)
hops = st.sampled_from([1.0, 0.5, 0.2, 0.1, 0.25, 2.0])
runs = st.lists(st.tuples(st.integers(0, 10**5), st.integers(1, 20), st.sampled_from(CLASSES)))


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
    pd.testing.assert_frame_equal(read(path, CLASSES), expected, check_exact=True)
    write(expected, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_text() == path.read_text()


def test_a_line_written_twice_is_left_to_be_reported(tmp_path):
    path = tmp_path / "e.jsonl"
    path.write_text(lines(*({"seconds": t, "class": "speaking"} for t in (2, 3, 3))))
    _, corrections = correct_events(read(path))
    assert list(corrections["error"]) == ["overlapping"]


def test_what_is_no_sound_is_ignored(tmp_path):
    path = tmp_path / "e.jsonl"
    path.write_text(lines({"seconds": 0, "type": "person", "class": "Ross"}) + "\n")
    assert read(path).empty


def test_another_hop_and_the_end_of_a_recording_have_a_length(tmp_path):
    path = tmp_path / "e.jsonl"
    write(event_table([("e", 1, 2.5, "speaking"), ("e", 0, 1, "laughing")]), path, hop=0.5)
    assert path.read_text() == lines(
        {"seconds": 0, "type": "sound", "class": "laughing", "length": 0.5},
        {"seconds": 0.5, "type": "sound", "class": "laughing", "length": 0.5},
        {"seconds": 1, "type": "sound", "class": "speaking", "length": 0.5},
        {"seconds": 1.5, "type": "sound", "class": "speaking", "length": 0.5},
        {"seconds": 2, "type": "sound", "class": "speaking", "length": 0.5},
    )
    write(event_table([("e", 1, 2.25, "speaking")]), path)
    assert path.read_text() == lines(
        {"seconds": 1, "type": "sound", "class": "speaking"},
        {"seconds": 2, "type": "sound", "class": "speaking", "length": 0.25},
    )


@claim
@given(hops, runs, st.integers(0, 999))
def test_json_lines_are_exact_to_the_hop(tmp_path_factory, hop, runs, rest):
    path = tmp_path_factory.getbasetemp() / "e.jsonl"
    rows = [("e", round(k * hop, 6), round((k + n) * hop, 6), c) for k, n, c in runs]
    events, _ = correct_events(event_table(rows))
    events["offset"] = events["offset"].where(
        events["offset"] < events["offset"].max(), np.round(events["offset"] + rest / 10**5, 6)
    )
    write(events, path, hop=hop)
    events_read = read(path).sort_values(["onset", "offset", "event_label"], ignore_index=True)
    pd.testing.assert_frame_equal(events_read, events, check_exact=True)
    lengths = events["offset"] - events["onset"]
    assert len(path.read_text().splitlines()) == np.ceil(lengths / hop - 1e-7).sum()


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (
            [("e", 0.5, 2, "speaking")],
            "row 1: 'speaking' from 0.5 to 2.0 s does not lie on multiples",
        ),
        (
            [("e", 0, 1.5, "speaking"), ("e", 1, 3, "laughing")],
            "row 1: .* does not lie on multiples",
        ),
        (
            [("e", 0, 1e-7, "speaking"), ("e", 1, 3, "laughing")],
            "row 1: .* does not lie on multiples",
        ),
        ([("e", 2, 1, "speaking")], "row 1: .* ends no later than it begins"),
        ([("e", 0, 1, "speaking"), ("f", 0, 1, "speaking")], "events of 2 recordings"),
    ],
)
def test_json_lines_refuse_what_they_cannot_hold(tmp_path, rows, fault):
    with pytest.raises(AnnotationError, match=fault):
        write(event_table(rows), tmp_path / "e.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("hop", [0, -1, float("nan"), float("inf")])
def test_a_hop_must_have_a_length(tmp_path, hop):
    with pytest.raises(AnnotationError, match="is not a length"):
        write(event_table([("e", 0, 1, "speaking")]), tmp_path / "e.jsonl", hop=hop)


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
        read(path, CLASSES)
