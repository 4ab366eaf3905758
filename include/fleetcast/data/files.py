"""Files of bars: which ones a path means, and their columns as they stand, each row with its place in the file."""

import difflib
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

import polars as pl

from fleetcast.errors import DataError

SAMPLE = "sample"
PRICES = ("open", "high", "low", "close")
NUMBERS = (*PRICES, "volume")
COLUMNS = ("timestamp", "symbol", *NUMBERS)
SUFFIXES = (".parquet", ".csv")
N_COLUMNS_SHOWN = 10  # of a file that lacks one


def bar_files(path: str) -> list[Path]:
    """The files that ``path`` means: itself, a folder's Parquet and CSV files by name, or the bundled sample.

    Raises:
        DataError: there is nothing to read.
    """
    if path == SAMPLE:
        return [Path(str(files("fleetcast.data"))) / "sample" / "crypto_15m_2024.parquet"]
    place = Path(path).expanduser()
    try:
        found = sorted(f for f in place.iterdir() if f.suffix in SUFFIXES) if place.is_dir() else [place]
        exists = place.exists()
    except OSError as exc:
        raise DataError(f"cannot read bars from {path}: {exc.strerror}. Check the path and its permissions.") from exc
    if not exists:
        raise DataError(f"no bars at {path}: expected a Parquet or CSV file, a folder of them, or {SAMPLE!r}")
    if not found or found[0].suffix not in SUFFIXES:
        raise DataError(f"no bars at {path}: expected files that end in {' or '.join(SUFFIXES)}")
    return found


def read_columns(file: Path) -> pl.DataFrame:
    """The seven columns as the file holds them (CSV: all text), with ``place``, such as ``line 2`` or ``row 1``.

    Raises:
        DataError: unreadable, empty, or a column missing.
    """
    try:
        if file.suffix == ".csv":
            frame = pl.read_csv(file, infer_schema=False, glob=False)
            place, first_place = "line", 2  # line 1 is the header
        else:
            frame = pl.read_parquet(file, glob=False, hive_partitioning=False)
            place, first_place = "row", 1
    except pl.exceptions.NoDataError as exc:
        raise DataError(f"{file} is empty: expected columns {list(COLUMNS)} and at least one bar") from exc
    except (pl.exceptions.PolarsError, OSError) as exc:
        reason = str(exc).splitlines()[0]
        raise DataError(f"cannot read {file}: {reason}. Expected {file.suffix[1:]} with {list(COLUMNS)}.") from exc
    check_columns(frame.columns, file=file)
    if frame.is_empty():
        raise DataError(f"{file} is empty: expected at least one bar under its header")
    indexed = frame.select(COLUMNS).with_row_index("place", offset=first_place)
    return indexed.with_columns(place=pl.format(place + " {}", "place"))


def check_columns(found: Collection[str], *, file: Path) -> None:
    """Refuses a file that lacks a column, naming what stands there instead.

    Raises:
        DataError: such as ``expected 'close', found 'clos'``.
    """
    missing = [name for name in COLUMNS if name not in found]
    if not missing:
        return
    others = {name.strip().lower(): name for name in found if name not in COLUMNS}
    parts = []
    for name in missing:
        near = difflib.get_close_matches(name, others, n=1)
        parts.append(f"expected {name!r}, found {others[near[0]]!r}" if near else f"no column {name!r}")
    raise DataError(f"{file}: {'; '.join(parts)}. Expected {list(COLUMNS)}, found {list(found)[:N_COLUMNS_SHOWN]}.")
