"""From a stream of sound to events: block sizes, ends, shifts, silence, memory."""

import dataclasses
import threading
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedlib import audio
from sedlib.audio import AudioError
from sedlib.config import STFTParams
from sedlib.detection import (
    FRAMES,
    HOPS,
    detect,
    recording,
    score_frames,
    score_segments,
    scores_to_events,
)
from sedlib.features import spectrogram, split_segments
from sedlib.models import ModelError, build_model, predict_scores, with_frames

RATE = 800  # small, so that many recordings can be scored
STFT = STFTParams(sample_rate=RATE, n_fft=64, hop_length=32, win_length=48)
CLASSES = ("low", "high", "loud")

claim = settings(deadline=None, database=None, max_examples=40)
hops = st.sampled_from(HOPS)


class Ear:
    """Stands for a network: scores from three measures of the magnitude, one a class."""

    def predict_on_batch(self, magnitude):
        x = magnitude[..., 0]
        low, high = x[:, :, :10].mean(axis=(1, 2)), x[:, :, 20:].mean(axis=(1, 2))
        loud = x[:, -10:].mean(axis=(1, 2))  # not the same at the start as at the end of a segment
        return np.tanh(np.stack([low, high, loud], axis=1)).astype(np.float32)


class Shout:
    """A network that always answers yes."""

    def predict_on_batch(self, magnitude):
        return np.ones((len(magnitude), len(CLASSES)), np.float32)


