"""The pages as text: what they hold, that they need nothing else, that equal inputs agree."""

import base64
import dataclasses
import hashlib
import html
import io
import json
import re
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib import audio
from sedlib.annotations import AnnotationError, event_table
from sedlib.audio import AudioError, write_flac
from sedlib.detection import score_table
from sedlib.reports.plots import CLASS_COLOURS
from sedlib.reports.timeline import (
    class_summary,
    index_page,
    show_timeline,
    timeline_page,
)
from sedlib.reports.timeline.assembly import assemble
from sedlib.reports.timeline.colours import _DARK, _luminance, page_colours
from sedlib.reports.timeline.page import _facts
from sedlib.reports.timeline.sound import _HOP, _N_FFT, RATE, _Spectrogram, embed

FOLDER = Path(timeline_page.__code__.co_filename).parent
TONE = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(3 * 16_000) / 16_000), 16_000  # 3 s
CLASSES = ["low", "high"]


def data_of(page):
    """Return what the script finds in a page."""
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def marks(estimated, reference, **options):
    page = timeline_page(
        TONE, CLASSES, events=event_table(estimated), reference=event_table(reference), **options
    )
    return [(e["kind"], e["onset"], e["mark"]) for e in data_of(page)["events"]]


def test_hits_misses_and_false_alarms_are_marked():
    found = [("a", 0.0, 1.0, "low"), ("a", 2.0, 3.0, "low")]
    true = [("b", 0.2, 1.0, "low"), ("b", 1.2, 1.8, "low")]  # whatever the recording is called
    assert marks(found, true) == [
        ("estimated", 0.0, "hit"),
        ("reference", 0.2, "hit"),
        ("reference", 1.2, "miss"),
        ("estimated", 2.0, "false alarm"),
    ]


def test_classes_that_the_reference_is_not_about_are_not_compared():
    found, true = [("a", 0.0, 1.0, "high")], [("a", 0.0, 1.0, "low")]
    assert ("estimated", 0.0, "") in marks(found, true)
    assert ("estimated", 0.0, "false alarm") in marks(found, true, annotated=CLASSES)


def test_an_event_has_the_mean_and_the_peak_of_the_scores_it_covers():
    scores = score_table([[0.2, 0], [0.6, 0], [0.9, 0.5]], CLASSES)
    events = event_table([("a", 0.0, 2.0, "low"), ("a", 2.0, 3.0, "high")])
    rows = data_of(timeline_page(TONE, CLASSES, scores=scores, events=events))["events"]
    assert [(row["mean"], row["peak"]) for row in rows] == [(0.4, 0.6), (0.5, 0.5)]


def test_the_summary_of_a_class_weighs_its_events_by_their_length():
    scores = score_table([[0.2, 0], [0.6, 0], [0.9, 0.5]], CLASSES)
    events = event_table([("a", 0.0, 1.0, "low"), ("a", 1.0, 3.0, "low")])
    summary = {"events": 2, "seconds": 3.0, "mean": 0.5667, "peak": 0.9, "best": 1.0}
    assert class_summary(scores, events) == {"low": summary}


def test_equal_inputs_give_equal_pages():
    assert timeline_page(TONE, CLASSES) == timeline_page(TONE, CLASSES)


@pytest.mark.parametrize("kind", ["timeline", "index"])
def test_a_page_lets_only_its_own_script_run_and_loads_nothing(kind):
    page = timeline_page(TONE, CLASSES) if kind == "timeline" else index_page([])
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy and "default-src 'none'" in policy
    assert "unsafe" not in policy and "http:" not in policy and "https:" not in policy
    assert page.count("<script") == page.count("</script>") == (2 if kind == "timeline" else 1)
    assert not re.search(r"<[^>]+\b(src|href)=\"?https?:", page)
    assert not re.search(r"\beval\(|new Function\(|\bon(click|load|error)=", page)


