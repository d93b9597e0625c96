"""Which of several audio tracks is taken, and what is told about the sound."""

import av
import numpy as np
import pytest
from detect_runs import RATE, found, run, tone

CHOICE = "in/a.mkv: track 1 (jpn) is taken, because it is marked as the default; "
SILENT = "in/a.mkv: track 1 (jpn) is silent, but track 2 (eng) is not; take that one (--track 2)"


@pytest.fixture
def film(place):
    """Write a film with a silent default track in Japanese and a second one in English."""
    path = place / "in" / "a.mkv"
    options = {"default_mode": "passthrough"}
    with av.open(str(path), "w", container_options=options) as container:
        for language in ("jpn", "eng"):
            stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
            stream.metadata["language"] = language
            stream.disposition = av.stream.Disposition(int(language == "jpn"))
        for stream, spans in zip(container.streams.audio, ([], [(1, 2, 300)]), strict=True):
            samples = (tone(3.0, spans) * 2**15).astype(np.int16)[np.newaxis]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, 0
            container.mux(stream.encode(frame) + stream.encode(None))
    return path


def test_the_track_and_the_silence_are_told_also_when_all_is_done_already(film, capsys):
    for _ in range(2):
        assert run("in") == 0
        said = capsys.readouterr().out.splitlines()
        assert sum(line.startswith(CHOICE) for line in said) == said.count(SILENT) == 1
    assert found("detected/a.json") == []


@pytest.mark.parametrize("track", ["2", "eng"])
def test_another_track_is_taken_by_its_number_or_language(film, track, capsys):
    assert run("in") == 0
    assert run("in", "--track", track) == 0  # the result of the other track is not kept
    assert found("detected/a.json") == [[1.0, 2.0, "low"]]


def test_a_file_without_the_track_is_named_and_stops_no_other(film, capsys):
    (film.parent / "b.mkv").write_bytes(film.read_bytes().replace(b"eng", b"deu"))
    assert run("in", "--track", "deu") == 1
    assert (
        "in/a.mkv: has no audio track 'deu'; choose one of: 1 (jpn), 2" in capsys.readouterr().err
    )
    assert found("detected/b.json") == [[1.0, 2.0, "low"]]
