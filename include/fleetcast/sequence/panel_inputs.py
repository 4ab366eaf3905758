"""What every sequence job reads as its arguments say: its configuration and its panel."""

import logging
from pathlib import Path

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.sequence import SequenceArgs
from fleetcast.job_args.sequence_config import Config, parse_config
from fleetcast.sequence.panels import Panel, read_panel
from fleetcast.sequence.pinned_files import pinned_file
from fleetcast.store.objects import Store

log = logging.getLogger(__name__)


def read_args_config(args: SequenceArgs, kind: type[Config]) -> Config:
    """The file, with what the command line says instead. Raises ConfigurationError."""
    text = "{}" if args.config is None else read_text(args.config)
    return parse_config(kind, text, where=args.config or "the arguments", overrides=args.overrides())


def read_args_panel(args: SequenceArgs) -> tuple[Panel, str]:
    """The panel, its repairs logged, and where it came from in words. Raises DataError."""
    with pinned_file(args.panel, remote=args.dvc_remote) as pinned:
        panel = read_panel(pinned.path, symbols=args.symbols or None, n_stocks=args.n_stocks, cutoff=args.cutoff)
    for finding in panel.findings:
        log.warning("%s", finding)
    return panel, pinned.source


def read_text(path: str) -> str:
    """A file's or an object's text. Raises ConfigurationError when there is none."""
    if "://" in path:
        folder, _, name = path.rpartition("/")
        return Store(folder).read(name).decode()
    try:
        return Path(path).read_text()
    except OSError as exc:
        raise ConfigurationError(f"cannot read {path}: {exc.strerror}") from exc
