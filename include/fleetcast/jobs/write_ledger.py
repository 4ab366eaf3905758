"""write-ledger: what every trial of the run is worth beside luck, and which families' bests may be promoted."""

import time

from fleetcast.job_args.fleet import WriteLedger
from fleetcast.ledger.printing import describe_ledger, run_facts
from fleetcast.ledger.run_ledger import LEDGER_FILE, describe_verdicts, ledger_json, make_run_ledger, read_run_trials
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store


def run(args: WriteLedger) -> None:
    """Commits the ledger; ends at once when it is committed.

    It comes after ``choose-family-bests`` or, in a run that goes on tuning, after ``judge-holdout``, and before
    ``register-models``.
    """
    run_folder = RunFolder(Store(args.store), args.run_key)
    folder = run_folder.stage("ledger")
    if folder.is_done():
        return
    started = time.process_time()
    trials = read_run_trials(run_folder, args)
    ledger = make_run_ledger(trials)
    folder.write(LEDGER_FILE, ledger_json(ledger))
    read = ["labels", "family_bests", *(["holdout"] if args.tune else [])]
    tuned = {f"tuning_{stage}": run_folder.tuning_result(stage) for stage in trials.stages if stage > 1}
    folder.commit(
        inputs={
            name: stage.require().output_digest
            for name, stage in ({name: run_folder.stage(name) for name in read} | tuned).items()
        },
        facts={
            **run_facts(ledger),
            "families": describe_verdicts(ledger),
            "cpu_seconds": time.process_time() - started,
        },
    )
    print(describe_ledger(ledger))
