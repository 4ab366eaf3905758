"""Bars to write, spoil and read."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

FrameMaker = Callable[..., pl.DataFrame]
START_MS = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
BAR_MS = 900_000


@pytest.fixture
def make_frame() -> FrameMaker:
    """Makes correct 15-minute bars, sorted by symbol and time."""

    def make(symbols: Sequence[str] = ("BTCUSDT",), *, n_bars: int = 50, first_bar: int = 0) -> pl.DataFrame:
        frames = []
        for k, symbol in enumerate(symbols):
            walk = np.random.default_rng(k).normal(scale=0.01, size=n_bars + 1)
            path = np.round(100 * np.exp(np.cumsum(walk)), 2)
            opened, closed = path[:-1], path[1:]
            frames.append(
                pl.DataFrame(
                    {
                        "timestamp": START_MS + BAR_MS * (first_bar + np.arange(n_bars)),
                        "symbol": [symbol] * n_bars,
                        "open": opened,
                        "high": np.maximum(opened, closed) + 0.5,
                        "low": np.minimum(opened, closed) - 0.5,
                        "close": closed,
                        "volume": 10.0 + np.arange(n_bars),
                    }
                )
            )
        return pl.concat(frames).with_columns(pl.col("timestamp").cast(pl.Datetime("ms", "UTC")))

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes a frame and returns the file's path."""

    def write_frame(frame: pl.DataFrame, name: str = "bars.parquet") -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if name.endswith(".csv"):
            frame.write_csv(path)
        else:
            frame.write_parquet(path)
        return str(path)

    return write_frame
