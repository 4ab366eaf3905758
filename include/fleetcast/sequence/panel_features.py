"""What a model sees of each stock and day, and the direction that it is to foretell."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from fleetcast.errors import ConfigurationError, DataError
from fleetcast.sequence.panel_repairs import Array
from fleetcast.sequence.panels import Panel

HORIZON = 1  # days from a window's last to the day whose direction is foretold
WARM_UP_ROWS = 20  # the longest look back of a feature
UNKNOWN = -1  # the direction after the last day


def _returns(panel: Panel, days: int) -> Array:
    log_close = np.log(panel.prices.close)
    found = np.full_like(log_close, np.nan)
    found[days:] = log_close[days:] - log_close[:-days]
    return found


def _rolling(values: Array, statistic: Callable[..., Array]) -> Array:
    found = np.full_like(values, np.nan)
    found[WARM_UP_ROWS - 1 :] = statistic(sliding_window_view(values, WARM_UP_ROWS, axis=0), axis=-1)
    return found


def _volume_ratio(panel: Panel) -> Array:
    mean = _rolling(panel.prices.volume, np.mean)
    return np.asarray(np.log((panel.prices.volume + 1) / (mean + 1)))


def _relative(panel: Panel) -> Array:
    week = _returns(panel, 5)
    return np.asarray(week - week.mean(axis=1, keepdims=True))


# Each is free of a price's scale, and knows nothing after its day's close.
FEATURES: dict[str, Callable[[Panel], Array]] = {
    "return_1": lambda panel: _returns(panel, 1),
    "range": lambda panel: np.log(panel.prices.high / panel.prices.low),
    "body": lambda panel: np.log(panel.prices.close / panel.prices.open),
    "volume_ratio": _volume_ratio,
    "return_5": lambda panel: _returns(panel, 5),
    "return_20": lambda panel: _returns(panel, 20),
    "volatility_20": lambda panel: _rolling(_returns(panel, 1), np.std),
    "relative_5": _relative,
}


def compute_features(panel: Panel, names: Sequence[str]) -> npt.NDArray[np.float32]:
    """The named features of every stock and day, not yet scaled.

    Returns:
        ``(n_dates, n_stocks, n_features)``; NaN in the first `WARM_UP_ROWS` rows at most.

    Raises:
        ConfigurationError: an unknown name.
        DataError: a value beyond the warm-up is not finite.
    """
    unknown = [name for name in names if name not in FEATURES]
    if unknown or not names:
        raise ConfigurationError(f"unknown features {unknown}: expected some of {list(FEATURES)}")
    stacked = np.stack([FEATURES[name](panel) for name in names], axis=-1).astype(np.float32)
    faulty = np.argwhere(~np.isfinite(stacked[WARM_UP_ROWS:]))
    if len(faulty):
        row, stock, feature = faulty[0]
        raise DataError(
            f"{len(faulty)} feature values are not finite, the first {names[feature]} of {panel.symbols[stock]} in row "
            f"{row + WARM_UP_ROWS}: mend the bars around it"
        )
    return stacked


def panel_direction(panel: Panel) -> npt.NDArray[np.int8]:
    """Whether the equal-weighted panel rises on the day after: 1, else 0; `UNKNOWN` in the last row. ``(n_dates,)``."""
    return _direction(_returns(panel, HORIZON).mean(axis=1))


def index_direction(panel: Panel, index: Panel) -> npt.NDArray[np.int8]:
    """Whether the index rises until the panel's next date.

    Args:
        panel: whose dates count; `restrict` has left those alone that the index has.
        index: one symbol.
    """
    row = np.searchsorted(index.dates, panel.dates)
    close = index.prices.close[row, 0]
    returns = np.full(len(close), np.nan)
    returns[HORIZON:] = np.log(close[HORIZON:] / close[:-HORIZON])
    return _direction(returns)


def _direction(returns: Array) -> npt.NDArray[np.int8]:
    direction = np.full(len(returns), UNKNOWN, np.int8)
    direction[:-HORIZON] = returns[HORIZON:] > 0
    return direction
