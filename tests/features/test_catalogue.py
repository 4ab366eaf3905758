"""The catalogue: how many columns, their names, their blocks, and finding one."""

import re
from collections import Counter

import pytest

from fleetcast.errors import DataError
from fleetcast.features.catalogue import GENERATORS, MAX_BLOCK_COLUMNS, find_columns, list_blocks, list_columns

SYMBOLS = ("btc", "eth", "sol")


def test_each_symbol_has_at_least_a_thousand_columns_cross_symbol_ones_among_them():
    counts = Counter((column.symbol, column.generator) for column in list_columns(SYMBOLS))
    for symbol in SYMBOLS:
        assert sum(count for (s, _), count in counts.items() if s == symbol) >= 1000
        assert all(counts[symbol, generator] >= 50 for generator in GENERATORS)


def test_names_are_unique_and_begin_with_symbol_and_generator():
    columns = list_columns(SYMBOLS)
    assert len({column.name for column in columns}) == len(columns)
    for column in columns:
        assert re.fullmatch(rf"{column.symbol}\.{column.generator}(\.[a-z0-9_-]+)+", column.name), column.name


@pytest.mark.parametrize(
    "name", ["btc.technical.rsi.close.14", "btc.cross.beta.eth.50", "sol.market_structure.swing.high_age.5"]
)
def test_name_says_how_the_column_is_made(name):
    assert [column.name for column in find_columns([name], symbols=SYMBOLS)] == [name]


def test_all_candlestick_patterns_are_there():
    assert sum(column.name.startswith("btc.candlestick.cdl") for column in list_columns(SYMBOLS)) == 61


def test_every_column_has_a_source():
    assert all(len(column.source) > 5 for column in list_columns(SYMBOLS))


def test_terms_of_the_label_are_target_related():
    names = {column.name for column in list_columns(SYMBOLS) if column.target_related}
    assert {"btc.volatility.barrier.100", "eth.market_structure.deviation.high.20"} <= names
    assert "btc.technical.rsi.close.14" not in names


def test_one_symbol_alone_has_no_cross_columns():
    assert not [column for column in list_columns(("btc",)) if column.generator == "cross"]


def test_blocks_hold_every_column_once_in_the_catalogues_order():
    blocks = list_blocks(SYMBOLS)
    names = [column.name for block in blocks for column in block.columns]
    assert names == [column.name for column in list_columns(SYMBOLS)]
    assert max(len(block.columns) for block in blocks) <= MAX_BLOCK_COLUMNS
    assert len({block.name for block in blocks}) == len(blocks)


def test_columns_of_one_call_stay_in_one_block():
    home = {}
    for block in list_blocks(SYMBOLS):
        for column in block.columns:
            assert home.setdefault(column.formula_key, block.name) == block.name


def test_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(DataError, match=r"'btc.technical.rsi.close.15' \(nearest: .*btc\.technical\.rsi\.close\.14"):
        find_columns(["btc.technical.rsi.close.15"], symbols=SYMBOLS)


def test_many_unknown_names_are_counted():
    with pytest.raises(DataError, match="'q3'; and 2 more"):
        find_columns(["q1", "q2", "q3", "q4", "q5"], symbols=SYMBOLS)
