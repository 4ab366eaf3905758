"""Arithmetic that looks only back: every value at bar ``t`` uses bars up to ``t``.

All arrays are float64 ``(n_bars,)``. NaN means unknown: a window is used when at least half of it is known, and the
first ``period - 1`` bars after the first known one are NaN. Sums run forward from the start of the series, so that
cutting or changing later bars cannot change an earlier value by a single bit.
"""

import numpy as np
import numpy.typing as npt
import talib

from fleetcast.features.columns import Values

Flags = npt.NDArray[np.bool_]
NO_VARIANCE = 1e-12  # of the mean square: less is rounding
LARGEST_RATIO = 1e30  # what float32 still holds
LARGEST_CHANGE = 1e6  # percent: more is a change from next to nothing
LONGEST_AGE_BARS = 500
ROUNDING = 1e-9  # of the size of what is compared: a smaller difference is rounding


def ratio(numerator: Values, denominator: Values | float) -> Values:
    """Quotient; NaN where the denominator is zero, or so small beside the numerator that it can only be rounding."""
    bottom = np.asarray(denominator, dtype=np.float64)
    known = np.abs(bottom) > np.abs(numerator) / LARGEST_RATIO
    known &= bottom != 0
    return np.where(known, numerator / np.where(known, bottom, 1.0), np.nan)


def change_in_percent(x: Values) -> Values:
    """The same; NaN where it is infinite, or so large that it was a change from next to nothing."""
    return np.where(np.abs(x) <= LARGEST_CHANGE, x, np.nan)


def log(x: Values) -> Values:
    """Natural logarithm; NaN where ``x`` is not positive."""
    return np.log(np.where(x > 0, x, np.nan))


def log_ratio(numerator: Values, denominator: Values) -> Values:
    """Logarithm of a quotient of positive values."""
    return log(numerator) - log(denominator)


def lag(x: Values, n_bars: int) -> Values:
    """The value ``n_bars`` bars ago."""
    if n_bars == 0:
        return x
    late = np.full(len(x), np.nan)
    late[n_bars:] = x[:-n_bars]
    return late


def change(x: Values, period: int) -> Values:
    """Now minus ``period`` bars ago."""
    return x - lag(x, period)


def total(x: Values, period: int) -> Values:
    """Sum of the known values of the last ``period`` bars; exactly 0 where all are, whatever earlier sums have left."""
    if period == 1:
        return x
    known = ~np.isnan(x)
    filled = np.where(known, x, 0.0)
    sums = _sum(filled, period)
    moves = filled != 0
    if not moves[_first(known) :].all():
        sums = np.where(_sum(moves.astype(np.float64), period) == 0, 0.0, sums)
    return _masked(sums, x, period)


def mean(x: Values, period: int) -> Values:
    """Mean of the known values of the last ``period`` bars."""
    if period == 1:
        return x
    return ratio(total(x, period), _n_known(x, period))


def root_mean_square(x: Values, period: int) -> Values:
    """Root of the mean square; rounding may leave a mean of zeros just below zero, which counts as zero."""
    return np.sqrt(np.maximum(mean(x * x, period), 0.0))


def variance(x: Values, period: int) -> Values:
    """Variance with ddof 1; exactly 0 for a window that does not move, whatever rounding its sums have left."""
    n_known = _n_known(x, period)
    mean_square = mean(x * x, period)
    spread = mean_square - mean(x, period) ** 2
    moves = (highest(x, period) > lowest(x, period)) & (spread > NO_VARIANCE * mean_square)
    return ratio(np.where(moves | np.isnan(spread), spread, 0.0) * n_known, n_known - 1)


def std(x: Values, period: int) -> Values:
    """Standard deviation with ddof 1."""
    return np.sqrt(variance(x, period))


def zscore(x: Values, period: int) -> Values:
    """Distance from the mean in standard deviations, both over the last ``period`` bars."""
    return ratio(x - mean(x, period), std(x, period))


def rank(x: Values, period: int) -> Values:
    """Share of the ``period`` bars before that lie below the current value, 0 to 1."""
    if len(x) <= period:
        return np.full(len(x), np.nan)
    below = talib.PERCENTRANK(np.where(np.isnan(x), np.inf, x), period) / 100.0
    return np.where(np.isnan(x), np.nan, _masked(below, x, period + 1))


def highest(x: Values, period: int) -> Values:
    """Largest known value of the last ``period`` bars."""
    if period == 1:
        return x
    return _masked(talib.MAX(np.where(np.isnan(x), -np.inf, x), period), x, period)


def lowest(x: Values, period: int) -> Values:
    """Smallest known value of the last ``period`` bars."""
    return -highest(-x, period)


def slope(x: Values, period: int) -> Values:
    """Least-squares slope a bar of ``x``, which must have no gaps, over the last ``period`` bars."""
    return np.asarray(talib.LINEARREG_SLOPE(x, period))


def covariance(x: Values, y: Values, period: int) -> Values:
    """Mean product minus product of means, over bars where both are known."""
    x, y = both_known(x, y)
    return mean(x * y, period) - mean(x, period) * mean(y, period)


def correlation(x: Values, y: Values, period: int) -> Values:
    """Pearson's correlation over bars where both are known, -1 to 1; NaN when one does not move."""
    x, y = both_known(x, y)
    n_known = _n_known(x, period)
    spread = np.sqrt(variance(x, period) * variance(y, period)) * (n_known - 1)
    return np.clip(ratio(covariance(x, y, period) * n_known, spread), -1.0, 1.0)


