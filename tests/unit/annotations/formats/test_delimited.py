"""Event tables as text: tab, comma or semicolon separated."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sedlib.annotations import AnnotationError, event_table, read, write
from sedlib.annotations.formats import delimited

CLASSES = ("background music", "speaking", "laughing")
TWO = event_table([("ep1", 1.5, 62.25, "speaking"), ("ep1", 3, 4, "door, bell")])

claim = settings(deadline=None, database=None, max_examples=50)
times = st.floats(0, 1e9, allow_nan=False)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1) | (
    st.sampled_from(['"', '""a"', "a,b;c", "\u2028x", "\x85", " lead", "é 😀", "7"])
)


def file(folder, name, *lines, end="\n", encoding="utf-8"):
    path = folder / name
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def same(path, expected=TWO):
    pd.testing.assert_frame_equal(read(path), expected, check_exact=True)


@pytest.mark.parametrize("format", ["tsv", "csv"])
@claim
@given(st.lists(st.tuples(texts.filter(str.strip), times, times, texts)))
def test_a_table_of_many_recordings_is_read_as_it_was_written(tmp_path_factory, format, rows):
    path = tmp_path_factory.getbasetemp() / f"events.{format}"
    events = event_table(rows)
    write(events, path)
    read_events, names, _ = delimited.read(path)
    pd.testing.assert_frame_equal(read_events, events, check_exact=True)
    assert names == list(events["filename"].unique())


def test_an_unclosed_quotation_mark_does_not_swallow_the_rows_after_it(tmp_path):
    lines = ["filename\tonset\toffset\tevent_label", 'a\t0\t1\t"speaking', "a\t2\t3\tspeaking"]
    with pytest.raises(AnnotationError, match="correct the quotation marks"):
        read(file(tmp_path, "e.tsv", *lines))


@pytest.mark.parametrize(
    "lines",
    [
        ["filename,onset,offset,event_label", "ep1.wav,1.5,62.25,speaking",
         'ep1.wav,3,4,"door, bell"'],
        ["file;start;end;label", "ep1.flac;1,5;01:02,25;speaking", "ep1.flac;3;4;door, bell"],
        ["audio_filename\tbegin\tstop\tclass", "x/ep1.mp3\t1.5\t1:02.25\tspeaking",
         "x/ep1.mp3\t3\t4\tdoor, bell"],
        ["Sound Type,End Time,Start Time,File Name", "speaking,62.25,1.5,c:\\x\\ep1.mkv",
         '"door, bell",4,3,c:\\x\\ep1.mkv'],
        ["start_time_seconds\tduration\tevent_labels", "1.5\t60.75\tspeaking",
         "3\t1\tdoor, bell"],
        ["id,onset (s),length (s),label,comment", "1,1.5,60.75,speaking,?", "",
         '2,3,1,"door, bell"'],
        ["1.5,62.25,speaking", '3,4,"door, bell"'],
        ["1.5\t00:01:02.25\tspeaking", "3\t4\tdoor, bell"],
        ["ep1.wav\t1.5\t62.25\tspeaking", "ep1.wav\t3\t4\tdoor, bell"],
    ],
    ids=lambda lines: lines[0],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "txt"])
def test_a_table_is_read_under_its_usual_names_in_any_layout(tmp_path, lines, end, suffix):
    same(file(tmp_path, f"ep1.{suffix}", *lines, end=end))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_in_the_encodings_of_spreadsheets(tmp_path, encoding):
    lines = ["start\tend\tlabel", "0\t1\trire étouffé"]
    same(
        file(tmp_path, "é.csv", *lines, encoding=encoding),
        event_table([("é", 0, 1, "rire étouffé")]),
    )


def test_a_row_with_a_filename_alone_is_a_recording_without_events(tmp_path):
    lines = ["filename\tonset\toffset\tevent_label", "a.wav\t\t\t", "b.wav\t0\t1\tspeaking"]
    same(file(tmp_path, "e.tsv", *lines), event_table([("b", 0, 1, "speaking")]))
    bare = ["b.wav\t0\t1\tspeaking", "a.wav"]
    same(file(tmp_path, "e.txt", *bare), event_table([("b", 0, 1, "speaking")]))


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["onset,offset,label", "0,1,air horn, truck horn"], "row 1: has 4 fields, not 3"),
        (["0,1,laughing", "2,3,air horn, truck horn"], "row 2: has 4 fields, not 3"),
        (["onset,offset,label", "0,1,laughing", "", "2,x,a"], "row 2: 'x' is not a time"),
        (["onset,duration,label", "0,x,a"], "row 1: 'x' is not a time"),
        (["onset,offset,label", '"0,5","1,5",a'], "row 1: '0,5' is not a time; .*decimal point"),
        (["onset,offset,label", "0,1"], "row 1: '' is not a label"),
        (["onset,offset,label", "0"], "row 1: '' is not a time"),
        (["onset,offset,label", "0,1,speeking"],
         "row 1: unknown label 'speeking'; the nearest known label is 'speaking'"),
        (["filename,onset,event_label"],
         "the first line 'filename,onset,event_label' has no column offset"),
        (["file,onset,ofset,label", "a,0,1,laughing"], "the first line .* has no column offset"),
        (["file,onset,offset,label", ",0,1,a"], "row 1: names no recording"),
        (["file,onset,offset,label", "x/a.wav,0,1,laughing", "y/a.wav,0,1,laughing"],
         "'x/a.wav' and 'y/a.wav' are both 'a'"),
        (["onset,offset,label", '0,1,"a', "2,3,b"], "line 3: .*correct the quotation marks"),
        (["onset_ms,offset_ms,label", "0,1,a"], "not a table of events; its first line 'onset_ms,"),
        (["filename,duration", "a.wav,30"], "not a table of events; its first line 'filename,dur"),
        (["soon,1,a", "2,3,laughing"], "not a table of events; its first line 'soon,1,a' has"),
        (["-0.05,1,a", "2,3,laughing"], "row 1: '-0.05' is not a time"),
        (["0.5.1;1;a", "2;3;laughing"], "row 1: '0.5.1' is not a time"),
        (["1,5;99:99;a"], "row 1: '99:99' is not a time"),
    ],
)  # fmt: skip
def test_a_bad_table_is_refused_in_one_sentence(tmp_path, lines, fault):
    with pytest.raises(AnnotationError, match=rf"e\.csv: {fault}") as error:
        read(file(tmp_path, "e.csv", *lines), CLASSES)
    assert "\n" not in str(error.value)


@claim
@given(st.decimals(0, 10**4, places=3), st.decimals(0, 10**4, places=3))
@example(Decimal("0.1"), Decimal("0.2"))
def test_an_event_with_a_duration_ends_at_the_decimal_sum(tmp_path_factory, onset, duration):
    folder = tmp_path_factory.getbasetemp()
    table = file(folder, "e.tsv", "onset\tduration\tlabel", f"{onset}\t{duration}\tspeaking")
    assert read(table)["offset"].tolist() == [float(onset + duration)]


@pytest.mark.parametrize("format", ["tsv", "csv"])
def test_a_carriage_return_in_a_table_is_refused(tmp_path, format):
    with pytest.raises(AnnotationError, match="holds a line break"):
        write(event_table([("e", 0, 1, "a\rb")]), tmp_path / "e.tsv", format)


@pytest.mark.parametrize(
    "lines",
    [
        ["1,5\t62,25\tspeaking", "3\t4\tdoor, bell"],
        ["onset\toffset\tlabel", "1,5\t1:02,25\tspeaking", "3,0\t4\tdoor, bell"],
        ["sep=;", "onset;offset;label", "1,5;62,25;speaking", "3;4;door, bell"],
        ['"SEP=|"', "onset|offset|label", "1.5|62.25|speaking", "3|4|door, bell"],
        ["# made by me, 2024", "", "#", "onset,offset,label", "1.5,62.25,speaking",
         "# the bell of the neighbours", '#2,3,"not sure"', '3,4,"door, bell"'],
        ["# onset\tduration\tlabel", "1.5\t60.75\tspeaking", "3\t1\tdoor, bell"],
    ],
    ids=lambda lines: lines[0],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "txt"])
def test_a_table_is_read_as_spreadsheets_and_people_begin_it(tmp_path, lines, end, suffix):
    same(file(tmp_path, f"ep1.{suffix}", *lines, end=end))


def test_a_table_may_begin_with_many_comments(tmp_path):
    comments = ["# 1,2,3"] * 50_000
    same(file(tmp_path, "ep1.csv", *comments, "1.5,62.25,speaking", '3,4,"door, bell"'))


@pytest.mark.parametrize(
    "column",
    ["Begin Path", "notated_path", "File Path", "filepath", "Sound File", "audio_path", "fname"],
)
def test_the_columns_in_which_other_programs_name_the_file_are_known(tmp_path, column):
    lines = [f"label,onset,offset,{column}", "a,0,1,x/ep1.wav", "b,2,3,x/ep2.m2ts"]
    if column == "Begin Path":
        lines.pop()  # its times would run on from one file to the next
    names = [line.rpartition("/")[2].partition(".")[0] for line in lines[1:]]
    assert list(read(file(tmp_path, "all.csv", *lines))["filename"]) == names


@pytest.mark.parametrize("column", ["source file", "episode", "Video_ID", "clip number", "url"])
def test_a_table_that_may_be_about_several_recordings_is_never_merged(tmp_path, column):
    lines = [f"onset,offset,label,{column}", "0,1,a,1", "2,3,b,2", "4,5,c,1"]
    with pytest.raises(AnnotationError, match=r"may name 2 recordings; call it 'filename'"):
        read(file(tmp_path, "ep1.csv", *lines))
    one = [line.rpartition(",")[0] + ",x" for line in lines[1:]]
    assert set(read(file(tmp_path, "ep1.csv", lines[0], *one))["filename"]) == {"ep1"}


@pytest.mark.parametrize("column", ["comment", "File Offset (s)", "View", "quality", "profile"])
def test_other_columns_do_not_matter(tmp_path, column):
    lines = [f"onset,offset,label,{column}", "0,1,a,1", "2,3,b,2"]
    assert len(read(file(tmp_path, "ep1.csv", *lines))) == 2
