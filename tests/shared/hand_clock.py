"""A clock that moves by hand."""

from dataclasses import dataclass


@dataclass
class HandClock:
    """Seconds, as `time.monotonic` counts them."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
