"""Technical columns of statistics at full width: cycles, order, memory, and how the last bars differ from before."""

import math

import numpy as np

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    above,
    change,
    correlation,
    lag,
    log_ratio,
    mean,
    ratio,
    std,
    total,
    variance,
)

LEADERS = ("body", "close_position", "upper_wick", "lower_wick", "gap_atr", "signed_volume")


def _spectrum(bars: Inputs, x: Values, period: tuple[int, int]) -> tuple[Values, ...]:
    """One cycle of the last bars: its share of the variance, and where in it this bar stands, by cosine and sine.

    ``period`` is the cycle's length and the window, a multiple of it, so that the mean drops out.
    """
    length, window = period
    turn = 2 * np.pi * (np.arange(len(x)) % length) / length
    cosine, sine = np.cos(turn), np.sin(turn)
    along, across = total(x * cosine, window), total(x * sine, window)
    unit = std(x, window) * window / math.sqrt(2)
    in_phase = ratio(along * cosine + across * sine, unit)
    quadrature = ratio(across * cosine - along * sine, unit)
    return in_phase**2 + quadrature**2, in_phase, quadrature


def _orders(bars: Inputs, x: Values, period: int) -> tuple[Values, Values, Values]:
    """Of the orders that three values in a row can have: their evenness, the share of turns, and rises minus falls."""
    first, second, third = above(x, lag(x, 1)), above(lag(x, 1), lag(x, 2)), above(x, lag(x, 2))
    code = 4 * first + 2 * second + third
    shares = [mean(np.where(np.isnan(code), np.nan, code == c), period) for c in (0, 2, 3, 4, 5, 7)]
    evenness = -np.sum([share * np.log(np.maximum(share, 1e-12)) for share in shares], axis=0) / math.log(6)
    return np.asarray(evenness), 1 - shares[0] - shares[-1], shares[-1] - shares[0]


def _irreversibility(bars: Inputs, x: Values, period: int) -> Values:
    """Mean of ``x² x₋₁ - x x₋₁²`` in cubed deviations: not 0 when time run backwards would look otherwise."""
    away = x - mean(x, period)
    before = lag(away, 1)
    return ratio(mean(away**2 * before - away * before**2, period), std(x, period) ** 3)


def _shift(bars: Inputs, x: Values, period: int) -> Values:
    """Welch's t of the last bars' mean against that of as many bars before."""
    spread = variance(x, period)
    return ratio(change(mean(x, period), period), np.sqrt((spread + lag(spread, period)) / period))


def _variance_shift(bars: Inputs, x: Values, period: int) -> Values:
    """Log of the last bars' variance over that of as many bars before."""
    spread = variance(x, period)
    return log_ratio(spread, lag(spread, period))


def _unit_root(bars: Inputs, x: Values, period: int) -> Values:
    """Dickey and Fuller's t: far below 0 when the series is drawn back to its mean."""
    drawn = correlation(change(x, 1), lag(x, 1), period)
    return drawn * np.sqrt((period - 2) / np.maximum(1 - drawn**2, 1e-6))


def _roughness(bars: Inputs, x: Values, period: tuple[int, int]) -> Values:
    """Hurst's exponent minus one half, from how the spread of changes grows from one bar to ``q`` bars."""
    window, n_bars = period
    return log_ratio(std(change(x, n_bars), window), std(change(x, 1), window)) / math.log(n_bars) - 0.5


def _semi_correlation(bars: Inputs, x: Values, period: int) -> Values:
    """How the series goes with rising returns less how it goes with falling ones, each taken by its size."""
    up, down = np.sqrt(bars["up_square"]), np.sqrt(bars["down_square"])
    return correlation(x, up, period) - correlation(x, down, period)


RECIPES = (
    Recipe(
        name="spectrum",
        formula=_spectrum,
        source="Schuster 1898, the periodogram, over a sliding window",
        inputs=("log_return", "abs_return", "log_volume"),
        outputs=("power", "in_phase", "quadrature"),
        periods=((6, 48), (12, 96), (24, 192), (48, 288), (96, 384)),
        width="full",
    ),
    Recipe(
        name="orders",
        formula=_orders,
        source="Bandt and Pompe 2002, Permutation Entropy",
        inputs=("close", "volume", "range", "close_position"),
        outputs=("evenness", "turns", "balance"),
        periods=(30, 100, 300),
        width="full",
    ),
    Recipe(
        name="irreversibility",
        formula=_irreversibility,
        source="Ramsey and Rothman 1996, Time Irreversibility and Business Cycle Asymmetry",
        inputs=("log_return", "log_volume", "log_range"),
        periods=(50, 100, 200),
        width="full",
    ),
    Recipe(
        name="shift",
        formula=_shift,
        source="Welch 1947, two means of unequal variance",
        inputs=("log_return", "abs_return", "log_volume", "close_position", "signed_volume"),
        periods=(5, 20, 50, 200),
        width="full",
    ),
    Recipe(
        name="variance_shift",
        formula=_variance_shift,
        source="Goldfeld and Quandt 1965, a change of variance",
        inputs=("log_return", "log_volume", "log_range", "close_position"),
        periods=(20, 50, 200),
        width="full",
    ),
    Recipe(
        name="unit_root",
        formula=_unit_root,
        source="Dickey and Fuller 1979",
        inputs=("log_close", "log_volume"),
        periods=(50, 100, 200),
        transforms=("level", "change20"),
        width="full",
    ),
    Recipe(
        name="roughness",
        formula=_roughness,
        source="Gatheral, Jaisson and Rosenbaum 2018, Volatility Is Rough",
        inputs=("log_volume", "log_range"),
        periods=((50, 4), (100, 4), (100, 16), (200, 16), (400, 64)),
        width="full",
    ),
    Recipe(
        name="leads_return",
        formula=lambda b, x, p: correlation(lag(x, p[1]), b["log_return"], p[0]),
        source="Granger 1969: what a bar's shape and volume say of the next bars' return",
        inputs=LEADERS,
        periods=((50, 1), (200, 1), (200, 4)),
        width="full",
    ),
    Recipe(
        name="leads_size",
        formula=lambda b, x, p: correlation(lag(x, p[1]), b["abs_return"], p[0]),
        source="Granger 1969: what a bar's shape and volume say of the next bars' size",
        inputs=LEADERS,
        periods=((50, 1), (200, 1)),
        width="full",
    ),
    Recipe(
        name="semi_correlation",
        formula=_semi_correlation,
        source="Patton and Sheppard 2015, Good Volatility, Bad Volatility, of what goes with either",
        inputs=("log_volume", "log_range", "close_position", "upper_wick", "lower_wick"),
        periods=(50, 100, 200),
        width="full",
    ),
)
