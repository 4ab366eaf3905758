"""The engine: blocks, columns alone, gaps, wrong formulas, and values that must not see the future."""

import dataclasses
import weakref
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.errors import DataError
from fleetcast.features.catalogue import Block, list_blocks, list_columns
from fleetcast.features.columns import Column, Recipe, columns_of
from fleetcast.features.engine import FeatureEngine, compute_blocks, compute_columns

SYMBOLS = ("btc", "eth", "sol")
FIELDS = ("timestamp", "open", "high", "low", "close", "volume")


@pytest.fixture(scope="module")
def all_values(gapped_bars):
    """Every column over the gapped real bars, ``(n_rows, n_columns)``."""
    return FeatureEngine(gapped_bars).compute(list_columns(SYMBOLS))


def made_of(formula, generator="technical", **parts) -> list[Column]:
    recipe = Recipe(name="made", formula=formula, source="test", **parts)
    return columns_of(recipe, symbol="btc", generator=generator, others=("eth", "sol"))


def test_columns_alone_equal_the_blocks_bit_for_bit(gapped_bars, all_values):
    random = np.random.default_rng(5)
    columns = list_columns(SYMBOLS)
    by_recipe: dict[Recipe, list[int]] = {}
    for i, column in enumerate(columns):
        by_recipe.setdefault(column.recipe, []).append(i)
    chosen = [int(random.choice(places)) for places in by_recipe.values()]
    random.shuffle(chosen)
    alone = compute_columns(gapped_bars, [columns[i].name for i in chosen])
    np.testing.assert_array_equal(alone, all_values[:, chosen])


@pytest.mark.parametrize("n_threads", [1, 3])
def test_blocks_are_the_same_on_any_number_of_threads(gapped_bars, all_values, n_threads):
    found = {}
    blocks = list_blocks(SYMBOLS)
    compute_blocks(
        gapped_bars, blocks, sink=lambda block, values: found.update({block.name: values}), n_threads=n_threads
    )
    np.testing.assert_array_equal(np.hstack([found[block.name] for block in blocks]), all_values)


def test_what_formulas_share_is_computed_once_a_generator_and_goes_with_its_last_block(real_bars):
    """Two generators of three blocks each: a shared array lives from a generator's first block to its last."""
    made, alive = [], []

    def share(bars, x, period):
        def compute():
            array = np.array(bars["close"])
            made.append(weakref.ref(array))
            return array

        return bars.once("shared", compute)

    def count(block, values):
        alive.append(sum(array() is not None for array in made))

    blocks = [
        Block(f"{generator}-{i}", tuple(made_of(share, generator=generator)))
        for generator in ("candlestick", "technical")
        for i in range(3)
    ]
    compute_blocks(real_bars, blocks, sink=count, n_threads=1)
    assert len(made) == 2
    assert alive == [1, 1, 0, 1, 1, 0]


def test_symbol_without_a_bar_is_unknown_in_that_row(gapped_bars, all_values):
    missing = np.setdiff1d(np.arange(len(gapped_bars.timeline)), gapped_bars.rows("eth"))
    eth = [i for i, column in enumerate(list_columns(SYMBOLS)) if column.symbol == "eth"]
    assert len(missing) == 40
    assert np.isnan(all_values[np.ix_(missing, eth)]).all()


def test_gap_of_another_symbol_changes_no_own_column(real_bars, gapped_bars, all_values):
    own = [i for i, c in enumerate(list_columns(SYMBOLS)) if c.symbol == "btc" and c.generator != "cross"]
    whole = FeatureEngine(real_bars).compute([list_columns(SYMBOLS)[i] for i in own])
    np.testing.assert_array_equal(whole, all_values[:, own])


def test_every_column_has_values_once_its_period_is_full(real_bars):
    columns = [c for c in list_columns(SYMBOLS) if not c.name.split(".")[2].startswith(("seasonal", "weekly"))]
    unknown = np.isnan(FeatureEngine(real_bars).compute(columns)[1100:]).mean(axis=0)
    assert [column.name for column, share in zip(columns, unknown, strict=True) if share > 0.1] == []


