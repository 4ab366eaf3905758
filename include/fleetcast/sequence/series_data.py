"""What a return model is fitted and judged on: every stock's series, scaled, one after the other in one history."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.errors import DataError
from fleetcast.job_args.sequence_config import CnnLstmParams, CnnLstmTraining
from fleetcast.sequence.batches import WindowBatches
from fleetcast.sequence.panel_features import WARM_UP_ROWS, compute_features
from fleetcast.sequence.panels import Panel
from fleetcast.sequence.windows import SMALLEST_SCALE, Rows, Scaler, WindowSplit, split_windows


@dataclass(frozen=True)
class SeriesData:
    """Series of several stocks; row ``stock * n_dates + date`` of the history is one stock's day.

    Attributes:
        features: ``(n_stocks * n_dates, n_features)`` float32, each stock scaled by its own training rows.
        target: ``(n_stocks * n_dates,)`` float32: the log return over the horizon after the day, in units of
            ``target_scale``; NaN where it is not known.
        split: where the parts' windows end, in rows of the history; no window holds two stocks.
        scaler: that made ``features``, ``(n_stocks, n_features)``.
        target_scale: the standard deviation of training returns.
        horizon: days whose return is foretold.
        panel: where they are from.
    """

    features: npt.NDArray[np.float32]
    target: npt.NDArray[np.float32]
    split: WindowSplit
    scaler: Scaler
    target_scale: float
    horizon: int
    panel: Panel

    def returns(self, ends: Rows) -> npt.NDArray[np.float64]:
        """The log returns that windows foretell, ``(n_windows,)``."""
        return self.target[ends].astype(np.float64) * self.target_scale

    def dates(self, ends: Rows) -> npt.NDArray[np.int64]:
        """The windows' last days, ``(n_windows,)`` milliseconds since the epoch."""
        return self.panel.dates[ends % len(self.panel.dates)]

    def past_returns(self, ends: Rows) -> npt.NDArray[np.float64]:
        """The log returns over the horizon up to each window's last day, ``(n_windows,)``."""
        log_close = np.log(self.panel.prices.close).T.ravel()
        return np.asarray(log_close[ends] - log_close[ends - self.horizon])


def prepare_series(panel: Panel, config: CnnLstmTraining, *, features: Sequence[str]) -> SeriesData:
    """Computes features and returns and cuts them by time, at the same days for every stock.

    Args:
        panel: the stocks.
        config: lengths and shares.
        features: their names.

    Raises:
        ConfigurationError: an unknown feature.
        DataError: too few rows, or prices that stand still.
    """
    params, n_dates = config.model_params, len(panel.dates)
    of_one = split_windows(
        n_dates,
        split=config.data_split,
        sequence_length=params.sequence_length,
        horizon=params.horizon,
        first_row=WARM_UP_ROWS,
    )
    raw = compute_features(panel, features)
    scaler = Scaler.fit(raw[WARM_UP_ROWS : of_one.n_train_rows])
    scaled = scaler.apply(raw).transpose(1, 0, 2)
    returns = _future_returns(panel, params.horizon)
    scale = float(returns[of_one.train].std())
    if scale < SMALLEST_SCALE:
        raise DataError(
            f"all returns over {params.horizon} days of the training part are the same: nothing to foretell"
        )
    return SeriesData(
        features=np.ascontiguousarray(scaled).reshape(-1, scaled.shape[-1]),
        target=(returns.T.ravel() / scale).astype(np.float32),
        split=_of_all(of_one, n_dates=n_dates, n_stocks=len(panel.symbols)),
        scaler=scaler,
        target_scale=scale,
        horizon=params.horizon,
        panel=panel,
    )


def series_batches(data: SeriesData, params: CnnLstmParams) -> WindowBatches:
    """Batches of windows ``(batch, sequence_length, n_features)``."""
    return WindowBatches(
        data.features,
        data.target,
        sequence_length=params.sequence_length,
        batch_size=params.batch_size,
        channel=False,
    )


def _future_returns(panel: Panel, horizon: int) -> npt.NDArray[np.float64]:
    log_close = np.log(panel.prices.close)
    returns = np.full_like(log_close, np.nan)
    returns[:-horizon] = log_close[horizon:] - log_close[:-horizon]
    return returns


def _of_all(of_one: WindowSplit, *, n_dates: int, n_stocks: int) -> WindowSplit:
    starts = np.arange(n_stocks)[:, None] * n_dates
    train, val, test = ((starts + ends).ravel() for ends in (of_one.train, of_one.val, of_one.test))
    return WindowSplit(train=train, val=val, test=test, purged_size=of_one.purged_size)
