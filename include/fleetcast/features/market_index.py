"""The other symbols as one: an equally weighted index of those that have a bar."""

from collections.abc import Callable, Sequence

import numpy as np

from fleetcast.features.columns import Values
from fleetcast.features.inputs import Inputs, NamedSeries
from fleetcast.features.rolling import ratio

PairFormula = Callable[..., Values | tuple[Values, ...]]


class MarketIndex:
    """Series by name: the mean over the symbols that have this bar, NaN where none has.

    ``log_close`` is the sum of the mean returns so far, so that a symbol that joins does not move the level; only
    its differences mean something.
    """

    def __init__(self, others: Sequence[NamedSeries]) -> None:
        self._others = others
        self._computed: dict[str, Values] = {}

    def __getitem__(self, name: str) -> Values:
        if name not in self._computed:
            self._computed[name] = self._level() if name == "log_close" else self._mean(name)
        return self._computed[name]

    def _mean(self, name: str) -> Values:
        series = [other[name] for other in self._others]
        known = sum((~np.isnan(s)).astype(np.float64) for s in series)
        return ratio(np.sum([np.nan_to_num(s) for s in series], axis=0), np.asarray(known))

    def _level(self) -> Values:
        returns = self["log_return"]
        return np.where(np.isnan(returns), np.nan, np.cumsum(np.nan_to_num(returns)))


def against_market(formula: PairFormula) -> PairFormula:
    """A formula for one other symbol, asked of the index of all others."""

    def compute(own: Inputs, others: Sequence[NamedSeries], period: object) -> Values | tuple[Values, ...]:
        index = own.once("market_index", lambda: MarketIndex(others))
        return formula(own, index, period)

    return compute
