"""Variants, families and the grid that spans them."""

import difflib
import itertools
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

from fleetcast.errors import ConfigurationError

SwingType = Literal["high", "low"]
Symbol = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+$")]
PositiveFloats = Annotated[tuple[Annotated[float, Gt(0), Le(100)], ...], MinLen(1)]


class Family(BaseModel):
    """The variants that share symbol, window and swing type."""

    model_config = ConfigDict(frozen=True)

    symbol: str
    window_bars: int
    swing_type: SwingType

    @property
    def family_id(self) -> str:
        """Such as ``btc-w10-high``."""
        return f"{self.symbol}-w{self.window_bars}-{self.swing_type}"


class Variant(BaseModel):
    """One three-class problem: what follows a swing of this family, this far, within this horizon."""

    model_config = ConfigDict(frozen=True)

    family: Family
    horizon_bars: int
    deviation: float
    threshold: float

    @property
    def variant_id(self) -> str:
        """Such as ``btc-w10-high-h20-d1.5-t1.0``."""
        return f"{self.family.family_id}-h{self.horizon_bars}-d{self.deviation}-t{self.threshold}"


class Grid(BaseModel):
    """The lists whose product is the fleet; no list may be empty or hold a value twice."""

    model_config = ConfigDict(frozen=True)

    symbols: Annotated[tuple[Symbol, ...], MinLen(1)]
    window_bars: Annotated[tuple[Annotated[int, Ge(1), Le(1000)], ...], MinLen(1)]
    swing_types: Annotated[tuple[SwingType, ...], MinLen(1)]
    deviations: PositiveFloats
    thresholds: PositiveFloats
    horizon_bars: Annotated[tuple[Annotated[int, Ge(1), Le(1000)], ...], MinLen(1)]

    @field_validator("symbols", "window_bars", "swing_types", "deviations", "thresholds", "horizon_bars")
    @classmethod
    def _sorted_and_unique(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"a value stands twice in {list(values)}; name each once")
        return tuple(sorted(values))

    def families(self) -> list[Family]:
        """In the order of symbol, window and swing type."""
        return [
            Family(symbol=s, window_bars=w, swing_type=k)
            for s, w, k in itertools.product(self.symbols, self.window_bars, self.swing_types)
        ]

    def check_family(self, family_id: str) -> None:
        """Raises ConfigurationError, which names the nearest, when the fleet has no such family."""
        known = [family.family_id for family in self.families()]
        if family_id not in known:
            nearest = difflib.get_close_matches(family_id, known, n=1, cutoff=0.0)[0]
            raise ConfigurationError(
                f"no family {family_id!r} in this run: the nearest of its {len(known)} is {nearest!r}"
            )

    def variants_of(self, family: Family) -> Iterator[Variant]:
        """Ordered by deviation first, so that variants which share a Dataset are neighbours."""
        for d, h, t in itertools.product(self.deviations, self.horizon_bars, self.thresholds):
            yield Variant(family=family, horizon_bars=h, deviation=d, threshold=t)

    def variants(self) -> list[Variant]:
        """All variants, family by family."""
        return [variant for family in self.families() for variant in self.variants_of(family)]

    def variants_in_shard(self, index: int, *, variants_per_pod: int) -> list[Variant]:
        """The ``index``-th run of ``variants_per_pod`` variants."""
        return self.variants()[index * variants_per_pod : (index + 1) * variants_per_pod]

    def n_shards(self, *, variants_per_pod: int) -> int:
        """How many shards the fleet has."""
        return -(-len(self.variants()) // variants_per_pod)