@pytest.mark.parametrize("symbols", [("btc",), ("btc", "eth")])
def test_fewer_symbols_have_columns_too(real_bars, symbols):
    bars = BarSet(bars={symbol: real_bars.bars[symbol] for symbol in symbols}, bar_ms=real_bars.bar_ms)
    columns = list_columns(symbols)
    assert FeatureEngine(bars).compute(columns).shape == (len(bars.timeline), len(columns))


def changed_before(bars: BarSet, row: int, later: str, columns: Sequence[Column], whole: np.ndarray) -> list[str]:
    """Columns whose values before ``row`` differ when the bars from it on are cut or replaced."""
    first = int(bars.timeline[row])
    cut = bars.between(int(bars.timeline[0]), int(bars.timeline[row - 1]))
    if later == "replaced":
        cut = BarSet(bars={s: replace_later(bars.bars[s], first) for s in bars.bars}, bar_ms=bars.bar_ms)
    values = FeatureEngine(cut).compute(columns)[:row]
    same = (values == whole[:row]) | (np.isnan(values) & np.isnan(whole[:row]))
    return [columns[i].name for i in np.flatnonzero(~same.all(axis=0))]


def replace_later(own: SymbolBars, first_ms: int) -> SymbolBars:
    """The same bars, with those from ``first_ms`` on in another order and ten times as far from their mean."""
    start = int(np.searchsorted(own.timestamp, first_ms))
    order = np.concatenate([np.arange(start), np.random.default_rng(start).permutation(np.arange(start, own.n_bars))])
    scale = np.where(np.arange(own.n_bars) < start, 1.0, 3.0)
    prices = {name: getattr(own, name)[order] * scale for name in ("open", "high", "low", "close")}
    return dataclasses.replace(own, **prices, volume=own.volume[order] * scale**2)


@pytest.mark.parametrize("row", [431, 1024, 1397])
@pytest.mark.parametrize("later", ["cut", "replaced"])
def test_later_bars_change_no_earlier_value_of_any_column(gapped_bars, all_values, row, later):
    assert changed_before(gapped_bars, row, later, list_columns(SYMBOLS), all_values) == []


@pytest.mark.parametrize(
    "leak",
    [
        lambda b, x, p: np.append(b["close"][1:], np.nan),
        lambda b, x, p: (b["close"] - b["close"].mean()) / b["close"].std(),
        lambda b, x, p: np.convolve(b["close"], np.ones(3), mode="same"),
        lambda b, x, p: np.maximum.accumulate(b["high"][::-1])[::-1],
    ],
    ids=["shift by one", "full-sample scaler", "centred window", "maximum to come"],
)
def test_a_column_that_sees_later_bars_is_caught(gapped_bars, leak):
    columns = made_of(leak)
    whole = FeatureEngine(gapped_bars).compute(columns)
    assert changed_before(gapped_bars, 431, "cut", columns, whole) == ["btc.technical.made"]
    assert changed_before(gapped_bars, 431, "replaced", columns, whole) == ["btc.technical.made"]


