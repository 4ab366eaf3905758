"""Checks of bars: each refuses one kind of fault in a price, or repairs what no price depends on."""

from pathlib import Path

import polars as pl

from fleetcast.data.files import NUMBERS, PRICES
from fleetcast.data.findings import N_SHOWN, Finding, first_few, instant_text
from fleetcast.errors import DataError

LARGEST_PRICE, SMALLEST_PRICE = 1e12, 1e-12  # of any unit of any market, in any currency


def to_numbers(frame: pl.DataFrame, *, file: Path) -> tuple[pl.DataFrame, list[Finding]]:
    """Prices and volume as finite float64; a missing volume becomes 0 and is said.

    Raises:
        DataError: text, nothing, NaN or infinity in a price, or text or infinity in a volume.
    """
    findings = []
    for column in NUMBERS:
        value = pl.col(column)
        if frame[column].dtype == pl.String:
            value = value.str.strip_chars()
        elif not (frame[column].dtype.is_numeric() or frame[column].dtype == pl.Null):
            raise DataError(f"{file}: {column} has the type {frame[column].dtype}: expected numbers")
        parsed = frame.with_columns(value.cast(pl.Float64, strict=False).alias("_number"))
        missing = pl.col(column).is_null() | pl.col("_number").is_nan()
        if column == "volume":
            findings += _volume_repairs(parsed.filter(missing.fill_null(value=False)))
            parsed = parsed.with_columns(pl.when(missing).then(0.0).otherwise("_number").alias("_number"))
        else:
            refuse(frame.filter(pl.col(column).is_null()), f"{column} is missing", file=file, columns=(column,))
        faulty = frame.filter(parsed["_number"].is_null() | ~parsed["_number"].is_finite())
        refuse(faulty, f"{column} is not a finite number", file=file, columns=(column,))
        frame = parsed.with_columns(pl.col("_number").alias(column)).drop("_number")
    return frame, findings


def check_prices(frame: pl.DataFrame, *, file: Path) -> None:
    """Refuses prices that no market makes.

    Raises:
        DataError: a price at or below 0 or beyond any market's, a low above another price, a high below another, or a
            negative volume.
    """
    for column in PRICES:
        refuse(frame.filter(pl.col(column) <= 0), f"{column} is not positive", file=file, columns=(column,))
        beyond = (pl.col(column) > LARGEST_PRICE) | (pl.col(column) < SMALLEST_PRICE)
        refuse(frame.filter(beyond), f"{column} is beyond any market's", file=file, columns=(column,))
    low_above = pl.col("low") > pl.min_horizontal("open", "close", "high")
    refuse(frame.filter(low_above), "low is above open, high or close", file=file, columns=PRICES)
    high_below = pl.col("high") < pl.max_horizontal("open", "close")
    refuse(frame.filter(high_below), "high is below open or close", file=file, columns=PRICES)
    refuse(frame.filter(pl.col("volume") < 0), "volume is negative", file=file, columns=("volume",))


def sort_bars(frame: pl.DataFrame, *, file: Path) -> tuple[pl.DataFrame, list[Finding]]:
    """The bars in order of symbol and time; disorder within a symbol is said."""
    step = pl.col("timestamp").diff().over("symbol")
    unsorted = frame.filter(step < 0)
    findings = [
        Finding(
            kind="repair",
            symbol=symbol,
            timestamp=instant_text(rows["timestamp"][0]),
            message=f"{file.name}: sorted; {len(rows)} bars came after a later one, the first in {rows['place'][0]}",
        )
        for (symbol,), rows in unsorted.group_by("symbol", maintain_order=True)
    ]
    return frame.sort("symbol", "timestamp", maintain_order=True), findings


def drop_duplicates(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """The bars with each exact repetition dropped and said.

    Args:
        frame: sorted; with ``file`` and ``place``.

    Raises:
        DataError: two bars of one symbol and time that differ.
    """
    unique = frame.unique(subset=["symbol", "timestamp", *NUMBERS], keep="first", maintain_order=True)
    differing = unique.filter(pl.struct("symbol", "timestamp").is_duplicated())
    if not differing.is_empty():
        n_times = differing.select("symbol", "timestamp").n_unique()
        raise DataError(
            f"{n_times} times have bars that differ: {_rows(differing, ('close',), show_file=True)}. "
            "Keep one bar a symbol and time."
        )
    repeated = frame.filter(pl.struct("symbol", "timestamp").is_first_distinct().not_())
    findings = [
        Finding(
            kind="repair",
            symbol=symbol,
            timestamp=instant_text(rows["timestamp"][0]),
            message=f"dropped {len(rows)} bars that repeat another exactly: {_times(rows)}",
        )
        for (symbol,), rows in repeated.group_by("symbol", maintain_order=True)
    ]
    return unique, findings


def refuse(offenders: pl.DataFrame, what: str, *, file: Path, columns: tuple[str, ...]) -> None:
    """Raises DataError for the offending rows, if there are any."""
    if not offenders.is_empty():
        raise DataError(
            f"{file}: {what} in {len(offenders)} bars: {_rows(offenders, columns)}. Mend or remove these bars."
        )


def _volume_repairs(empty: pl.DataFrame) -> list[Finding]:
    return [
        Finding(
            kind="repair",
            symbol=symbol,
            timestamp=instant_text(rows["timestamp"][0]),
            message=f"took a missing volume as 0 in {len(rows)} bars: {_times(rows)}",
        )
        for (symbol,), rows in empty.group_by("symbol", maintain_order=True)
    ]


def _rows(frame: pl.DataFrame, columns: tuple[str, ...], *, show_file: bool = False) -> str:
    shown = [
        f"{row['symbol']} {instant_text(row['timestamp'])} {' '.join(f'{c}={row[c]!r}' for c in columns)} "
        f"({row['file'] + ' ' if show_file else ''}{row['place']})"
        for row in frame.head(N_SHOWN).iter_rows(named=True)
    ]
    return first_few(shown, n_total=len(frame))


def _times(frame: pl.DataFrame) -> str:
    return first_few([instant_text(t) for t in frame["timestamp"].head(N_SHOWN)], n_total=len(frame))
