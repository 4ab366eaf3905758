"""A direction job's inputs, read as its arguments say: configuration, panel, index, and the key that they make."""

from dataclasses import dataclass

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.sequence import DirectionArgs
from fleetcast.job_args.sequence_config import ConvLstmTraining
from fleetcast.sequence.direction_data import DirectionData, prepare_direction
from fleetcast.sequence.panel_inputs import read_args_config, read_args_panel
from fleetcast.sequence.panels import Panel, read_panel
from fleetcast.sequence.stored_panels import load_panel
from fleetcast.store.manifests import StageFolder, sequence_folder
from fleetcast.store.objects import Store


@dataclass(frozen=True)
class DirectionInputs:
    """What every job of one direction model reads."""

    config: ConvLstmTraining
    data: DirectionData
    dataset_revs: tuple[str, ...]
    run_key: str
    source: str  # where the panel came from, in words

    def folder(self, store: Store, stage: str) -> StageFolder:
        """The folder of one of its stages."""
        return sequence_folder(store, self.run_key, stage)


def read_inputs(args: DirectionArgs) -> DirectionInputs:
    """Reads and checks all of it.

    Raises:
        ConfigurationError: a configuration that does not fit, or an index that is missing or too many.
        DataError: bars that cannot be used.
    """
    config = read_args_config(args, ConvLstmTraining)
    if (args.index is None and args.index_rev is None) != (args.target == "panel"):
        raise ConfigurationError("--index names the index's file and goes with --target index, and only with it")
    panel, source = read_args_panel(args)
    index = _read_index(args)
    data = prepare_direction(panel, config, features=args.features, index=index)
    revs = (panel.dataset_rev, *([index.dataset_rev] if index else []))
    return DirectionInputs(config, data, revs, args.run_key(config, dataset_revs=revs), source)


def _read_index(args: DirectionArgs) -> Panel | None:
    if args.index_rev is not None:
        index, _ = load_panel(Store(args.store), args.index_rev)
    elif args.index is not None:
        index = read_panel(args.index, cutoff=args.cutoff)
    else:
        return None
    if len(index.symbols) != 1:
        raise ConfigurationError(f"{args.index or 'the index'} holds {len(index.symbols)} symbols: expected one index")
    return index