@settings(max_examples=10, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_text_leaves_its_place(text):
    text += "</script><!--$title"
    entry = (text, "a.html", 1.0, {text: class_summary_of_nothing()})
    page = index_page([entry])
    assert page.count("<script") == 1 and "<!--" not in page
    assert text.replace("\r", "") in html.unescape(page).replace("\r", "")
    data = assemble(text, "", "", "", {"name": text})
    assert data_of(data) == {"name": text}
    assert data.count("</script>") == 2 and "<!--" not in data


def class_summary_of_nothing():
    return {"events": 0, "seconds": 0.0, "mean": 0.0, "peak": 0.0, "best": 0.0}


def test_the_sound_in_a_page_is_that_of_the_recording(tmp_path):
    write_flac(tmp_path / "a.flac", *TONE)
    for sound in (tmp_path / "a.flac", TONE):
        parts = embed(sound)
        assert parts.duration == 3.0
        with av.open(io.BytesIO(base64.b64decode(parts.media.partition(",")[2]))) as container:
            blocks = [f.to_ndarray()[0] for f in container.decode(audio=0)]
            assert container.streams.audio[0].codec_context.name in ("opus", "libopus")
        x = np.concatenate(blocks)
        assert len(x) / RATE == pytest.approx(3.0, abs=0.05)
        spectrum = np.abs(np.fft.rfft(x[RATE : 2 * RATE]))
        assert np.argmax(spectrum) == 1000
        assert np.sqrt(np.mean(x[RATE : 2 * RATE] ** 2)) == pytest.approx(0.3 / 2**0.5, rel=0.1)


def test_waveform_and_spectrogram_lie_where_the_sound_is():
    x = np.zeros(4 * 16_000)
    x[2 * 16_000 : 3 * 16_000] = TONE[0][:16_000]
    parts = embed((x, 16_000))
    loud = np.flatnonzero(parts.peaks > 30) / 100
    assert (loud.min(), loud.max()) == pytest.approx((2.0, 3.0), abs=0.03)
    import matplotlib.pyplot as plt

    image = plt.imread(io.BytesIO(base64.b64decode(parts.tiles[0].partition(",")[2])), "webp")
    columns = np.flatnonzero(image[..., 0].max(axis=0) > 200) / parts.columns_per_second
    assert (columns.min(), columns.max()) == pytest.approx((2.0, 3.0), abs=0.05)
    row = 1 - image[..., 0].sum(axis=1).argmax() / len(image)
    assert row == pytest.approx(dict(parts.frequencies)["1 kHz"], abs=0.02)


def test_a_recording_is_reduced_by_the_length_that_is_known_where_the_file_states_none(
    tmp_path, monkeypatch
):
    write_flac(tmp_path / "a.flac", *TONE)
    stated = audio.probe(tmp_path / "a.flac")
    monkeypatch.setattr(audio, "probe", lambda *_: dataclasses.replace(stated, duration=None))
    whole, reduced = (embed(tmp_path / "a.flac", duration=n) for n in (None, 10 * 3600))
    assert reduced.columns_per_second < whole.columns_per_second / 2
    assert len(reduced.peaks) < len(whole.peaks) / 2 and len(reduced.media) < len(whole.media) / 2


def test_the_images_of_a_long_recording_join_without_a_gap():
    x = np.random.default_rng(0).normal(0, 0.1, 61 * 8000)
    parts = embed((x, 8000))
    assert len(parts.tiles) == 2 and len(parts.peaks) == 6100
    assert parts.columns_per_tile / parts.columns_per_second == 60


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 8), st.lists(st.integers(1, 3 * _N_FFT), min_size=1, max_size=8))
def test_a_spectrogram_does_not_depend_on_how_the_sound_is_divided(coarser, lengths):
    sound = np.random.default_rng(0).normal(0, 0.1, sum(lengths)).astype(np.float32)
    whole, divided = _Spectrogram(_HOP * coarser), _Spectrogram(_HOP * coarser)
    whole.add(sound)
    for block in np.split(sound, np.cumsum(lengths)[:-1]):
        divided.add(block)
    for one, other in zip(whole.tiles(), divided.tiles(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_the_spectrogram_of_hours_does_not_drift_from_the_sound():
    spectrogram = _Spectrogram(_HOP * 6)  # as for a recording of three hours
    rng = np.random.default_rng(0)
    for second in range(0, 300, 10):
        block = rng.normal(0, 1e-4, 10 * RATE)
        block[5 * RATE :] *= 1000 if second == 290 else 1
        spectrogram.add(block.astype(np.float32))
    (image,) = spectrogram.tiles()
    loud = np.flatnonzero(image.mean(axis=0) > 0.5) * 6 / 50
    assert image.shape[1] == 2501  # at 0, 0.12, ..., 300 s
    assert loud.min() == pytest.approx(295, abs=0.13)


def test_no_sound_is_an_error():
    with pytest.raises(AudioError, match="no sound"):
        timeline_page((np.zeros(0), 16_000), CLASSES)


def test_silence_is_shown():
    assert data_of(timeline_page((np.zeros(16_000), 16_000), CLASSES))["duration"] == 1.0


def test_overlapping_events_of_a_class_are_an_error():
    with pytest.raises(AnnotationError, match="begins before"):
        marks([("a", 0.0, 2.0, "low"), ("a", 1.0, 3.0, "low")], [])


@pytest.mark.parametrize("n", [len(CLASS_COLOURS), 25])
def test_every_colour_of_a_class_stands_out_in_the_dark(n):
    from matplotlib.colors import to_rgb

    assert f"--back: {_DARK}" in (FOLDER / "page.css").read_text()
    dark = _luminance(to_rgb(_DARK))
    for _, colour in page_colours([f"class {i}" for i in range(n)]).values():
        assert (_luminance(to_rgb(colour)) + 0.05) / (dark + 0.05) >= 3


def test_a_page_leads_back_to_the_one_that_readers_came_from():
    page = timeline_page(TONE, CLASSES, home=("../a & b.html", "<Home>"))
    assert '<a href="../a &amp; b.html">&lt;Home&gt;</a>' in page
    assert "<nav>" not in timeline_page(TONE, CLASSES)


def schemes():
    """Return the colours of page.css by scheme and name."""
    blocks = re.findall(r":root \{(.*?)\}", (FOLDER / "page.css").read_text(), re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in blocks]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_a_contrast_of_four_and_a_half_and_marks_of_three(scheme):
    from matplotlib.colors import to_rgb

    colours = {name: _luminance(to_rgb(value)) for name, value in schemes()[scheme].items()}

    def contrast(first, second):
        low, high = sorted((colours[first], colours[second]))
        return (high + 0.05) / (low + 0.05)

    for back in ("back", "raised", "chosen"):
        assert contrast("text", back) >= 4.5 and contrast("muted", back) >= 4.5
    assert contrast("accent", "back") >= 4.5
    for mark in ("wave", "played", "cursor", "miss", "false-alarm"):
        assert contrast(mark, "back") >= 3


def test_a_notebook_gets_the_page_in_a_frame():
    shown = show_timeline(TONE, CLASSES, title="a <b>", height=500)
    inner = html.unescape(re.search(r'srcdoc="([^"]*)"', shown.data)[1])
    assert inner == timeline_page(TONE, CLASSES, title="a <b>")
    assert "<b>" not in inner and "&lt;b&gt;" in inner


def test_the_vendored_library_is_what_its_checksums_say():
    vendor = FOLDER / "vendor"
    sums = dict(line.split()[::-1] for line in (vendor / "SHA256SUMS").read_text().splitlines())
    assert sums.keys() == {p.name for p in vendor.iterdir()} - {"SHA256SUMS", "VERSION"}
    for name, digest in sums.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
    assert "BSD 3-Clause" in (vendor / "LICENSE").read_text()


def test_one_event_is_not_called_events():
    assert _facts(6, 0, 1, compared=False) == "0 min 06 s, 1 detected event"
    assert _facts(66, 1, 2, compared=True) == "1 min 06 s, 2 detected events, 1 reference event"