@dataclasses.dataclass(frozen=True)
class OddMarket:
    """Two symbols of few bars, with flat stretches, no volume, jumps, and bars that one of them lacks."""

    n_bars: int
    n_missing: int
    seed: int
    scale: float
    price: float
    is_flat: bool
    empty_share: float
    bar_ms: int

    def bars(self) -> BarSet:
        random = np.random.default_rng(self.seed)
        return BarSet(bars={symbol: self.symbol_bars(symbol, random) for symbol in ("btc", "eth")}, bar_ms=self.bar_ms)

    def symbol_bars(self, symbol: str, random: np.random.Generator) -> SymbolBars:
        kept = np.sort(random.choice(self.n_bars, size=max(1, self.n_bars - self.n_missing), replace=False))
        steps = random.normal(scale=self.scale, size=len(kept))
        steps[len(kept) // 3 : 2 * len(kept) // 3] *= not self.is_flat  # moves follow, as after an outage
        close = self.price * np.exp(np.cumsum(steps))
        opened = np.concatenate([[self.price], close[:-1]])
        wick = 0.0 if self.is_flat else self.scale
        return SymbolBars(
            symbol=symbol,
            timestamp=1_704_067_200_000 + self.bar_ms * kept.astype(np.int64),
            open=opened,
            high=np.maximum(opened, close) * (1 + wick * random.random(len(kept))),
            low=np.minimum(opened, close) * (1 - wick * random.random(len(kept))),
            close=close,
            volume=np.where(random.random(len(kept)) < self.empty_share, 0.0, random.lognormal(0, 3, len(kept))),
        )


ODD_MARKETS = st.builds(
    OddMarket,
    n_bars=st.integers(2, 260),
    n_missing=st.integers(0, 20),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([1e-6, 1e-3, 0.2]),
    price=st.sampled_from([1e-6, 1.0, 1e7]),
    is_flat=st.booleans(),
    empty_share=st.sampled_from([0.0, 0.3, 1.0]),
    bar_ms=st.sampled_from([300_000, 3_600_000, 86_400_000]),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ODD_MARKETS)
def test_columns_of_any_bars_are_finite_or_unknown(market):
    bars, columns = market.bars(), list_columns(("btc", "eth"))
    values = FeatureEngine(bars).compute(columns)
    assert values.shape == (len(bars.timeline), len(columns))
    assert values.dtype == np.float32
    assert not np.isinf(values).any()


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (lambda b, x, p: 1 / 0, "division by zero"),
        (lambda b, x, p: b["close"][1:], "expected 1500 values, one a bar, got shape"),
        (lambda b, x, p: np.log(b["close"] * 0), "divide by zero"),
        (lambda b, x, p: np.full(1500, np.inf), "1500 infinite values, the first at bar 0"),
        (lambda b, x, p: b["close"] * 1e38, "overflow|infinite"),
        (lambda b, x, p: b["close"] + 1j, "expected real numbers, got values of type complex128"),
        (lambda b, x, p: b["close"] > 1, "expected real numbers, got values of type bool"),
        (lambda b, x, p: b["close"].astype(str), "expected real numbers, got values of type <U"),
        (lambda b, x, p: [None] * 1500, "expected real numbers, got values of type object"),
        (lambda b, x, p: (b["close"], b["close"]), "expected one array outputs, got 2"),
        (lambda b, x, p: np.copyto(b["close"], 1.0), "destination is read-only"),
        (lambda b, x, p: b.bars.close.fill(1.0), "destination is read-only"),
    ],
)
def test_wrong_formula_fails_with_the_columns_name(real_bars, formula, message):
    with pytest.raises(DataError, match=rf"column btc\.technical\.made: .*({message})"):
        FeatureEngine(real_bars).compute(made_of(formula))


def test_missing_output_fails_with_the_columns_name(real_bars):
    with pytest.raises(DataError, match=r"column btc\.technical\.made\.a: expected 2 outputs, got one array"):
        FeatureEngine(real_bars).compute(made_of(lambda b, x, p: b["close"], outputs=("a", "b")))


def test_unknown_name_computes_nothing(real_bars):
    with pytest.raises(DataError, match=r"unknown feature columns: 'btc\.technical\.rsj\.close\.14' \(nearest"):
        compute_columns(real_bars, ["btc.technical.rsj.close.14"])


def test_failing_block_ends_the_computation(real_bars):
    block = dataclasses.replace(list_blocks(SYMBOLS)[0], columns=tuple(made_of(lambda b, x, p: 1 / 0)))
    with pytest.raises(DataError, match="made: division by zero"):
        compute_blocks(real_bars, [block] * 3, sink=lambda block, values: None, n_threads=2)
