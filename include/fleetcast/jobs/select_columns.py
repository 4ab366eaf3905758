"""select-columns: screens the feature columns, stores the best as one matrix, and compares all of it with the bars."""

from fleetcast.job_args.fleet import SelectColumns
from fleetcast.selection.selecting import commit_selection
from fleetcast.splits.parts import Parts
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.checked_inputs import COLUMNS
from fleetcast.training.cpu import cpu_limit
from fleetcast.training.input_checks import check_inputs


def run(args: SelectColumns) -> None:
    """Commits the columns that the rows before the screen's end choose, then that they are what the bars give.

    It returns at once when both are there.

    Raises:
        LookAheadError: features, labels or columns are not what the bars give; nothing is then trained on them.
    """
    run_folder = RunFolder(Store(args.store), args.run_key)
    folder = run_folder.stage(COLUMNS)
    if not folder.is_done():
        n_rows = run_folder.stage("features").require().facts["n_rows"]
        commit_selection(run_folder, folder, args=args, screen_end=Parts.of(n_rows).screen_end, n_threads=cpu_limit())
    check_inputs(args, COLUMNS)
