"""The job ``run-trials`` by its command line, on real rows, with a service and a Postgres of their own processes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import psutil
import pytest

from fleetcast.fleet.results import TrialResult
from fleetcast.fleet.variants import Variant
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.job_args.tuning import RunTrials
from fleetcast.jobs.run_trials import in_turn
from fleetcast.labels.families import FamilyLabels, labels_file
from fleetcast.store.manifests import Manifest, RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.checked_inputs import COLUMNS, checks_folder, commit_checks
from fleetcast.training.run_data import load_matrix
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.planned_study import PlannedStudy
from fleetcast.tuning.trial_rows import INTERRUPTION
from planned_studies import opening, study_of
from ready_run import make_ready_run
from study_database import StudyDatabase
from study_service import TOKEN, StudyService

FLEETCAST = Path(sys.executable).with_name("fleetcast")


class Stage:
    """One run's stage of tuning: its plan is committed, its studies are open."""

    def __init__(self, args: FleetJobArgs, studies: list[PlannedStudy], *, stage: int, service: StudyService) -> None:
        self.folder = RunFolder(Store(args.store), args.run_key)
        self.studies = studies
        self._args = args
        self._stage = stage
        self._environment = {"FLEETCAST_STUDIES_URL": service.url, "FLEETCAST_STUDIES_TOKEN": TOKEN}

    def start(
        self, *, n_processes: int = 1, time_limit_seconds: float | None = None, **environment: str
    ) -> "subprocess.Popen[str]":
        """The job over all studies, in the background."""
        job = self._args.for_job(
            RunTrials,
            stage=self._stage,
            shard=0,
            studies_per_pod=100,
            n_processes=n_processes,
            time_limit_seconds=time_limit_seconds,
        )
        return subprocess.Popen(
            [str(FLEETCAST), *job.to_argv()],
            env={**os.environ, **self._environment, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *, n_processes: int = 1, time_limit_seconds: float | None = None, **environment: str
    ) -> tuple[int, str]:
        """The job's exit code and what it said."""
        job = self.start(n_processes=n_processes, time_limit_seconds=time_limit_seconds, **environment)
        _, said = job.communicate(timeout=600)
        return job.returncode, said

    def committed(self, study: PlannedStudy) -> dict[int, Manifest]:
        """The study's trials that have a manifest."""
        trials = ((n, self.folder.trial(study.study, n).committed()) for n in range(study.n_trials))
        return {number: manifest for number, manifest in trials if manifest is not None}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> FleetJobArgs:
    return make_ready_run(tmp_path_factory.mktemp("store").as_uri())


@pytest.fixture
def plan(ready: FleetJobArgs, client: StudyClient, service: StudyService) -> Callable[..., Stage]:
    """Makes a copy of the ready run under the key of its own seed, with a study for each of the variants."""

    def make(stage: int, *, seed: int, variants: list[Variant], n_trials: int = 3, pruner: str = "none") -> Stage:
        args = ready.model_copy(update={"seed": seed}).with_run_key()
        store = Store(args.store)
        shutil.copytree(store.local_path(f"runs/{ready.run_key}"), store.local_path(f"runs/{args.run_key}"))
        studies = [
            study_of(variant, stage=stage, data=f"{args.run_key} {place}", n_trials=n_trials, pruner=pruner)
            for place, variant in enumerate(variants)
        ]
        for study in studies:
            client.open(opening(study))
        plan_folder = RunFolder(store, args.run_key).tuning_plan(stage)
        plan_folder.commit(facts={"studies": [study.model_dump(mode="json") for study in studies]})
        return Stage(args, studies, stage=stage, service=service)

    return make


@pytest.fixture
def variant(ready: FleetJobArgs) -> Variant:
    return ready.variants()[0]


def wait_until(condition: Callable[[], object], job: "subprocess.Popen[str]") -> None:
    while not condition():
        assert job.poll() is None, "the job has ended"
        time.sleep(0.005)


def test_one_process_gives_the_same_outputs_for_the_same_seed_and_budget(
    plan: Callable[..., Stage], variant: Variant
) -> None:
    stage = plan(3, seed=1, variants=[variant, variant], n_trials=4)
    assert stage.run()[0] == 0
    first, second = (stage.committed(study) for study in stage.studies)
    assert sorted(first) == list(range(4))
    assert {n: one.outputs for n, one in first.items()} == {n: one.outputs for n, one in second.items()}
    assert [one.facts["value"] for one in first.values()] == [one.facts["value"] for one in second.values()]
    assert stage.run(FLEETCAST_STUDIES_URL="http://127.0.0.1:9")[0] == 0  # nobody is asked for what is over
    assert stage.committed(stage.studies[0]) == first
    over = [stage.folder.study(study.study).require().facts for study in stage.studies]
    assert [(facts["n_complete"], facts["n_left"]) for facts in over] == [(4, 0), (4, 0)]


def test_no_trial_begins_after_the_time_limit(
    plan: Callable[..., Stage], client: StudyClient, variant: Variant
) -> None:
    stage = plan(3, seed=6, variants=[variant], n_trials=400)
    (study,) = stage.studies
    assert stage.run(time_limit_seconds=8.0)[0] == 0
    state = client.look(study.study)
    assert 0 < state.n_complete < 400
    assert state.n_running == 0
    assert stage.folder.study(study.study).require().facts["n_left"] == 400 - state.n_complete
    assert stage.run(time_limit_seconds=8.0)[0] == 0
    assert client.look(study.study) == state


def test_a_family_that_no_fold_can_score_is_said_and_the_others_go_on(
    plan: Callable[..., Stage], client: StudyClient, ready: FleetJobArgs
) -> None:
    hopeless, other = (next(iter(ready.variants_of(family))) for family in ready.families()[:2])
    stage = plan(3, seed=11, variants=[hopeless, other], n_trials=2)
    turn_reversals_into_breakouts(stage.folder, hopeless.family.family_id)
    code, said = stage.run()
    assert code == 0
    assert f"{hopeless.family.family_id} stays without a score: {hopeless.variant_id}: the " in said
    failed, done = (client.trials(study.study).trials for study in stage.studies)
    assert [trial.state for trial in (*failed, *done)] == ["failed", "failed", "complete", "complete"]
    assert all("hold no reversal" in (trial.reason or "") for trial in failed)
    assert [len(stage.committed(study)) for study in stage.studies] == [0, 2]


def turn_reversals_into_breakouts(run: RunFolder, family_id: str) -> None:
    """In the labels that the run has committed, as if they had been compared with the bars since."""
    folder = run.stage("labels")
    manifest = folder.require()
    for name in manifest.outputs:
        data = folder.read(name)
        if name == labels_file(family_id):
            labels = FamilyLabels.from_bytes(data)
            data = replace(labels, outcome=np.where(labels.outcome == 1, 0, labels.outcome).astype(np.int8)).to_bytes()
        folder.write(name, data)
    checks = checks_folder(run, COLUMNS)
    for stage in (folder, checks):
        run.store.delete(f"{stage.path}/manifest.json")
    folder.commit(inputs=manifest.inputs, facts=manifest.facts)
    matrix = load_matrix(run.stage(COLUMNS))
    commit_checks(run, COLUMNS, matrix=matrix, rows=np.arange(0, len(matrix), 400), facts={})


def test_trials_that_others_beat_end_between_folds(
    plan: Callable[..., Stage], client: StudyClient, variant: Variant
) -> None:
    stage = plan(3, seed=7, variants=[variant], n_trials=9, pruner="median")
    (study,) = stage.studies
    assert stage.run()[0] == 0
    results = [TrialResult.model_validate(one.facts) for one in stage.committed(study).values()]
    pruned = [result for result in results if result.state == "pruned"]
    state = client.look(study.study)
    assert (state.n_complete, state.n_pruned, state.n_left) == (9 - len(pruned), len(pruned), 0)
    assert all(1 < len(result.folds) < 5 for result in pruned)
    assert pruned


def test_a_killed_worker_costs_nothing_but_its_trial_under_way(
    plan: Callable[..., Stage], client: StudyClient, variant: Variant
) -> None:
    stage = plan(3, seed=2, variants=[variant], n_trials=6)
    (study,) = stage.studies
    job = stage.start(n_processes=2)
    wait_until(lambda: stage.committed(study), job)
    before = stage.committed(study)
    psutil.Process(job.pid).children()[0].kill()
    _, said = job.communicate(timeout=600)
    assert job.returncode == 1
    assert "1 of 2 processes failed, the first: ended by SIGKILL" in said.splitlines()[-1]
    state = client.look(study.study)
    assert (state.n_complete, state.n_failed, state.n_running, state.n_left) == (6, 0, 0, 0)
    after = stage.committed(study)
    assert sorted(after) == list(range(6))
    assert {number: after[number] for number in before} == before
    assert stage.run()[0] == 0
    assert stage.committed(study) == after


def test_sigterm_hands_the_trial_back_and_ends_with_1(
    plan: Callable[..., Stage], client: StudyClient, variant: Variant, study_database: StudyDatabase
) -> None:
    stage = plan(3, seed=3, variants=[variant], n_trials=400)
    (study,) = stage.studies
    job = stage.start(n_processes=2)
    wait_until(lambda: client.look(study.study).n_running == 2, job)
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 1
    assert "stopped on request; trials under way were handed back" in said.splitlines()[-1]
    assert client.look(study.study).n_running == 0
    trials = optuna.load_study(study_name=study.study, storage=study_database.uri).trials
    reasons = [trial.user_attrs[INTERRUPTION] for trial in trials if INTERRUPTION in trial.user_attrs]
    assert set(reasons) == {"TrialsError: stopped on request"}  # said by the workers, not by their leases' end


def test_a_wrong_or_missing_token_is_no_use_to_try_again(plan: Callable[..., Stage], variant: Variant) -> None:
    stage = plan(2, seed=4, variants=[variant])
    code, said = stage.run(FLEETCAST_STUDIES_TOKEN="another")
    assert code == 2
    assert "study service: " in said.splitlines()[-1]
    code, said = stage.run(FLEETCAST_STUDIES_TOKEN="")
    assert code == 2
    assert "FLEETCAST_STUDIES_TOKEN is not set" in said.splitlines()[-1]


def test_workers_begin_at_different_studies(variant: Variant) -> None:
    studies = [study_of(variant, stage=2, data=str(place)) for place in range(12)]
    begun = [in_turn(studies, place)[0].study for place in range(6)]
    assert begun[0] == studies[0].study
    assert len(set(begun)) == 6
    assert sorted(s.study for s in in_turn(studies, 5)) == sorted(s.study for s in studies)
    assert in_turn([], 3) == []
