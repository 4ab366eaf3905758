"""Job ``run-trials``: trials of one shard of a stage's studies, until all of them are over."""

import logging
import math
import os
import signal
import socket
import time
from collections.abc import Sequence

from fleetcast.errors import UnscorableError
from fleetcast.job_args.tuning import RunTrials
from fleetcast.settings import StudySettings
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.cpu import cpu_limit
from fleetcast.training.device import check_device
from fleetcast.training.run_data import load_run_data
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.objective import TrialObjective, TunedStageData
from fleetcast.tuning.planned_study import PlannedStudy
from fleetcast.tuning.trial_processes import TrialProcesses
from fleetcast.tuning.worker import run_trials

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_ROUNDS = 1.0  # while only trials of other workers are left
GOLDEN_RATIO = 0.618034


def run(args: RunTrials) -> None:
    """Runs trials in processes; on SIGTERM they hand back what is under way, and the job ends with 1.

    Raises:
        ConfigurationError: the study service's token is not set or refused, or a study is unknown.
        DataError: a trial is stored with another point, or a row reaches into a later part.
        TrialsError: a process failed, or the job was stopped.
    """
    token = StudySettings().require("token")
    check_device(args.lightgbm_device)
    n_processes = args.n_processes or cpu_limit()
    deadline = math.inf if args.time_limit_seconds is None else time.monotonic() + args.time_limit_seconds

    def work(place: int) -> None:
        if _is_done(args):
            return
        with StudyClient(StudySettings().url, token=token) as client:
            run_studies(args, client, place=args.worker * n_processes + place, deadline=deadline)

    processes = TrialProcesses(work, n_processes=n_processes, memory_bytes=args.memory_limit_bytes)
    signal.signal(signal.SIGTERM, lambda *_: processes.stop())
    processes.run()


def _is_done(args: RunTrials) -> bool:
    folder = RunFolder(Store(args.store), args.run_key)
    planned = folder.tuning_plan(args.stage, by_hand=args.by_hand).require().facts["studies"]
    return all(folder.study(study["study"]).is_done() for study in args.own_studies(planned))


def run_studies(args: RunTrials, client: StudyClient, *, place: int, deadline: float = math.inf) -> None:
    """Goes round the studies until the last is over; one in which others do the rest is not waited for."""
    data = load_run_data(args)
    planned = data.folder.tuning_plan(args.stage, by_hand=args.by_hand).require().facts["studies"]
    own = [PlannedStudy.model_validate(study) for study in args.own_studies(planned)]
    studies = in_turn(own, place + args.shard)  # several shards may share them
    stage_data = TunedStageData(data, args.stage)
    variants = {variant.variant_id: variant for variant in args.variants()}
    worker = f"{socket.gethostname()} process {os.getpid()}"
    n_finished = 0
    while studies:
        for study in studies:
            objective = TrialObjective(stage_data, study, variants[study.variant_id])
            n_finished += _run_study(client, study, objective, worker=worker, deadline=deadline)
        studies = [study for study in studies if not _has_ended(data.folder, client, study, deadline=deadline)]
        if studies:
            time.sleep(SECONDS_BETWEEN_ROUNDS)
    logger.info("shard %d of stage %d is over; this process finished %d trials", args.shard, args.stage, n_finished)


def _run_study(
    client: StudyClient, study: PlannedStudy, objective: TrialObjective, *, worker: str, deadline: float
) -> int:
    """How many trials this process has finished; those of a family that no fold can score fail, each with the reason.

    A failed trial is counted and shown; the family stays without a score, and the others go on.
    """
    n_finished = 0
    while True:
        try:
            more = run_trials(client, study.study, objective, worker=worker, waits=False, deadline=deadline)
        except UnscorableError as exc:
            logger.warning("%s stays without a score: %s", study.family_id, exc)
            n_finished += 1
        else:
            return n_finished + more


def _has_ended(folder: RunFolder, client: StudyClient, study: PlannedStudy, *, deadline: float) -> bool:
    """Whether nothing is left to do for it, which is then committed: a pod's good end is no evidence."""
    state = client.look(study.study)
    if state.n_left and time.monotonic() < deadline:
        return False
    folder.study(study.study).commit(facts=state.model_dump(mode="json") | {"n_left": state.n_left})
    return True


def in_turn(studies: Sequence[PlannedStudy], place: int) -> list[PlannedStudy]:
    """The studies, begun where no other worker begins: spread evenly, however many workers there are."""
    start = int(len(studies) * (place * GOLDEN_RATIO % 1.0))
    return [*studies[start:], *studies[:start]]
