"""Panels that no market made: random walks, and one whose direction can be foretold."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)


def make_panel(n_days: int, n_stocks: int, *, seed: int = 0, momentum: float = 0.0) -> pl.DataFrame:
    """Daily bars of ``s00``, ``s01``...; with momentum, a day's market follows the day before."""
    rng = np.random.default_rng(seed)
    market = np.zeros(n_days)
    for day in range(1, n_days):
        market[day] = momentum * market[day - 1] + rng.normal(0, 0.01)
    frames = []
    for stock in range(n_stocks):
        close = 100 * np.exp(np.cumsum(market + rng.normal(0, 0.002, n_days)))
        open_ = close * np.exp(rng.normal(0, 0.003, n_days))
        frames.append(
            pl.DataFrame(
                {
                    "timestamp": [FIRST_DAY + timedelta(days=day) for day in range(n_days)],
                    "symbol": f"s{stock:02}",
                    "open": open_,
                    "high": np.maximum(open_, close) * 1.002,
                    "low": np.minimum(open_, close) * 0.998,
                    "close": close,
                    "volume": rng.integers(1000, 5000, n_days).astype(float),
                }
            )
        )
    return pl.concat(frames)


def write_panel(path: Path, frame: pl.DataFrame) -> str:
    """As a Parquet file; its path."""
    frame.write_parquet(path)
    return str(path)
