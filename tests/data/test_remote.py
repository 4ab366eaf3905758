from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from fleetcast.data.reader import read_bars
from fleetcast.data.remote import bars_on_disk
from fleetcast.errors import DataError

FrameMaker = Callable[..., pl.DataFrame]
Write = Callable[..., str]


@pytest.fixture
def uri(tmp_path: Path, make_frame: FrameMaker, write: Write) -> str:
    """A store's folder with two files of bars, a note, and a folder with something else."""
    for symbol in ("BTCUSDT", "ETHUSDT"):
        write(make_frame((symbol,)), f"bars/{symbol}.parquet")
    (tmp_path / "bars" / "README.md").write_text("not bars")
    (tmp_path / "bars" / "old").mkdir()
    write(make_frame(("SOLUSDT",)), "bars/old/sol.parquet")
    return (tmp_path / "bars").as_uri()


@pytest.mark.parametrize("path", ["sample", "/data/bars", "bars.csv"])
def test_what_lies_on_this_machine_is_read_where_it_is(path: str) -> None:
    with bars_on_disk(path) as here:
        assert here == path


def test_a_folders_files_are_copied_and_removed_again(uri: str) -> None:
    with bars_on_disk(f"{uri}/") as here:
        bars, _ = read_bars(here, symbols=None)
        assert sorted(path.name for path in Path(here).iterdir()) == ["BTCUSDT.parquet", "ETHUSDT.parquet"]
    assert sorted(bars.bars) == ["btc", "eth"]
    assert not Path(here).exists()


def test_what_lies_in_folders_below_is_left_alone(uri: str, write: Write, make_frame: FrameMaker) -> None:
    write(make_frame(), "bars/older/SOLUSDT.parquet")
    with bars_on_disk(uri) as here:
        assert sorted(path.name for path in Path(here).iterdir()) == ["BTCUSDT.parquet", "ETHUSDT.parquet"]


def test_one_file_is_copied_alone(uri: str) -> None:
    with bars_on_disk(f"{uri}/ETHUSDT.parquet") as here:
        bars, _ = read_bars(here, symbols=None)
    assert sorted(bars.bars) == ["eth"]


@pytest.mark.parametrize("name", ["nothing", "missing.parquet"])
def test_where_there_are_no_bars_the_uri_is_named(uri: str, name: str) -> None:
    with (
        pytest.raises(DataError, match=rf"^no bars at {uri}/{name}: expected a file that ends in"),
        bars_on_disk(f"{uri}/{name}"),
    ):
        pytest.fail("there is nothing to read")


def test_what_is_wrong_with_a_file_is_said_of_the_uri(uri: str, write: Write, make_frame: FrameMaker) -> None:
    write(make_frame().drop("close"), "bars/BTCUSDT.parquet")
    with pytest.raises(DataError, match=rf"^{uri}/BTCUSDT.parquet: no column 'close'"), bars_on_disk(uri) as here:
        read_bars(here, symbols=None)
