"""All columns: which there are, in which order, in which blocks, and how to find one by name."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from fleetcast.errors import DataError
from fleetcast.features.columns import Column, Recipe, columns_of
from fleetcast.features.tables import (
    broken_levels,
    calendar_levels,
    candlestick,
    candlestick_patterns,
    candlestick_sequences,
    channels,
    cross,
    cross_dependence,
    cross_market,
    cross_relative,
    dynamics,
    label_terms,
    liquidity,
    market_structure,
    momentum,
    momentum_timing,
    order_flow,
    overlap,
    regression,
    statistics,
    swing_structure,
    temporal,
    temporal_events,
    temporal_seasons,
    volatility,
    volatility_asymmetry,
    volatility_behaviour,
    volatility_regimes,
    volume,
    volume_profile,
)
from fleetcast.fleet.presets import FeatureWidth

GENERATORS: dict[str, tuple[Recipe, ...]] = {
    "candlestick": (*candlestick.RECIPES, *candlestick_patterns.RECIPES, *candlestick_sequences.RECIPES),
    "technical": (
        *(*momentum.RECIPES, *regression.RECIPES, *momentum_timing.RECIPES),
        *(*overlap.RECIPES, *channels.RECIPES),
        *(*volume.RECIPES, *order_flow.RECIPES, *liquidity.RECIPES),
        *(*statistics.RECIPES, *dynamics.RECIPES),
    ),
    "temporal": (*temporal.RECIPES, *temporal_seasons.RECIPES, *temporal_events.RECIPES),
    "market_structure": (
        *market_structure.RECIPES,
        *calendar_levels.RECIPES,
        *label_terms.RECIPES,
        *swing_structure.RECIPES,
        *broken_levels.RECIPES,
        *volume_profile.RECIPES,
    ),
    "volatility": (
        *volatility.RECIPES,
        *volatility_behaviour.RECIPES,
        *volatility_regimes.RECIPES,
        *volatility_asymmetry.RECIPES,
    ),
    "cross": (*cross.RECIPES, *cross_market.RECIPES, *cross_relative.RECIPES, *cross_dependence.RECIPES),
}
MAX_BLOCK_COLUMNS = 128


@dataclass(frozen=True)
class Block:
    """Columns of one symbol and generator that are computed and stored together."""

    name: str
    columns: tuple[Column, ...]


@lru_cache(maxsize=8)
def list_columns(symbols: tuple[str, ...], *, width: FeatureWidth = "full") -> tuple[Column, ...]:
    """The columns of these symbols, in the one order that all stages keep: symbol, generator, table, row.

    The core is a part of full width; it keeps its order there.
    """
    columns = (
        column
        for symbol in sorted(symbols)
        for generator, recipes in GENERATORS.items()
        for recipe in recipes
        for column in columns_of(
            recipe, symbol=symbol, generator=generator, others=tuple(s for s in sorted(symbols) if s != symbol)
        )
    )
    return tuple(column for column in columns if width in ("full", column.width))


def list_blocks(symbols: tuple[str, ...], *, width: FeatureWidth = "full") -> list[Block]:
    """The columns in blocks of at most `MAX_BLOCK_COLUMNS`; a call of a formula is never split over two blocks."""
    blocks: dict[tuple[str, str], list[list[list[Column]]]] = {}
    for calls in _by_formula(list_columns(symbols, width=width)):
        parts = blocks.setdefault((calls[0].symbol, calls[0].generator), [[]])
        if sum(map(len, parts[-1])) + len(calls) > MAX_BLOCK_COLUMNS:
            parts.append([])
        parts[-1].append(calls)
    return [
        Block(name=f"{symbol}-{generator}-{i:02d}", columns=tuple(column for calls in part for column in calls))
        for (symbol, generator), parts in blocks.items()
        for i, part in enumerate(parts)
    ]


def find_columns(names: Sequence[str], *, symbols: tuple[str, ...]) -> list[Column]:
    """The columns of these names, in the order given.

    Raises:
        DataError: names that no table gives, with the nearest that exist.
    """
    by_name = {column.name: column for column in list_columns(symbols)}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        offenders = "; ".join(_describe_unknown(name, list(by_name)) for name in unknown[:3])
        more = f"; and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise DataError(f"unknown feature columns: {offenders}{more}. `fleetcast features list` shows all of them.")
    return [by_name[name] for name in names]


def _describe_unknown(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"{name!r} (nearest: {', '.join(nearest)})" if nearest else f"{name!r}"


def _by_formula(columns: Sequence[Column]) -> list[list[Column]]:
    calls: dict[object, list[Column]] = {}
    for column in columns:
        calls.setdefault(column.formula_key, []).append(column)
    return list(calls.values())
