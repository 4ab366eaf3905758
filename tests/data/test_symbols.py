"""A pair's base is found in every usual spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.data.symbols import QUOTES, base_symbol, check_bases_unique, check_wanted_found
from fleetcast.errors import DataError


@pytest.mark.parametrize(
    ("raw", "base"),
    [
        ("BTCUSDT", "btc"),
        ("BTC/USDT", "btc"),
        ("BTC/USDT:USDT", "btc"),
        ("btc-usd", "btc"),
        ("ETH_BUSD", "eth"),
        ("BTCBUSD", "btc"),
        ("BNBUSD", "bnb"),
        ("DOTUSD", "dot"),
        ("SOLUSDC", "sol"),
        ("BTCINR", "btc"),
        ("BTC-USDT-SWAP", "btc"),
        ("btc", "btc"),
        (" BTC ", "btc"),
        ("AAPL", "aapl"),
        ("BRK-B", "brkb"),
        ("M&M", "mm"),
        ("EUR", "eur"),
        ("USDT", "usdt"),
        ("1000SHIBUSDT", "1000shib"),
    ],
)
def test_base_is_lower_case_without_the_quote_currency(raw, base):
    assert base_symbol(raw) == base


def test_wanted_symbol_decides_between_two_readings():
    assert base_symbol("SHIBUSD") == "shi"
    assert base_symbol("SHIBUSD", wanted=["btc", "shib"]) == "shib"


@given(
    base=st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8),
    quote=st.sampled_from(QUOTES),
    separator=st.sampled_from(["/", "-", "_"]),
)
def test_any_base_before_a_separator_is_found(base, quote, separator):
    assert base_symbol(f"{base}{separator}{quote}".upper()) == base


def test_two_names_of_one_symbol_are_refused():
    check_bases_unique({"BTCUSDT": "btc", "ETHUSDT": "eth"})
    with pytest.raises(DataError, match=r"\['BTC/USDC', 'BTCUSDT'\] are all 'btc'"):
        check_bases_unique({"BTCUSDT": "btc", "BTC/USDC": "btc"})


def test_missing_symbol_is_refused():
    check_wanted_found(["btc"], found=["btc", "eth"], where="bars.csv")
    with pytest.raises(DataError, match=r"no bars of \['sol'\] in bars\.csv: found \['btc', 'eth'\]"):
        check_wanted_found(["sol", "btc"], found=["btc", "eth"], where="bars.csv")
