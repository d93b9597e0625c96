"""Praat TextGrids and ELAN documents, with pympi as the referee."""

import codecs
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pympi import Eaf, TextGrid

from sedlib.annotations import AnnotationError, correct_events, event_table, read, write

claim = settings(deadline=None, database=None, max_examples=25)
centiseconds = st.integers(0, 10**6).map(lambda number: number / 100)
spans = st.lists(
    st.tuples(centiseconds, centiseconds, st.sampled_from(["speaking", 'a "b"', "é ü"]))
).map(lambda rows: event_table(("e", min(a, b), max(a, b) + 0.01, c) for a, b, c in rows))

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.3
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "Mary"
        xmin = 0
        xmax = 2.3
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 1.25
            text = "she said ""hé"""
        intervals [3]:
            xmin = 1.25
            xmax = 2.3
            text = " "
    item [2]:
        class = "TextTier"
        name = "bell"
        xmin = 0
        xmax = 2.3
        points: size = 1
        points [1]:
            number = 1.5e-05
            mark = "ding"
'''
SHORT = '''File type = "ooTextFile"
"TextGrid"

0
2.3
<exists>
2
"IntervalTier" "Mary" 0 2.3 3 ! 17 "x" <y>
0 0.5 ""
0.5s 1.25s "she said ""hé"""
1.25 2.3 " "
"TextTier" "bell" 0 2.3 1
1.5e-05 "ding"
'''


@pytest.mark.parametrize("text", [LONG, SHORT], ids=["long", "short"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(b"", "utf-8"), (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16-be"),
     (codecs.BOM_UTF16_LE, "utf-16-le")],
)  # fmt: skip
def test_a_textgrid_reads_as_praat_writes_it(tmp_path, text, mark, encoding):
    path = tmp_path / "e.TextGrid"
    path.write_bytes(mark + text.replace("\n", "\r\n").encode(encoding))
    expected = event_table([("e", 1.5e-05, 1.5e-05, "ding"), ("e", 0.5, 1.25, 'she said "hé"')])
    pd.testing.assert_frame_equal(read(path), expected, check_exact=True)


@pytest.mark.parametrize("text", [LONG, SHORT], ids=["long", "short"])
def test_a_textgrid_that_is_cut_off_anywhere_is_refused(tmp_path, text):
    path = tmp_path / "e.TextGrid"
    for length in range(0, text.rindex("ding") + 4, 3):
        path.write_text(text[:length])
        with pytest.raises(AnnotationError):
            read(path)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"ooTextFile"', '"other"', "not a TextGrid"),
        ('"TextGrid"', '"Pitch 1"', "not a TextGrid"),
        ('"TextTier"', '"Tier"', "tier 'bell' is of the unknown kind 'Tier'"),
        ("size = 3", "size = 2.5", "has 2.5 where a count belongs"),
        ("size = 3", "size = -1", "has -1.0 where a count belongs"),
        ("size = 3", "size = 4", "has '\"TextTier\"' where a number belongs"),
        ("xmax = 1.25", "xmax = -1.25", "tier 'Mary', row 2: -1.25 is not a time"),
    ],
)
def test_a_faulty_textgrid_is_refused_in_one_sentence(tmp_path, old, new, fault):
    path = tmp_path / "e.TextGrid"
    path.write_text(LONG.replace(old, new))
    with pytest.raises(AnnotationError, match=rf"e\.TextGrid: {fault}"):
        read(path)


def test_a_binary_textgrid_is_named(tmp_path):
    grid = TextGrid(xmax=1.0)
    grid.add_tier("speaking").add_interval(0.0, 1.0, "speaking")
    grid.to_file(tmp_path / "e.TextGrid", mode="binary")
    with pytest.raises(AnnotationError, match="binary TextGrid; save it as a text file"):
        read(tmp_path / "e.TextGrid")


@claim
@given(spans)
def test_pympi_reads_the_events_and_only_those_from_our_textgrid(tmp_path_factory, events):
    path = tmp_path_factory.getbasetemp() / "e.TextGrid"
    write(events, path)
    grid = TextGrid(path)
    found = []
    for tier in grid.get_tiers():
        edges = list(tier.get_intervals())
        assert edges[0][0] == 0 and edges[-1][1] == grid.xmax  # no gap, no overlap
        assert all(a[1] == b[0] and a[0] < a[1] for a, b in pairwise(edges))
        found += [span for span in edges if span[2]]
        label = re.sub(r" \d+$", "", tier.name.replace('""', '"'))
        assert {text for *_, text in edges} <= {"", label}
    rows = events.drop(columns="filename").itertuples(index=False, name=None)
    assert sorted(found) == sorted(rows)
    disjoint, _ = correct_events(events)
    write(disjoint, path)
    assert len(TextGrid(path).tiers) == max(1, disjoint["event_label"].nunique())


def test_our_reader_agrees_with_pympis_textgrid(tmp_path):
    grid = TextGrid(xmax=10.0)
    first, second = grid.add_tier("speaking"), grid.add_tier("points", "TextTier")
    first.add_interval(1.25, 2.5, 'he said "ho"')
    first.add_interval(2.5, 7.0, "é")
    second.add_point(3.5, "x")
    for mode in ("normal", "short"):
        for codec in ("utf-8", "utf-16"):
            grid.to_file(tmp_path / "e.TextGrid", codec=codec, mode=mode)
            rows = [("e", 1.25, 2.5, 'he said "ho"'), ("e", 2.5, 7, "é"), ("e", 3.5, 3.5, "x")]
            pd.testing.assert_frame_equal(read(tmp_path / "e.TextGrid"), event_table(rows))


def test_a_textgrid_is_as_long_as_the_recording(tmp_path):
    path = tmp_path / "e.TextGrid"
    events = event_table([("e", 1, 2, "speaking")])
    none = event_table()
    cases = [(events, None, 2.0), (events, 9.5, 9.5), (none, 9.5, 9.5), (none, None, 1.0)]
    for table, duration, end in cases:
        write(table, path, duration=duration)
        assert TextGrid(path).xmax == end
        assert len(TextGrid(path).tiers) == 1  # Praat has none without
    with pytest.raises(AnnotationError, match=r"row 1: .* ends after the recording, at 1.5 s"):
        write(events, path, duration=1.5)


@pytest.mark.parametrize("suffix", ["TextGrid", "eaf"])
def test_what_a_tier_cannot_hold_is_refused(tmp_path, suffix):
    for onset, offset in [(2, 1), (1, 1)]:
        with pytest.raises(AnnotationError, match=r"row 1: .* ends no later than it begins"):
            write(event_table([("e", onset, offset, "a")]), tmp_path / f"e.{suffix}")
    bad = {"TextGrid": " \n", "eaf": "a\rb"}[suffix]
    with pytest.raises(AnnotationError, match="row 1: "):
        write(event_table([("e", 0, 1, bad)]), tmp_path / f"e.{suffix}")
    assert list(tmp_path.iterdir()) == []


@claim
@given(spans)
def test_pympi_reads_the_events_and_only_those_from_our_elan_document(tmp_path_factory, events):
    path = tmp_path_factory.getbasetemp() / "e.eaf"
    write(events, path)
    document, found = Eaf(path), []
    for tier in document.get_tier_names():
        annotations = sorted(document.get_annotation_data_for_tier(tier))
        assert all(a[1] <= b[0] for a, b in pairwise(annotations))
        found += annotations
    rows = events.drop(columns="filename").itertuples(index=False)
    assert sorted(found) == sorted((round(1000 * a), round(1000 * b), c) for a, b, c in rows)


def test_a_time_in_elan_is_rounded_but_no_event_vanishes(tmp_path):
    path = tmp_path / "e.eaf"
    rows = [("e", 1.0004, 2.0006, "a"), ("e", 3.0001, 3.0002, "a"), ("e", 3.0003, 3.5, "a")]
    write(event_table(rows), path)
    rounded = [("e", 1.0, 2.001, "a"), ("e", 3.0, 3.001, "a"), ("e", 3.0, 3.5, "a")]
    pd.testing.assert_frame_equal(read(path), event_table(rounded), check_exact=True)
    assert set(Eaf(path).get_tier_names()) == {"a", "a 2"}


def test_further_tiers_take_no_name_of_a_class(tmp_path):
    path = tmp_path / "e.eaf"
    rows = [("e", 0, 2, "a"), ("e", 1, 3, "a"), ("e", 0, 1, "a 2"), ("e", 0, 1, "default")]
    write(event_table(rows), path)
    assert set(Eaf(path).get_tier_names()) == {"a", "a 3", "a 2", "default"}
    assert sorted(read(path).itertuples(index=False, name=None)) == sorted(rows)
    write(event_table(rows), tmp_path / "e.TextGrid")
    names = [tier.name for tier in TextGrid(tmp_path / "e.TextGrid").tiers]
    assert names == ["a", "a 3", "a 2", "default"]


def test_equal_events_make_equal_files(tmp_path):
    events = event_table([("e", 0, 2, "a")])
    write(events, tmp_path / "e.eaf")
    assert 'DATE="1970-01-01T00:00:00+00:00"' in (tmp_path / "e.eaf").read_text()
    assert ET.parse(tmp_path / "e.eaf").getroot().tag == "ANNOTATION_DOCUMENT"


def test_an_elan_annotation_without_text_is_called_as_its_tier(tmp_path):
    document = Eaf()
    document.add_tier("knocking")
    document.add_annotation("knocking", 1000, 1500)
    document.add_annotation("default", 0, 250, "speaking")
    document.add_linguistic_type("child", "Symbolic_Association")
    document.add_tier("note", "child", "default")
    document.add_ref_annotation("note", "default", 100, "loud")
    document.to_file(tmp_path / "e.eaf")
    expected = [("e", 0, 0.25, "loud"), ("e", 0, 0.25, "speaking"), ("e", 1, 1.5, "knocking")]
    pd.testing.assert_frame_equal(read(tmp_path / "e.eaf"), event_table(expected))


def test_an_elan_annotation_without_times_is_named(tmp_path):
    document = Eaf()
    document.add_annotation("default", 0, 250, "speaking")
    document.timeslots = dict.fromkeys(document.timeslots)
    document.to_file(tmp_path / "e.eaf")
    with pytest.raises(AnnotationError, match="tier 'default', row 1: 'speaking' has no times"):
        read(tmp_path / "e.eaf")


def test_an_elan_document_that_is_cut_off_anywhere_is_refused(tmp_path):
    write(event_table([("e", 0, 2, "a"), ("e", 1, 3, "b")]), tmp_path / "e.eaf")
    whole = (tmp_path / "e.eaf").read_text()
    for length in range(0, len(whole) - 2, 40):
        (tmp_path / "e.eaf").write_text(whole[:length])
        with pytest.raises(AnnotationError, match="not a whole ELAN document"):
            read(tmp_path / "e.eaf")
