"""ELAN documents, compared with what pympi reads."""

import xml.etree.ElementTree as ET
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pympi import Eaf

from sedlib.annotations import AnnotationError, event_table, read, write
from sedlib.annotations.registry import read_named

claim = settings(deadline=None, database=None, max_examples=25)
centiseconds = st.integers(0, 10**6).map(lambda number: number / 100)
spans = st.lists(
    st.tuples(centiseconds, centiseconds, st.sampled_from(["speaking", 'a "b"', "é ü"]))
).map(lambda rows: event_table(("e", min(a, b), max(a, b) + 0.01, c) for a, b, c in rows))


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


def test_what_a_tier_cannot_hold_is_refused(tmp_path):
    rows = [("e", 2, 1, "a"), ("e", 1, 1, "a")]
    for row in rows:
        with pytest.raises(AnnotationError, match=r"row 1: .* ends no later than it begins"):
            write(event_table([row]), tmp_path / "e.eaf")
    with pytest.raises(AnnotationError, match=r"row 1: .*rename it"):
        write(event_table([("e", 0, 1, "a\rb")]), tmp_path / "e.eaf")
    assert list(tmp_path.iterdir()) == []


def test_further_tiers_take_no_name_of_a_class(tmp_path):
    path = tmp_path / "e.eaf"
    rows = [("e", 0, 2, "a"), ("e", 1, 3, "a"), ("e", 0, 1, "a 2"), ("e", 0, 1, "default")]
    write(event_table(rows), path)
    assert set(Eaf(path).get_tier_names()) == {"a", "a 3", "a 2", "default"}
    assert sorted(read(path).itertuples(index=False, name=None)) == sorted(rows)


def test_equal_events_make_equal_files(tmp_path):
    events = event_table([("e", 0, 2, "a")])
    write(events, tmp_path / "e.eaf")
    assert 'DATE="1970-01-01T00:00:00+00:00"' in (tmp_path / "e.eaf").read_text()
    assert ET.parse(tmp_path / "e.eaf").getroot().tag == "ANNOTATION_DOCUMENT"


def test_an_elan_annotation_without_text_has_the_name_of_its_tier_as_its_label(tmp_path):
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


def with_media(path, *media):
    """Save a document of one event, from 1 to 7 s, about media files of (url, offset)."""
    document = Eaf()
    document.add_annotation("default", 1000, 7000, "speaking")
    for url, offset in media:
        document.add_linked_file(url, mimetype="audio/x-wav", time_origin=offset)
    document.to_file(path)
    return path


def test_the_offset_of_the_media_file_is_added_to_all_times_and_said(tmp_path):
    path = with_media(tmp_path / "ep.eaf", ("file:///x/ep.wav", 1000))
    expected = event_table([("ep", 2, 8, "speaking")])
    pd.testing.assert_frame_equal(read(path), expected, check_exact=True)
    [(kind, remark)] = read_named(path).remarks
    assert kind == "media offset" and "1000 ms" in remark
    path = with_media(tmp_path / "ep.eaf", ("file:///x/ep.wav", None))
    assert read(path)["onset"][0] == 1 and read_named(path).remarks == ()


def test_times_in_frames_are_not_taken_for_milliseconds(tmp_path):
    path = with_media(tmp_path / "ep.eaf", ("file:///x/ep.wav", None))
    tree = ET.parse(path)
    tree.getroot().find("HEADER").set("TIME_UNITS", "PAL-frames")
    tree.write(path)
    with pytest.raises(AnnotationError, match="its times are PAL-frames; save it with milli"):
        read(path)


def test_of_several_media_files_the_one_with_the_name_of_the_document_counts(tmp_path):
    media = ("file:///x/other.mp4", 0), ("file:///x/ep%20%C3%A9.mp4", 250), ("C:\\ep é.wav", 500)
    (tmp_path / "ep é.wav").touch()
    assert read(with_media(tmp_path / "ep é.eaf", *media))["onset"][0] == 1.5
    assert read(with_media(tmp_path / "other.eaf", *media))["onset"][0] == 1
    with pytest.raises(
        AnnotationError, match=r"different offsets \(other.mp4 0 ms, ep é.mp4 250 ms"
    ):
        read(with_media(tmp_path / "session.eaf", *media))


