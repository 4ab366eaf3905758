"""The grid of time that bars lie on: their length, their gaps, and where symbols start and end."""

import polars as pl

from fleetcast.data.findings import N_SHOWN, Finding, first_few, instant_text
from fleetcast.errors import DataError


def infer_bar_ms(frame: pl.DataFrame) -> int:
    """The bar length in milliseconds: the most common step between neighbours of one symbol.

    Args:
        frame: unique and sorted by ``symbol`` and ``timestamp``.

    Raises:
        DataError: too few bars to tell, or symbols of different lengths.
    """
    steps = frame.select("symbol", step=pl.col("timestamp").diff().over("symbol")).drop_nulls()
    if steps.is_empty():
        raise DataError("cannot tell the bar length: every symbol has a single bar, expected at least two of one")
    counts = steps.group_by("symbol", "step").len().sort("symbol", "len", "step", descending=[False, True, False])
    by_symbol = dict(counts.unique("symbol", keep="first", maintain_order=True).select("symbol", "step").iter_rows())
    if len(set(by_symbol.values())) > 1:
        shown = first_few([f"{symbol} {step // 1000} s" for symbol, step in by_symbol.items()])
        raise DataError(
            f"symbols have bars of different lengths: {shown}. Give each length a file or folder of its own."
        )
    return int(next(iter(by_symbol.values())))


def check_on_grid(frame: pl.DataFrame, *, bar_ms: int) -> None:
    """Refuses bars that do not open a whole number of bar lengths apart.

    Raises:
        DataError: naming them.
    """
    phase = pl.col("timestamp") % bar_ms
    usual = frame.select(phase.mode().min()).item()
    off_grid = frame.filter(phase != usual)
    if not off_grid.is_empty():
        shown = [f"{row['symbol']} {instant_text(row['timestamp'])}" for row in off_grid.head(N_SHOWN).to_dicts()]
        raise DataError(
            f"{len(off_grid)} bars lie off the grid of {bar_ms // 1000} s bars: "
            f"{first_few(shown, n_total=len(off_grid))}. Remove them or resample the source."
        )


def describe_gaps(frame: pl.DataFrame, *, bar_ms: int) -> list[Finding]:
    """A remark a symbol that has bars missing between its first and last one."""
    n_missing = pl.col("timestamp").diff().over("symbol") // bar_ms - 1
    gaps = frame.select("symbol", "timestamp", n_missing=n_missing).filter(pl.col("n_missing") > 0)
    findings = []
    for (symbol,), rows in gaps.group_by("symbol", maintain_order=True):
        shown = [
            f"{row['n_missing']} before {instant_text(row['timestamp'])}"
            for row in rows.head(N_SHOWN).iter_rows(named=True)
        ]
        findings.append(
            Finding(
                kind="remark",
                symbol=str(symbol),
                timestamp=instant_text(rows["timestamp"][0] - rows["n_missing"][0] * bar_ms),
                message=f"{rows['n_missing'].sum()} bars missing in {len(rows)} gaps, which stay: "
                f"{first_few(shown, n_total=len(rows))}",
            )
        )
    return findings


def describe_extent(frame: pl.DataFrame, *, bar_ms: int) -> list[Finding]:
    """A remark for each symbol that starts after the earliest or ends before the latest one."""
    extent = frame.group_by("symbol", maintain_order=True).agg(
        pl.len(), first=pl.col("timestamp").min(), last=pl.col("timestamp").max()
    )
    earliest, latest = extent.select(pl.col("first").min(), pl.col("last").max()).row(0)
    findings = []
    for symbol, n_bars, first, last in extent.iter_rows():
        if first > earliest:
            message = f"starts {(first - earliest) // bar_ms} bars after the earliest symbol, with {n_bars} bars in all"
            findings.append(Finding(kind="remark", symbol=symbol, timestamp=instant_text(first), message=message))
        if last < latest:
            message = f"ends {(latest - last) // bar_ms} bars before the latest symbol, with {n_bars} bars in all"
            findings.append(Finding(kind="remark", symbol=symbol, timestamp=instant_text(last), message=message))
    return findings
