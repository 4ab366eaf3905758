import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fleetcast.errors import VariantError
from fleetcast.fleet.results import EARLIER, PREDICTIONS, STRUCTURE_PREDICTIONS, VariantResult
from fleetcast.job_args.fleet import ChooseFamilyBests, FleetJobArgs, TrainVariants
from fleetcast.jobs import choose_family_bests
from fleetcast.jobs.main import run
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.earlier import is_reference

FLEETCAST = Path(sys.executable).with_name("fleetcast")
N_VARIANTS, N_KILLS = 36, 20
EVIDENCE = {f"{EARLIER}{PREDICTIONS}", f"{EARLIER}{STRUCTURE_PREDICTIONS}"}


def shard_command(args: FleetJobArgs, **more: object) -> list[str]:
    job = args.for_job(TrainVariants, **{"shard": 0, "variants_per_pod": N_VARIANTS, "n_processes": 2, **more})
    return [str(FLEETCAST), *job.to_argv()]


def digests(args: FleetJobArgs) -> dict[str, str]:
    folder = RunFolder(Store(args.store), args.run_key)
    return {v.variant_id: folder.variant(v.variant_id).require().output_digest for v in args.variants()}


@pytest.fixture(scope="module")
def undisturbed(ready_run_made_once: FleetJobArgs) -> dict[str, str]:
    """The digests of a run that nobody killed."""
    assert subprocess.run(shard_command(ready_run_made_once), stderr=subprocess.DEVNULL).returncode == 0
    return digests(ready_run_made_once)


def test_every_variant_ends_with_its_outputs_log_and_result(
    undisturbed: dict[str, str], ready_run_made_once: FleetJobArgs
) -> None:
    folder = RunFolder(Store(ready_run_made_once.store), ready_run_made_once.run_key)
    variants = {variant.variant_id: variant for variant in ready_run_made_once.variants()}
    assert len(undisturbed) == N_VARIANTS
    for variant_id in undisturbed:
        manifest = folder.variant(variant_id).require()
        result = VariantResult.model_validate(manifest.facts)
        baseline = {STRUCTURE_PREDICTIONS} if result.judged else set()
        evidence = EVIDENCE if is_reference(variants[variant_id], ready_run_made_once) else set()
        assert set(manifest.outputs) == {"model.txt", PREDICTIONS} | baseline | evidence
        assert bool(result.earlier_cpu_seconds) == bool(evidence)
        assert result.status == "trained"
        assert result.judged == (result.unjudged_reason is None) == bool(result.metrics)
        assert result.training_cpu_seconds > 0
        assert variant_id in folder.store.read(f"{folder.path}/variants/{variant_id}/train.log").decode()


def test_models_do_not_depend_on_shards_or_processes(undisturbed: dict[str, str], ready_run: FleetJobArgs) -> None:
    for shard in range(ready_run.n_shards(variants_per_pod=5)):  # families of 12 are cut
        job = ready_run.for_job(TrainVariants, shard=shard, variants_per_pod=5, n_processes=1)
        assert run(job.to_argv()) == 0
    assert digests(ready_run) == undisturbed


def test_killed_processes_lose_nothing_and_train_nothing_twice(
    undisturbed: dict[str, str], ready_run: FleetJobArgs
) -> None:
    chance, kills, committed = random.Random(0), 0, {}
    deadline = time.monotonic() + 600  # a busy machine needs minutes; the loop ends with the shard
    while time.monotonic() < deadline:
        shard = subprocess.Popen(shard_command(ready_run), stderr=subprocess.DEVNULL)
        while shard.poll() is None:
            time.sleep(chance.uniform(0.0, 0.15))
            kills += kills < N_KILLS and kill_one(shard, chance)
        folder = RunFolder(Store(ready_run.store), ready_run.run_key)
        for variant_id in folder.committed_variants():
            path = folder.store.local_path(f"{folder.path}/variants/{variant_id}/manifest.json")
            assert path is not None
            written = path.stat().st_mtime_ns
            assert committed.setdefault(variant_id, written) == written, "a committed variant was trained again"
        assert shard.returncode in (0, 1, -signal.SIGKILL)
        if shard.returncode == 0:
            break
    assert kills == N_KILLS
    assert digests(ready_run) == undisturbed
    assert RunFolder(Store(ready_run.store), ready_run.run_key).failed_variants() == set()


def kill_one(shard: "subprocess.Popen[bytes]", chance: random.Random) -> bool:
    """Kills a variant's process, or in one of eight cases the shard's own; False when there is none."""
    try:
        children = psutil.Process(shard.pid).children()
        if not children:
            return False
        victim = shard.pid if chance.random() < 0.125 else chance.choice(children).pid
        psutil.Process(victim).kill()
    except psutil.NoSuchProcess:
        return False
    return True


