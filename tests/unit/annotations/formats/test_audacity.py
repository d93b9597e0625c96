"""Audacity labels."""

import pandas as pd
import pytest

from sedlib.annotations import AnnotationError, event_table, read, write

TWO = event_table([("ep1", 1.5, 62.25, "speaking"), ("ep1", 3, 4, "door, bell")])


def file(folder, name, *lines, end="\n", encoding="utf-8"):
    path = folder / name
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def same(path, expected=TWO):
    pd.testing.assert_frame_equal(read(path), expected, check_exact=True)


def test_labels_are_read_with_the_frequencies_of_spectral_selections(tmp_path):
    lines = ["1.500000\t62.250000\tspeaking", "\\\t100.0\t200.5", "3\t4\tdoor, bell",
             "\\\t-1.0\t5000.0"]  # fmt: skip
    same(file(tmp_path, "ep1.txt", *lines))


def test_quotation_marks_are_part_of_the_label(tmp_path):
    events = event_table([("ep1", 0, 1, '"so" he said'), ("ep1", 1, 2, '"'), ("ep1", 2, 3, 'a"')])
    write(events, tmp_path / "ep1.txt")
    same(tmp_path / "ep1.txt", events)


def test_a_point_label_has_no_length(tmp_path):
    same(file(tmp_path, "e.txt", "2.15\t2.15\tknock"), event_table([("e", 2.15, 2.15, "knock")]))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("0\t1\t", "row 2: '' is not a label"),
        ("0\t1", "row 2: .* has 2 tab separated fields, not 3"),
        ("0\tx\ta", "row 2: 'x' is not a time"),
        ("-1\t1\ta", "row 2: '-1' is not a time"),
    ],
)
def test_a_bad_label_is_refused_by_its_row(tmp_path, line, fault):
    with pytest.raises(AnnotationError, match=fault):
        read(file(tmp_path, "e.txt", "0\t1\tspeaking", line))


def test_times_are_written_without_an_exponent(tmp_path):
    write(event_table([("e", 0.00001, 1e22, "a")]), tmp_path / "e.txt")
    assert (tmp_path / "e.txt").read_text() == "0.00001\t10000000000000000000000\ta\n"


@pytest.mark.parametrize(
    ("label", "held"), [("a\tb", "a tab"), ("a\nb", "a line break"), ("a\r", "a line break")]
)
def test_a_label_that_would_break_a_line_is_refused(tmp_path, label, held):
    with pytest.raises(AnnotationError, match=f"row 1: .* holds {held}, which this format cannot"):
        write(event_table([("e", 0, 1, label)]), tmp_path / "e.txt", "audacity")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "lines",
    [
        ["1,5\t62,25\tspeaking", "3,0\t4\tdoor, bell"],
        ["1.5 62.25 speaking", "3  4   door, bell"],
        ["# by me", "1.5\t62.25\tspeaking", "3\t4\tdoor, bell"],
    ],
    ids=["decimal commas", "spaces", "comment"],
)
def test_labels_are_read_as_people_save_them(tmp_path, lines):
    same(file(tmp_path, "ep1.txt", *lines))


@pytest.mark.parametrize("first", ["-0.05\t2.5\tspeaking", "-1 2 speaking", "1.2.3\t4\tspeaking"])
def test_a_fault_in_the_first_line_is_told_as_in_any_other(tmp_path, first):
    time = first.replace("\t", " ").split()[0]
    for lines in ([first], [first, "3\t4\ta"], ["3\t4\ta", first]):
        row = lines.index(first) + 1
        with pytest.raises(AnnotationError, match=rf"e\.txt: row {row}: '{time}' is not a time"):
            read(file(tmp_path, "e.txt", *lines))
