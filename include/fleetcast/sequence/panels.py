"""Panels of daily bars: many stocks on one calendar, every repair of the real data's faults said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.data.files import NUMBERS, bar_files, read_columns
from fleetcast.data.findings import Finding, instant_text
from fleetcast.data.remote import bars_on_disk
from fleetcast.data.timestamps import to_utc
from fleetcast.errors import DataError
from fleetcast.job_args.run_key import digest_of
from fleetcast.sequence.panel_repairs import Prices, repair_prices
from fleetcast.store.objects import digest_bytes

SAMPLE = "sample"
SAMPLE_FILE = "us_stocks_daily.parquet"
DAY_MS = 86_400_000
TRADING_SHARE = 0.5  # of the stocks, with volume, that make a date a trading day


@dataclass(frozen=True)
class Panel:
    """Bars of all stocks at the same dates; arrays are ``(n_dates, n_stocks)`` float64, without a gap.

    Attributes:
        dates: ``(n_dates,)`` int64, the trading date at 00:00 UTC in milliseconds since the epoch; increasing.
        symbols: as the source writes them.
        prices: open, high, low, close and volume.
        findings: what was repaired or is worth knowing.
    """

    dates: npt.NDArray[np.int64]
    symbols: tuple[str, ...]
    prices: Prices
    findings: tuple[Finding, ...]

    @property
    def dataset_rev(self) -> str:
        """20 hexadecimal digits over the repaired content: equal for equal data, wherever it lies."""
        arrays = [self.dates, *self.prices]
        return digest_of([self.symbols, [digest_bytes(np.ascontiguousarray(a).tobytes()) for a in arrays]])[:20]


def read_panel(
    path: str, *, symbols: Sequence[str] | None = None, n_stocks: int | None = None, cutoff: datetime | None = None
) -> Panel:
    """Reads daily bars and puts them on one calendar.

    The calendar holds the dates, from the first to the last at which all stocks exist, at which at least half of them
    traded. A bar that a stock lacks there repeats its last close without volume.

    Args:
        path: a Parquet or CSV file with the columns of bars, a folder, a URI of either, or ``sample``.
        symbols: which stocks; None takes all.
        n_stocks: the first so many of them, by name.
        cutoff: only bars known by then: those of days that ended at or before it.

    Raises:
        DataError: nothing to read, a symbol that is not there, or no date that all stocks share.
    """
    with bars_on_disk(_sample_path() if path == SAMPLE else path) as place:
        frame, findings = _read(place)
    frame = _wanted(_known(frame, cutoff, where=path), symbols, n_stocks=n_stocks, where=path)
    dates, names, raw = _to_arrays(frame)
    dates, raw, found = _common_calendar(dates, names, raw)
    prices, repairs = repair_prices(raw, symbols=names, describe=lambda row: instant_text(int(dates[row])))
    return Panel(dates=dates, symbols=names, prices=prices, findings=(*findings, *found, *repairs))


def _sample_path() -> str:
    return str(files("fleetcast.sequence") / "sample" / SAMPLE_FILE)


def _read(path: str) -> tuple[pl.DataFrame, list[Finding]]:
    frames, findings = [], []
    for file in bar_files(path):
        frame = _on_its_own_clock(read_columns(file)).with_columns(pl.col("symbol").cast(pl.String))
        frame, found = to_utc(frame, file=file)
        frames.append(frame.with_columns(_numbers(frame, column, file=file) for column in NUMBERS).drop("place"))
        findings += found
    frame = pl.concat(frames)
    repeated = frame.filter(pl.struct("symbol", "timestamp").is_duplicated())
    if not repeated.is_empty():
        first = repeated.row(0, named=True)
        raise DataError(
            f"{path}: {len(repeated)} bars share symbol and date with another, the first of {first['symbol']} at "
            f"{instant_text(first['timestamp'])}. Keep one bar a stock and day."
        )
    return frame.with_columns(timestamp=pl.col("timestamp") // DAY_MS * DAY_MS), findings


def _on_its_own_clock(frame: pl.DataFrame) -> pl.DataFrame:
    """A trading date is the exchange's: converted to UTC, midnight in Asia would be the day before, known too early."""
    dtype = frame["timestamp"].dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        return frame.with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
    if dtype == pl.String:
        return frame.with_columns(
            pl.col("timestamp").str.replace(r"(:\d{2}(?:\.\d+)?)\s*[+-]\d{2}:?\d{2}\s*$", "${1}Z")
        )
    return frame


def _numbers(frame: pl.DataFrame, column: str, *, file: Path) -> pl.Series:
    try:
        return frame[column].cast(pl.Float64, strict=True)
    except pl.exceptions.PolarsError as exc:
        raise DataError(f"{file}: {column} holds what is no number: {str(exc).splitlines()[0]}") from exc


