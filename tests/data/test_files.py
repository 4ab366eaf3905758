"""Files of bars: which are read, and what is wrong with those that cannot be."""

from pathlib import Path

import polars as pl
import pytest

from fleetcast.data.files import bar_files, read_columns
from fleetcast.errors import DataError


def test_sample_is_inside_the_package():
    (file,) = bar_files("sample")
    assert file.is_file()
    assert (file.parent / "README.md").is_file()


def test_path_without_bars_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"no bars at .*nowhere\.csv: expected a Parquet or CSV file"):
        bar_files(str(tmp_path / "nowhere.csv"))


def test_other_kind_of_file_is_refused(tmp_path: Path):
    (tmp_path / "bars.txt").touch()
    with pytest.raises(DataError, match=r"expected files that end in \.parquet or \.csv"):
        bar_files(str(tmp_path / "bars.txt"))


def test_places_are_lines_of_a_csv_and_rows_of_a_parquet_file(make_frame, write):
    frame = make_frame(n_bars=2)
    assert read_columns(Path(write(frame, "bars.csv")))["place"].to_list() == ["line 2", "line 3"]
    assert read_columns(Path(write(frame)))["place"].to_list() == ["row 1", "row 2"]


def test_further_columns_are_ignored(make_frame, write):
    frame = make_frame().with_columns(n_trades=pl.lit(3))
    assert "n_trades" not in read_columns(Path(write(frame))).columns


@pytest.mark.parametrize("name", ["bars.csv", "bars.parquet"])
@pytest.mark.parametrize(
    ("missing", "instead", "message"),
    [
        ("close", "clos", "expected 'close', found 'clos'"),
        ("close", "Close", "expected 'close', found 'Close'"),
        ("timestamp", "timestmp", "expected 'timestamp', found 'timestmp'"),
        ("volume", "quantity", "no column 'volume'"),
    ],
)
def test_misnamed_column_is_named_beside_what_stands_there(make_frame, write, name, missing, instead, message):
    path = Path(write(make_frame().rename({missing: instead}), name))
    with pytest.raises(DataError, match=message):
        read_columns(path)


def test_file_without_bars_is_refused(tmp_path: Path, make_frame, write):
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(DataError, match=r"empty\.csv is empty: expected columns"):
        read_columns(empty)
    with pytest.raises(DataError, match="is empty: expected at least one bar under its header"):
        read_columns(Path(write(make_frame()[:0], "header.csv")))


def test_file_of_another_format_is_refused_in_one_line(tmp_path: Path):
    path = tmp_path / "bars.parquet"
    path.write_bytes(b"no parquet in here, only text")
    with pytest.raises(DataError, match=r"cannot read .*bars\.parquet: .*Expected parquet with") as refusal:
        read_columns(path)
    assert "\n" not in str(refusal.value)
