"""All that a direction model is fitted and judged on: scaled features, directions and the parts of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.data.findings import Finding
from fleetcast.errors import DataError
from fleetcast.job_args.sequence_config import ConvLstmTraining
from fleetcast.sequence.panel_features import (
    HORIZON,
    WARM_UP_ROWS,
    compute_features,
    index_direction,
    panel_direction,
)
from fleetcast.sequence.panel_repairs import Prices
from fleetcast.sequence.panels import Panel
from fleetcast.sequence.windows import Scaler, WindowSplit, check_two_classes, split_windows


@dataclass(frozen=True)
class DirectionData:
    """One panel, ready for windows.

    Attributes:
        features: ``(n_dates, n_stocks, n_features)`` float32, scaled by training rows.
        target: ``(n_dates,)`` int8: 1 when the day after is up, 0 when it is not, -1 unknown.
        split: where the parts' windows end.
        scaler: that made ``features``.
        panel: where they are from.
    """

    features: npt.NDArray[np.float32]
    target: npt.NDArray[np.int8]
    split: WindowSplit
    scaler: Scaler
    panel: Panel

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Rows of features, without the window's length: ``(n_stocks, n_features, 1)``."""
        _, n_stocks, n_features = self.features.shape
        return n_stocks, n_features, 1


def prepare_direction(
    panel: Panel, config: ConvLstmTraining, *, features: Sequence[str], index: Panel | None = None
) -> DirectionData:
    """Computes features and directions and cuts them by time.

    Args:
        panel: the stocks.
        config: lengths and shares.
        features: their names.
        index: foretell its direction instead of the equal-weighted panel's.

    Raises:
        ConfigurationError: an unknown feature.
        DataError: too few rows, one class only, or no date that panel and index share.
    """
    panel = panel if index is None else restrict(panel, index)
    target = panel_direction(panel) if index is None else index_direction(panel, index)
    split = split_windows(
        len(panel.dates),
        split=config.data_split,
        sequence_length=config.model_params.sequence_length,
        horizon=HORIZON,
        first_row=WARM_UP_ROWS,
    )
    check_two_classes(target, split)
    raw = compute_features(panel, features)
    scaler = Scaler.fit(raw[WARM_UP_ROWS : split.n_train_rows])
    return DirectionData(features=scaler.apply(raw), target=target, split=split, scaler=scaler, panel=panel)


def restrict(panel: Panel, index: Panel) -> Panel:
    """The panel at the dates that the index has too, and how many that leaves out. Raises DataError when all."""
    kept = np.isin(panel.dates, index.dates)
    if not kept.any():
        raise DataError(f"panel and index {index.symbols[0]} share no date")
    n_left_out = len(kept) - int(kept.sum())
    message = f"left out {n_left_out} of {len(kept)} dates, which the index {index.symbols[0]} lacks"
    found = (Finding(kind="remark", symbol=None, timestamp=None, message=message),) if n_left_out else ()
    return Panel(
        dates=panel.dates[kept],
        symbols=panel.symbols,
        prices=Prices(*(array[kept] for array in panel.prices)),
        findings=(*panel.findings, *index.findings, *found),
    )
