"""How many bars of history a row has, and the rows of a column that have too few."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fleetcast.data.bars import BarSet
from fleetcast.features.columns import Column
from fleetcast.features.engine import Matrix

Counts = npt.NDArray[np.int64]


class History:
    """Counts of bars up to each timeline row and with it, ``(n_rows,)`` a symbol."""

    def __init__(self, bars: BarSet) -> None:
        self._counts = {
            symbol: np.searchsorted(own.timestamp, bars.timeline, side="right").astype(np.int64)
            for symbol, own in bars.bars.items()
        }

    def bars_of(self, column: Column) -> Counts:
        """The fewest bars that a symbol which the column looks at has by each row, ``(n_rows,)``."""
        return np.asarray(np.min([self._counts[symbol] for symbol in self._symbols_of(column)], axis=0))

    def mask_warm_up(self, values: Matrix, columns: Sequence[Column], warm_up_bars: Sequence[int]) -> None:
        """Makes the rows without more bars of history than a column needs unknown, in place.

        Args:
            values: ``(n_rows, n_columns)``.
            columns: which, ``(n_columns,)``.
            warm_up_bars: how many bars each needs, ``(n_columns,)``.
        """
        for i, (column, n_bars) in enumerate(zip(columns, warm_up_bars, strict=True)):
            values[: np.searchsorted(self.bars_of(column), n_bars, side="right"), i] = np.nan

    def _symbols_of(self, column: Column) -> tuple[str, ...]:
        if column.recipe.scope == "pair":
            return column.symbol, str(column.input)
        return tuple(self._counts) if column.recipe.scope == "market" else (column.symbol,)
