import pytest

from sedlib.config import Split
from sedlib.episodes import EpisodeError, refuse_duplicates, split_table

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


def test_the_same_sound_under_two_names_is_refused():
    refuse_duplicates({"s01_ep01": "aa", "s01_ep02": "bb"})
    with pytest.raises(EpisodeError, match="'s01_ep01' and 's01_ep04' hold the same sound"):
        refuse_duplicates({"s01_ep01": "aa", "s01_ep02": "bb", "s01_ep04": "aa"})
