import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from fleetcast.errors import StoreError
from fleetcast.job_args.fleet import ComputeFeatures, FleetJobArgs, TrainVariants
from fleetcast.orchestration.processes import ProcessOperator
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store

Command = Callable[[str], str]


def operator_for(command: str, args: FleetJobArgs, *, shard: int | None = None) -> ProcessOperator:
    return ProcessOperator(task_id="t", command=command, arguments=args.to_argv(), shard=shard)


def end_badly(operator: ProcessOperator) -> None:
    with pytest.raises(AirflowException, match="exit code 1"):
        operator.execute({})


def test_runs_the_planned_command_line_with_the_shards_number(
    command: Command, shared: FleetJobArgs, store: Store, tmp_path: Path
) -> None:
    args = shared.for_job(TrainVariants, shard=0, variants_per_pod=4)
    for variant in shared.variants_in_shard(1, variants_per_pod=4):
        RunFolder(store, shared.run_key).variant(variant.variant_id).commit()
    script = command(f"printf '%s\\n' \"$@\" > '{tmp_path}/argv'")
    operator_for(script, args, shard=1).execute({})
    given = (tmp_path / "argv").read_text().splitlines()
    assert TrainVariants.from_argv(given) == args.model_copy(update={"shard": 1})


def test_runs_where_airflow_runs(
    command: Command, shared: FleetJobArgs, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    RunFolder(store, shared.run_key).stage("features").commit()
    operator_for(command("pwd > here"), shared.for_job(ComputeFeatures)).execute({})
    assert (tmp_path / "here").read_text().strip() == str(tmp_path)


def test_a_command_of_several_words_is_split(command: Command, shared: FleetJobArgs, store: Store) -> None:
    RunFolder(store, shared.run_key).stage("features").commit()
    operator_for(f"env NAME=value '{command('exit 0')}'", shared.for_job(ComputeFeatures)).execute({})


def test_exit_code_2_fails_without_retries_and_with_the_last_line(command: Command, shared: FleetJobArgs) -> None:
    script = command("echo working; echo 'no bars: give some' >&2; exit 2")
    with pytest.raises(AirflowFailException, match=r"^no bars: give some$"):
        operator_for(script, shared.for_job(ComputeFeatures)).execute({})


def test_another_exit_code_fails_and_may_be_retried(command: Command, shared: FleetJobArgs) -> None:
    with pytest.raises(AirflowException, match="compute-features ended with exit code 7: oh") as raised:
        operator_for(command("echo oh; exit 7"), shared.for_job(ComputeFeatures)).execute({})
    assert not isinstance(raised.value, AirflowFailException)


def test_a_good_end_without_a_manifest_is_a_failure(command: Command, shared: FleetJobArgs) -> None:
    with pytest.raises(StoreError, match="1 manifests are missing"):
        operator_for(command("exit 0"), shared.for_job(ComputeFeatures)).execute({})


def test_the_job_does_not_see_airflows_own_settings(
    command: Command, shared: FleetJobArgs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "secret")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow")
    with pytest.raises(StoreError, match="missing"):
        operator_for(command(f"env > '{tmp_path}/env'"), shared.for_job(ComputeFeatures)).execute({})
    seen = (tmp_path / "env").read_text()
    assert "secret" not in seen
    assert "MLFLOW_TRACKING_URI=http://mlflow" in seen


def test_a_kill_reaches_the_jobs_children_and_gives_them_time(
    command: Command, shared: FleetJobArgs, tmp_path: Path
) -> None:
    script = command(
        f"sleep 60 & echo $! > '{tmp_path}/child'\n"
        f"trap 'sleep 0.3; echo saved > \"{tmp_path}/saved\"; exit 1' TERM\n"
        f"echo $$ > '{tmp_path}/ready'; wait"
    )
    operator = operator_for(script, shared.for_job(ComputeFeatures))
    running = threading.Thread(target=end_badly, args=(operator,))
    running.start()
    while not (tmp_path / "ready").exists():
        time.sleep(0.02)
    operator.on_kill()
    running.join(timeout=10)
    child = int((tmp_path / "child").read_text())
    assert (tmp_path / "saved").read_text() == "saved\n"
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_kill_before_or_after_the_job_does_nothing(command: Command, shared: FleetJobArgs, store: Store) -> None:
    RunFolder(store, shared.run_key).stage("features").commit()
    operator = operator_for(command("exit 0"), shared.for_job(ComputeFeatures))
    operator.on_kill()
    operator.execute({})
    operator.on_kill()
