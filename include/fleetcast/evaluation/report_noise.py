"""What the best of many draws looks like when there is nothing to find."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

INTERVAL = 0.95
WIDTH_IN_ERRORS = 2 * NormalDist().inv_cdf(0.5 + INTERVAL / 2)  # of a normal's 95 % interval
N_STEPS = 4000  # of the integral; its error is far under the two digits that are shown


@dataclass(frozen=True)
class NoiseBand:
    """The largest of ``n`` independent standard normals: its mean and its 95 % interval."""

    n: int
    expected: float
    low: float
    high: float


def noise_band(n: int) -> NoiseBand:
    """The band of the best of ``n``.

    Variants share bars and labels, so their scores are correlated and the best of them under noise lies lower: the
    band errs on the side of calling something noise.

    Args:
        n: how many draws, at least 1.

    Source: the maximum's distribution function is the normal's to the power ``n``; its mean is the integral over its
    quantiles, by the midpoint rule.
    """
    quantiles = [_quantile_of_maximum((step + 0.5) / N_STEPS, n=n) for step in range(N_STEPS)]
    tail = (1 - INTERVAL) / 2
    return NoiseBand(
        n=n,
        expected=sum(quantiles) / N_STEPS,
        low=_quantile_of_maximum(tail, n=n),
        high=_quantile_of_maximum(1 - tail, n=n),
    )


def standardised(metrics: Mapping[str, float], name: str, *, nothing: float) -> float | None:
    """A metric's distance from what nothing would give, in standard errors read off its 95 % interval.

    Args:
        metrics: holds ``name``, ``name_low`` and ``name_high``.
        name: such as ``delta``.
        nothing: 0 for delta, 0.5 for direction.

    Returns:
        None where a value is missing or the interval has no width.
    """
    try:
        value, low, high = metrics[name], metrics[f"{name}_low"], metrics[f"{name}_high"]
    except KeyError:
        return None
    return (value - nothing) / ((high - low) / WIDTH_IN_ERRORS) if high > low else None


def _quantile_of_maximum(q: float, *, n: int) -> float:
    return NormalDist().inv_cdf(q ** (1 / n))
