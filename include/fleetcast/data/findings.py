"""What reading bars found: repairs and remarks that are kept, refusals that are raised."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

N_SHOWN = 3  # offenders that a message names


class Finding(BaseModel):
    """Something about the bars that a reader should know.

    A ``repair`` changed what was read (order, duplicates, time zone, extent, missing volume); a ``remark`` did not
    (gaps, uneven starts and ends). Prices are never repaired.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["repair", "remark"]
    symbol: str | None  # None: all of them
    timestamp: str | None  # the first bar it is about, ISO 8601 in UTC
    message: str

    def __str__(self) -> str:
        where = " ".join(part for part in (self.symbol, self.timestamp) if part)
        return f"{self.kind}: {where + ': ' if where else ''}{self.message}"


def instant_text(milliseconds: int) -> str:
    """ISO 8601 in UTC, such as ``2024-01-01T00:15:00Z``."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC).isoformat().replace("+00:00", "Z")


def first_few(offenders: Sequence[str], *, n_total: int | None = None) -> str:
    """The first three offenders, and a count of the others."""
    n_more = (len(offenders) if n_total is None else n_total) - min(len(offenders), N_SHOWN)
    return ", ".join(offenders[:N_SHOWN]) + (f" and {n_more} more" if n_more > 0 else "")
