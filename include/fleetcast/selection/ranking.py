"""From the gains of several models to one list of columns."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

N_TOP = 200


class SelectedColumn(BaseModel):
    """One selected column: its summed share of the models' gains, and in how many of their top lists it stood."""

    model_config = ConfigDict(frozen=True)

    name: str
    gain: float
    n_models: int


def top_columns(gains: npt.NDArray[np.float64], names: Sequence[str], *, n_top: int = N_TOP) -> dict[str, float]:
    """A model's best columns with their share of its whole gain, best first, ties by name; none without gain.

    Args:
        gains: ``(n_columns,)``.
        names: of the columns.
        n_top: how many at most.
    """
    whole = float(gains.sum())
    found = [(name, float(gain) / whole) for name, gain in zip(names, gains, strict=True) if gain > 0]
    return dict(sorted(found, key=lambda item: (-item[1], item[0]))[:n_top])


def aggregate(tops: Sequence[Mapping[str, float]], *, n_columns: int) -> list[SelectedColumn]:
    """The columns with the largest sum of shares over the models, ties by name; fewer when the lists hold fewer.

    Source: own choice: shares of gain, so that every model counts the same whatever its rows and rounds.
    """
    names = sorted({name for top in tops for name in top})
    columns = [
        SelectedColumn(
            name=name, gain=sum(top.get(name, 0.0) for top in tops), n_models=sum(name in top for top in tops)
        )
        for name in names
    ]
    return sorted(columns, key=lambda column: (-column.gain, column.name))[:n_columns]
