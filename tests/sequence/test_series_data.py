from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetcast.errors import DataError
from fleetcast.job_args.sequence_config import CnnLstmTraining, parse_config
from fleetcast.sequence.panels import read_panel
from fleetcast.sequence.series_data import SeriesData, prepare_series
from synthetic_panel import make_panel, write_panel

N_DAYS, N_STOCKS, HORIZON = 300, 3, 5
CONFIG = parse_config(CnnLstmTraining, '{"model_params": {"sequence_length": 8}}', where="test")


@pytest.fixture
def data(tmp_path: Path) -> SeriesData:
    panel = read_panel(write_panel(tmp_path / "p.parquet", make_panel(N_DAYS, N_STOCKS)))
    return prepare_series(panel, CONFIG, features=("return_1", "body"))


def test_a_window_foretells_its_own_stocks_return(data: SeriesData) -> None:
    close = data.panel.prices.close
    for ends in (data.split.train, data.split.val, data.split.test):
        stock, day = np.divmod(ends, N_DAYS)
        expected = np.log(close[day + HORIZON, stock] / close[day, stock])
        np.testing.assert_allclose(data.returns(ends), expected, rtol=1e-4, atol=1e-7)
        past = np.log(close[day, stock] / close[day - HORIZON, stock])
        np.testing.assert_allclose(data.past_returns(ends), past, rtol=1e-4, atol=1e-9)


def test_no_window_holds_two_stocks_and_all_are_cut_at_the_same_days(data: SeriesData) -> None:
    for ends in (data.split.train, data.split.val, data.split.test):
        stock, day = np.divmod(ends, N_DAYS)
        assert (day - 7 >= 0).all()
        assert (np.divmod(ends - 7, N_DAYS)[0] == stock).all()
        days = [set(day[stock == s]) for s in range(N_STOCKS)]
        assert days[0] == days[1] == days[2]


def test_no_training_return_reaches_into_validation(data: SeriesData) -> None:
    first_val_row = (data.split.val % N_DAYS).min() - 7
    assert (data.split.train % N_DAYS).max() + HORIZON < first_val_row


def test_prices_that_stand_still_are_refused(tmp_path: Path) -> None:
    frame = make_panel(N_DAYS, 1).with_columns(pl.lit(100.0).alias(name) for name in ("open", "high", "low", "close"))
    panel = read_panel(write_panel(tmp_path / "p.parquet", frame))
    with pytest.raises(DataError, match="all returns over 5 days of the training part are the same"):
        prepare_series(panel, CONFIG, features=("return_1", "body"))


def test_the_targets_unit_is_that_of_training_returns(data: SeriesData) -> None:
    assert data.target[data.split.train].std() == pytest.approx(1, rel=1e-4)
