import pandas as pd
import pytest

from sedlib.config import Split
from sedlib.episodes import (
    EpisodeError,
    read_remarks,
    refuse_duplicates,
    split_table,
    write_remarks,
)

SPLIT = Split(train=("s01_ep01", "s01_ep02"), validation=("s01_ep03",), test=("s01_ep04",))


def test_a_split_lists_each_episode_with_its_subset():
    durations = {f"s01_ep0{number}": 60.0 * number for number in range(1, 6)}
    table = split_table(SPLIT, durations)
    assert table["subset"].to_dict() == {
        "s01_ep01": "train",
        "s01_ep02": "train",
        "s01_ep03": "validation",
        "s01_ep04": "test",
    }
    assert table["duration"].tolist() == [60.0, 120.0, 180.0, 240.0]


def test_a_split_that_names_a_missing_episode_is_refused_with_the_most_similar_one():
    with pytest.raises(EpisodeError) as error:
        split_table(SPLIT, {"s01_ep01": 60.0, "s01_ep02": 60.0, "s01_ep3": 60.0})
    assert str(error.value) == (
        "split.validation of params.yaml names episode 's01_ep03', which is missing; "
        "the most similar name is 's01_ep3'"
    )
    with pytest.raises(EpisodeError, match="'s01_ep01', which is missing; there is no episode"):
        split_table(SPLIT, {})


def test_remarks_are_read_back_whatever_labels_and_names_hold(tmp_path):
    row = {"filename": "e1", "row": 1, "onset": 0.5, "offset": 2.0, "event_label": "speaking\r"}
    corrections = pd.DataFrame([{**row, "error": "misspelt", "correction": "'speaking'"}])
    left_out = pd.DataFrame([{"name": "br\udcf8d.wav", "reason": "a\nb"}])
    write_remarks(tmp_path, corrections, left_out)
    stored, absent = read_remarks(tmp_path)
    assert stored.to_dict("records") == [{**corrections.iloc[0], "event_label": "speaking\\r"}]
    assert absent.to_dict("records") == [{"name": "br\\udcf8d.wav", "reason": "a\\nb"}]


@pytest.mark.parametrize("table", ["corrections.tsv", "left_out.tsv"])
def test_remarks_without_their_columns_are_named_as_damaged(tmp_path, table):
    columns = "episode row written_onset written_offset written_label error correction".split()
    left_out = pd.DataFrame(columns=["name", "reason"])
    write_remarks(tmp_path, pd.DataFrame(columns=columns), left_out)
    read_remarks(tmp_path)
    (tmp_path / table).write_text("day\tweather\n")
    with pytest.raises(EpisodeError, match=r"is damaged; run `sedlib episodes`"):
        read_remarks(tmp_path)


def test_the_same_sound_under_two_names_is_refused():
    refuse_duplicates({"s01_ep01": "aa", "s01_ep02": "bb"})
    with pytest.raises(EpisodeError, match="'s01_ep01' and 's01_ep04' hold the same sound"):
        refuse_duplicates({"s01_ep01": "aa", "s01_ep02": "bb", "s01_ep04": "aa"})
