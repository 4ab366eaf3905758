"""status: the running and the last runs, read from the manifests; nothing is written."""

import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from fleetcast.job_args.looking import Status
from fleetcast.local.progress import FleetProgress, read_progress
from fleetcast.settings import read_settings
from fleetcast.store.manifests import Manifest, RunFolder
from fleetcast.store.objects import Store, local_folder

STAGES = (
    "plan",
    "features",
    "labels",
    "columns",
    "checks",
    "family_bests",
    *(f"tuning/stage-{stage}/result" for stage in (2, 3, 4)),
    "holdout",
    "ledger",
    "production/columns",
    "registration",
    "report",
    "tracking",
)


@dataclass(frozen=True)
class RunStatus:
    """One run as its manifests tell it; ``done`` means that its report is there."""

    run_key: str
    preset: str | None
    cutoff: str | None
    dataset_rev: str | None
    dag_run_id: str | None
    done: bool
    stages: tuple[str, ...]
    n_variants: int
    n_done: int  # the skipped ones too
    n_skipped: int
    n_failed: int
    planned_at: str | None
    last_news_at: str | None
    report: str | None


def run(args: Status) -> None:
    """Prints the runs, the newest last: a block of lines each, or one JSON object a line."""
    uri = args.store or read_settings().store
    folder = local_folder(uri)
    statuses = [] if folder is not None and not folder.is_dir() else read_statuses(Store(uri), n_last=args.last)
    if args.json_lines:
        for status in statuses:
            print(json.dumps(asdict(status)))
    elif statuses:
        print("\n\n".join(describe(status, now=time.time()) for status in statuses))
    else:
        print(f"no runs in {uri} yet")


def read_statuses(store: Store, *, n_last: int) -> list[RunStatus]:
    """The last runs, in the order in which they were planned; a run without a plan comes first."""
    planned = [(_planned_at(store, run_key), run_key) for run_key in store.list_folders("runs")]
    planned.sort(key=lambda run: (run[0].timestamp() if run[0] else 0.0, run[1]))
    return [_read(RunFolder(store, run_key), planned_at) for planned_at, run_key in planned[-n_last:]]


def describe(status: RunStatus, *, now: float) -> str:
    """A run in three or four lines."""
    state = "done" if status.done else "unfinished"
    plan = f"{status.preset}, cutoff {status.cutoff}, data {status.dataset_rev}" if status.planned_at else "no plan"
    lines = [
        f"run {status.run_key}: {state} ({plan})",
        f"    {status.n_done} of {status.n_variants} variants, {status.n_skipped} of them skipped, "
        f"{status.n_failed} failed; stages committed: {', '.join(status.stages) or 'none'}",
        f"    DAG run {status.dag_run_id or '-'}, planned {status.planned_at or '-'}, "
        f"last news {_ago(status.last_news_at, now=now)}",
    ]
    return "\n".join([*lines, *([f"    report: {status.report}"] if status.report else [])])


def _planned_at(store: Store, run_key: str) -> datetime | None:
    return store.modified_at(f"{RunFolder(store, run_key).stage('plan').path}/manifest.json")


def _read(run: RunFolder, planned_at: datetime | None) -> RunStatus:
    committed = {name: manifest for name in STAGES if (manifest := run.stage(name).committed()) is not None}
    facts: dict[str, Any] = committed["plan"].facts if "plan" in committed else {}
    done = "report" in committed
    bests = committed.get("family_bests")
    progress = _final_progress(bests) if done and bests else read_progress(run)
    last_news = run.store.modified_at(f"{run.stage('report').path}/manifest.json") if done else None
    return RunStatus(
        run_key=run.run_key,
        preset=facts.get("preset"),
        cutoff=facts.get("cutoff"),
        dataset_rev=facts.get("dataset_rev"),
        dag_run_id=facts.get("dag_run_id"),
        done=done,
        stages=tuple(committed),
        n_variants=progress.n_variants,
        n_done=progress.n_done,
        n_skipped=progress.n_skipped,
        n_failed=progress.n_failed,
        planned_at=_text(planned_at),
        last_news_at=_text(last_news or run.store.newest_at(run.path)),
        report=f"{run.store.uri}/{run.path}/report/report.html" if done else None,
    )


def _final_progress(bests: Manifest) -> FleetProgress:
    totals = bests.facts["totals"]
    return FleetProgress(totals["variants"], totals["trained"] + totals["skipped"], 0, totals["skipped"])


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.replace(microsecond=0).isoformat()


def _ago(instant: str | None, *, now: float) -> str:
    if instant is None:
        return "never"
    seconds = max(0, round(now - datetime.fromisoformat(instant).timestamp()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
