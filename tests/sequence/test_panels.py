from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetcast.errors import DataError
from fleetcast.sequence.panels import read_panel
from synthetic_panel import FIRST_DAY, make_panel, write_panel


def texts(panel) -> str:
    return "\n".join(map(str, panel.findings))


def day(number: int) -> datetime:
    return FIRST_DAY + timedelta(days=number)


def test_the_sample_says_what_it_repaired() -> None:
    panel = read_panel("sample")
    assert panel.prices.close.shape == (1259, 10)
    assert all(np.isfinite(array).all() for array in panel.prices)
    found = texts(panel)
    assert "DHR 2013-04-26T00:00:00Z: the last close, without volume, stands in for missing bars (16 of" in found
    assert "EBAY 2015-07-20T00:00:00Z: a close jumped" in found
    assert "DHR 2014-11-06T00:00:00Z: a high or low that did not hold" in found


def test_a_spin_off_is_no_return() -> None:
    panel = read_panel("sample", symbols=["EBAY", "MSFT"])
    returns = np.diff(np.log(panel.prices.close[:, panel.symbols.index("EBAY")]))
    assert np.abs(returns).max() < 0.2


def test_the_panel_starts_when_all_its_stocks_exist(tmp_path: Path) -> None:
    frame = make_panel(60, 3).filter((pl.col("symbol") != "s01") | (pl.col("timestamp") >= day(20)))
    panel = read_panel(write_panel(tmp_path / "p.parquet", frame))
    assert panel.dates[0] == day(20).timestamp() * 1000
    assert "s01 is the youngest" in texts(panel)


def test_the_panel_ends_with_the_first_stock_that_ends_and_says_so(tmp_path: Path) -> None:
    frame = make_panel(60, 3).filter((pl.col("symbol") != "s01") | (pl.col("timestamp") <= day(40)))
    panel = read_panel(write_panel(tmp_path / "p.parquet", frame))
    assert panel.dates[-1] == day(40).timestamp() * 1000
    assert "ends 2020-02-10 with s01; others go on to 2020-02-29" in texts(panel)
    assert "others go on" not in texts(read_panel(write_panel(tmp_path / "all.parquet", make_panel(60, 3))))


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_a_date_is_the_exchanges_own_in_any_time_zone(tmp_path: Path, zone: str) -> None:
    frame = make_panel(60, 2)
    local = frame.with_columns(pl.col("timestamp").dt.replace_time_zone(zone))
    text = local.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%d %H:%M:%S%:z"))
    text.write_csv(tmp_path / "p.csv")
    expected = read_panel(write_panel(tmp_path / "utc.parquet", frame)).dates
    for path in (write_panel(tmp_path / "p.parquet", local), str(tmp_path / "p.csv")):
        np.testing.assert_array_equal(read_panel(path).dates, expected)
    assert len(read_panel(path, cutoff=day(30)).dates) == 30  # the bar of the day that has just begun is not known


def test_stocks_that_share_no_date_are_refused(tmp_path: Path) -> None:
    frame = make_panel(60, 2).filter(
        ((pl.col("symbol") == "s00") & (pl.col("timestamp") < day(20)))
        | ((pl.col("symbol") == "s01") & (pl.col("timestamp") >= day(30)))
    )
    with pytest.raises(DataError, match=r"the stocks share no date: s01 starts .* and s00 ends"):
        read_panel(write_panel(tmp_path / "p.parquet", frame))


def test_a_date_at_which_fewer_than_half_traded_is_no_trading_day(tmp_path: Path) -> None:
    holiday = (pl.col("timestamp") == day(30)) & (pl.col("symbol") != "s00")
    panel = read_panel(write_panel(tmp_path / "p.parquet", make_panel(60, 4).filter(~holiday)))
    assert day(30).timestamp() * 1000 not in panel.dates
    assert "dropped 1 dates" in texts(panel)


def test_nothing_after_the_cutoff_is_read(tmp_path: Path) -> None:
    path = write_panel(tmp_path / "p.parquet", make_panel(60, 2))
    panel = read_panel(path, cutoff=datetime(2020, 1, 31, 12, tzinfo=UTC))
    assert panel.dates[-1] == datetime(2020, 1, 30, tzinfo=UTC).timestamp() * 1000