def test_sigterm_commits_what_is_complete_and_ends_with_1(ready_run: FleetJobArgs) -> None:
    folder = RunFolder(Store(ready_run.store), ready_run.run_key)
    shard = subprocess.Popen(shard_command(ready_run), stderr=subprocess.PIPE, text=True)
    while not folder.committed_variants() and shard.poll() is None:
        time.sleep(0.02)
    shard.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    _, messages = shard.communicate(timeout=30)
    assert shard.returncode == 1
    assert time.monotonic() - asked < 5
    assert "stopped on request with" in messages.splitlines()[-1]
    assert 0 < len(folder.committed_variants()) < N_VARIANTS


def test_a_variant_that_keeps_failing_is_named_and_the_others_are_trained(
    ready_run: FleetJobArgs, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ready_run.for_job(TrainVariants, shard=0, variants_per_pod=3, n_processes=2, time_limit_seconds=0.01)
    folder = RunFolder(Store(ready_run.store), ready_run.run_key)
    assert run(job.to_argv()) == VariantError.exit_code
    n_failed = len(folder.failed_variants())
    assert n_failed > 0  # a variant that is done before the shard looks at its time is done
    assert f"{n_failed} of 3 variants failed after 2 restarts" in capsys.readouterr().err.splitlines()[-1]
    assert run(ready_run.for_job(TrainVariants, shard=0, variants_per_pod=3, n_processes=2).to_argv()) == 0
    assert folder.failed_variants() == set()


def test_a_shard_beyond_the_fleet_is_refused(ready_run: FleetJobArgs, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ready_run.for_job(TrainVariants, shard=4, variants_per_pod=12).to_argv()) == 2
    assert "no shard 4: expected one of 0 to 2" in capsys.readouterr().err.splitlines()[-1]


def test_family_bests_are_chosen_once_from_judged_variants(
    undisturbed: dict[str, str], ready_run_made_once: FleetJobArgs, tmp_path: Path
) -> None:
    shutil.copytree(Store(ready_run_made_once.store).local_path(""), tmp_path / "copy")
    args = ready_run_made_once.model_copy(update={"store": (tmp_path / "copy").as_uri()})
    choose_family_bests.run(args.for_job(ChooseFamilyBests))
    folder = RunFolder(Store(args.store), args.run_key)
    facts = folder.stage("family_bests").require().facts
    assert facts["totals"]["trained"] == len(undisturbed)
    n_looks = sum(best["variant_id"] is not None for best in facts["families"].values())
    assert facts["holdout_looks"] == facts["holdout_looks_of_all_runs"] == n_looks > 0
    for best in facts["families"].values():
        results = [folder.variant(v.variant_id).require().facts for v in args.variants()]
        scores = {
            r["variant_id"]: r["metrics"]["score"]
            for r in results
            if r["family_id"] == best["family_id"] and r["judged"]
        }
        assert best["variant_id"] == (max(scores, key=scores.__getitem__) if scores else None)
        assert ("delta_low" in best["holdout"]) == bool(scores)
        assert "score" not in best["holdout"]
    looked_at = {family_id for family_id, best in facts["families"].items() if best["variant_id"] is not None}
    kept = set(folder.stage("family_bests").require().outputs) - {"bests.json"}
    predicted = (PREDICTIONS, STRUCTURE_PREDICTIONS)
    assert kept == {f"{family_id}.{name}" for family_id in looked_at for name in predicted}
    before = json.dumps(facts)
    choose_family_bests.run(args.for_job(ChooseFamilyBests))
    assert json.dumps(folder.stage("family_bests").require().facts) == before


def test_a_run_that_goes_on_tuning_chooses_without_a_look_at_the_holdout(
    undisturbed: dict[str, str], ready_run_made_once: FleetJobArgs, tmp_path: Path
) -> None:
    shutil.copytree(Store(ready_run_made_once.store).local_path(""), tmp_path / "copy")
    args = ready_run_made_once.model_copy(update={"store": (tmp_path / "copy").as_uri(), "tune": True})
    choose_family_bests.run(args.for_job(ChooseFamilyBests))
    manifest = RunFolder(Store(args.store), args.run_key).stage("family_bests").require()
    facts = manifest.facts
    assert set(manifest.outputs) == {"bests.json"}
    assert any(best["variant_id"] is not None for best in facts["families"].values())
    assert all(best["holdout"] == {} for best in facts["families"].values())
    assert facts["holdout_looks"] == facts["holdout_looks_of_all_runs"] == 0
