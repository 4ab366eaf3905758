"""features list: every feature column with how it is made."""

import json
from collections import Counter

from fleetcast.features.catalogue import list_columns
from fleetcast.fleet.presets import load_preset
from fleetcast.job_args.looking import FeaturesList


def run(args: FeaturesList) -> None:
    """Prints one JSON object a column (``name, symbol, generator, source``), or a table of counts."""
    preset = load_preset(args.preset)
    columns = list_columns(preset.symbols, width=preset.feature_width)
    if args.json_lines:
        for column in columns:
            described = {key: getattr(column, key) for key in ("name", "symbol", "generator", "source")}
            print(json.dumps(described, ensure_ascii=False))
        return
    counts = Counter((column.generator, column.symbol) for column in columns)
    symbols = sorted({column.symbol for column in columns})
    print(f"{'generator':<18}" + "".join(f"{symbol:>8}" for symbol in symbols))
    for generator in dict.fromkeys(column.generator for column in columns):
        print(f"{generator:<18}" + "".join(f"{counts[generator, symbol]:>8}" for symbol in symbols))
    totals = [sum(count for (_, s), count in counts.items() if s == symbol) for symbol in symbols]
    print(f"{'all':<18}" + "".join(f"{total:>8}" for total in totals))
    print(f"{len(columns)} columns; --json shows each with its source")
