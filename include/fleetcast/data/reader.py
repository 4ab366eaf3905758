"""The bar reader: files of bars, checked, with every repair and remark said. What is wrong in a price is refused."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.data.checks import check_prices, drop_duplicates, sort_bars, to_numbers
from fleetcast.data.files import NUMBERS, bar_files, read_columns
from fleetcast.data.findings import Finding
from fleetcast.data.grid_of_time import check_on_grid, describe_extent, describe_gaps, infer_bar_ms
from fleetcast.data.symbols import base_symbol, check_bases_unique, check_wanted_found
from fleetcast.data.timestamps import to_utc
from fleetcast.errors import DataError


def read_bars(path: str, *, symbols: Sequence[str] | None) -> tuple[BarSet, list[Finding]]:
    """Reads bars from a Parquet or CSV file, or from all of them in a folder.

    Order, exact duplicates, time zone and missing volumes are repaired and said; gaps and uneven starts and ends
    are said and stay. Other symbols' bars are not looked at.

    Args:
        path: a file, a folder, or ``sample`` for the bundled bars.
        symbols: bases to read, such as ``btc``; None reads all.

    Returns:
        The bars, and what was found.

    Raises:
        DataError: nothing to read, a column or symbol missing, text or an impossible value in a price, two time
            zones in one file, two bars of one time that differ, bars off the grid of their length, or two lengths.
    """
    files = bar_files(path)
    bases: dict[str, str] = {}
    frames, findings = [], []
    for file in files:
        frame = _with_base_symbols(read_columns(file), symbols, file=file, bases=bases)
        if not frame.is_empty():
            checked, found = _check_file(frame, file=file)
            frames.append(checked)
            findings += found
    check_bases_unique({raw: base for raw, base in bases.items() if symbols is None or base in symbols})
    check_wanted_found(symbols or (), found=set(bases.values()), where=path)
    bars, found = drop_duplicates(pl.concat(frames).sort("symbol", "timestamp", maintain_order=True))
    bar_ms = infer_bar_ms(bars)
    check_on_grid(bars, bar_ms=bar_ms)
    findings += [*found, *describe_gaps(bars, bar_ms=bar_ms), *describe_extent(bars, bar_ms=bar_ms)]
    return to_bar_set(bars, bar_ms=bar_ms), findings


def to_bar_set(frame: pl.DataFrame, *, bar_ms: int) -> BarSet:
    """The frame's bars as arrays.

    Args:
        frame: sorted by symbol and timestamp (Int64 milliseconds), prices and volume float64.
        bar_ms: bar length in milliseconds.
    """
    bars = {}
    for (symbol,), rows in frame.group_by("symbol", maintain_order=True):
        numbers = {column: np.ascontiguousarray(rows[column].to_numpy(), dtype=np.float64) for column in NUMBERS}
        timestamp = np.ascontiguousarray(rows["timestamp"].to_numpy(), dtype=np.int64)
        bars[str(symbol)] = SymbolBars(symbol=str(symbol), timestamp=timestamp, **numbers)
    return BarSet(bars=bars, bar_ms=bar_ms)


def _with_base_symbols(
    frame: pl.DataFrame, symbols: Sequence[str] | None, *, file: Path, bases: dict[str, str]
) -> pl.DataFrame:
    """The rows of the wanted symbols under their base names; adds what it saw to ``bases``."""
    frame = frame.with_columns(pl.col("symbol").cast(pl.String))
    names = {raw: base_symbol(raw or "", wanted=symbols or ()) for raw in frame["symbol"].unique()}
    if "" in names.values():
        nameless = [raw for raw, base in names.items() if not base]
        first = frame.filter(pl.col("symbol").is_in(nameless, nulls_equal=True))["place"][0]
        raise DataError(f"{file}: no symbol in {first}: expected a pair or ticker such as BTCUSDT in every row")
    bases.update(names)
    frame = frame.with_columns(pl.col("symbol").replace(names))
    return frame if symbols is None else frame.filter(pl.col("symbol").is_in(list(symbols)))


def _check_file(frame: pl.DataFrame, *, file: Path) -> tuple[pl.DataFrame, list[Finding]]:
    frame, zone_findings = to_utc(frame, file=file)
    frame, volume_findings = to_numbers(frame, file=file)
    check_prices(frame, file=file)
    frame, order_findings = sort_bars(frame, file=file)
    return frame.with_columns(file=pl.lit(file.name)), [*zone_findings, *volume_findings, *order_findings]