def subdivided(path, times):
    """Save a document whose tier is divided, by slots of these times, and divided again."""
    document = Eaf()
    document.add_linguistic_type("parts", "Time_Subdivision")
    document.add_tier("turn")
    document.add_tier("word", "parts", "turn")
    document.add_tier("half", "parts", "word")
    document.remove_tier("default")
    document.timeslots = {f"ts{i}": time for i, time in enumerate(times)}
    last = len(times) - 2  # the last slot halves the first word
    spans = {"turn": [(0, last)], "word": pairwise(range(last + 1)), "half": [(0, -1), (-1, 1)]}
    number = 0
    for tier, pairs in spans.items():
        for start, stop in pairs:
            number += 1
            slots = [f"ts{i % len(times)}" for i in (start, stop)]
            document.tiers[tier][0][f"a{number}"] = (*slots, f"{tier} {number}", None)
            document.annotations[f"a{number}"] = tier
    document.to_file(path)
    return path


def test_elan_annotations_without_times_get_those_at_which_elan_shows_them(tmp_path):
    path = subdivided(tmp_path / "e.eaf", [1000, None, None, 4001, None, 5000, None])
    found = {row.event_label: (row.onset, row.offset) for row in read(path).itertuples()}
    assert found == {
        "turn 1": (1, 5),
        "word 2": (1, 2), "word 3": (2, 3), "word 4": (3, 4.001),
        "word 5": (4.001, 4.5), "word 6": (4.5, 5),
        "half 7": (1, 1.5), "half 8": (1.5, 2),
    }  # fmt: skip
    assert [kind for kind, _ in read_named(path).remarks] == ["interpolated times"]


def test_an_elan_annotation_that_has_no_place_is_left_out_with_a_remark(tmp_path):
    document = Eaf()
    document.add_annotation("default", 0, 250, "speaking")
    document.add_annotation("default", 300, 400, "lost")
    document.timeslots |= {slot: None for slot, time in document.timeslots.items() if time == 400}
    document.to_file(tmp_path / "e.eaf")
    assert list(read(tmp_path / "e.eaf")["event_label"]) == ["speaking"]
    assert read_named(tmp_path / "e.eaf").remarks == (
        ("no times", "tier 'default', row 2: 'lost' has no times; left out, align it"),
    )
    document.timeslots = dict.fromkeys(document.timeslots)
    document.to_file(tmp_path / "e.eaf")
    with pytest.raises(AnnotationError, match="no annotation has times of its own; align them"):
        read(tmp_path / "e.eaf")


def test_an_elan_document_that_is_cut_off_anywhere_is_refused(tmp_path):
    write(event_table([("e", 0, 2, "a"), ("e", 1, 3, "b")]), tmp_path / "e.eaf")
    whole = (tmp_path / "e.eaf").read_text()
    for length in range(0, len(whole) - 2, 40):
        (tmp_path / "e.eaf").write_text(whole[:length])
        with pytest.raises(AnnotationError, match="not a whole ELAN document"):
            read(tmp_path / "e.eaf")


@pytest.mark.parametrize("parents", [{"a8": "a8"}, {"a8": "a9", "a9": "a8"}])
def test_annotations_that_refer_to_each_other_in_a_circle_are_refused(tmp_path, parents):
    path = tmp_path / "e.eaf"
    write(event_table([("e", 0, 1, "speaking")]), path)
    root = ET.parse(path).getroot()
    kind = root.find("LINGUISTIC_TYPE").get("LINGUISTIC_TYPE_ID")
    for name, parent in parents.items():
        own = {"TIER_ID": name, "PARENT_REF": parent, "LINGUISTIC_TYPE_REF": kind}
        annotation = ET.SubElement(ET.SubElement(root, "TIER", own), "ANNOTATION")
        refers = {"ANNOTATION_ID": name, "ANNOTATION_REF": parent}
        ET.SubElement(ET.SubElement(annotation, "REF_ANNOTATION", refers), "ANNOTATION_VALUE")
    ET.ElementTree(root).write(path)
    with pytest.raises(AnnotationError, match=r"not a whole ELAN document .*cycle"):
        read(path)


@claim
@given(spans)
def test_a_document_without_a_reference_to_the_schema_reads_the_same(tmp_path_factory, events):
    path = tmp_path_factory.getbasetemp() / "e.eaf"
    write(events, path)
    tree = ET.parse(path)
    del tree.getroot().attrib[
        "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"
    ]
    before = read(path)
    tree.write(path, encoding="utf-8")
    pd.testing.assert_frame_equal(read(path), before, check_exact=True)


@pytest.mark.parametrize(
    "text",
    [
        "<html><body>Not found</body></html>",
        '<ANNOTATION_DOCUMENT xmlns="http://example.org"/>',
        '<z:ANNOTATION_DOCUMENT xmlns:z="http://example.org"/>',
    ],
)
def test_another_xml_document_is_not_taken_for_one_without_events(tmp_path, text):
    (tmp_path / "e.eaf").write_text(text)
    with pytest.raises(AnnotationError, match="not a whole ELAN document"):
        read(tmp_path / "e.eaf")
