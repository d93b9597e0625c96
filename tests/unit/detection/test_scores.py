"""Score tables, score files and smoothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sedlib.detection import score_table, smooth_scores, write_scores
from sedlib.errors import SedlibError

CLASSES = ("speaking", "laughing", "door bell")

claim = settings(deadline=None, database=None, max_examples=50)
shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=30).map(lambda s: (s[0], 3))
scores = arrays(np.float32, shapes, elements=st.floats(0, 1, width=32))
hops = st.sampled_from([1.0, 0.5, 0.2, 0.1])


def test_times_are_whole_microseconds():
    table = score_table(np.zeros((3, 1)), ["a"], hop=1 / 3)
    assert table["onset"].tolist() == [0, 0.333333, 0.666667]
    assert table["offset"].tolist() == [0.333333, 0.666667, 1]


@claim
@given(scores, hops)
def test_each_row_ends_where_the_next_one_begins(scores, hop):
    table = score_table(scores, CLASSES, hop)
    assert table["onset"].iloc[0] == 0
    assert table["onset"].tolist()[1:] == table["offset"].tolist()[:-1]
    np.testing.assert_allclose(table["offset"] - table["onset"], hop, atol=1e-6)
    np.testing.assert_array_equal(table[list(CLASSES)].to_numpy(), scores)


@pytest.mark.parametrize("score", [-0.1, 1.1, np.nan])
def test_a_score_outside_its_range_is_refused(score):
    with pytest.raises(SedlibError, match=r"row 2 of the scores: .* of 'a' is not in \[0, 1\]"):
        score_table([[0.5], [score]], ["a"])


@claim
@given(scores, hops)
def test_a_score_file_holds_the_scores_exactly(tmp_path_factory, scores, hop):
    path = tmp_path_factory.getbasetemp() / "scores.tsv"
    table = score_table(scores, CLASSES, hop)
    write_scores(table, path)
    back = pd.read_csv(path, sep="\t", dtype=dict.fromkeys(CLASSES, np.float32))
    back = back.astype({"onset": float, "offset": float})
    pd.testing.assert_frame_equal(back, table, check_exact=True)


def test_a_score_file_has_the_layout_of_sed_scores_eval(tmp_path):
    path = tmp_path / "scores.tsv"
    write_scores(score_table([[0.5, 0.25], [1, 0.1]], ["a", "b"], 0.5), path)
    assert path.read_bytes() == (
        b"onset\toffset\ta\tb\n0\t0.5\t0.5\t0.25\n0.5\t1\t1\t0.100000001\n"
    )


@claim
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 15))
def test_smoothing_averages_the_rows_around_with_the_ends_repeated(seed, n, length):
    scores = np.random.default_rng(seed).random((n, 2), dtype=np.float32)
    smooth = smooth_scores(scores, length)
    assert smooth.dtype == scores.dtype
    for row in range(n):
        around = np.arange(row - length // 2, row - length // 2 + length).clip(0, n - 1)
        expected = scores[around].astype(float).mean(axis=0)
        np.testing.assert_allclose(smooth[row], expected, atol=1e-6)


def test_a_smoothed_score_stays_a_score_and_the_mean_of_one_row_is_the_row():
    ones = np.ones((50, 1), np.float32)
    assert (smooth_scores(ones, 7) <= 1).all()
    scores = np.random.default_rng(0).random((9, 2))
    np.testing.assert_array_equal(smooth_scores(scores, 1.4), scores)


@pytest.mark.parametrize("length", [0, -1, float("nan")])
def test_a_mean_over_nothing_is_refused(length):
    with pytest.raises(ValueError, match=r"the smoothing length is .* rows; it must be positive"):
        smooth_scores([[0.5]], length)
