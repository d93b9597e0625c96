"""WebVTT captions."""

import pandas as pd
import pytest

from sedlib.annotations import AnnotationError, event_table, read, write


def same(path, rows):
    pd.testing.assert_frame_equal(read(path), event_table(rows), check_exact=True)


def test_a_cue_shows_the_label_and_holds_the_scores_in_its_identifier(tmp_path):
    rows = [("e", 3661.5, 3662, "<b> & c", 0.5, 0.75), ("e", 0, 1.25, "speaking", 0.25, 0.5)]
    write(event_table(rows), tmp_path / "e.vtt")
    assert (tmp_path / "e.vtt").read_text().splitlines() == [
        "WEBVTT",
        "",
        "1 score=0.25 peak_score=0.5",
        "00:00:00.000 --> 00:00:01.250",
        "speaking",
        "",
        "2 score=0.5 peak_score=0.75",
        "01:01:01.500 --> 01:01:02.000",
        "&lt;b&gt; &amp; c",
    ]
    same(tmp_path / "e.vtt", rows[::-1])


def test_captions_of_other_programs_are_read(tmp_path):
    lines = [
        "\ufeffWEBVTT - made elsewhere",
        "Kind: captions",
        "",
        "STYLE",
        "::cue { color: red }",
        "",
        "NOTE 00:01 to 00:02",
        "",
        "00:01.500 --> 01:02.250 line:0 align:start",
        "<v Anna>Ding",
        "dong &amp; &lt;bell&gt;</v>",
        "",
        "",
        "intro",
        "00:00:03.000 --> 00:00:04.000",
        "<i>music</i>",
    ]
    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "e.vtt").write_bytes(end.join(lines).encode())
        same(tmp_path / "e.vtt", [("e", 1.5, 62.25, "Ding dong & <bell>"), ("e", 3, 4, "music")])


def test_an_arrow_begins_a_cue_wherever_it_stands(tmp_path):
    cues = [
        "00:00.000 --> 00:01.000",  # right after the header
        "a",
        "00:01.000 --> 00:02.000",  # right after another cue
        "b",
        "  ",
        "00:02.000 --> 00:03.000",
        "c",
        "",
        "1",
        "first note",
        "00:03.000 --> 00:04.000",  # below two lines
        "d",
    ]
    rows = [("e", i, i + 1, label) for i, label in enumerate("abcd")]
    for header in ("WEBVTT", "WEBVTT\nKind: captions"):
        (tmp_path / "e.vtt").write_text("\n".join([header, *cues]))
        same(tmp_path / "e.vtt", rows)


@pytest.mark.parametrize(
    ("cue", "fault"),
    [
        ("00:01.000 -->\na", "line 3: '00:01.000 -->' lacks a time"),
        ("1\n00:01.000 --> 1:99\na", "line 4: '1:99' is not a time"),
        ("00:01.000 --> 00:02.000\n", "line 3: '' is not a label"),
    ],
)
def test_a_bad_cue_is_refused_in_one_sentence(tmp_path, cue, fault):
    (tmp_path / "e.vtt").write_text(f"WEBVTT\n\n{cue}\n")
    with pytest.raises(AnnotationError, match=rf"e\.vtt: {fault}"):
        read(tmp_path / "e.vtt")


def test_a_text_that_is_no_webvtt_is_refused(tmp_path):
    for text in ("", "1\n00:01.000 --> 00:02.000\na\n", "WEBVTTs\n"):
        (tmp_path / "e.vtt").write_text(text)
        with pytest.raises(AnnotationError, match="not WebVTT; its first line is not WEBVTT"):
            read(tmp_path / "e.vtt")


def test_times_are_rounded_but_no_event_vanishes(tmp_path):
    write(event_table([("e", 1.0004, 1.0004001, "a")]), tmp_path / "e.vtt")
    same(tmp_path / "e.vtt", [("e", 1.0, 1.001, "a")])


@pytest.mark.parametrize("label", ["a\nb", "a\rb", "a\0b"])
def test_a_label_that_would_break_a_cue_is_refused(tmp_path, label):
    with pytest.raises(AnnotationError, match=r"row 1: .*rename it"):
        write(event_table([("e", 0, 1, label)]), tmp_path / "e.vtt")
    assert list(tmp_path.iterdir()) == []
