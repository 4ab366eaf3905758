"""select-columns: screens the feature columns, selects the best and stores them as one matrix."""

from fleetcast.job_args.fleet import SelectColumns
from fleetcast.selection.selecting import commit_selection
from fleetcast.splits.parts import Parts
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.cpu import cpu_limit


def run(args: SelectColumns) -> None:
    """Commits the columns that the rows before the screen's end choose; returns at once when they are there."""
    run_folder = RunFolder(Store(args.store), args.run_key)
    folder = run_folder.stage("columns")
    if folder.is_done():
        return
    n_rows = run_folder.stage("features").require().facts["n_rows"]
    commit_selection(run_folder, folder, args=args, screen_end=Parts.of(n_rows).screen_end, n_threads=cpu_limit())
