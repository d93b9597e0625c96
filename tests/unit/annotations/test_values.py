"""Times and labels as they are read and checked."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.annotations import AnnotationError, read
from sedlib.annotations.values import shown

CLASSES = ("background music", "speaking", "laughing")

claim = settings(deadline=None, database=None, max_examples=30)


def write_entries(path, start=0, end=1, label="speaking", **more):
    entries = [
        {"start_time": 0, "sound_type": "speaking", "end_time": 1},
        {"start_time": start, "sound_type": label, "end_time": end},
    ]
    path.write_text(json.dumps({"file_name": "e.json", "sound_results": entries} | more))
    return path


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (7, 7.0),
        (7.125, 7.125),
        ("7.125", 7.125),
        ("01:02", 62.0),
        ("1:02.345", 62.345),
        ("75:30", 4530.0),
        ("01:02:03", 3723.0),
        ("10:00:00.001", 36000.001),
        ("90:59:59", 327599.0),
    ],
)
def test_a_time_is_seconds_or_a_clock_time_with_its_hours(tmp_path, written, seconds):
    events = read(write_entries(tmp_path / "e.json", written, written))
    assert (events["onset"][1], events["offset"][1]) == (seconds, seconds)


@claim
@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_clock_time_is_exact_to_the_millisecond(tmp_path_factory, hours, minutes, seconds, ms):
    path = tmp_path_factory.getbasetemp() / "clock.json"
    events = read(write_entries(path, 0, f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"))
    assert events["offset"][1] == (((hours * 60 + minutes) * 60 + seconds) * 1000 + ms) / 1000


@pytest.mark.parametrize(
    "time",
    [-1, float("nan"), float("inf"), 10**400, True, None, [], "", "soon", "1:2:3:4", "00:60",
     "1:60:00", "-0:05", "nan"],
)  # fmt: skip
def test_a_bad_time_is_refused_by_file_row_and_value(tmp_path, time):
    path = write_entries(tmp_path / "e.json", end=time)
    with pytest.raises(AnnotationError) as error:
        read(path)
    value = shown(json.loads(json.dumps(time)))
    assert str(error.value).startswith(f"{path}: row 2: {value} is not a time; give ")


def test_an_unknown_label_is_refused_with_the_nearest_known_one(tmp_path):
    path = write_entries(tmp_path / "e.json", label="backround music")
    assert list(read(path)["event_label"]) == ["speaking", "backround music"]
    with pytest.raises(AnnotationError) as error:
        read(path, CLASSES)
    assert str(error.value) == (
        f"{path}: row 2: unknown label 'backround music'; "
        "the nearest known label is 'background music'"
    )
    assert len(read(path, (*CLASSES, "backround music"))) == 2


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"sound_results": ' + "[" * 100_000,
        '{"file_name": ' + "[" * 900 + "]" * 900 + ', "sound_results": []}',
        '{"sound_results": [' + "[" * 900 + "]" * 900 + "]}",
        '{"sound_results": [{"start_time": ' + "7" * 5000 + ', "end_time": 1, "sound_type": "a"}]}',
        '{"sound_results": [{"start_time": ' + "7" * 4000 + ', "end_time": 1, "sound_type": "a"}]}',
        '{"sound_results": [{"start_time": "' + "7" * 9000 + '", "end_time": 1, "sound_type": 1}]}',
        '{"file_name": null, "sound_results": []}',
    ],
    ids=["depth", "deep list", "deep name", "deep row", "5000", "4000", "text", "null"],
)
def test_json_that_is_deep_or_long_is_refused_in_one_short_sentence(tmp_path, content):
    for path in (tmp_path / "e.json", tmp_path / "e.jsonl"):
        path.write_text(content)
        with pytest.raises(AnnotationError) as error:
            read(path)
        assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)
        assert len(str(error.value)) < len(str(path)) + 250


def test_a_clip_list_with_numbers_of_thousands_of_digits_is_refused(tmp_path):
    (tmp_path / "e.txt").write_text("e-1.wav\t0\t" + "7" * 5000 + "\tspeaking\n")
    with pytest.raises(AnnotationError, match=r"e\.txt: row 1: .* is not a time"):
        read(tmp_path / "e.txt")


@pytest.mark.parametrize("suffix", ["txt", "csv", "tsv"])
def test_a_text_of_very_many_digits_is_refused_at_once(tmp_path, suffix):
    path = tmp_path / f"e.{suffix}"
    path.write_text(f"{'7' * 300_000}x\t1\tspeaking\n")  # hours, if looked at digit by digit
    with pytest.raises(AnnotationError, match=r"not a table of events; its first line '777"):
        read(path)
