"""The clip list of the 2018 experiment."""

import pandas as pd
import pytest

from sedlib.annotations import AnnotationError, event_table, read
from sedlib.annotations.formats import clip_list

CLASSES = ("background music", "speaking", "laughing")


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
    events, names, _ = clip_list.read(path, CLASSES)
    pd.testing.assert_frame_equal(events, expected, check_exact=True)
    assert names == ["s01_ep06", "x"]


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
        clip_list.read(path, CLASSES)


@pytest.mark.parametrize("text", ["{}\n{}\n\n", "{}\n\n{}\n", "\n{}\n{}"])
def test_blank_lines_do_not_matter(tmp_path, text):
    path = tmp_path / "list.txt"
    path.write_text(text.format("s1-5.wav\t0\t3000\tspeaking", "s1-6.wav\t3000\t4000\tshouting"))
    expected = event_table([("s1", 0, 3, "speaking"), ("s1", 3, 4, "shouting")])
    pd.testing.assert_frame_equal(read(path), expected, check_exact=True)


def test_a_clip_list_is_told_from_a_table_of_events(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("s1-5.wav\t38000\t52000\tspeaking|laughing\ns1-6.wav\t0\t500\tspeaking\n")
    pd.testing.assert_frame_equal(read(path), clip_list.read(path)[0], check_exact=True)
    path.write_text("s1-5.wav\t38\t52\tspeaking|laughing\n")
    expected = event_table([("s1-5", 38, 52, "speaking|laughing")])
    pd.testing.assert_frame_equal(read(path), expected, check_exact=True)
