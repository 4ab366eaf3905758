"""Panels in the object store: taken once, read by every later job, so that all of them see the same bars."""

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from fleetcast.data.findings import Finding
from fleetcast.sequence.panel_repairs import Prices
from fleetcast.sequence.panels import Panel
from fleetcast.store.manifests import Manifest, StageFolder
from fleetcast.store.objects import Store

PANEL_FILE = "panel.parquet"


def panel_folder(store: Store, dataset_rev: str) -> StageFolder:
    """The folder of one panel."""
    return StageFolder(store, f"panels/{dataset_rev}", key=dataset_rev)


def known_until(panel: Panel) -> datetime:
    """The end of its last day: the panel's effective cutoff."""
    return datetime.fromtimestamp(int(panel.dates[-1]) / 1000, tz=UTC) + timedelta(days=1)


def store_panel(store: Store, panel: Panel, *, source: str) -> Manifest:
    """Stores a repaired panel under the revision of its content; one that is there stays."""
    folder = panel_folder(store, panel.dataset_rev)
    manifest = folder.committed()
    if manifest is not None:
        return manifest
    folder.write(PANEL_FILE, _to_parquet(panel))
    return folder.commit(
        facts={
            "source": source,
            "symbols": list(panel.symbols),
            "n_dates": len(panel.dates),
            "cutoff": known_until(panel).isoformat(),
            "findings": [finding.model_dump() for finding in panel.findings],
        }
    )


def load_panel(store: Store, dataset_rev: str) -> tuple[Panel, str]:
    """A stored panel, and where it once came from in words. Raises StoreError when it is not there or has changed."""
    folder = panel_folder(store, dataset_rev)
    facts = folder.require().facts
    frame = pl.read_parquet(io.BytesIO(folder.read(PANEL_FILE)))
    symbols = tuple(facts["symbols"])
    shape = (facts["n_dates"], len(symbols))
    panel = Panel(
        dates=frame["timestamp"].to_numpy().reshape(shape)[:, 0],
        symbols=symbols,
        prices=Prices(*(frame[name].to_numpy().reshape(shape) for name in Prices._fields)),
        findings=tuple(Finding.model_validate(finding) for finding in facts["findings"]),
    )
    return panel, facts["source"]


def _to_parquet(panel: Panel) -> bytes:
    n_dates, n_stocks = panel.prices.close.shape
    frame = pl.DataFrame(
        {
            "timestamp": np.repeat(panel.dates, n_stocks),
            "symbol": list(panel.symbols) * n_dates,
            **{name: array.ravel() for name, array in zip(Prices._fields, panel.prices, strict=True)},
        }
    )
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()
