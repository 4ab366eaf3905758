"""Names of symbols: a pair's base, lower case and without its quote currency."""

import re
from collections.abc import Collection, Mapping

from fleetcast.errors import DataError

# Longest first. Those of the second group end in "USD" themselves, so "SHIBUSD" can be read in two ways.
QUOTES = ("USDT", "USDC", "USD", "EUR", "GBP", "INR")
LONGER_DOLLARS = ("FDUSD", "BUSD", "TUSD")
SHORTEST_BASE_BEFORE_LONGER_DOLLARS = 3


def base_symbol(raw: str, *, wanted: Collection[str] = ()) -> str:
    """The base of a pair: ``btc`` for ``BTCUSDT``, ``BTC/USDT``, ``btc-usd``, ``BTC/USDT:USDT`` and ``BTC``.

    Args:
        raw: as the source writes it.
        wanted: bases that are looked for; they decide where a name can be read in two ways.
    """
    readings = _readings(raw.strip().upper())
    return next((base for base in readings if base in wanted), readings[0])


def _readings(name: str) -> list[str]:
    parts = re.split(r"[/:_\-]", name)
    if len(parts) > 1 and parts[1] in QUOTES + LONGER_DOLLARS and parts[0]:
        return [_plain(parts[0])]
    joined = "".join(parts)
    longer = [q for q in LONGER_DOLLARS if len(joined) >= len(q) + SHORTEST_BASE_BEFORE_LONGER_DOLLARS]
    bases = [joined.removesuffix(quote) for quote in (*longer, *QUOTES) if joined.endswith(quote)]
    return [*(_plain(base) for base in bases if base), _plain(joined)]


def _plain(base: str) -> str:
    return re.sub(r"[^a-z0-9]", "", base.lower())


def check_bases_unique(bases: Mapping[str, str]) -> None:
    """Refuses two names of the source that mean one symbol.

    Args:
        bases: the base by the name in the source.

    Raises:
        DataError: such as ``BTCUSDT`` beside ``BTC/USDC``.
    """
    names: dict[str, list[str]] = {}
    for raw, base in sorted(bases.items()):
        names.setdefault(base, []).append(raw)
    clashes = [f"{raws} are all {base!r}" for base, raws in names.items() if len(raws) > 1]
    if clashes:
        raise DataError(f"several names for one symbol: {'; '.join(clashes[:3])}. Keep one quote currency a symbol.")


def check_wanted_found(wanted: Collection[str], *, found: Collection[str], where: str) -> None:
    """Refuses bars that lack a symbol that was asked for.

    Raises:
        DataError: naming the missing symbols and those found.
    """
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise DataError(f"no bars of {missing} in {where}: found {sorted(found)}. Add them or ask for other symbols.")
