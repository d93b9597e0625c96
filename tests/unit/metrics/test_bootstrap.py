"""Confidence intervals beside slow resampling, SciPy, and simulations of known truth."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score

from sedlib.metrics import (
    averages,
    block_bootstrap,
    block_length,
    confidence_intervals,
    mean_over_seeds,
    paired_differences,
    resampled_metrics,
    resampled_ratios,
    segment_metrics,
)

CLASSES = ("speaking", "laughing", "door bell")
METRICS = ["precision", "recall", "f1", "iou", "accuracy", "average_precision"]

claim = settings(deadline=None, database=None, max_examples=15)


def simulated_predictions(seed, n=60, right=0.8):
    """Ground truth, predictions and scores; the last class is rare, scores have ties."""
    rng = np.random.default_rng(seed)
    reference = rng.random((n, 3)) < [0.6, 0.3, 0.05]
    scores = np.where(rng.random((n, 3)) < right, reference, ~reference) * 0.5
    scores += rng.integers(0, 5, (n, 3)) / 10
    return reference, scores >= 0.5, scores


def slow_metrics(reference, estimated, scores):
    """One resample, its segments written out, by `sedlib.metrics`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of averages without positives
        table = segment_metrics(reference, estimated, CLASSES, scores)[METRICS]
        means = pd.DataFrame(averages(reference, estimated, scores)).T
    table = pd.concat([table, means[METRICS]])
    return pd.Series(table.to_numpy().ravel(), pd.MultiIndex.from_product(table.axes))


def drawn_segments(weights):
    """Numbers of the segments of a resample, each as often as it occurs."""
    return np.repeat(np.arange(len(weights)), weights.astype(int))


def run_samples(values):
    """Samples of one number; `values` are the estimate and the resamples."""
    columns = pd.MultiIndex.from_tuples([("a", "f1")], names=["event_label", "metric"])
    return pd.DataFrame(np.reshape(values, (-1, 1)), columns=columns)


@claim
@given(st.integers(0, 1000), st.sampled_from([1, 7, 24]))
def test_every_resample_is_scored_as_if_its_segments_were_written_out(seed, block):
    reference, estimated, scores = simulated_predictions(seed)
    weights = block_bootstrap([25, 35], seed, block, n_resamples=3)
    samples = resampled_metrics(reference, estimated, weights, CLASSES, scores)
    for row, weight in enumerate(weights):
        segments = drawn_segments(weight)
        expected = slow_metrics(reference[segments], estimated[segments], scores[segments])
        expected = expected.drop(("micro", "average_precision"))
        assert samples.columns.tolist() == expected.index.tolist()
        np.testing.assert_allclose(samples.iloc[row], expected.to_numpy(), rtol=1e-12)


@claim
@given(st.integers(0, 1000))
def test_average_precision_agrees_with_scikit_learn_under_weights(seed):
    reference, estimated, scores = simulated_predictions(seed)
    weights = block_bootstrap([60], seed, 5, n_resamples=3)
    samples = resampled_metrics(reference, estimated, weights, CLASSES, scores)
    for row, weight in enumerate(weights):
        for column, label in enumerate(CLASSES):
            if (reference[:, column] * weight).any():
                expected = average_precision_score(
                    reference[:, column], scores[:, column], sample_weight=weight
                )
                assert samples[label, "average_precision"][row] == pytest.approx(expected)


def slow_circular_blocks(length, block, starts):
    drawn = [(start + step) % length for start in starts for step in range(block)]
    return np.bincount(drawn[:length], minlength=length)