@st.composite
def recordings(draw, longest=9.0):
    """Noise whose level changes every fifth of a second, silent in places."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, int(longest * RATE)))
    level = rng.choice([0, 0.003, 0.03, 0.3], size=n // (RATE // 5) + 1)
    return (rng.normal(size=n) * np.repeat(level, RATE // 5)[:n]).astype(np.float32)


def cut(x, draw_lengths):
    """Cut into blocks of the given lengths in turn."""
    lengths, start = iter(draw_lengths * (len(x) + 1)), 0
    while start < len(x):
        length = next(lengths)
        yield x[start : start + length]
        start += length


def slow_scores(x, network, hop):
    """Score each hop by itself: the mean over the segments it lies in, one by one."""
    n_samples = round(hop * RATE)
    rows = []
    for i in range(-(-len(x) // n_samples)):
        scores, silent = [], False
        for start in range((i + 1) * n_samples - RATE, i * n_samples + 1, n_samples):
            segment = np.zeros(RATE, np.float32)
            for k in range(RATE):
                if 0 <= start + k < len(x):
                    segment[k] = x[start + k]
            silent = silent or bool((np.abs(segment) < 2.0**-16).all())
            magnitude = spectrogram(segment[np.newaxis], STFT)
            scores.append(network.predict_on_batch(magnitude[..., np.newaxis])[0])
        rows.append(np.zeros(len(CLASSES)) if silent else np.mean(scores, axis=0))
    return np.array(rows)


def events_of(x, hop, network=None, **options):
    """Score a whole recording and make events of it."""
    table, _ = score_segments([x], network or Ear(), STFT, CLASSES, hop, **options)
    return scores_to_events(table, (0.05, 0.05, 0.1), "r")


@settings(claim, max_examples=15)
@given(recordings(longest=4.0), hops)
def test_scores_agree_with_a_slow_reference(x, hop):
    table, duration = score_segments([x], Ear(), STFT, CLASSES, hop)
    assert duration == len(x) / RATE
    np.testing.assert_allclose(table[list(CLASSES)], slow_scores(x, Ear(), hop), atol=1e-6)
    assert list(table["onset"]) == [pytest.approx(i * hop) for i in range(len(table))]
    assert table["offset"].iloc[-1] == pytest.approx(duration, abs=1e-6)


@claim
@given(recordings(), hops, st.lists(st.integers(1, 3 * RATE), min_size=1, max_size=5))
def test_the_blocks_in_which_sound_comes_change_nothing(x, hop, lengths):
    whole, _ = score_segments([x], Ear(), STFT, CLASSES, hop)
    parts, _ = score_segments(cut(x, lengths), Ear(), STFT, CLASSES, hop)
    pd.testing.assert_frame_equal(parts, whole, check_exact=True)


@claim
@given(recordings(), hops, st.integers(1, 90))
def test_the_number_of_segments_at_a_time_changes_no_event(x, hop, batch_size):
    pd.testing.assert_frame_equal(
        events_of(x, hop, batch_size=batch_size), events_of(x, hop), check_exact=True
    )


@claim
@given(recordings(), hops, st.integers(1, 5))
def test_whole_seconds_of_silence_in_front_shift_the_events_and_nothing_else(x, hop, seconds):
    shifted = events_of(np.pad(x, (seconds * RATE, 0)), hop)
    expected = events_of(x, hop)
    expected[["onset", "offset"]] += seconds
    pd.testing.assert_frame_equal(shifted, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("hop", HOPS)
def test_an_event_open_at_the_end_of_the_file_is_kept_to_its_last_sample(hop):
    x = np.zeros(int(5.37 * RATE), np.float32)
    x[3 * RATE :] = np.random.default_rng(0).normal(size=len(x) - 3 * RATE)
    events = events_of(x, hop, Shout())
    assert set(events["event_label"]) == set(CLASSES)
    assert (events["offset"] == round(len(x) / RATE, 6)).all()
    assert (events["onset"] == 3.0).all()


@claim
@given(hops, st.integers(1, 4 * RATE), st.sampled_from([0.0, 2.0**-17]))
def test_digital_silence_holds_no_event_whatever_the_network_says(hop, n, level):
    assert events_of(np.full(n, level, np.float32), hop, Shout()).empty


@claim
@given(recordings(longest=1.0), hops)
def test_a_recording_shorter_than_a_segment_has_scores_too(x, hop):
    table, _ = score_segments([x], Ear(), STFT, CLASSES, hop)
    assert len(table) == -(-len(x) // round(hop * RATE))


def test_no_sound_at_all_gives_no_row_and_no_event():
    table, duration = score_segments([], Ear(), STFT, CLASSES, 0.5)
    assert len(table) == 0 and duration == 0
    assert scores_to_events(table, 0.5, "r").empty


def test_a_hop_that_is_not_offered_is_refused():
    for hop in (0.3, 0.25, 2.0):
        with pytest.raises(ValueError, match="hop is"):
            score_segments([np.zeros(RATE, np.float32)], Ear(), STFT, CLASSES, hop)
    odd = STFT.model_copy(update={"sample_rate": RATE + 1})
    with pytest.raises(ModelError, match=f"is no whole number of samples at the {RATE + 1} Hz"):
        score_segments([np.zeros(RATE, np.float32)], Ear(), odd, CLASSES, 0.5)


def test_an_hour_takes_no_more_memory_than_ten_minutes(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # nothing is computed ahead
    rate = 8000
    stft = STFTParams(sample_rate=rate, n_fft=256, hop_length=256, win_length=256)
    block = np.random.default_rng(0).normal(size=rate).astype(np.float32)
    peaks = []
    for seconds in (60, 600, 3600):  # the first fills caches
        tracemalloc.start()
        score_segments((block for _ in range(seconds)), Ear(), stft, CLASSES)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.1 * peaks[1]


def test_detection_scores_whole_seconds_as_the_evaluation_does(tmp_path):
    stft = STFTParams(sample_rate=4000, n_fft=256, hop_length=128, win_length=192)
    network = build_model("compact", CLASSES, stft)
    x = np.random.default_rng(1).normal(0, 0.1, 7 * 4000 + 900).clip(-1, 1)
    soundfile.write(tmp_path / "r.wav", x, 4000)
    described = {
        "classes": list(CLASSES),
        "stft": stft.model_dump(),
        "thresholds": dict.fromkeys(CLASSES, 0.5),
    }
    told = []
    result = detect(tmp_path / "r.wav", network, described, {"low": 0.0}, progress=told.append)
    stored, _ = soundfile.read(tmp_path / "r.wav", dtype="float32")
    expected = predict_scores(network, spectrogram(split_segments(stored, stft), stft))
    np.testing.assert_allclose(result.scores[list(CLASSES)].iloc[:7], expected, atol=1e-6)
    assert result.duration == sum(told) == len(x) / 4000
    low = result.events[result.events["event_label"] == "low"]  # the threshold is this call's
    assert low[["filename", "onset", "offset"]].to_numpy().tolist() == [["r", 0.0, 7.225]]


@pytest.mark.parametrize("hop", [*HOPS, FRAMES])
def test_the_level_of_a_recording_makes_no_difference(tmp_path, hop):
    stft = STFTParams(sample_rate=4000, n_fft=256, hop_length=128, win_length=192, loudness=-23.0)
    network = build_model("compact", CLASSES, stft)
    thresholds = dict.fromkeys(CLASSES, 0.5)
    described = {"classes": list(CLASSES), "stft": stft.model_dump(), "thresholds": thresholds}
    described["frames"] = {"smoothing": 0.1, "thresholds": thresholds}
    rng = np.random.default_rng(1)
    x = rng.normal(0, 0.05, 9 * 4000) * np.repeat(rng.uniform(0.1, 1, 36), 1000)
    scores, told = {}, []
    for level in (0, -30, -10, 10):
        soundfile.write(tmp_path / "r.wav", x * 10 ** (level / 20), 4000, subtype="FLOAT")
        result = detect(tmp_path / "r.wav", network, described, hop=hop, progress=told.append)
        scores[level] = result.scores[list(CLASSES)]
    for changed in scores.values():
        # Single precision; the logarithm of the network turns relative into absolute errors.
        np.testing.assert_allclose(changed, scores[0], atol=1e-4)
    assert sum(told) == pytest.approx(4 * 9)  # each recording is read twice, each time for half


@pytest.fixture
def long_recording(tmp_path, monkeypatch):
    """Detect in 150 s of sound, of which as many bytes are kept; count how often it is read."""
    stft = STFTParams(sample_rate=4000, n_fft=256, hop_length=128, win_length=192, loudness=-23.0)
    thresholds = dict.fromkeys(CLASSES, 0.5)
    described = {"classes": list(CLASSES), "stft": stft.model_dump(), "thresholds": thresholds}
    tone = np.sin(np.arange(150 * 4000)) * np.linspace(0, 0.5, 150 * 4000)
    sound = np.stack([tone, -0.97 * tone], axis=1)  # which is remarked on
    soundfile.write(tmp_path / "r.wav", sound, 4000, subtype="FLOAT")
    media, read, times, told = audio.probe(tmp_path / "r.wav"), audio.read_blocks, [], []
    monkeypatch.setattr(audio, "read_blocks", lambda *how: times.append(how) or read(*how))

    def run(largest, hop=1.0, duration=150.0, progress=None):
        stated = dataclasses.replace(media, duration=duration)
        monkeypatch.setattr(audio, "probe", lambda *_: stated)
        monkeypatch.setattr(recording, "LARGEST_KEPT", largest)
        times.clear(), told.clear()
        report = progress or told.append
        found = detect(tmp_path / "r.wav", Ear(), described, hop=hop, progress=report)
        assert progress or sum(told) == pytest.approx(150)
        return found, len(times)

    return run


SOUND = 150 * 4000 * 4  # bytes


@pytest.mark.parametrize("hop", [1.0, 0.5])
@pytest.mark.parametrize("stated", [150.0, None])
def test_what_is_too_large_to_be_kept_is_decoded_twice_to_the_same_scores(
    long_recording, hop, stated
):
    found, times = long_recording(SOUND, hop, stated)
    assert times == 1
    for fewer in (SOUND - 1, SOUND // 3, 0):
        again, times = long_recording(fewer, hop, stated)
        assert times == 2
        pd.testing.assert_frame_equal(again.scores, found.scores, check_exact=True)
        assert again.remarks == found.remarks and len(found.remarks) == 1


@pytest.mark.parametrize("hop", [1.0, 0.5, 0.1])
def test_progress_is_reported_by_the_caller_as_segments_are_scored(
    long_recording, monkeypatch, hop
):
    def predict(ear, magnitude):
        told.append(("scored", threading.current_thread()))
        return np.zeros((len(magnitude), len(CLASSES)), np.float32)

    monkeypatch.setattr(Ear, "predict_on_batch", predict)
    told = []
    long_recording(SOUND, hop, progress=lambda n: told.append((n, threading.current_thread())))
    assert {thread for _, thread in told} == {threading.current_thread()}
    first = [what for what, _ in told].index("scored")
    read, rest = [n for n, _ in told[:first]], [what for what, _ in told[first:]]
    assert sum(read) == pytest.approx(75)  # half of the work
    assert rest[::2] == ["scored"] * len(rest[1::2])
    assert max(rest[1::2]) <= 64 * hop / 2


def test_a_hop_that_is_not_offered_is_refused_before_anything_is_decoded(long_recording):
    told = []
    with pytest.raises(ValueError, match=r"hop is 0\.3 s"):
        long_recording(SOUND, 0.3, progress=told.append)
    assert not told


@pytest.mark.parametrize("largest", [1e9, SOUND // 3, 0])
@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_an_error_while_the_loudness_is_measured_is_raised(
    long_recording, monkeypatch, largest, blocks
):
    def damaged(*_):
        yield from [np.ones(64 * 4000, np.float32)] * blocks
        raise AudioError("damaged")

    monkeypatch.setattr(audio, "read_blocks", damaged)
    for duration in (None, 150.0):
        with pytest.raises(AudioError, match="damaged"):
            long_recording(largest, duration=duration)


# --- frames -------------------------------------------------------------------------


class FrameEar:
    """Stands for a network with scores of frames: their level in three bands."""

    def predict_on_batch(self, magnitude):
        x = magnitude[..., 0]
        bands = [x[:, :, :10], x[:, :, 20:], x]
        return {"frames": np.tanh(np.stack([b.mean(axis=2) for b in bands], 2)).astype("f4")}


class FrameShout:
    def predict_on_batch(self, magnitude):
        return {"frames": np.ones((*magnitude.shape[:2], len(CLASSES)), np.float32)}


@pytest.fixture
def scored_frames(monkeypatch):
    """Score the frames of blocks by a stand-in for the network."""
    monkeypatch.setattr("sedlib.detection.recording.with_frames", lambda network: network)

    def score(blocks, smoothing=0.2, network=None, stft=STFT, **options):
        return score_frames(blocks, network or FrameEar(), stft, CLASSES, smoothing, **options)

    return score


within_a_test = settings(claim, suppress_health_check=[HealthCheck.function_scoped_fixture])


def slow_frame_scores(x, smoothing, stft):
    """Frame by frame, then the mean of those within reach, the ends repeated."""
    rate, frames = stft.sample_rate, 1 + stft.sample_rate // stft.hop_length
    heard = sum(1 for i in range(100 * frames) if i / frames < len(x) / rate)
    found, quiet = [[] for _ in range(heard)], [False] * heard
    half = rate // 2 if rate % 2 == 0 else rate
    for start in range(half - rate, len(x), half):
        segment = np.array(
            [x[k] if 0 <= k < len(x) else 0 for k in range(start, start + rate)], "f4"
        )
        silent = bool((np.abs(segment) < 2.0**-16).all())
        magnitude = spectrogram(segment[np.newaxis], stft)
        scores = FrameEar().predict_on_batch(magnitude[..., np.newaxis])["frames"][0]
        for k, score in enumerate(scores):
            row = start // rate * frames + (frames - frames // 2) * (start % rate > 0) + k
            if 0 <= row < heard:
                found[row].append(score)
                quiet[row] |= silent
    rows = [0 * f[0] if q else np.mean(f, axis=0) for f, q in zip(found, quiet, strict=True)]
    n, smooth = max(1, round(smoothing * frames)), []
    for i in range(heard):
        reach = range(i - n // 2, i - n // 2 + n)
        mean = np.mean([rows[min(max(k, 0), heard - 1)] for k in reach], axis=0)
        smooth.append(0 * mean if quiet[i] else mean)
    return np.array(smooth).reshape(-1, len(CLASSES))


# An even and an odd number of frames a second; a rate of which half is no whole number.
FRAME_RATES = [
    STFT,
    *(STFT.model_copy(update=x) for x in ({"hop_length": 33}, {"sample_rate": 801})),
]


@settings(within_a_test, max_examples=20)
@given(
    recordings(longest=4.0), st.sampled_from([0.01, 0.1, 0.2, 0.7]), st.sampled_from(FRAME_RATES)
)
def test_scores_of_frames_agree_with_a_slow_reference(scored_frames, x, smoothing, stft):
    table, duration = scored_frames([x], smoothing, stft=stft)
    assert duration == len(x) / stft.sample_rate
    expected = slow_frame_scores(x, smoothing, stft)
    np.testing.assert_allclose(table[list(CLASSES)], expected, atol=1e-6)
    onset = np.arange(len(table)) / (1 + stft.sample_rate // stft.hop_length)
    np.testing.assert_allclose(table["onset"], onset, atol=1e-6)
    assert table["offset"].iloc[-1] == pytest.approx(duration, abs=1e-6)


@settings(within_a_test, max_examples=20)
@given(
    recordings(),
    st.lists(st.integers(1, 3 * RATE), min_size=1, max_size=5),
    st.integers(1, 90),
)
def test_frames_do_not_depend_on_blocks_or_batch_size(scored_frames, x, lengths, batch_size):
    whole, _ = scored_frames([x])
    parts, _ = scored_frames(cut(x, lengths), batch_size=batch_size)
    pd.testing.assert_frame_equal(parts, whole, check_exact=False, atol=1e-6)


def test_frames_of_digital_silence_hold_no_event_though_the_next_second_is_loud(scored_frames):
    x = np.zeros(4 * RATE + 300, np.float32)
    x[2 * RATE : 3 * RATE] = np.random.default_rng(0).normal(size=RATE)
    table, _ = scored_frames([x], 0.7, FrameShout())
    events = scores_to_events(table, 0.3, "r")
    assert set(zip(events["onset"], events["offset"], strict=True)) == {(2.0, 3.0)}


def test_no_sound_at_all_gives_no_frame(scored_frames):
    table, duration = scored_frames([])
    assert len(table) == 0 and duration == 0


def test_detection_by_frames_has_their_thresholds_and_the_frames_of_the_network(tmp_path):
    stft = STFTParams(sample_rate=4000, n_fft=256, hop_length=128, win_length=192)
    network = build_model("compact", CLASSES, stft)
    x = np.random.default_rng(1).normal(0, 0.1, 3 * 4000 + 900).clip(-1, 1)
    soundfile.write(tmp_path / "r.wav", x, 4000)
    described = {
        "classes": list(CLASSES),
        "stft": stft.model_dump(),
        "thresholds": dict.fromkeys(CLASSES, 0.0),
        "frames": {"smoothing": 0.01, "thresholds": {"low": 0.0, "high": 1.0, "loud": 1.0}},
    }
    result = detect(tmp_path / "r.wav", network, described, hop=FRAMES)
    stored, _ = soundfile.read(tmp_path / "r.wav", dtype="float32")
    both = with_frames(network)
    whole, halves = (  # the frames of segments that begin on whole seconds, and between them
        both.predict(spectrogram(split_segments(sound, stft), stft)[..., np.newaxis], verbose=0)
        for sound in (stored, np.pad(stored, (2000, 2000)))
    )
    whole, halves = (np.concatenate(scores["frames"]) for scores in (whole, halves))
    expected = (whole + halves[16 : 16 + len(whole)]) / 2
    np.testing.assert_allclose(result.scores[list(CLASSES)].iloc[:96], expected, atol=1e-6)
    low = result.scores["low"].to_numpy(np.float64)
    scores = [round(low.mean(), 6), round(low.max(), 6)]
    assert result.events.to_numpy().tolist() == [["r", 0.0, 3.225, "low", *scores]]
    changed = detect(tmp_path / "r.wav", network, described, {"high": 0.0}, hop=FRAMES)
    assert set(changed.events["event_label"]) == {"low", "high"}
    del described["frames"]
    with pytest.raises(ModelError, match="does not score frames; choose a hop in seconds"):
        detect(tmp_path / "r.wav", network, described, hop=FRAMES)


def test_what_is_suspicious_about_the_sound_is_told_with_the_events(tmp_path):
    stft = STFTParams(sample_rate=8000, n_fft=256, hop_length=256, win_length=256)
    thresholds = dict.fromkeys(CLASSES, 0.5)
    described = {"stft": stft.model_dump(), "classes": CLASSES, "thresholds": thresholds}
    tone = np.sin(np.arange(3 * 8000)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, -tone], axis=1), 8000)
    soundfile.write(tmp_path / "b.wav", tone, 8000)
    [remark] = detect(tmp_path / "a.wav", Ear(), described).remarks
    assert remark.startswith(f"{tmp_path / 'a.wav'}: left and right have opposite polarity")
    assert detect(tmp_path / "b.wav", Ear(), described).remarks == ()
    with pytest.raises(AudioError, match="has no audio track '2'"):
        detect(tmp_path / "b.wav", Ear(), described, track="2")