def _wanted(frame: pl.DataFrame, symbols: Sequence[str] | None, *, n_stocks: int | None, where: str) -> pl.DataFrame:
    found = sorted(frame["symbol"].unique())
    missing = sorted(set(symbols or ()) - set(found))
    if missing:
        raise DataError(f"no bars of {missing[:3]} in {where}: found {found[:10]} ({len(found)} stocks)")
    wanted = list(symbols or found)[:n_stocks]
    if n_stocks is not None and len(wanted) < n_stocks:
        raise DataError(f"{where} has {len(wanted)} stocks, {n_stocks} were asked for")
    return frame.filter(pl.col("symbol").is_in(wanted))


def _known(frame: pl.DataFrame, cutoff: datetime | None, *, where: str) -> pl.DataFrame:
    if frame.is_empty():
        raise DataError(f"{where} holds no bars")
    if cutoff is None:
        return frame
    known = frame.filter(pl.col("timestamp") <= (cutoff - timedelta(days=1)).timestamp() * 1000)
    if known.is_empty():
        raise DataError(
            f"no bar of {where} is known at the cutoff {cutoff:%Y-%m-%d %H:%M} UTC: the first day begins "
            f"{instant_text(int(frame['timestamp'].min()))}. Choose a later cutoff."  # type: ignore[arg-type]
        )
    return known


def _to_arrays(frame: pl.DataFrame) -> tuple[npt.NDArray[np.int64], tuple[str, ...], Prices]:
    names = tuple(sorted(frame["symbol"].unique()))
    dates = np.unique(frame["timestamp"].to_numpy())
    row = np.searchsorted(dates, frame["timestamp"].to_numpy())
    column = np.searchsorted(np.asarray(names), frame["symbol"].to_numpy().astype(str))
    arrays = []
    for name in NUMBERS:
        array = np.full((len(dates), len(names)), np.nan)
        array[row, column] = frame[name].to_numpy()
        arrays.append(np.where(np.isinf(array), np.nan, array))
    return dates.astype(np.int64), names, Prices(*arrays)


def _common_calendar(
    dates: npt.NDArray[np.int64], names: tuple[str, ...], raw: Prices
) -> tuple[npt.NDArray[np.int64], Prices, list[Finding]]:
    has_bar = raw.close > 0
    if not has_bar.any(axis=0).all():
        without = [names[int(stock)] for stock in np.flatnonzero(~has_bar.any(axis=0))]
        raise DataError(f"{len(without)} stocks have no close above zero: {without[:3]}. Leave them out.")
    first, last = has_bar.argmax(axis=0), len(dates) - 1 - has_bar[::-1].argmax(axis=0)
    start, stop = int(first.max()), int(last.min()) + 1
    if stop <= start:
        raise DataError(
            f"the stocks share no date: {names[int(first.argmax())]} starts {instant_text(int(dates[start]))} and "
            f"{names[int(last.argmin())]} ends {instant_text(int(dates[stop - 1]))}. Leave one of them out."
        )
    # Before a stock's first volume none is known: an index has none at all, as NaN or as zeros.
    volume = np.where(np.maximum.accumulate(raw.volume > 0, axis=0), raw.volume, np.nan)
    traded = (np.nan_to_num(volume) > 0).sum(axis=1)
    unknown = np.isnan(volume).all(axis=1) & has_bar.any(axis=1)
    kept = np.flatnonzero((traded >= TRADING_SHARE * len(names)) | unknown)
    kept = kept[(kept >= start) & (kept < stop)]
    if not len(kept):
        raise DataError(
            "there is no date at which at least half of the stocks traded: mend the bars, or leave some out"
        )
    n_dropped = stop - start - len(kept)
    raw = raw._replace(volume=volume)
    _begin_with_a_close(raw, has_bar, row=int(kept[0]))
    youngest = f"; {names[int(first.argmax())]} is the youngest" if first.min() < start else ""
    findings = [_remark(f"starts {_day(dates[start])}, when all {len(names)} stocks exist{youngest}")]
    if last.max() >= stop:
        findings.append(
            _remark(f"ends {_day(dates[stop - 1])} with {names[int(last.argmin())]}; others go on to {_day(dates[-1])}")
        )
    if n_dropped:
        findings.append(_remark(f"dropped {n_dropped} dates at which fewer than half of the stocks traded"))
    return dates[kept], Prices(*(array[kept] for array in raw)), findings


def _begin_with_a_close(raw: Prices, has_bar: npt.NDArray[np.bool_], *, row: int) -> None:
    """A stock that lacks a bar in the first row has its last close there, as it has in later ones."""
    for stock in np.flatnonzero(~has_bar[row]):
        raw.close[row, stock] = raw.close[np.flatnonzero(has_bar[:row, stock])[-1], stock]
        raw.volume[row, stock] = 0.0


def _remark(message: str) -> Finding:
    return Finding(kind="remark", symbol=None, timestamp=None, message=message)


def _day(milliseconds: np.int64) -> str:
    return f"{datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC):%Y-%m-%d}"
