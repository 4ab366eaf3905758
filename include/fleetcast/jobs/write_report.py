"""write-report: the run's manifests as one HTML page, stored with the run."""

import time

from fleetcast.evaluation.report import render_report
from fleetcast.evaluation.report_inputs import read_inputs
from fleetcast.job_args.fleet import WriteReport
from fleetcast.store.manifests import REPORT_FILE, RunFolder, StageFolder
from fleetcast.store.objects import Store


def run(args: WriteReport) -> None:
    """Writes the page and commits it; ends at once when that was done before."""
    started = time.monotonic()
    run_folder = RunFolder(Store(args.store), args.run_key)
    folder = run_folder.stage("report")
    if folder.is_done():
        print(_where(folder))
        return
    inputs = read_inputs(run_folder, args, dataset_rev=args.dataset_rev)
    bests = run_folder.stage("family_bests").require()
    folder.write(REPORT_FILE, render_report(inputs, code_digest=bests.code_digest).encode())
    folder.commit(
        inputs={**bests.inputs, "family_bests": bests.output_digest},
        facts={
            "n_variants": len(inputs.results),
            "n_family_bests": len(inputs.chosen),
            "seconds": round(time.monotonic() - started, 3),
            "cpu_seconds": round(time.process_time(), 3),
        },
    )
    print(_where(folder))


def _where(folder: StageFolder) -> str:
    return f"report: {folder.store.uri}/{folder.path}/{REPORT_FILE}"
