"""A small fleet through all stages, production training and the registry, by the commands that pods run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import mlflow
import pytest

from fleetcast.job_args import fleet, tuning
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from study_service import TOKEN, StudyService
from taken_run import take_run

FLEETCAST = Path(sys.executable).with_name("fleetcast")
N_TRIALS = 3


def stage_1(args: fleet.FleetJobArgs) -> list[fleet.FleetJobArgs]:
    """The jobs after the snapshot, in their order."""
    return [
        *(args.for_job(job) for job in (fleet.CertifyFeatures, fleet.ComputeFeatures, fleet.LabelEvents)),
        args.for_job(fleet.SelectColumns),
        args.for_job(fleet.TrainVariants, shard=0, variants_per_pod=36),
        args.for_job(fleet.ChooseFamilyBests),
    ]


def from_stage_2_to_models(args: fleet.FleetJobArgs) -> list[fleet.FleetJobArgs]:
    """The jobs after those; one worker runs the trials."""
    stages = [
        args.for_job(job, stage=stage, **more)
        for stage in (2, 3, 4)
        for job, more in (
            (tuning.PlanTuning, {}),
            (tuning.RunTrials, {"shard": 0, "studies_per_pod": 3, "n_processes": 1}),
            (tuning.CloseTuning, {}),
        )
    ]
    return [
        *stages,
        args.for_job(tuning.JudgeHoldout),
        args.for_job(fleet.WriteLedger),
        args.for_job(tuning.SelectProductionColumns),
        args.for_job(tuning.TrainProduction, shard=0, families_per_pod=3),
    ]


@pytest.fixture(scope="module")
def args(tmp_path_factory: pytest.TempPathFactory) -> fleet.FleetJobArgs:
    """Of a run whose snapshot is taken."""
    store = Store(tmp_path_factory.mktemp("store").as_uri())
    return take_run(store).model_copy(update={"tune": True, "tuning_trials": N_TRIALS}).with_run_key()


@pytest.fixture(scope="module")
def tuned(
    args: fleet.FleetJobArgs, tmp_path_factory: pytest.TempPathFactory, service: StudyService
) -> tuple[RunFolder, str]:
    """The run at its end, and where its models are registered."""
    tracking_uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    registered = args.for_job(tuning.RegisterModels, tracking_uri=tracking_uri)
    run_all([*stage_1(args), *from_stage_2_to_models(args), registered], service)
    return folder_of(args), tracking_uri


def folder_of(args: fleet.FleetJobArgs) -> RunFolder:
    return RunFolder(Store(args.store), args.run_key)


def run_all(jobs: Sequence[fleet.FleetJobArgs], service: StudyService) -> None:
    """As pods run them."""
    surroundings = {
        **os.environ,
        "FLEETCAST_STUDIES_URL": service.url,
        "FLEETCAST_STUDIES_TOKEN": TOKEN,
        "MLFLOW_TRACKING_URI": "",  # would go before the argument
    }
    for job in jobs:
        ended = subprocess.run(
            [str(FLEETCAST), *job.to_argv()], env=surroundings, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, f"{job.command}: {ended.stderr[-2000:]}"


def test_each_stage_spends_its_trials_and_the_last_names_each_familys_parameters(tuned) -> None:
    run, _ = tuned
    for stage, n_studies in ((2, 1), (3, 3), (4, 3)):
        assert len(run.tuning_plan(stage).require().facts["studies"]) == n_studies
        families = run.tuning_result(stage).require().facts["families"].values()
        assert {f["n_complete"] + f["n_pruned"] + f["n_failed"] for f in families} == {N_TRIALS}
    chosen = run.tuning_result(4).require().facts["tuned"]
    assert set(chosen) == set(run.stage("family_bests").require().facts["families"])
    assert all(choice["value"] >= choice["default_value"] for choice in chosen.values())


def test_the_holdout_is_looked_at_once_a_family_after_everything_is_chosen(tuned) -> None:
    run, _ = tuned
    bests = run.stage("family_bests").require().facts
    assert bests["holdout_looks"] == 0
    assert all(best["holdout"] == {} for best in bests["families"].values())
    holdout = run.stage("holdout").require().facts
    assert holdout["holdout_looks"] == holdout["holdout_looks_of_all_runs"] == 3
    assert all("direction" in best["holdout"] for best in holdout["families"].values())


def test_each_family_has_one_challenger_with_its_parents_and_its_siblings_metrics(tuned) -> None:
    run, tracking_uri = tuned
    client = mlflow.MlflowClient(tracking_uri)
    for family_id, choice in run.tuning_result(4).require().facts["tuned"].items():
        version = client.get_model_version_by_alias(f"fleetcast-{family_id}", "challenger")
        assert version.tags["run_key"] == run.run_key
        assert choice["study"] in version.tags.values()
        metrics = client.get_run(version.run_id).data.metrics
        holdout = run.stage("holdout").require().facts["families"][family_id]["holdout"]
        assert metrics["sibling_holdout_direction"] == pytest.approx(holdout["direction"])


def test_the_ledger_holds_every_trial_and_decides_what_the_registry_says(tuned) -> None:
    run, tracking_uri = tuned
    ledger = run.stage("ledger").require().facts
    assert sum(ledger["n_by_state"].values()) == 36 + (1 + 3 + 3) * N_TRIALS
    for family_id, verdict in ledger["families"].items():
        version = mlflow.MlflowClient(tracking_uri).get_model_version_by_alias(f"fleetcast-{family_id}", "challenger")
        assert version.tags["promotable"] == str(verdict["promotable"]).lower()
        assert verdict["trial"]["stage"] in (3, 4)


def test_the_same_seed_data_and_trials_give_the_same_models(
    args: fleet.FleetJobArgs, tuned, tmp_path: Path, service: StudyService
) -> None:
    first, _ = tuned
    copy, later = tmp_path / "copy", ("tuning", "studies", "holdout", "ledger", "production")
    shutil.copytree(first.store.local_path(""), copy, ignore=lambda *_: later)
    again = args.model_copy(update={"store": copy.as_uri()})
    run_all(from_stage_2_to_models(again), service)
    second = folder_of(again)
    assert models_of(second) == models_of(first)
    tuned_points = [run.tuning_result(4).require().facts["tuned"].values() for run in (first, second)]
    studies, parameters = ([[one[key] for one in points] for points in tuned_points] for key in ("study", "parameters"))
    assert studies[0] != studies[1]  # else nothing ran anew
    assert parameters[0] == parameters[1]


def models_of(run: RunFolder) -> dict[str, str]:
    """Digests of the judged siblings and of the production models, by name."""
    outputs = dict(run.stage("holdout").require().outputs)
    for family_id in run.stage("family_bests").require().facts["families"]:
        own = run.production_model(family_id).require().outputs
        outputs |= {f"production {family_id} {name}": digest for name, digest in own.items()}
    models = {name: digest for name, digest in outputs.items() if name.endswith("model.txt")}
    assert len(models) == 6
    return models
