"""Repairs of daily prices by stated rules: what a file lacks, stale prices, and jumps that no market made."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fleetcast.data.findings import Finding

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
# Of a close against the one before, as a logarithm: beyond -39 % and +65 % in a day lie splits, demergers and errors
# of the source; the largest true moves of both of our panels, -28 % and +52 %, lie within.
LARGEST_JUMP = 0.5


class Prices(NamedTuple):
    """``(n_dates, n_stocks)`` each, prices in the quote currency."""

    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array


def repair_prices(
    raw: Prices, *, symbols: Sequence[str], describe: Callable[[int], str]
) -> tuple[Prices, list[Finding]]:
    """The prices without a gap and without jumps of their basis.

    In this order: a bar without a close, and a flat bar without volume (a holiday's, or a stale price on another split
    basis), repeats the last close; an open, high or low that is missing or does not hold the close takes the nearest
    price that does; and where a close is beyond `LARGEST_JUMP` from the one before, all earlier prices are scaled to
    join at the open, so that the jump is no return of any day.

    Args:
        raw: NaN where there is no bar or no value; every stock's first close is there.
        symbols: of the columns.
        describe: a row's date, for findings.
    """
    prices = Prices(*(array.copy() for array in raw))
    flat = (prices.high == prices.low) & (np.nan_to_num(prices.volume) == 0) & ~np.isnan(prices.volume)
    missing = np.isnan(prices.close) | (prices.close <= 0)
    flat[0] = missing[0] = False
    partial = ~missing & (np.isnan(prices.open) | np.isnan(prices.high) | np.isnan(prices.low))
    _carry_forward(prices, missing | flat)
    uneven = _hold_the_close(prices) & ~partial & ~missing & ~flat
    jumps = _join_jumps(prices)
    np.nan_to_num(prices.volume, copy=False)
    kinds = (
        (missing, "the last close, without volume, stands in for missing bars"),
        (flat, "the last close stands in for flat bars without volume, whose price is stale"),
        (partial, "the close, or the nearest price, stands in for a missing open, high or low"),
        (uneven, "a high or low that did not hold open and close was widened to hold them"),
        (jumps, "a close jumped beyond -39 % or +65 %: earlier prices are scaled to join, the jump is no return"),
    )
    findings = [
        finding for mask, message in kinds for finding in _findings(mask, message, symbols=symbols, describe=describe)
    ]
    return prices, findings


def _carry_forward(prices: Prices, gaps: Mask) -> None:
    row = np.where(gaps, 0, np.arange(len(gaps))[:, None])
    source = np.maximum.accumulate(row, axis=0)
    last = np.take_along_axis(prices.close, source, axis=0)
    for array in prices[:4]:
        array[gaps] = last[gaps]
    prices.volume[gaps] = 0.0


def _hold_the_close(prices: Prices) -> Mask:
    """Fills opens, highs and lows that are missing, and widens highs and lows; returns where one was too narrow."""
    np.copyto(prices.open, prices.close, where=~(prices.open > 0))
    high = np.fmax(prices.high, np.maximum(prices.open, prices.close))
    low = np.fmin(np.where(prices.low > 0, prices.low, np.nan), np.minimum(prices.open, prices.close))
    changed = (high != prices.high) | (low != prices.low)
    prices.high[:], prices.low[:] = high, low
    return np.asarray(changed)


def _join_jumps(prices: Prices) -> Mask:
    jumps = np.zeros(prices.close.shape, bool)
    jumps[1:] = np.abs(np.log(prices.close[1:] / prices.close[:-1])) > LARGEST_JUMP
    for row, stock in np.argwhere(jumps):
        within = abs(np.log(prices.close[row, stock] / prices.open[row, stock])) <= LARGEST_JUMP
        if not within:  # the open stands on the old basis: the day itself says nothing
            for array in prices[:3]:
                array[row, stock] = prices.close[row, stock]
        factor = prices.open[row, stock] / prices.close[row - 1, stock]
        for array in prices[:4]:
            array[:row, stock] *= factor
    return jumps


def _findings(mask: Mask, message: str, *, symbols: Sequence[str], describe: Callable[[int], str]) -> list[Finding]:
    found = []
    for stock in np.flatnonzero(mask.any(axis=0)):
        rows = np.flatnonzero(mask[:, stock])
        text = f"{message} ({len(rows)} of {len(mask)} dates)"
        found.append(Finding(kind="repair", symbol=symbols[int(stock)], timestamp=describe(int(rows[0])), message=text))
    return found
