"""RTTM."""

import pandas as pd
import pytest

from sedlib.annotations import AnnotationError, event_table, read, write


def test_a_line_has_the_ten_fields_of_the_format(tmp_path):
    rows = [
        ("ep 1", 0.1, 0.3, "door bell", 0.75, 0.9),
        ("ep 2", 1, 2.5, "opening/closing doors", 0.5, 0.5),
    ]
    write(event_table(rows), tmp_path / "e.rttm")
    assert (tmp_path / "e.rttm").read_text().splitlines() == [
        "SPEAKER ep%201 1 0.1 0.2 <NA> <NA> door_bell 0.75 <NA>",
        "SPEAKER ep%202 1 1.0 1.5 <NA> <NA> opening/closing_doors 0.5 <NA>",
    ]
    expected = event_table(row[:5] for row in rows)
    pd.testing.assert_frame_equal(read(tmp_path / "e.rttm"), expected, check_exact=True)


@pytest.mark.parametrize("label", ["a_b", "a b_c", "<NA>", "50%", "%20", "a\tb", " a ", "\u2028"])
def test_no_label_is_changed_by_what_separates_the_fields(tmp_path, label):
    events = event_table([("e", 0, 1, label)])
    write(events, tmp_path / "e.rttm")
    assert len((tmp_path / "e.rttm").read_text().split()) == 10
    pd.testing.assert_frame_equal(read(tmp_path / "e.rttm"), events)


def test_lines_that_say_something_else_are_passed_over(tmp_path):
    lines = [
        ";; made by hand",
        "SPKR-INFO e 1 <NA> <NA> <NA> unknown a <NA>",
        "SPEAKER e 1 0.5 1 <NA> <NA> a",
        "",
        "LEXEME e 1 0.5 0.1 hello lex a <NA> <NA>",
        "SPEAKER e 1 2 1 <NA> <NA> b <NA> <NA>",
    ]
    (tmp_path / "e.rttm").write_text("\n".join(lines) + "\n")
    expected = event_table([("e", 0.5, 1.5, "a"), ("e", 2, 3, "b")])
    pd.testing.assert_frame_equal(read(tmp_path / "e.rttm"), expected)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("SPEAKER e 1 0 x <NA> <NA> a <NA> <NA>", "'x' is not a time"),
        ("SPEAKER e 1 0 -1 <NA> <NA> a <NA> <NA>", "'-1' is not a time"),
        ("SPEAKER e 1 0 1 <NA> <NA> <NA> <NA> <NA>", "'' is not a label"),
        ("SPEAKER <NA> 1 0 1 <NA> <NA> a <NA> <NA>", "names no recording"),
        ("SPEAKER e 1 0 1 <NA> <NA>", "is not SPEAKER with 7 to 9 fields"),
        ("speaking 0 1", "is it RTTM"),
    ],
)
def test_a_bad_line_is_refused_in_one_sentence(tmp_path, line, fault):
    (tmp_path / "e.rttm").write_text(f"SPEAKER e 1 0 1 <NA> <NA> a <NA> <NA>\n{line}\n")
    with pytest.raises(AnnotationError, match=rf"e\.rttm: row 2: .*{fault}"):
        read(tmp_path / "e.rttm")


def test_an_event_without_length_is_refused(tmp_path):
    with pytest.raises(AnnotationError, match=r"row 1: .* ends no later than it begins"):
        write(event_table([("e", 1, 1, "a")]), tmp_path / "e.rttm")
    assert list(tmp_path.iterdir()) == []
