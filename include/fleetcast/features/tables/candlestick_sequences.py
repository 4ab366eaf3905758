"""Candlestick columns of full width: what follows what, shapes by direction and volume, and the largest of late."""

import numpy as np

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    above,
    both_known,
    change,
    correlation,
    high_age,
    highest,
    lag,
    low_age,
    lowest,
    mean,
    mean_where,
    ratio,
    side,
    streak,
    total,
)
from fleetcast.features.tables.candlestick import IN_ATR, WITHIN_RANGE

MARKOV = "Markov 1906, chains: the next bar given the last ones, counted over a window"
OWN_VOLUME = "own choice: the shape of volume, bars weighted by what was traded, minus the plain mean"


def _setup(bars: Inputs, x: None, period: int) -> Values:
    """Closes in a row above (+) or below (-) the one ``period`` bars before."""
    close = bars["close"]
    return streak(side(close, lag(close, period), size=close))


def _directions(bars: Inputs, n_bars: int) -> Values:
    """The last ``n_bars`` directions as the digits of one number, up 1 and else 0; NaN until there are as many."""
    code = np.zeros(bars.bars.n_bars)
    for i in range(n_bars):
        code += lag(bars["up_close"], i) * 2**i
    return code


def _after_sequence(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values, Values]:
    """What followed the directions of the last bars whenever they came: share of rises, move and range in ATR.

    All three are shrunk as by two bars like any other.
    """
    n_bars, window = period
    now = _directions(bars, n_bars)
    before = lag(now, 1)
    moved = ratio(change(bars["close"], 1), bars["atr"])
    rise, move, size = (np.full(len(now), np.nan) for _ in range(3))
    for code in range(2**n_bars):
        came = np.where(np.isnan(before), np.nan, before == code)
        count = total(came, window) + 2.0
        is_now = now == code
        rise[is_now] = ratio(total(came * bars["up_close"], window) + 1.0, count)[is_now]
        move[is_now] = ratio(total(came * moved, window), count)[is_now]
        size[is_now] = ratio(total(came * bars["range_atr"], window) + 2.0, count)[is_now]
    return rise, move, size


def _repeats(bars: Inputs, x: Values, period: int) -> Values:
    """How often a kind of bar follows itself, above how often it comes at all."""
    return mean_where(x, lag(x, 1), period) - mean(x, period)


def _follows(bars: Inputs, x: Values, period: int) -> Values:
    """Mean move in ATR of the three bars after a kind of bar, shrunk as by five of no move."""
    earlier, moved = both_known(lag(x, 3), ratio(change(bars["close"], 3), bars["atr"]))
    return ratio(total(earlier * moved, period), total(earlier, period) + 5.0)


def _by_direction(bars: Inputs, x: Values, period: int) -> Values:
    """Mean over rising bars minus mean over falling ones."""
    return mean_where(x, bars["up_close"], period) - mean_where(x, bars["down_close"], period)


def _by_volume(bars: Inputs, x: Values, period: int) -> Values:
    x, volume = both_known(x, bars["volume"])
    return ratio(total(x * volume, period), total(volume, period)) - mean(x, period)


def _rejection(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Mean wick in ATR of the last 100 bars' new highs, and new lows, a bar."""
    new_high = above(bars["high"], lag(highest(bars["high"], period), 1))
    new_low = above(lag(lowest(bars["low"], period), 1), bars["low"])
    return mean(new_high * bars["upper_wick_atr"], 100), mean(new_low * bars["lower_wick_atr"], 100)


RECIPES = (
    Recipe(
        name="setup",
        formula=_setup,
        source="DeMark 1994, The New Science of Technical Analysis (TD Setup at four bars)",
        periods=(2, 4, 8, 13, 24),
        width="full",
    ),
    Recipe(
        name="after_sequence",
        formula=_after_sequence,
        source=MARKOV,
        outputs=("rise", "move", "range"),
        periods=((1, 200), (2, 200), (3, 400), (4, 400)),
        width="full",
    ),
    Recipe(
        name="repeats",
        formula=_repeats,
        source=MARKOV,
        inputs=("up_close", "wide", "inside", "doji", "full_body", "strong_close", "weak_close", "busy"),
        periods=(100, 300),
        width="full",
    ),
    Recipe(
        name="follows",
        formula=_follows,
        source="own choice: what kinds of bar led to lately",
        inputs=(
            *("outside", "inside", "doji", "long_upper_wick", "long_lower_wick", "strong_close", "weak_close"),
            *("thrust_up", "thrust_down", "close_above_high", "close_below_low", "busy", "quiet"),
        ),
        periods=(200,),
        width="full",
    ),
    Recipe(
        name="by_direction",
        formula=_by_direction,
        source="own choice: how rising bars differ from falling ones",
        inputs=("upper_wick", "lower_wick", "range_atr", "log_volume", "close_position"),
        periods=(20, 50, 200),
        width="full",
    ),
    Recipe(
        name="by_volume",
        formula=_by_volume,
        source=OWN_VOLUME,
        inputs=(*WITHIN_RANGE, *IN_ATR),
        periods=(10, 50),
        width="full",
    ),
    Recipe(
        name="echo",
        formula=lambda b, x, p: correlation(x, lag(b["body_atr"], 1), p),
        source="own choice: what a bar's body says of the next bar's shape",
        inputs=("body", "upper_wick_atr", "lower_wick_atr", "range_atr", "gap_atr", "log_volume"),
        periods=(50, 200),
        width="full",
    ),
    Recipe(
        name="rejection",
        formula=_rejection,
        source="own choice: wicks beyond earlier highs and lows",
        outputs=("high", "low"),
        periods=(5, 20, 50),
        width="full",
    ),
    Recipe(
        name="largest",
        formula=lambda b, x, p: (highest(x, p), high_age(x, p)),
        source="own choice: the largest part of a bar lately, and its age",
        inputs=IN_ATR,
        outputs=("size", "age"),
        periods=(10, 50, 200),
        width="full",
    ),
    Recipe(
        name="smallest",
        formula=lambda b, x, p: (lowest(x, p), low_age(x, p)),
        source="own choice: the largest falling body or gap, and the smallest range lately, and its age",
        inputs=("body_atr", "gap_atr", "range_atr"),
        outputs=("size", "age"),
        periods=(10, 50, 200),
        width="full",
    ),
)
