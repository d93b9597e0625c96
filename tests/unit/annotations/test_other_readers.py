"""The files that are written open in the readers of independent libraries."""

import crowsetta
import pytest
import webvtt
from pyannote.database.util import load_rttm
from speach import elan

from sedlib.annotations import FORMATS, event_table, write

EVENTS = [
    ("ep1", 0.25, 1.5, "door bell", 0.75, 0.875),
    ("ep1", 1.0, 2.5, "opening/closing doors", 0.5, 0.625),
    ("ep1", 1.25, 3.0, "door bell", 0.25, 0.5),  # overlaps another of its class
    ("ep1", 3723.5, 3724.0, "café & <so>", 1.0, 1.0),
]
SPANS = sorted(event[1:4] for event in EVENTS)


@pytest.fixture
def written(tmp_path):
    def write_as(format, rows=EVENTS):
        path = tmp_path / f"ep1{FORMATS[format].suffix}"
        write(event_table(rows), path, format)
        return path

    return write_as


def test_webvtt_py_reads_our_captions_with_their_scores(written):
    captions = webvtt.read(str(written("webvtt")))
    assert [(c.start, c.end, c.identifier) for c in captions] == [
        ("00:00:00.250", "00:00:01.500", "1 score=0.75 peak_score=0.875"),
        ("00:00:01.000", "00:00:02.500", "2 score=0.5 peak_score=0.625"),
        ("00:00:01.250", "00:00:03.000", "3 score=0.25 peak_score=0.5"),
        ("01:02:03.500", "01:02:04.000", "4 score=1.0 peak_score=1.0"),
    ]
    assert captions[1].text == "opening/closing doors"


def test_pyannote_reads_our_rttm(written):
    [(name, annotation)] = load_rttm(written("rttm", EVENTS[:3])).items()
    tracks = annotation.itertracks(yield_label=True)
    assert name == "ep1"
    assert sorted((s.start, s.end, label.replace("_", " ")) for s, _, label in tracks) == SPANS[:3]


def test_speach_reads_our_elan_document(written):
    document = elan.read_eaf(str(written("eaf")))
    found = [(a.from_ts.sec, a.to_ts.sec, a.value) for tier in document for a in tier]
    assert sorted(found) == SPANS


def test_crowsetta_reads_our_raven_table_with_its_scores(written):
    table = crowsetta.Transcriber(format="raven").from_file(
        written("raven"), annot_col="Annotation"
    ).df  # fmt: skip
    columns = ["begin_time_s", "end_time_s", "annotation", "Score", "Peak Score"]
    assert list(table[columns].itertuples(index=False, name=None)) == [e[1:] for e in EVENTS]


def test_crowsetta_reads_our_praat_textgrid(written):
    grid = crowsetta.Transcriber(format="textgrid").from_file(written("textgrid"))
    intervals = [interval for tier in grid.tiers for interval in tier.intervals if interval.text]
    assert sorted((i.xmin, i.xmax, i.text) for i in intervals) == SPANS
