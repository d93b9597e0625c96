"""Praat TextGrids, compared with those of pympi."""

import codecs
import re
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pympi import TextGrid

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
def test_a_textgrid_is_read_as_praat_writes_it(tmp_path, text, mark, encoding):
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


def test_what_a_tier_cannot_hold_is_refused(tmp_path):
    rows = [("e", 2, 1, "a"), ("e", 1, 1, "a")]
    for row in rows:
        with pytest.raises(AnnotationError, match=r"row 1: .* ends no later than it begins"):
            write(event_table([row]), tmp_path / "e.TextGrid")
    with pytest.raises(AnnotationError, match="has a blank label"):
        write(event_table([("e", 0, 1, " \n")]), tmp_path / "e.TextGrid")
    assert list(tmp_path.iterdir()) == []


def test_further_tiers_take_no_name_of_a_class(tmp_path):
    rows = [("e", 0, 2, "a"), ("e", 1, 3, "a"), ("e", 0, 1, "a 2"), ("e", 0, 1, "default")]
    write(event_table(rows), tmp_path / "e.TextGrid")
    names = [tier.name for tier in TextGrid(tmp_path / "e.TextGrid").tiers]
    assert names == ["a", "a 3", "a 2", "default"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("1.25 2.3", "1,25 2,3", "has '1,25' where a number belongs"),
        ("2.3 3 !", "2.3 2 !", "has '1.25' where a text belongs"),
        ("<exists>\n2", "<exists>\n1", "goes on with '\"TextTier\"' after as many tiers"),
    ],
)
def test_no_part_of_a_textgrid_is_lost(tmp_path, old, new, fault):
    assert old in SHORT
    (tmp_path / "e.TextGrid").write_text(SHORT.replace(old, new))
    with pytest.raises(AnnotationError, match=re.escape(fault)):
        read(tmp_path / "e.TextGrid")
