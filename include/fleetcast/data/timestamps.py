"""Timestamps of bars: whatever a file holds, as UTC milliseconds since the epoch."""

from pathlib import Path

import polars as pl

from fleetcast.data.findings import Finding, first_few, instant_text
from fleetcast.errors import DataError

FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
OFFSET = r"(?i)(Z|[+-]\d{2}:?\d{2})$"
# Integers outside of 1990 to 2100 are not milliseconds.
EARLIEST_MS, LATEST_MS = 631_152_000_000, 4_102_444_800_000


def to_utc(frame: pl.DataFrame, *, file: Path) -> tuple[pl.DataFrame, list[Finding]]:
    """The frame with ``timestamp`` as Int64 milliseconds since the epoch.

    Taken as they are: instants in UTC, text with one offset of zero, integers as milliseconds. Said as a repair:
    another zone (converted) and no zone (taken as UTC).

    Args:
        frame: with ``place``, ``symbol`` and ``timestamp``.
        file: for messages.

    Raises:
        DataError: unreadable timestamps, or two zones in one file.
    """
    dtype = frame["timestamp"].dtype
    if dtype == pl.String:
        digits_only = frame["timestamp"].str.contains(r"^\s*\d{9,}\s*$").all()
        if not digits_only:
            return _from_text(frame, file)
        frame = frame.with_columns(pl.col("timestamp").str.strip_chars().cast(pl.Int64, strict=False))
        dtype = pl.Int64()
    if dtype.is_integer():
        return _checked(frame.with_columns(pl.col("timestamp").cast(pl.Int64)), file), []
    if dtype == pl.Date:
        dates = frame.with_columns(pl.col("timestamp").cast(pl.Datetime("ms")))
        return _from_instants(dates, zone=None, file=file)
    if isinstance(dtype, pl.Datetime):
        return _from_instants(frame, zone=dtype.time_zone, file=file)
    raise DataError(f"{file}: timestamp has the type {dtype}: expected instants in UTC, ISO 8601 text or milliseconds")


def _from_instants(frame: pl.DataFrame, *, zone: str | None, file: Path) -> tuple[pl.DataFrame, list[Finding]]:
    micros = pl.col("timestamp").dt.epoch("us")
    uneven = frame.filter(micros % 1000 != 0)
    if not uneven.is_empty():
        raise DataError(f"{file}: {len(uneven)} timestamps hold parts of a millisecond: {_rows(uneven)}. Round them.")
    frame = _checked(frame.with_columns(timestamp=micros // 1000), file)
    return frame, [] if zone in ("UTC", "Etc/UTC", "GMT") else [_zone_repair(frame, zone, file)]


def _from_text(frame: pl.DataFrame, file: Path) -> tuple[pl.DataFrame, list[Finding]]:
    text = pl.col("timestamp").str.strip_chars()
    frame = frame.with_columns(
        text=text,
        offset=text.str.extract(OFFSET)
        .str.to_uppercase()
        .str.replace(":", "")
        .replace({"Z": "+0000", "-0000": "+0000"}),
        local=text.str.replace(OFFSET, "").str.replace("[Tt]", " ").str.strip_chars(),
    ).with_columns(
        # "31-12-2024" ends like an offset; only a time of day can have one.
        pl.when(pl.col("local").str.contains(":")).then(pl.col("offset")),
        pl.when(pl.col("local").str.contains(":")).then(pl.col("local")).otherwise(text).alias("local"),
    )
    local = pl.coalesce(pl.col("local").str.to_datetime(form, time_unit="ms", strict=False) for form in FORMATS)
    parsed = frame.with_columns(timestamp=local.dt.epoch("ms"))
    unreadable = parsed["timestamp"].is_null()
    if unreadable.any():
        rows = frame.filter(unreadable)
        raise DataError(f"{file}: {len(rows)} timestamps cannot be read: {_rows(rows)}. Expected ISO 8601.")
    _check_one_offset(frame, file)
    offset = parsed["offset"][0]
    minutes = 0 if offset is None else int(offset[0] + "1") * (int(offset[1:3]) * 60 + int(offset[3:5]))
    parsed = parsed.with_columns(pl.col("timestamp") - minutes * 60_000).drop("text", "offset", "local")
    return _checked(parsed, file), [] if offset == "+0000" else [_zone_repair(parsed, offset, file)]


def _check_one_offset(frame: pl.DataFrame, file: Path) -> None:
    usual = frame["offset"].mode(maintain_order=True)[0]
    others = frame.filter(pl.col("offset").ne_missing(usual))
    if others.is_empty():
        return
    first = frame.filter(pl.col("offset").eq_missing(usual)).head(1)
    raise DataError(
        f"{file}: two time zones in one file: {_rows(first)} but {_rows(others)}. Write all timestamps in UTC."
    )


def _zone_repair(frame: pl.DataFrame, zone: str | None, file: Path) -> Finding:
    first = instant_text(frame["timestamp"][0])
    said = "without a time zone, taken as UTC" if zone is None else f"in {zone}, converted to UTC"
    return Finding(
        kind="repair",
        symbol=None,
        timestamp=first,
        message=f"{file.name}: {len(frame)} timestamps {said}; its first bar is {frame['symbol'][0]} {first}",
    )


def _checked(frame: pl.DataFrame, file: Path) -> pl.DataFrame:
    outside = frame.filter(~pl.col("timestamp").is_between(EARLIEST_MS, LATEST_MS).fill_null(value=False))
    if not outside.is_empty():
        raise DataError(
            f"{file}: {len(outside)} timestamps are missing or outside of the years 1990 to 2100: {_rows(outside)}. "
            "Expected instants, or integers that count milliseconds since 1970."
        )
    return frame


def _rows(frame: pl.DataFrame) -> str:
    value = "text" if "text" in frame.columns else "timestamp"
    shown = [f"{row['symbol']} {row[value]} ({row['place']})" for row in frame.head(3).iter_rows(named=True)]
    return first_few(shown, n_total=len(frame))
