"""What a column is: one cell of a declared table of formulas, inputs, periods and transforms."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fleetcast.fleet.presets import FeatureWidth

Values = npt.NDArray[np.float64]
Period = int | tuple[int, ...]
Formula = Callable[..., Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Recipe:
    """One row of a generator's table; its columns are outputs x inputs x periods x transforms.

    The core has ``inputs``, ``periods`` and ``transforms``; full width adds ``full_inputs``, ``full_periods`` and
    ``full_transforms`` to them, and whole recipes whose ``width`` is full.

    ``formula(bars, x, period)`` returns float64 ``(n_bars,)``, or one such array an output, over the symbol's own bars.
    A value may use that bar and earlier ones, and is NaN until its period is full. ``x`` is the input's array when
    ``inputs`` names any (see `fleetcast.features.inputs.INPUTS`), the other symbol's aligned inputs when ``scope`` is
    ``pair``, a list of every other symbol's when it is ``market``, and None otherwise.

    ``target_related`` marks what restates a term of the label's definition: such columns exist, and are never selected.
    """

    name: str
    formula: Formula
    source: str
    scope: Literal["own", "pair", "market"] = "own"
    inputs: tuple[str, ...] = ()
    periods: tuple[Period, ...] = ()
    outputs: tuple[str, ...] = ()
    transforms: tuple[str, ...] = ("level",)
    full_inputs: tuple[str, ...] = ()
    full_periods: tuple[Period, ...] = ()
    full_transforms: tuple[str, ...] = ()
    width: FeatureWidth = "core"
    target_related: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Column:
    """One feature column. ``name`` says how it is made, such as ``btc.technical.rsi.close.14.zscore100``."""

    name: str
    symbol: str
    generator: str
    recipe: Recipe
    input: str | None
    period: Period | None
    output: int | None
    transform: str
    width: FeatureWidth = "core"

    @property
    def source(self) -> str:
        """Where the formula comes from."""
        return self.recipe.source

    @property
    def target_related(self) -> bool:
        """Whether the column restates a term of the label's definition."""
        return self.recipe.target_related

    @property
    def formula_key(self) -> tuple[Any, ...]:
        """Equal for columns that one call of one formula gives."""
        return self.symbol, self.recipe, self.input, self.period


def columns_of(recipe: Recipe, *, symbol: str, generator: str, others: tuple[str, ...]) -> list[Column]:
    """The columns that a recipe gives a symbol at full width, in the table's order; a cross recipe gives none alone."""
    columns = []
    for input_name, period in itertools.product(_inputs(recipe, others), _periods(recipe)):
        for output in range(len(recipe.outputs)) if recipe.outputs else (None,):
            for transform in (*recipe.transforms, *recipe.full_transforms):
                label = None if output is None else recipe.outputs[output]
                parts = [symbol, generator, recipe.name, label, input_name, _period_name(period)]
                columns.append(
                    Column(
                        name=".".join(p for p in (*parts, None if transform == "level" else transform) if p),
                        symbol=symbol,
                        generator=generator,
                        recipe=recipe,
                        input=input_name,
                        period=period,
                        output=output,
                        transform=transform,
                        width=_width(recipe, input_name, period, transform),
                    )
                )
    return columns


def _inputs(recipe: Recipe, others: tuple[str, ...]) -> tuple[str | None, ...]:
    if recipe.scope == "pair":
        return others
    if recipe.scope == "market":
        return ("all",) if others else ()
    return (*recipe.inputs, *recipe.full_inputs) or (None,)


def _periods(recipe: Recipe) -> tuple[Period | None, ...]:
    return (*recipe.periods, *recipe.full_periods) or (None,)


def _width(recipe: Recipe, input_name: str | None, period: Period | None, transform: str) -> FeatureWidth:
    added = input_name in recipe.full_inputs or period in recipe.full_periods or transform in recipe.full_transforms
    return "full" if added else recipe.width


def _period_name(period: Period | None) -> str | None:
    if period is None:
        return None
    return "-".join(map(str, period)) if isinstance(period, tuple) else str(period)
