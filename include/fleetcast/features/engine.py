"""Computes columns: block by block in threads, or a few by name, by the same steps and so with the same bits."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.data.bars import BarSet
from fleetcast.errors import DataError
from fleetcast.features.catalogue import Block, find_columns
from fleetcast.features.columns import Column, Values
from fleetcast.features.inputs import AlignedInputs, Inputs
from fleetcast.features.transforms import apply_transform

Matrix = npt.NDArray[np.float32]


class FeatureEngine:
    """Computes columns over one set of bars; what formulas share is computed once and kept as long as the engine.

    Values are computed over each symbol's own bars and laid on the timeline, NaN where the symbol has no bar. The first
    rows of a column are NaN until its period is full; recursive formulas (Wilder's and exponential averages, Hilbert
    transforms) begin at the first bar, so that their early values still depend on where the bars begin.
    """

    def __init__(self, bars: BarSet) -> None:
        self._bars = bars
        self._inputs = {symbol: Inputs(own, bar_ms=bars.bar_ms) for symbol, own in bars.bars.items()}
        self._rows = {symbol: bars.rows(symbol) for symbol in bars.bars}

    def scoped(self) -> "FeatureEngine":
        """The same bars and input series; what else formulas share is kept by the new engine, and goes with it."""
        engine = copy(self)
        engine._inputs = {symbol: own.scoped() for symbol, own in self._inputs.items()}
        return engine

    def compute(self, columns: Sequence[Column]) -> Matrix:
        """The columns' values, float32 ``(n_rows, n_columns)`` in Fortran order, one row a row of the timeline.

        Raises:
            DataError: a formula raised, or gave complex or infinite values or of the wrong length; it names the column.
        """
        values = np.full((len(self._bars.timeline), len(columns)), np.nan, dtype=np.float32, order="F")
        latest_key, outputs = None, None
        for i, column in enumerate(columns):
            with np.errstate(divide="raise", invalid="raise", over="raise"):
                try:
                    if column.formula_key != latest_key:
                        outputs, latest_key = self._run_formula(column), column.formula_key
                    own = apply_transform(column.transform, _pick(outputs, column))
                    values[self._rows[column.symbol], i] = _checked(own, self._inputs[column.symbol].bars.n_bars)
                except Exception as exc:
                    raise DataError(f"column {column.name}: {exc}. Mend its row in fleetcast.features.tables.") from exc
        return values

    def _run_formula(self, column: Column) -> Any:
        own = self._inputs[column.symbol]
        return column.recipe.formula(own, self._argument(column, own), column.period)

    def _argument(self, column: Column, own: Inputs) -> Any:
        if column.recipe.scope == "pair":
            return self._aligned(own, str(column.input))
        if column.recipe.scope == "market":
            return [self._aligned(own, symbol) for symbol in self._inputs if symbol != column.symbol]
        return None if column.input is None else own[column.input]

    def _aligned(self, own: Inputs, symbol: str) -> AlignedInputs:
        other = self._inputs[symbol]
        return own.once(("aligned", symbol), lambda: AlignedInputs(other, timestamp=own.timestamp))


def compute_columns(bars: BarSet, names: Sequence[str]) -> Matrix:
    """The named columns alone, float32 ``(n_rows, n_names)``: the same bits as in the blocks.

    Raises:
        DataError: an unknown name, with the nearest that exist; or a formula that failed.
    """
    columns = find_columns(names, symbols=tuple(bars.bars))
    by_call: dict[object, list[int]] = {}
    for i, column in enumerate(columns):
        by_call.setdefault(column.formula_key, []).append(i)
    order = [i for places in by_call.values() for i in places]  # columns of one call are neighbours
    values = FeatureEngine(bars).compute([columns[i] for i in order])
    return values[:, np.argsort(order)]


def compute_blocks(
    bars: BarSet, blocks: Sequence[Block], *, sink: Callable[[Block, Matrix], None], n_threads: int
) -> None:
    """Computes the blocks in threads and hands each to ``sink`` there.

    Memory holds the input series of all symbols, at most ``n_threads`` blocks, and what formulas share within the
    generators of these blocks: a sub-expression is computed once a symbol and generator, and goes with its last block.

    Raises:
        DataError: see `FeatureEngine.compute`; the blocks not yet begun are then left.
    """
    generators = _Generators(FeatureEngine(bars), blocks)
    with ThreadPoolExecutor(max_workers=n_threads) as pool:
        tasks = [pool.submit(lambda block: sink(block, generators.compute(block)), block) for block in blocks]
        try:
            for task in tasks:
                task.result()
        finally:
            for task in tasks:
                task.cancel()


class _Generators:
    """A scoped engine for each symbol and generator, from its first block to its last."""

    def __init__(self, engine: FeatureEngine, blocks: Sequence[Block]) -> None:
        self._whole = engine
        self._n_left = Counter(map(_generator, blocks))
        self._scoped: dict[tuple[str, str], FeatureEngine] = {}
        self._lock = Lock()

    def compute(self, block: Block) -> Matrix:
        key = _generator(block)
        with self._lock:
            engine = self._scoped.setdefault(key, self._whole.scoped())
        try:
            return engine.compute(block.columns)
        finally:
            with self._lock:
                self._n_left[key] -= 1
                if not self._n_left[key]:
                    del self._scoped[key]


def _generator(block: Block) -> tuple[str, str]:
    return block.columns[0].symbol, block.columns[0].generator


def _pick(outputs: Any, column: Column) -> Values:
    """The column's own output of what its formula returned."""
    n_outputs = len(column.recipe.outputs) or None
    got = len(outputs) if isinstance(outputs, tuple) else None
    if got != n_outputs:
        raise DataError(f"expected {n_outputs or 'one array'} outputs, got {got or 'one array'}")
    values = outputs if column.output is None else outputs[column.output]
    numbers = np.asarray(values)
    if numbers.dtype.kind not in "fiu":
        raise DataError(f"expected real numbers, got values of type {numbers.dtype}; convert them on purpose")
    return np.asarray(numbers, dtype=np.float64)


def _checked(values: Values, n_bars: int) -> npt.NDArray[np.float32]:
    if values.shape != (n_bars,):
        raise DataError(f"expected {n_bars} values, one a bar, got shape {values.shape}")
    narrow = values.astype(np.float32)
    infinite = np.flatnonzero(np.isinf(narrow))
    if len(infinite):
        raise DataError(f"{len(infinite)} infinite values, the first at bar {infinite[0]}; make them NaN on purpose")
    return narrow
