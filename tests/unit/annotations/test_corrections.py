"""Annotation errors are corrected and reported, and nothing else is changed."""

import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.annotations import correct_events, event_table, find_misplaced
from sedlib.config import load_params

CLASSES = ("background music", "speaking", "laughing")
DEFAULT_CLASSES = load_params(Path(__file__).parents[3] / "params.yaml").classes

claim = settings(deadline=None, database=None, max_examples=40)
small = st.integers(0, 12).map(lambda quarters: quarters / 4)
with_errors = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), small, small, st.sampled_from(CLASSES))
).map(event_table)


@pytest.mark.parametrize(
    ("onset", "offset", "label", "corrected", "error", "correction"),
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
def test_an_error_is_corrected_and_reported_as_it_was(
    onset, offset, label, corrected, error, correction
):
    events = event_table([("e", 100, 101, "laughing"), ("e", onset, offset, label)])
    table, corrections = correct_events(events, CLASSES)
    assert table.to_numpy().tolist() == [["e", *corrected], ["e", 100.0, 101.0, "laughing"]]
    assert corrections.to_numpy().tolist() == [["e", 2, onset, offset, label, error, correction]]


@pytest.mark.parametrize(
    "word",
    ["shooting", "squeaking", "tapping", "slapping", "crushing", "rocking", "background talking"],
)
def test_another_word_is_not_taken_for_a_misspelt_class(word):
    table, corrections = correct_events(event_table([("e", 1, 2, word)]), DEFAULT_CLASSES)
    assert table["event_label"].tolist() == [word]
    assert corrections["error"].tolist() == ["unknown label"]


def test_a_letter_too_few_or_too_many_is_a_misspelt_class():
    for label in DEFAULT_CLASSES:
        for at in range(len(label)):
            for written in (label[:at] + label[at + 1 :], label[:at] + label[at] + label[at:]):
                table, _ = correct_events(event_table([("e", 1, 2, written)]), DEFAULT_CLASSES)
                assert table["event_label"].tolist() == [label]


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
    table, corrections = correct_events(events)
    assert table.to_numpy().tolist() == [
        ["e", 1.0, 7.0, "speaking"],
        ["e", 4.0, 5.0, "laughing"],
        ["f", 6.0, 9.0, "speaking"],
    ]
    correction = "merged into 1.0 to 7.0 s"
    assert corrections.drop(columns=["onset", "offset"]).to_numpy().tolist() == [
        ["e", 1, "speaking", "touching", correction],
        ["e", 3, "speaking", "overlapping", correction],
        ["e", 4, "speaking", "touching", correction],
    ]


@claim
@given(with_errors)
def test_correcting_keeps_the_time_covered_and_leaves_events_apart(events):
    quarters = set()  # an obvious count: every quarter of a second of every class
    for filename, onset, offset, label in events.itertuples(index=False):
        start, end = sorted((onset, offset))
        end = np.floor(start) + 1 if start == end else end
        quarters |= {(filename, label, q) for q in range(int(4 * start), int(4 * end))}
    before = events.copy()
    table, corrections = correct_events(events, CLASSES)
    pd.testing.assert_frame_equal(events, before)
    kept = [
        (filename, label, q)
        for filename, onset, offset, label in table.itertuples(index=False)
        for q in range(int(4 * onset), int(4 * offset))
    ]
    assert len(kept) == len(set(kept))
    assert set(kept) == quarters
    merged = corrections["error"].isin(["touching", "overlapping"]).sum()
    assert len(table) == len(events) - merged
    pd.testing.assert_frame_equal(
        table, table.sort_values(["filename", "onset", "offset", "event_label"])
    )


@claim
@given(with_errors)
def test_correcting_twice_finds_nothing_more(events):
    once, _ = correct_events(events, CLASSES)
    twice, corrections = correct_events(once, CLASSES)
    pd.testing.assert_frame_equal(once, twice)
    assert corrections.empty


def test_a_label_becomes_the_class_it_is_an_alias_of_and_that_is_reported():
    events = event_table(
        [("e", 0, 1, "Speech"), ("e", 2, 3, "child  SPEECH"), ("e", 4, 5, "speaking")]
    )
    aliases = {"speech": "speaking", "child speech": "speaking"}
    table, corrections = correct_events(events, CLASSES, aliases=aliases)
    assert list(table["event_label"]) == ["speaking"] * 3
    assert corrections[["row", "event_label", "error", "correction"]].to_numpy().tolist() == [
        [1, "Speech", "alias", "read as 'speaking'"],
        [2, "child  SPEECH", "alias", "read as 'speaking'"],
    ]


def test_an_alias_goes_before_the_spelling_and_is_itself_checked():
    events = event_table([("e", 0, 1, "laughin"), ("e", 2, 3, "drone")])
    aliases = {"laughin": "background music", "drone": "helicopter"}
    table, corrections = correct_events(events, CLASSES, aliases=aliases)
    assert list(table["event_label"]) == ["background music", "helicopter"]
    assert list(corrections["error"]) == ["alias", "alias", "unknown label"]


def test_an_unwanted_label_is_left_out_and_reported():
    events = event_table([("e", 3, 2, "Silence"), ("e", 0, 1, "speaking")])
    table, corrections = correct_events(events, CLASSES, aliases={"silence": None})
    assert table.to_numpy().tolist() == [["e", 0.0, 1.0, "speaking"]]
    assert corrections.to_numpy().tolist() == [
        ["e", 1, 3.0, 2.0, "Silence", "unwanted label", "left out"]
    ]


@pytest.mark.parametrize(
    ("onset", "offset", "kept", "errors"),
    [
        (8, 9.5, [(8.0, 9.5)], []),
        (8, 12, [(8.0, 9.5)], [("past the end", "cut to 9.5 s")]),
        (12, 8, [(8.0, 9.5)], [("reversed", "swapped"), ("past the end", "cut to 9.5 s")]),
        (9.25, 9.25, [(9.25, 9.5)], [
            ("zero length", "lasts to 10.0 s, the end of its second"),
            ("past the end", "cut to 9.5 s"),
        ]),
        (9.5, 12, [], [("past the end", "left out")]),
        (11, 12, [], [("past the end", "left out")]),
    ],
)  # fmt: skip
def test_an_event_past_the_end_of_its_recording_is_cut_or_left_out(onset, offset, kept, errors):
    events = event_table([("e", onset, offset, "speaking")])
    table, corrections = correct_events(events, CLASSES, durations={"e": 9.5})
    assert list(zip(table["onset"], table["offset"], strict=True)) == kept
    assert list(zip(corrections["error"], corrections["correction"], strict=True)) == errors
    unknown, none = correct_events(events[events["onset"] < events["offset"]], durations={"f": 1.0})
    assert list(unknown["offset"]) == [max(offset, onset)] * len(unknown)
    assert none.empty


@claim
@given(with_errors, st.dictionaries(st.sampled_from(["a", "b"]), small))
def test_whatever_changes_is_reported(events, durations):
    table, corrections = correct_events(events, CLASSES, durations, {"laughing": None})
    rows = events.assign(row=events.groupby("filename").cumcount() + 1)
    told = set(zip(corrections["filename"], corrections["row"], strict=True))
    kept = set(table.itertuples(index=False, name=None))
    merged = set(corrections[corrections["error"].isin(["touching", "overlapping"])]["filename"])
    begins = {(file, onset, label) for file, onset, _, label in kept}
    for row in rows.itertuples():
        same = (row.filename, row.onset, row.offset, row.event_label) in kept
        # the first of a run that was merged is longer; the report names the others
        longer = row.filename in merged and (row.filename, row.onset, row.event_label) in begins
        assert same or longer or (row.filename, row.row) in told
    ends = table["filename"].map(durations).fillna(np.inf)
    assert (table["offset"] <= ends).all()


def test_a_label_is_that_of_a_class_in_any_unicode_normal_form():
    korean, french = "박수", "rire étouffé"
    nfd = unicodedata.normalize("NFD", korean)
    events = event_table([("e", 0, 1, nfd), ("e", 2, 3, unicodedata.normalize("NFD", french))])
    corrected, corrections = correct_events(events, [korean], aliases={french: None})
    assert list(corrected["event_label"]) == [korean]
    assert list(corrections["error"]) == ["unwanted label"]


@pytest.mark.parametrize(
    ("times", "end", "cause"),
    [
        ([(1000, 2500), (4000, 4500), (9000, 12000)], 20, "look like milliseconds"),
        ([(0, 500), (4000, 4500)], 20, "look like milliseconds"),
        ([(1000.5, 2500), (4000, 4500)], 1.5, "look like milliseconds"),
        ([(44100, 66150), (300000, 330000)], 10, "milliseconds or numbers of samples"),
        ([(3600.5, 3602), (3610, 3611)], 60, "counted from another zero"),
        ([(90, 91), (92, 93), (200, 210)], 60, "those of another, longer recording"),
        ([(70, 70)], 60, "correct them"),
        ([(0, 1), *[(t, t + 1) for t in range(61, 79, 2)]], 60, "9 of 10 events"),
    ],
)
def test_annotations_after_the_end_are_those_of_something_else_and_the_cause_is_named(
    times, end, cause
):
    events = event_table([("e", *sorted(pair)[::-1], "a") for pair in times])  # also reversed
    assert cause in find_misplaced(events, {"e": end})["e"]
    assert find_misplaced(events, {}) == {}


@pytest.mark.parametrize(
    "times",
    [
        [(1, 2.5), (4, 4.5)],  # the first begins within
        [(0, 9999)],  # "to the end"
        [(0, 1), (1, 2), (70, 80)],
        [(3, 3)],  # at the end, not after it
        [],
    ],
)
def test_single_slips_past_the_end_are_left_to_the_corrections(times):
    assert find_misplaced(event_table([("e", *pair, "a") for pair in times]), {"e": 3.0}) == {}
