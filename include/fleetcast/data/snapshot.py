"""Snapshots: aligned bars, stored once under the digest of their content and never changed."""

import hashlib
import io
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from fleetcast.data.bars import BarSet, milliseconds
from fleetcast.data.files import COLUMNS, NUMBERS
from fleetcast.data.findings import Finding, instant_text
from fleetcast.data.reader import to_bar_set
from fleetcast.errors import LookAheadError, StoreError
from fleetcast.store.manifests import Manifest, snapshot_folder
from fleetcast.store.objects import Store

BARS_FILE = "bars.parquet"


def take_snapshot(store: Store, bars: BarSet, *, findings: Sequence[Finding] = ()) -> Manifest:
    """Stores the bars, unless the same bars are stored already.

    Args:
        store: where; the folder is ``snapshots/<dataset_rev>``.
        bars: aligned, so that all symbols have the last bar.
        findings: what reading and aligning found; kept in the manifest.

    Returns:
        The manifest: its key is the ``dataset_rev``; facts are ``symbols``, ``bar_seconds``, ``n_bars`` by symbol,
        ``first`` (open of the first bar), ``cutoff`` (close of the last one) and ``findings``.
    """
    dataset_rev = compute_dataset_rev(bars)
    folder = snapshot_folder(store, dataset_rev)
    committed = folder.committed()
    if committed is not None:
        return committed
    folder.write(BARS_FILE, _to_parquet(bars))
    facts = {
        "symbols": list(bars.bars),
        "bar_seconds": bars.bar_ms / 1000,
        "n_bars": {symbol: one.n_bars for symbol, one in bars.bars.items()},
        "first": instant_text(int(bars.timeline[0])),
        "cutoff": instant_text(int(bars.timeline[-1]) + bars.bar_ms),
        "findings": [finding.model_dump() for finding in findings],
    }
    return folder.commit(facts=facts)


def load_snapshot(store: Store, dataset_rev: str, *, until: datetime) -> BarSet:
    """The snapshot's bars that are known at ``until``.

    Args:
        store: where.
        dataset_rev: names the snapshot.
        until: the caller's cutoff.

    Raises:
        LookAheadError: ``until`` lies beyond the snapshot's cutoff, so it does not hold what was known then.
        StoreError: there is no such snapshot, or its content has changed.
    """
    folder = snapshot_folder(store, dataset_rev)
    facts = folder.require().facts
    bars = _from_parquet(folder.read(BARS_FILE), bar_ms=round(facts["bar_seconds"] * 1000))
    found = compute_dataset_rev(bars)
    if found != dataset_rev:
        raise StoreError(f"snapshot {dataset_rev} holds other bars: their digest is {found}. Take the snapshot again.")
    if milliseconds(until) > int(bars.timeline[-1]) + bars.bar_ms:
        raise LookAheadError(
            f"snapshot {dataset_rev} ends at {facts['cutoff']}, asked for bars until {until.isoformat()}. "
            "Ask for an earlier cutoff or take a later snapshot."
        )
    return bars.cut(until)


def compute_dataset_rev(bars: BarSet) -> str:
    """20 hexadecimal digits over the bars' content, whatever file or spelling they came from.

    Source: own choice: SHA-256 over the bar length and, symbol by symbol, the name, the number of bars and the
    arrays as little-endian 64-bit numbers.
    """
    digest = hashlib.sha256(f"fleetcast bars 1 {bars.bar_ms}".encode())
    for symbol in sorted(bars.bars):
        one = bars.bars[symbol]
        digest.update(f"\n{symbol} {one.n_bars}\n".encode())
        digest.update(one.timestamp.astype("<i8").tobytes())
        for column in NUMBERS:
            digest.update((getattr(one, column).astype("<f8") + 0.0).tobytes())  # + 0.0 makes -0.0 and 0.0 one
    return digest.hexdigest()[:20]


def _to_parquet(bars: BarSet) -> bytes:
    frames = [
        pl.DataFrame(
            {
                "timestamp": one.timestamp,
                "symbol": np.full(one.n_bars, symbol),
                **{column: getattr(one, column) for column in NUMBERS},
            }
        )
        for symbol, one in bars.bars.items()
    ]
    frame = pl.concat(frames).with_columns(pl.col("timestamp").cast(pl.Datetime("ms", "UTC")))
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _from_parquet(data: bytes, *, bar_ms: int) -> BarSet:
    frame = pl.read_parquet(io.BytesIO(data)).select(COLUMNS)
    return to_bar_set(frame.with_columns(pl.col("timestamp").dt.epoch("ms")), bar_ms=bar_ms)