@claim
@given(st.integers(1, 20), st.integers(0, 30), st.integers(0, 100))
def test_blocks_are_drawn_from_the_episode_laid_in_a_circle(block, more, seed):
    length = 6 * block + more
    weights = block_bootstrap([length], seed, block, n_resamples=3)
    rng = np.random.default_rng(seed)
    starts = rng.integers(length, size=(3, -(-length // block)))
    for row, start in zip(weights[1:], starts, strict=True):
        np.testing.assert_array_equal(row, slow_circular_blocks(length, block, start))


def test_the_first_row_is_the_data_and_every_resample_keeps_the_length_of_each_episode():
    weights = block_bootstrap([47, 30], seed=3, block=5, n_resamples=50)
    np.testing.assert_array_equal(weights[0], 1)
    np.testing.assert_array_equal(weights[:, :47].sum(axis=1), 47)
    np.testing.assert_array_equal(weights[:, 47:].sum(axis=1), 30)


def test_every_segment_is_as_likely_as_any_other():
    weights = block_bootstrap([50], seed=0, block=20, n_resamples=20000)
    np.testing.assert_allclose(weights[1:].mean(axis=0), 1, atol=0.05)


SHORT = [
    [10] * 6,
    [20, 20, 20],
    [21, 21, 21],
    [50, 20],
    [5, 300, 7],
    [21],
    [39],
    [119],
    [1, 1],
    [2],
]


@pytest.mark.parametrize("lengths", SHORT)
def test_episodes_of_few_blocks_are_resampled_together_or_in_shorter_blocks(lengths):
    weights = block_bootstrap(lengths, seed=0, block=20, n_resamples=2000)
    np.testing.assert_array_equal(weights.sum(axis=1), sum(lengths))
    assert (weights.std(axis=0) > 0.5).all()  # none always occurs as often
    np.testing.assert_allclose(weights[1:].mean(axis=0), 1, atol=0.15)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=8), st.integers(1, 60))
def test_blocks_are_as_long_as_asked_for_or_a_sixth_of_all_segments(lengths, block):
    found = block_length(lengths, block)
    assert found == block or 1 <= found < block
    assert found == 1 or 6 * found <= sum(lengths)
    assert found == block or 6 * (found + 1) > sum(lengths)
    weights = block_bootstrap(lengths, seed=0, block=block, n_resamples=3)
    np.testing.assert_array_equal(weights, block_bootstrap(lengths, 0, found, n_resamples=3))


@pytest.mark.parametrize("lengths", [[60], [61], [61] * 3, [70] * 10])
def test_a_second_more_of_sound_does_not_make_an_interval_narrow(lengths):
    # If errors are independent, the interval of recall is about as wide as a binomial one.
    rng = np.random.default_rng(4)
    found = rng.random((sum(lengths), 40)) < 0.7
    names = [f"trial {i}" for i in range(found.shape[1])]
    weights = block_bootstrap(lengths, seed=2, n_resamples=400)
    samples = resampled_metrics(np.ones_like(found), found, weights, names)
    table = confidence_intervals(samples.xs("recall", axis=1, level="metric")[names])
    width = (table["high"] - table["low"]).mean()
    assert width > 0.75 * 2 * 1.96 * np.sqrt(0.7 * 0.3 / sum(lengths))


def test_the_smallest_episode_can_only_be_drawn_whole():
    np.testing.assert_array_equal(block_bootstrap([1], 0, n_resamples=5), 1)


def test_the_same_seed_draws_the_same_resamples():
    one, same, other = (block_bootstrap([30, 30, 30], seed, n_resamples=20) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_independent_seconds_agree_with_scipy():
    reference, estimated, _ = simulated_predictions(5, n=150)
    reference, estimated = reference[:, 1], estimated[:, 1]

    def f1(ref, est, axis=-1):
        return 2 * (ref & est).sum(axis=axis) / (ref.sum(axis=axis) + est.sum(axis=axis))

    expected = stats.bootstrap(
        (reference, estimated), f1, paired=True, vectorized=True, method="percentile",
        n_resamples=9999, random_state=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    weights = block_bootstrap([150], seed=1, block=1, n_resamples=9999)
    found = confidence_intervals(
        resampled_metrics(reference[:, None], estimated[:, None], weights, ["a"])
    )
    found = found.loc[("a", "f1")]
    assert found["estimate"] == pytest.approx(f1(reference, estimated))
    assert [found["low"], found["high"]] == pytest.approx([*expected], abs=0.006)


def chains(rng, n_chains, n, share, stay):
    """Two-state Markov chains, a `share` of ones that last `stay` on average."""
    leave = 1 / stay
    enter = leave * share / (1 - share)
    states = np.empty((n, n_chains), dtype=bool)
    states[0] = rng.random(n_chains) < share
    draws = rng.random((n, n_chains))
    for now in range(1, n):
        states[now] = np.where(states[now - 1], draws[now] >= leave, draws[now] < enter)
    return states


def test_blocks_cover_the_true_value_where_errors_last_and_independent_seconds_do_not():
    # Recall of what is always there is 1 less the share of misses, which last 5 s.
    missed = chains(np.random.default_rng(8), n_chains=300, n=600, share=0.3, stay=5)
    present = np.ones_like(missed)
    covered = {}
    for block in (1, 20):
        weights = block_bootstrap([200, 200, 200], seed=2, block=block, n_resamples=400)
        names = [f"trial {i}" for i in range(missed.shape[1])]
        recall = resampled_metrics(present, ~missed, weights, names)
        table = confidence_intervals(recall.xs("recall", axis=1, level="metric")[names])
        covered[block] = ((table["low"] <= 0.7) & (table["high"] >= 0.7)).mean()
    assert 0.88 < covered[20] < 0.98
    assert covered[1] < 0.75


def test_the_interval_holds_the_estimate_and_grows_with_the_level():
    reference, estimated, scores = simulated_predictions(1, n=400)
    weights = block_bootstrap([200, 200], seed=0, n_resamples=400)
    samples = resampled_metrics(reference, estimated, weights, CLASSES, scores)
    table, narrow = confidence_intervals(samples), confidence_intervals(samples, level=0.5)
    assert (table["low"] < table["estimate"]).all() and (table["estimate"] < table["high"]).all()
    assert (table["low"] < narrow["low"]).all() and (narrow["high"] < table["high"]).all()


def test_the_ends_of_an_interval_are_percentiles():
    samples = pd.DataFrame({"a": [np.pi, *range(101)]})
    assert confidence_intervals(samples, level=0.9).loc["a"].tolist() == pytest.approx(
        [np.pi, 5, 95, 0]
    )


def test_unless_told_otherwise_there_are_2000_resamples_of_60_segments_a_block_and_95_percent():
    weights = block_bootstrap([130], 0)
    np.testing.assert_array_equal(weights, block_bootstrap([130], 0, block=60, n_resamples=2000))
    samples = run_samples([np.pi, *range(1001)])
    assert confidence_intervals(samples).loc[
        ("a", "f1"), ["low", "high"]
    ].tolist() == pytest.approx([25, 975])


def test_resamples_without_a_value_are_left_out_and_told():
    reference = np.zeros((40, 1), dtype=bool)
    reference[7] = True  # in about 1/e of the resamples of seconds it does not occur
    weights = block_bootstrap([40], seed=0, block=1, n_resamples=2000)
    table = confidence_intervals(resampled_metrics(reference, reference, weights, ["a"]))
    absent = (weights[1:, 7] == 0).mean()
    assert absent == pytest.approx(np.exp(-1), abs=0.03)
    assert table.loc[("a", "f1")].tolist() == [1, 1, 1, absent]


def test_an_undefined_estimate_has_no_interval():
    reference = np.zeros((4, 1), dtype=bool)
    table = confidence_intervals(
        resampled_metrics(reference, reference, block_bootstrap([4], 0, 1), ["a"])
    )
    assert np.isnan(table.loc[("a", "f1"), ["estimate", "low", "high"]]).all()
    assert table.loc[("a", "f1"), "undefined"] == 1
    assert table.loc[("a", "accuracy"), "estimate"] == 1


def test_an_estimate_that_is_undefined_has_no_interval_though_resamples_have_a_value():
    row = confidence_intervals(run_samples([np.nan, 1, 2, np.nan, 3])).loc[("a", "f1")]
    assert np.isnan(row[["estimate", "low", "high"]].astype(float)).all()
    assert row["undefined"] == 0.25


def test_events_counted_at_their_seconds_are_scored_by_the_same_formulas():
    tp, fp, fn = np.array([[[2], [0], [1]], [[0], [3], [0]], [[1], [1], [0]]])
    weights = np.array([[1, 1, 1], [2, 0, 1]])
    samples = resampled_ratios(tp, fp, fn, weights, ["a"])
    assert samples["a", "f1"].tolist() == [6 / 11, 10 / 12]
    assert ("a", "accuracy") not in samples


def two_models(seed=0, n=400, better=0.9):
    reference, worse, worse_scores = simulated_predictions(seed, n, right=0.7)
    rng = np.random.default_rng(seed + 1)
    good = np.where(rng.random(reference.shape) < better, reference, ~reference)
    return reference, (worse, worse_scores), (good, 0.5 * good + 0.4 * rng.random(reference.shape))


def test_a_better_model_is_found_to_be_better():
    reference, worse, good = two_models()
    weights = block_bootstrap([200, 200], seed=1, n_resamples=999)
    samples = [resampled_metrics(reference, p, weights, CLASSES, s) for p, s in (worse, good)]
    table = paired_differences(*samples).loc[("macro", "f1")]
    assert table["difference"] == table["second"] - table["first"]
    assert 0 < table["low"] < table["difference"] < table["high"]
    assert table["p"] == pytest.approx(0.002)


def test_pairing_makes_the_interval_of_a_difference_narrower():
    reference, (est, _), _ = two_models()
    other = est.copy()
    other[::40] = reference[::40]
    first, second, apart = (
        resampled_metrics(reference, p, block_bootstrap([400], seed, n_resamples=400), CLASSES)
        for p, seed in ((est, 1), (other, 1), (other, 2))
    )
    widths = [
        (t := paired_differences(first, s).loc[("micro", "f1")])["high"] - t["low"]
        for s in (second, apart)
    ]
    assert widths[0] < widths[1] / 2


def test_a_model_differs_from_itself_by_nothing():
    reference, estimated, scores = simulated_predictions(2)
    weights = block_bootstrap([60], seed=0, block=5, n_resamples=300)
    samples = resampled_metrics(reference, estimated, weights, CLASSES, scores)
    table = paired_differences(samples, samples)
    assert (table[["difference", "low", "high"]] == 0).all(axis=None)
    assert (table["p"] == 1).all()


def test_a_difference_is_one_however_small():
    zero, moved = run_samples(np.zeros(201)), run_samples(np.full(201, 1e-6))
    assert paired_differences(zero, moved).loc[("a", "f1"), "p"] == pytest.approx(2 / 201)


def test_the_interval_of_a_difference_is_as_wide_as_the_level_says():
    zero, moved = run_samples(np.zeros(102)), run_samples([np.pi, *range(101)])
    for level, low, high in ((0.9, 5, 95), (0.5, 25, 75)):
        row = paired_differences(zero, moved, level).loc[("a", "f1")]
        assert row[["low", "high"]].tolist() == pytest.approx([low, high])


def test_the_p_value_of_the_bootstrap_agrees_with_the_interval_but_for_the_added_resample():
    rng = np.random.default_rng(0)
    zero = pd.DataFrame({c: np.zeros(2001) for c in range(60)})
    moved = pd.DataFrame(rng.normal(np.linspace(-4, 4, 60), 1, (2001, 60)))
    table = paired_differences(zero, moved)
    outside = (table["low"] > 0) | (table["high"] < 0)
    near = (table["p"] - 0.05).abs() < 0.005  # the added one moves the edge by a hair
    assert outside.any() and not outside.all()
    assert ((table["p"] < 0.05) == outside)[~near].all()


@pytest.mark.parametrize("n", [99, 100, 399, 2000])
def test_where_the_p_value_is_below_5_percent_the_interval_leaves_zero_out(n):
    for below in range(n // 10):
        moved = run_samples([1, *[-1] * below, *[1] * (n - below)])
        row = paired_differences(run_samples(np.zeros(n + 1)), moved).loc[("a", "f1")]
        assert row["low"] > 0 or row["p"] >= 0.05
        if (n, below) == (2000, 50):  # the reverse does not hold
            assert row["low"] > 0 and row["p"] == pytest.approx(0.05097, abs=1e-5)


def test_where_a_metric_is_undefined_there_is_no_p_value():
    samples = run_samples(np.full(21, np.nan))
    assert np.isnan(paired_differences(samples, samples).loc[("a", "f1"), "p"])


def test_resamples_without_a_value_do_not_count_in_the_p_value():
    zero, moved = run_samples(np.zeros(100)), run_samples([1, *[np.nan] * 50, *[1] * 49])
    assert paired_differences(zero, moved).loc[("a", "f1"), "p"] == pytest.approx(2 / 50)


def test_each_resample_averages_runs_drawn_with_replacement_one_fewer_than_there_are():
    runs = [run_samples([value] * 4001) for value in (0.0, 0.3, 0.9)]
    mean = mean_over_seeds(runs, seed=0)["a", "f1"]
    assert mean[0] == pytest.approx(0.4)
    seen = mean[1:].round(9).value_counts(normalize=True).sort_index()
    assert seen.index.tolist() == [0.0, 0.15, 0.3, 0.45, 0.6, 0.9]
    np.testing.assert_allclose(seen, [1 / 9, 2 / 9, 1 / 9, 2 / 9, 2 / 9, 1 / 9], atol=0.03)
    # So the spread is that of a mean of three, not narrower.
    assert mean[1:].std() == pytest.approx(np.std([0, 0.3, 0.9], ddof=1) / 3**0.5, rel=0.03)


def test_the_interval_of_several_seeds_holds_the_spread_of_the_data_and_of_the_seeds():
    rng = np.random.default_rng(0)
    data = rng.normal(0, 0.02, 4001)  # shared by the runs, for the test segments are
    levels = rng.normal(0.6, 0.03, 6)
    runs = [run_samples(np.r_[level, level + data[1:]]) for level in levels]
    spread = mean_over_seeds(runs, 1)["a", "f1"][1:].std()
    assert spread == pytest.approx(np.hypot(0.02, np.std(levels, ddof=1) / 6**0.5), rel=0.05)


def test_a_run_without_a_value_is_left_out_of_the_mean_over_seeds():
    runs = [run_samples([0.5, 0.5]), run_samples([np.nan, np.nan])]
    assert mean_over_seeds(runs, 0)["a", "f1"][0] == 0.5


def test_a_resample_has_the_mean_of_the_drawn_runs_that_have_a_value():
    runs = [run_samples([value] * 4001) for value in (0.5, 0.5, np.nan)]
    mean = mean_over_seeds(runs, 0)["a", "f1"][1:]
    assert set(mean.dropna()) == {0.5}
    assert mean.isna().mean() == pytest.approx(1 / 9, abs=0.03)  # both draws without


def test_models_of_several_seeds_differ_from_themselves_by_nothing():
    rng = np.random.default_rng(0)
    runs = [run_samples(rng.random(500)) for _ in range(4)]
    table = paired_differences(mean_over_seeds(runs, 7), mean_over_seeds(runs, 7))
    assert table.loc[("a", "f1"), ["difference", "low", "high", "p"]].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (lambda: block_bootstrap([], 0), "every episode must have a segment"),
        (lambda: block_bootstrap([3, 0], 0), "every episode must have a segment"),
        (lambda: block_bootstrap([3], 0, block=0), "the block is 0"),
        (lambda: block_bootstrap([30], 0, n_resamples=0), "number of resamples is 0"),
        (lambda: mean_over_seeds([run_samples([1, 1])], 0), "one run has no variation over seeds"),
        (lambda: mean_over_seeds([run_samples([1]), run_samples([1, 1])], 0), "differ in rows"),
        (
            lambda: mean_over_seeds(
                [run_samples([1, 1]), run_samples([1, 1]).rename(columns={"f1": "iou"})], 0
            ),
            "differ in rows or columns",
        ),
        (lambda: paired_differences(run_samples([1]), run_samples([1, 1])), "differ in rows"),
        (
            lambda: paired_differences(
                run_samples([1, 1]), run_samples([1, 1]).rename(columns={"f1": "iou"})
            ),
            "differ in rows or columns",
        ),
        (
            lambda: resampled_metrics(np.ones((3, 1)), np.ones((4, 1)), np.ones((1, 3)), ["a"]),
            r"shape \(4, 1\), not \(3, 1\)",
        ),
        (
            lambda: resampled_metrics(*[np.ones((1, 1))] * 3, ["a"], scores=[[np.nan]]),
            "a score is nan",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_resampled_is_refused_in_one_sentence(call, fault):
    with pytest.raises(ValueError, match=fault) as error:
        call()
    assert "\n" not in str(error.value)