def test_a_panel_without_any_volume_trades_whenever_it_has_bars(tmp_path: Path) -> None:
    close = {name: pl.col("close") for name in ("open", "high", "low")}
    frame = make_panel(60, 2).with_columns(volume=pl.lit(0.0), **close)
    panel = read_panel(write_panel(tmp_path / "p.parquet", frame))
    assert len(panel.dates) == 60
    assert (np.diff(panel.prices.close, axis=0) != 0).all()  # a flat bar there is no stale price


def test_dates_known_at_a_cutoff_stay_when_volume_begins_later(tmp_path: Path) -> None:
    volume = pl.when(pl.col("timestamp") >= day(30)).then(pl.col("volume")).otherwise(0.0)
    path = write_panel(tmp_path / "p.parquet", make_panel(60, 2).with_columns(volume=volume))
    before, after = (read_panel(path, cutoff=day(number)).dates for number in (30, 31))
    np.testing.assert_array_equal(after[:-1], before)


def test_a_stock_that_is_not_known_at_the_cutoff_is_refused(tmp_path: Path) -> None:
    frame = make_panel(60, 2).filter((pl.col("symbol") != "s01") | (pl.col("timestamp") >= day(40)))
    path = write_panel(tmp_path / "p.parquet", frame)
    with pytest.raises(DataError, match=r"no bars of \['s01'\]"):
        read_panel(path, symbols=["s00", "s01"], cutoff=day(30))
    with pytest.raises(DataError, match="has 1 stocks, 2 were asked for"):
        read_panel(path, n_stocks=2, cutoff=day(30))


@pytest.mark.parametrize("close", [float("nan"), -1.0, float("inf")])
def test_a_stock_without_any_usable_close_is_named(tmp_path: Path, close: float) -> None:
    unusable = pl.when(pl.col("symbol") == "s01").then(close).otherwise(pl.col("close"))
    path = write_panel(tmp_path / "p.parquet", make_panel(60, 3).with_columns(close=unusable))
    with pytest.raises(DataError, match=r"1 stocks have no close above zero: \['s01'\]. Leave them out"):
        read_panel(path)


def test_a_stock_without_a_bar_at_the_start_has_its_last_close_there(tmp_path: Path) -> None:
    young = (pl.col("symbol") == "s01") & (pl.col("timestamp") < day(20))
    gap = (pl.col("symbol") == "s00") & (pl.col("timestamp") == day(20))
    panel = read_panel(write_panel(tmp_path / "p.parquet", make_panel(60, 3).filter(~young & ~gap)))
    assert panel.dates[0] == day(20).timestamp() * 1000
    assert panel.prices.volume[0, 0] == 0
    assert all(np.isfinite(array).all() for array in panel.prices)


def test_a_cutoff_before_the_data_is_refused(tmp_path: Path) -> None:
    path = write_panel(tmp_path / "p.parquet", make_panel(60, 2))
    with pytest.raises(DataError, match=r"known at the cutoff 2019-12-31 00:00 UTC: the first day begins 2020-01-01T"):
        read_panel(path, cutoff=datetime(2019, 12, 31, tzinfo=UTC))


def test_equal_content_has_one_revision_wherever_it_lies(tmp_path: Path) -> None:
    frame = make_panel(40, 2)
    one = read_panel(write_panel(tmp_path / "one.parquet", frame))
    other = read_panel(write_panel(tmp_path / "other.parquet", frame.sort("timestamp")))
    changed = read_panel(write_panel(tmp_path / "c.parquet", make_panel(40, 2, seed=1)))
    assert one.dataset_rev == other.dataset_rev != changed.dataset_rev


def test_a_stock_that_is_not_there_is_refused() -> None:
    with pytest.raises(DataError, match=r"no bars of \['XYZ'\] in sample: found \['AAPL'"):
        read_panel("sample", symbols=["AAPL", "XYZ"])
    with pytest.raises(DataError, match="sample has 10 stocks, 11 were asked for"):
        read_panel("sample", n_stocks=11)


def test_two_bars_of_one_stock_and_day_are_refused(tmp_path: Path) -> None:
    frame = make_panel(30, 2)
    with pytest.raises(DataError, match="2 bars share symbol and date with another, the first of s00"):
        read_panel(write_panel(tmp_path / "p.parquet", pl.concat([frame, frame.head(1)])))
