"""One process that computes feature columns, by the engine or by bare calls of the same formulas, and says its cost.

``python feature_cost.py ours|bare|live N_BARS SHARE``: SHARE of the blocks, such as 0.25, evenly spread.
"""

import itertools
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from long_bars import make_long_bars

from fleetcast.audit.certificate import SHIPPED, Certificate
from fleetcast.data.bars import BarSet
from fleetcast.features.blocks import block_file, block_to_bytes
from fleetcast.features.catalogue import Block, list_blocks, list_columns
from fleetcast.features.columns import Column
from fleetcast.features.engine import compute_blocks
from fleetcast.features.inputs import AlignedInputs, Inputs
from fleetcast.features.live import latest_rows
from fleetcast.features.transforms import apply_transform
from fleetcast.store.manifests import StageFolder
from fleetcast.store.objects import Store

N_THREADS, N_LIVE_COLUMNS = 2, 400
CERTIFICATE = Certificate.model_validate_json(SHIPPED.read_bytes())


def compute_and_store(bars: BarSet, blocks: Sequence[Block]) -> None:
    """What the job compute-features does with the blocks."""
    with tempfile.TemporaryDirectory() as scratch:
        store_features(features_folder(Path(scratch)), bars, blocks)


def features_folder(home: Path) -> StageFolder:
    """A features stage below a folder."""
    return StageFolder(Store(home.as_uri()), "runs/benchmark/features", key="benchmark")


def store_features(folder: StageFolder, bars: BarSet, blocks: Sequence[Block]) -> None:
    """Computes, stores and commits the blocks."""

    def write(block: Block, values: Any) -> None:
        names = [column.name for column in block.columns]
        folder.write(block_file(block.name), block_to_bytes(names, values))

    compute_blocks(bars, blocks, sink=write, n_threads=N_THREADS)
    folder.commit(
        facts={
            "n_rows": len(bars.timeline),
            "blocks": {block.name: [column.name for column in block.columns] for block in blocks},
            "target_related": [column.name for block in blocks for column in block.columns if column.target_related],
        }
    )


def call_formulas(bars: BarSet, blocks: Sequence[Block]) -> None:
    """The formulas and transforms alone, on as many threads: no checks, no matrix, nothing stored."""
    inputs = {symbol: Inputs(own, bar_ms=bars.bar_ms) for symbol, own in bars.bars.items()}

    def call(block: Block) -> None:
        for _, columns in itertools.groupby(block.columns, key=lambda column: column.formula_key):
            call_formula(inputs, list(columns))

    with ThreadPoolExecutor(N_THREADS) as pool:
        list(pool.map(call, blocks))


def call_formula(inputs: dict[str, Inputs], columns: Sequence[Column]) -> None:
    """One call, and the transforms of its outputs."""
    first = columns[0]
    own = inputs[first.symbol]

    def aligned(symbol: str) -> AlignedInputs:
        return own.once(("aligned", symbol), lambda: AlignedInputs(inputs[symbol], timestamp=own.timestamp))

    x: Any = None
    if first.recipe.scope == "pair":
        x = aligned(str(first.input))
    elif first.recipe.scope == "market":
        x = [aligned(symbol) for symbol in inputs if symbol != first.symbol]
    elif first.input is not None:
        x = own[first.input]
    outputs = first.recipe.formula(own, x, first.period)
    for column in columns:
        apply_transform(column.transform, np.asarray(outputs if column.output is None else outputs[column.output]))


def compute_latest_row(bars: BarSet, blocks: Sequence[Block]) -> None:
    """What live use does when a bar closes: named columns of all generators, one row."""
    columns = list_columns(tuple(bars.bars))
    names = [columns[i].name for i in np.linspace(0, len(columns) - 1, N_LIVE_COLUMNS).astype(int)]
    latest_rows(bars, names, origin_ms=int(bars.timeline[0]), certificate=CERTIFICATE)


WAYS: dict[str, Callable[[BarSet, Sequence[Block]], None]] = {
    "ours": compute_and_store,
    "bare": call_formulas,
    "live": compute_latest_row,
}


def main(way: str, n_bars: int, share: float) -> None:
    bars = make_long_bars(n_bars)
    blocks = list_blocks(tuple(bars.bars))[:: round(1 / share)]
    wall, cpu = time.perf_counter(), time.process_time()
    WAYS[way](bars, blocks)
    cost = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "columns": sum(len(block.columns) for block in blocks),
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
