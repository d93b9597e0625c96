"""Tables of separated values: event TSV and CSV, Audacity labels, Raven tables."""

import pandas as pd
import pytest

from sedlib.annotations import AnnotationError, event_table, read, read_tsv, write

CLASSES = ("background music", "speaking", "laughing")
TWO = event_table([("ep1", 1.5, 62.25, "speaking"), ("ep1", 3, 4, "door, bell")])


def file(folder, name, *lines, end="\n", encoding="utf-8"):
    path = folder / name
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def same(path, expected=TWO):
    pd.testing.assert_frame_equal(read(path), expected, check_exact=True)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "no column 'filename'"),
        ("a\t0\t1\tspeaking\n", "no column 'filename'"),
        ("filename\tonset\tevent_label\n", "no column 'offset'"),
        ("filename\tonset\toffset\tevent_label\na\t0\n", "row 1: None is not a time"),
        ("filename\tonset\toffset\tevent_label\na\t0\t1\t\n", "row 1: '' is not a label"),
        ("filename\tonset\toffset\tevent_label\na\t0\t1\tspeaking\na\t0\tx\tspeaking\n",
         "row 2: 'x' is not a time"),
        ("filename\tonset\toffset\tevent_label\na\t0\t1\tspeeking\n",
         "row 1: unknown label 'speeking'; the nearest known label is 'speaking'"),
    ],
)  # fmt: skip
def test_a_bad_tsv_table_is_refused_in_one_sentence(tmp_path, content, fault):
    path = tmp_path / "e.tsv"
    path.write_text(content)
    with pytest.raises(AnnotationError, match=f"e.tsv: {fault}"):
        read_tsv(path, CLASSES)


def test_an_unclosed_quotation_mark_does_not_swallow_the_rows_after_it(tmp_path):
    lines = ["filename\tonset\toffset\tevent_label", 'a\t0\t1\t"speaking', "a\t2\t3\tspeaking"]
    with pytest.raises(AnnotationError, match="mend the quotation marks"):
        read_tsv(file(tmp_path, "e.tsv", *lines))


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
def test_a_table_reads_under_its_usual_names_in_any_dress(tmp_path, lines, end, suffix):
    same(file(tmp_path, f"ep1.{suffix}", *lines, end=end))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_reads_in_the_encodings_of_spreadsheets(tmp_path, encoding):
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
        (["0,1,horn", "2,3,air horn, truck horn"], "row 2: has 4 fields, not 3"),
        (["onset,offset,label", "0,1,a", "", "2,x,a"], "row 2: 'x' is not a time"),
        (["onset,duration,label", "0,x,a"], "row 1: 'x' is not a time"),
        (["onset,offset,label", "0,1"], "row 1: '' is not a label"),
        (["file,onset,offset,label", ",0,1,a"], "row 1: names no recording"),
        (["file,onset,offset,label", "x/a.wav,0,1,a", "y/a.wav,0,1,a"],
         "'x/a.wav' and 'y/a.wav' are both 'a'"),
        (["onset,offset,label", '0,1,"a', "2,3,b"], "line 3: .*mend the quotation marks"),
        (["onset_ms,offset_ms,label", "0,1,a"], "no annotation; can be read: "),
        (["filename,duration", "a.wav,30"], "no annotation; can be read: "),
    ],
)  # fmt: skip
def test_a_bad_table_is_refused_in_one_sentence(tmp_path, lines, fault):
    with pytest.raises(AnnotationError, match=rf"e\.csv: {fault}") as error:
        read(file(tmp_path, "e.csv", *lines))
    assert "\n" not in str(error.value)


def test_audacity_labels_read_with_the_frequencies_of_spectral_selections(tmp_path):
    lines = ["1.500000\t62.250000\tspeaking", "\\\t100.0\t200.5", "3\t4\tdoor, bell",
             "\\\t-1.0\t5000.0"]  # fmt: skip
    same(file(tmp_path, "ep1.txt", *lines))


def test_quotation_marks_in_audacity_and_raven_are_part_of_the_label(tmp_path):
    events = event_table([("ep1", 0, 1, '"so" he said'), ("ep1", 1, 2, '"'), ("ep1", 2, 3, 'a"')])
    for name in ("ep1.txt", "ep1.selections.txt"):
        write(events, tmp_path / name)
        same(tmp_path / name, events)


def test_a_point_label_of_audacity_has_no_length(tmp_path):
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
def test_a_bad_audacity_label_is_refused_by_its_row(tmp_path, line, fault):
    with pytest.raises(AnnotationError, match=fault):
        read(file(tmp_path, "e.txt", "0\t1\tspeaking", line))


def test_an_audacity_file_is_what_audacity_writes(tmp_path):
    write(event_table([("e", 0.00001, 1e22, "a")]), tmp_path / "e.txt")
    assert (tmp_path / "e.txt").read_text() == "0.00001\t10000000000000000000000\ta\n"


RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t"


def test_a_raven_table_has_its_columns(tmp_path):
    write(TWO, tmp_path / "ep1.txt", "raven")
    assert (tmp_path / "ep1.txt").read_text().splitlines() == [
        RAVEN + "Annotation",
        "1\tSpectrogram 1\t1\t1.5\t62.25\t0.0\t22050.0\tspeaking",
        "2\tSpectrogram 1\t1\t3.0\t4.0\t0.0\t22050.0\tdoor, bell",
    ]


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


def test_a_raven_table_reads_in_another_order_and_names_its_sound_file(tmp_path):
    header = "Selection\tSpecies\tEnd Time (s)\tBegin Time (s)\tBegin File"
    lines = ["1\tspeaking\t62.25\t1.5\tep1.wav", "2\tdoor, bell\t4\t3\tep1.wav"]
    same(file(tmp_path, "table.txt", header, *lines))
    lines[1] = lines[1].replace("ep1", "ep2")
    with pytest.raises(AnnotationError, match="selections in 2 sound files"):
        read(file(tmp_path, "table.txt", header, *lines))


@pytest.mark.parametrize("format", ["audacity", "raven"])
@pytest.mark.parametrize(
    ("label", "held"), [("a\tb", "a tab"), ("a\nb", "a line break"), ("a\r", "a line break")]
)
def test_a_label_that_would_break_a_line_is_refused(tmp_path, format, label, held):
    with pytest.raises(AnnotationError, match=f"row 1: .* holds {held}, which this format cannot"):
        write(event_table([("e", 0, 1, label)]), tmp_path / "e.txt", format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["tsv", "csv"])
def test_a_carriage_return_in_a_table_is_refused(tmp_path, format):
    with pytest.raises(AnnotationError, match="holds a line break"):
        write(event_table([("e", 0, 1, "a\rb")]), tmp_path / "e.tsv", format)
