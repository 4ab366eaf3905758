"""Every rolling function against a slow loop over its windows, with gaps of unknown values in between."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from fleetcast.features import rolling

N_BARS = 300


@pytest.fixture(scope="module")
def gapped() -> tuple[np.ndarray, np.ndarray]:
    """Two related series, unknown at first and now and then."""
    random = np.random.default_rng(1)
    x = random.normal(size=N_BARS)
    y = 0.5 * x + random.normal(size=N_BARS) + 3
    x[:7], x[100:104], x[200] = np.nan, np.nan, np.nan
    y[:3], y[150:170] = np.nan, np.nan
    return x, y


def slow(x: np.ndarray, period: int, reduce: Callable[[np.ndarray], float]) -> np.ndarray:
    """``reduce`` over the known values of each window that is full and at least half known."""
    found = np.full(len(x), np.nan)
    first = int(np.flatnonzero(~np.isnan(x))[0])
    for t in range(first + period - 1, len(x)):
        known = x[t - period + 1 : t + 1]
        known = known[~np.isnan(known)]
        if 2 * len(known) >= period:
            found[t] = reduce(known)
    return found


@pytest.mark.parametrize("period", [2, 5, 30])
@pytest.mark.parametrize(
    ("fast", "reduce"),
    [
        (rolling.total, np.sum),
        (rolling.mean, np.mean),
        (rolling.highest, np.max),
        (rolling.lowest, np.min),
    ],
)
def test_reduction_equals_slow_loop(gapped, period, fast, reduce):
    x, _ = gapped
    np.testing.assert_allclose(fast(x, period), slow(x, period, reduce), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("fast", "reduce"),
    [
        (rolling.std, lambda w: np.std(w, ddof=1)),
        (rolling.variance, lambda w: np.var(w, ddof=1)),
        (rolling.skewness, stats.skew),
        (rolling.kurtosis, stats.kurtosis),
    ],
)
def test_moment_equals_slow_loop(gapped, fast, reduce):
    x, _ = gapped
    np.testing.assert_allclose(fast(x, 30), slow(x, 30, reduce), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("fast", "reduce"),
    [
        (rolling.correlation, lambda x, y: np.corrcoef(x, y)[0, 1]),
        (rolling.beta, lambda x, y: np.polyfit(y, x, 1)[0]),
    ],
)
def test_relation_of_two_series_equals_slow_loop(gapped, fast, reduce):
    x, y = gapped
    known = ~(np.isnan(x) | np.isnan(y))
    expected = np.full(N_BARS, np.nan)
    for t in range(int(np.flatnonzero(known)[0]) + 29, N_BARS):
        window = slice(t - 29, t + 1)
        if known[window].sum() >= 15:
            expected[t] = reduce(x[window][known[window]], y[window][known[window]])
    np.testing.assert_allclose(fast(x, y, 30), expected, rtol=1e-7, atol=1e-9)


def test_zscore_is_distance_from_mean_in_deviations(gapped):
    x, _ = gapped
    expected = (x - slow(x, 30, np.mean)) / slow(x, 30, lambda w: np.std(w, ddof=1))
    np.testing.assert_allclose(rolling.zscore(x, 30), expected, rtol=1e-7, atol=1e-9)


def test_rank_is_share_of_earlier_values_below(gapped):
    x, _ = gapped
    found = rolling.rank(x, 20)
    for t in range(27, N_BARS):
        expected = np.nan if np.isnan(x[t]) else np.sum(x[t - 20 : t] < x[t]) / 20
        np.testing.assert_allclose(found[t], expected, err_msg=f"bar {t}")
    assert np.isnan(found[:27]).all()


def test_slope_equals_least_squares():
    x = np.random.default_rng(0).normal(size=60)
    expected = [np.polyfit(np.arange(10), x[t - 9 : t + 1], 1)[0] for t in range(9, 60)]
    np.testing.assert_allclose(rolling.slope(x, 10)[9:], expected, rtol=1e-8)


def test_constant_window_has_no_deviation_and_no_zscore():
    x = np.concatenate([np.random.default_rng(0).normal(scale=1e3, size=50), np.full(50, 7.1)])
    assert rolling.std(x, 10)[-1] == 0
    assert np.isnan(rolling.zscore(x, 10)[-1])


def test_sum_of_zeros_is_zero_after_values_of_every_size():
    x = np.concatenate([np.random.default_rng(0).lognormal(sigma=9, size=50), np.zeros(12)])
    assert rolling.total(x, 10)[-3:].tolist() == [0.0, 0.0, 0.0]
    assert rolling.mean(x, 10)[-1] == 0.0


def test_window_that_is_mostly_unknown_is_unknown():
    x = np.arange(20.0)
    x[10:16] = np.nan
    assert np.isnan(rolling.mean(x, 10)[15])
    assert rolling.mean(x, 10)[14] == np.mean([5, 6, 7, 8, 9])


def test_ratio_and_log_are_unknown_where_they_do_not_exist():
    np.testing.assert_array_equal(rolling.ratio(np.array([1.0, 0.0]), np.array([0.0, 0.0])), [np.nan, np.nan])
    np.testing.assert_array_equal(rolling.ratio(np.array([1.0, 1.0]), np.array([1e-40, 1e-20])), [np.nan, 1e20])
    np.testing.assert_array_equal(rolling.log(np.array([0.0, -1.0, 1.0])), [np.nan, np.nan, 0.0])


def test_lag_and_change_are_unknown_before_the_first_bar():
    x = np.array([1.0, 4.0, 9.0])
    np.testing.assert_array_equal(rolling.lag(x, 2), [np.nan, np.nan, 1.0])
    np.testing.assert_array_equal(rolling.change(x, 1), [np.nan, 3.0, 5.0])
    np.testing.assert_array_equal(rolling.lag(x, 5), [np.nan] * 3)


def test_bars_since_counts_from_the_last_flag_and_stops_at_its_limit():
    flags = np.array([False, True, False, False, False, True])
    np.testing.assert_array_equal(rolling.bars_since(flags, longest_bars=2), [np.nan, 0, 1, 2, 2, 0])


def test_bars_since_a_flag_that_never_stood_is_known_after_the_limit():
    np.testing.assert_array_equal(rolling.bars_since(np.zeros(4, dtype=bool), longest_bars=3), [np.nan] * 3 + [3])


def test_run_length_counts_flags_in_a_row():
    flags = np.array([True, True, False, True, True, True])
    np.testing.assert_array_equal(rolling.run_length(flags), [1, 2, 0, 1, 2, 3])


def test_above_is_unknown_where_either_is():
    found = rolling.above(np.array([2.0, 1.0, np.nan]), np.array([1.0, np.nan, 1.0]))
    np.testing.assert_array_equal(found, [1.0, np.nan, np.nan])


def test_side_is_none_for_a_difference_of_rounding():
    x, y = np.array([1.0, 1.0 + 1e-12, 1.0 + 1e-6, np.nan]), np.ones(4)
    np.testing.assert_array_equal(rolling.side(x, y, size=y), [0.0, 0.0, 1.0, np.nan])
    np.testing.assert_array_equal(rolling.side(y, x, size=y), [0.0, 0.0, -1.0, np.nan])


def test_side_of_mean_does_not_hang_on_what_ran_through_the_sums_before():
    quiet = np.tile([0.1, 0.2, 0.3], 10)
    after_large = rolling.side_of_mean(np.concatenate([[1e4, 3.3e3], quiet]), 3)[-20:]
    np.testing.assert_array_equal(after_large, rolling.side_of_mean(quiet, 3)[-20:])
    np.testing.assert_array_equal(after_large[-3:], [-1, 0, 1])


def test_streak_counts_both_sides_and_stops_at_the_longest_age():
    sides = np.array([np.nan, 1, 1, -1, -1, 0, 1])
    np.testing.assert_array_equal(rolling.streak(sides), [np.nan, 1, 2, -1, -2, 0, 1])
    assert rolling.streak(np.ones(rolling.LONGEST_AGE_BARS + 50))[-1] == rolling.LONGEST_AGE_BARS


def test_crossings_are_the_share_of_bars_that_went_through_the_mean(gapped):
    x, _ = gapped
    mean = slow(x, 10, np.mean)
    sides = np.sign(x - mean)
    turned = np.where(np.isnan(sides[1:] * sides[:-1]), np.nan, sides[1:] * sides[:-1] < 0)
    expected = slow(np.concatenate([[np.nan], turned]), 10, np.mean)
    np.testing.assert_allclose(rolling.crossings(x, 10), expected)


@pytest.mark.parametrize(("age", "extreme"), [(rolling.high_age, np.max), (rolling.low_age, np.min)])
def test_age_counts_bars_since_the_last_extreme(gapped, age, extreme):
    x, _ = gapped
    found, best = age(x, 10), slow(x, 10, extreme)
    for t in range(30, N_BARS):
        assert found[t] == next(k for k in range(t) if x[t - k] == best[t - k]), f"bar {t}"


def test_acceleration_is_this_change_minus_the_one_before():
    x = np.array([0.0, 1.0, 3.0, 4.0, 9.0])
    np.testing.assert_array_equal(rolling.acceleration(x, 2), [np.nan] * 4 + [3.0])


def test_autocorrelation_is_with_the_bar_before(gapped):
    x, _ = gapped
    found = rolling.autocorrelation(x, 20)[60]
    np.testing.assert_allclose(found, np.corrcoef(x[41:61], x[40:60])[0, 1])


def test_mean_where_takes_the_flagged_bars_alone():
    x, flags = np.array([1.0, 2.0, 4.0, 8.0]), np.array([1.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(rolling.mean_where(x, flags, 2), [np.nan, 1.0, 4.0, 4.0])
    np.testing.assert_array_equal(rolling.mean_where(x, np.zeros(4), 2), [np.nan] * 4)
