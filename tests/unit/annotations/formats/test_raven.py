"""Raven selection tables."""

import pandas as pd
import pytest

from sedlib.annotations import AnnotationError, event_table, read, write

TWO = event_table([("ep1", 1.5, 62.25, "speaking"), ("ep1", 3, 4, "door, bell")])
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t"


def file(folder, name, *lines, end="\n", encoding="utf-8"):
    path = folder / name
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def same(path, expected=TWO):
    pd.testing.assert_frame_equal(read(path), expected, check_exact=True)


def test_a_table_has_its_columns(tmp_path):
    write(TWO, tmp_path / "ep1.txt", "raven")
    assert (tmp_path / "ep1.txt").read_text().splitlines() == [
        RAVEN + "Annotation",
        "1\tSpectrogram 1\t1\t1.5\t62.25\t0.0\t22050.0\tspeaking",
        "2\tSpectrogram 1\t1\t3.0\t4.0\t0.0\t22050.0\tdoor, bell",
    ]


def test_quotation_marks_are_part_of_the_label(tmp_path):
    events = event_table([("ep1", 0, 1, '"so" he said'), ("ep1", 1, 2, '"'), ("ep1", 2, 3, 'a"')])
    write(events, tmp_path / "ep1.selections.txt")
    same(tmp_path / "ep1.selections.txt", events)


def test_the_views_of_one_selection_are_one_event(tmp_path):
    lines = [RAVEN + "Annotation",
             "1\tWaveform 1\t1\t1.5\t62.25\t0.0\t22050.0\tspeaking",
             "1\tSpectrogram 1\t1\t1.5\t62.25\t300\t4000\tspeaking",
             "2\tWaveform 1\t1\t3.0\t4.0\t0.0\t22050.0\tdoor, bell",
             "2\tSpectrogram 1\t1\t3.0\t4.0\t300\t400\tdoor, bell"]  # fmt: skip
    same(file(tmp_path, "ep1.Table.1.selections.txt", *lines))
    twice = event_table([("ep1", 3, 4, "a"), ("ep1", 3, 4, "a")])
    write(twice, tmp_path / "ep1.selections.txt")
    same(tmp_path / "ep1.selections.txt", twice)


def test_a_table_is_read_in_another_order_and_names_its_sound_file(tmp_path):
    header = "Selection\tSpecies\tEnd Time (s)\tBegin Time (s)\tBegin File"
    lines = ["1\tspeaking\t62.25\t1.5\tep1.wav", "2\tdoor, bell\t4\t3\tep1.wav"]
    same(file(tmp_path, "table.txt", header, *lines))
    lines[1] = lines[1].replace("ep1", "ep2")
    with pytest.raises(AnnotationError, match="selections in 2 sound files"):
        read(file(tmp_path, "table.txt", header, *lines))
    header, lines = f"{header}\tFile Offset (s)", ["1\tspeaking\t2.5\t1.5\tep1.wav\t1.5"]
    assert len(read(file(tmp_path, "table.txt", header, *lines))) == 1
    lines.append("2\tspeaking\t13.1\t12.3\tep1.wav\t12.3412")  # fewer digits shown
    assert len(read(file(tmp_path, "table.txt", header, *lines))) == 2
    lines[1] = "2\tspeaking\t102\t101\tep1.wav\t5"
    with pytest.raises(AnnotationError, match="row 2: begins at 101 s, but at 5 s of its own"):
        read(file(tmp_path, "table.txt", header, *lines))


@pytest.mark.parametrize(
    ("label", "held"), [("a\tb", "a tab"), ("a\nb", "a line break"), ("a\r", "a line break")]
)
def test_a_label_that_would_break_a_line_is_refused(tmp_path, label, held):
    with pytest.raises(AnnotationError, match=f"row 1: .* holds {held}, which this format cannot"):
        write(event_table([("e", 0, 1, label)]), tmp_path / "e.txt", "raven")
    assert list(tmp_path.iterdir()) == []