def beta(y: Values, x: Values, period: int) -> Values:
    """Least-squares slope of ``y`` on ``x`` over bars where both are known."""
    y, x = both_known(y, x)
    n_known = _n_known(x, period)
    return ratio(covariance(y, x, period) * n_known, variance(x, period) * (n_known - 1))


def skewness(x: Values, period: int) -> Values:
    """Third standardised moment (population)."""
    m1, m2, m3 = (mean(x**k, period) for k in (1, 2, 3))
    return ratio(m3 - 3 * m1 * m2 + 2 * m1**3, _population_variance(x, period) ** 1.5)


def kurtosis(x: Values, period: int) -> Values:
    """Fourth standardised moment (population) minus 3."""
    m1, m2, m3, m4 = (mean(x**k, period) for k in (1, 2, 3, 4))
    fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    return ratio(fourth, _population_variance(x, period) ** 2) - 3.0


def above(x: Values | float, y: Values | float) -> Values:
    """1 where ``x`` is greater than ``y``, else 0; NaN where either is unknown."""
    return np.where(np.isnan(x) | np.isnan(y), np.nan, np.greater(x, y))


def side(x: Values, y: Values, *, size: Values) -> Values:
    """1 where ``x`` lies above ``y``, -1 below, 0 where they differ by rounding alone; NaN where either is unknown.

    Args:
        x: Values ``(n_bars,)``.
        y: What they are compared with ``(n_bars,)``.
        size: How large such values are ``(n_bars,)``: a difference of less than `ROUNDING` times that is none.
    """
    apart = x - y
    return np.sign(np.where(np.abs(apart) <= ROUNDING * size, 0.0, apart))


def side_of_mean(x: Values, period: int) -> Values:
    """On which side of the mean of its last ``period`` bars a value lies: 1, 0 or -1."""
    return side(x, mean(x, period), size=mean(np.abs(x), period))


def streak(sides: Values) -> Values:
    """Bars in a row on the upper side (+) or the lower one (-), at most `LONGEST_AGE_BARS`; NaN where unknown."""
    length = run_length(sides > 0) - run_length(sides < 0)
    return np.where(np.isnan(sides), np.nan, np.clip(length, -LONGEST_AGE_BARS, LONGEST_AGE_BARS))


def crossings(x: Values, period: int) -> Values:
    """Share of the last ``period`` bars in which ``x`` went through the mean of its last ``period`` bars."""
    sides = side_of_mean(x, period)
    return mean(above(-sides * lag(sides, 1), 0.0), period)


def high_age(x: Values, period: int) -> Values:
    """Bars since ``x`` was last the highest of its ``period`` bars, at most `LONGEST_AGE_BARS`."""
    return bars_since(x >= highest(x, period) - ROUNDING * highest(np.abs(x), period))


def low_age(x: Values, period: int) -> Values:
    """Bars since ``x`` was last the lowest of its ``period`` bars, at most `LONGEST_AGE_BARS`."""
    return high_age(-x, period)


def autocorrelation(x: Values, period: int) -> Values:
    """Correlation of ``x`` with its value one bar before."""
    return correlation(x, lag(x, 1), period)


def acceleration(x: Values, period: int) -> Values:
    """The change over ``period`` bars minus the change over the ``period`` bars before."""
    return change(x, period) - lag(change(x, period), period)


def mean_where(x: Values, flags: Values, period: int) -> Values:
    """Mean of ``x`` over those of the last ``period`` bars whose flag (1 or 0) stands; NaN when none does."""
    x, flags = both_known(x, flags)
    count = total(flags, period)
    return np.where(count > 0, ratio(total(x * flags, period), count), np.nan)


def bars_since(flags: Flags, *, longest_bars: int = LONGEST_AGE_BARS) -> Values:
    """Bars since the flag last stood, at most ``longest_bars``; NaN until that is known."""
    rows = np.arange(len(flags))
    latest = np.maximum.accumulate(np.where(flags, rows, -1))
    age = np.minimum(rows - latest, longest_bars).astype(np.float64)
    return np.where((latest < 0) & (rows < longest_bars), np.nan, age)


def run_length(flags: Flags) -> Values:
    """How many bars in a row, up to this one, the flag has stood."""
    rows = np.arange(len(flags))
    return (rows - np.maximum.accumulate(np.where(flags, -1, rows))).astype(np.float64)


def both_known(x: Values, y: Values) -> tuple[Values, Values]:
    """The two series with NaN wherever either is unknown."""
    known = ~(np.isnan(x) | np.isnan(y))
    return np.where(known, x, np.nan), np.where(known, y, np.nan)


def _sum(x: Values, period: int) -> Values:
    return np.asarray(talib.SUM(x, period))


def _first(known: Flags) -> int:
    """The first known bar; as many as there are where none is."""
    first = int(known.argmax()) if len(known) else 0
    return first if known[first : first + 1].any() else len(known)


def _n_known(x: Values, period: int) -> Values | float:
    """How many of the last ``period`` values are known; of no meaning in the first windows, which are masked."""
    known = ~np.isnan(x)
    if known[_first(known) :].all():  # as in most series: it saves a sum
        return float(period)
    return _sum(known.astype(np.float64), period)


def _masked(values: Values, x: Values, period: int) -> Values:
    n_known = _n_known(x, period)
    masked = np.array(values) if isinstance(n_known, float) else np.where(n_known * 2 >= period, values, np.nan)
    masked[: _first(~np.isnan(x)) + period - 1] = np.nan
    return masked


def _population_variance(x: Values, period: int) -> Values:
    n_known = _n_known(x, period)
    return ratio(variance(x, period) * (n_known - 1), n_known)
