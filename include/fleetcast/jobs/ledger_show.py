"""ledger show: what the trials of a finished run showed, what luck would have shown, and what may be promoted."""

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.job_args.looking import LedgerShow
from fleetcast.ledger.printing import describe_family, describe_ledger, json_lines
from fleetcast.ledger.run_ledger import count_beside, load_ledger, make_run_ledger, read_run_trials
from fleetcast.ledger.trials import FamilyRow, Ledger
from fleetcast.settings import read_settings
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store, local_folder


def run(args: LedgerShow) -> None:
    """Prints the fleet's ledger or one family's, as text or as one JSON object a line; nothing is written.

    It is the one that ``write-ledger`` has committed; where none has, it is made from the same manifests.
    """
    run_folder = _run_folder(args.store or read_settings().store, args.run_key)
    fleet = _fleet_args(run_folder)
    if args.family is not None:
        fleet.check_family(args.family)
    ledger = load_ledger(run_folder.stage("ledger")) or make_run_ledger(read_run_trials(run_folder, fleet))
    family = None if args.family is None else _family(ledger, args.family)
    if args.json_lines:
        print("\n".join(json_lines(ledger, family)))
    elif family is not None:
        print(describe_family(ledger, family))
    else:
        held = {row.trial.study for row in ledger.trials}
        print(describe_ledger(ledger, n_beside=count_beside(run_folder, held)))


def _run_folder(uri: str, run_key: str) -> RunFolder:
    """The run's folder. Raises ConfigurationError when there is no such run."""
    folder = local_folder(uri)
    run_keys = [] if folder is not None and not folder.is_dir() else Store(uri).list_folders("runs")
    if run_key not in run_keys:
        raise ConfigurationError(
            f"no run {run_key!r} in {uri}: it holds {len(run_keys)} runs, and fleetcast status lists them"
        )
    return RunFolder(Store(uri), run_key)


def _fleet_args(run_folder: RunFolder) -> FleetJobArgs:
    """The run's own arguments, as its plan states them. Raises StoreError when it was not planned."""
    plan = run_folder.stage("plan").require().facts
    known = {name: plan[name] for name in FleetJobArgs.model_fields if name in plan}
    return FleetJobArgs(**{**known, "store": run_folder.store.uri, "run_key": run_folder.run_key})


def _family(ledger: Ledger, family_id: str) -> FamilyRow:
    return next(family for family in ledger.families if family.family_id == family_id)
