"""select-production-columns: the screen and the selection once more, on everything up to the cutoff.

The columns that stages 1 to 4 were judged with saw the first half of the time alone. Nothing is judged on these.
"""

from fleetcast.audit.certificate import check_certified
from fleetcast.job_args.tuning import SelectProductionColumns
from fleetcast.selection.selecting import commit_selection
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.checked_inputs import PRODUCTION_COLUMNS
from fleetcast.training.cpu import cpu_limit
from fleetcast.training.input_checks import check_inputs


def run(args: SelectProductionColumns) -> None:
    """Commits the columns that all rows choose, then that they are what the bars give; at once when both are there."""
    run_folder = RunFolder(Store(args.store), args.run_key)
    folder = run_folder.stage(PRODUCTION_COLUMNS)
    if not folder.is_done():
        check_certified(run_folder, width=args.feature_width)
        n_rows = run_folder.stage("features").require().facts["n_rows"]
        commit_selection(run_folder, folder, args=args, screen_end=n_rows, n_threads=cpu_limit())
    check_inputs(args, PRODUCTION_COLUMNS)
