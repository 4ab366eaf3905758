"""What every sequence job reads as its arguments say: its configuration and its panel."""

import logging

from fleetcast.job_args.sequence import SequenceArgs
from fleetcast.job_args.sequence_config import Config, parse_config
from fleetcast.sequence.panels import Panel, read_panel
from fleetcast.sequence.pinned_files import pinned_file
from fleetcast.sequence.stored_panels import load_panel
from fleetcast.store.objects import Store
from fleetcast.store.texts import read_text

log = logging.getLogger(__name__)


def read_args_config(args: SequenceArgs, kind: type[Config]) -> Config:
    """The file, with what the command line says instead. Raises ConfigurationError."""
    text = "{}" if args.config is None else read_text(args.config)
    return parse_config(kind, text, where=args.config or "the arguments", overrides=args.overrides())


def read_args_panel(args: SequenceArgs) -> tuple[Panel, str]:
    """The panel, its repairs logged, and where it came from in words. Raises DataError or StoreError."""
    if args.dataset_rev:
        return load_panel(Store(args.store), args.dataset_rev)
    with pinned_file(args.panel, remote=args.dvc_remote) as pinned:
        panel = read_panel(pinned.path, symbols=args.symbols or None, n_stocks=args.n_stocks, cutoff=args.cutoff)
    for finding in panel.findings:
        log.warning("%s", finding)
    return panel, pinned.source
