"""Bars of history, and the rows that have too few."""

import numpy as np

from fleetcast.audit.slices import SOL_STARTS, load_slices
from fleetcast.features.columns import Recipe, columns_of
from fleetcast.features.history import History
from planted_columns import PlantedColumn

OWN = PlantedColumn("own", lambda b, x, p: b["close"]).column()


def market_column():
    recipe = Recipe(name="made", formula=lambda b, x, p: b["close"], source="test", scope="market")
    return columns_of(recipe, symbol="btc", generator="cross", others=("eth", "sol"))[0]


def pair_column():
    return PlantedColumn("made", lambda b, x, p: b["close"], scope="pair").column()


def test_a_column_has_as_much_history_as_the_youngest_symbol_it_looks_at() -> None:
    history = History(load_slices()[0].bars)
    assert history.bars_of(OWN)[[0, 99, 4499]].tolist() == [1, 100, 4500]
    assert history.bars_of(pair_column())[[0, 899, 900, 1600]].tolist() == [1, 900, 900, 1560]
    assert history.bars_of(market_column())[[0, SOL_STARTS, SOL_STARTS + 9]].tolist() == [0, 1, 10]


def test_rows_with_too_little_history_become_unknown() -> None:
    bars = load_slices()[0].bars
    values = np.ones((len(bars.timeline), 4), dtype=np.float32, order="F")
    columns = [OWN, OWN, pair_column(), market_column()]
    History(bars).mask_warm_up(values, columns, [0, 5, 900, 2])
    assert np.isnan(values).sum(axis=0).tolist() == [0, 5, 901, SOL_STARTS + 2]


def test_more_history_than_there_is_leaves_nothing() -> None:
    bars = load_slices()[0].bars
    values = np.ones((len(bars.timeline), 1), dtype=np.float32, order="F")
    History(bars).mask_warm_up(values, [OWN], [9000])
    assert np.isnan(values).all()
