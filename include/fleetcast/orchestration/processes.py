"""The process runtime: a job's command as a subprocess in the trainer environment, for a laptop."""

import contextlib
import os
import shlex
import signal
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from fleetcast.orchestration.commands import check_results, read_arguments
from fleetcast.settings import job_environment

STOP_SECONDS = 30.0


class ProcessOperator(BaseOperator):  # type: ignore[misc]
    """Runs one command, streams its output to the task's log and keeps the pod contract's exit codes.

    Airflow's own hook runs the process, in a session of its own, so that a stop reaches its children too, and in
    Airflow's folder, so that a relative path and ``mlflow_config.yaml`` are found where Airflow was started.

    Args:
        command: what stands before the job's name, such as the path of ``fleetcast``; may hold several words.
        arguments: the job's command line; rendered, so an XCom or a callable may stand here.
        shard: which shard, where the job has shards.
        worker: which of those that share the shard, where several do.
    """

    template_fields = ("arguments", "shard", "worker")
    ui_color = "#e8f7e4"

    def __init__(
        self, *, command: str, arguments: Any, shard: int | None = None, worker: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.command = command
        self.arguments = arguments
        self.shard = shard
        self.worker = worker

    @cached_property
    def hook(self) -> Any:
        """Airflow's hook around the process."""
        return SubprocessHook()

    def execute(self, context: Any) -> None:
        """Runs the command and checks that its manifests are there.

        Raises:
            AirflowFailException: exit code 2: a retry cannot help.
            AirflowException: another exit code.
            AirflowSkipException: the run's plan has no such step.
            StoreError: a manifest is missing.
        """
        if not self.arguments:
            raise AirflowSkipException("not a step of this run")
        args = read_arguments(self.arguments, shard=self.shard, worker=self.worker)
        result = self.hook.run_command(
            [*shlex.split(self.command), *args.to_argv()], env=job_environment(), cwd=str(Path.cwd())
        )
        if result.exit_code == 2:
            raise AirflowFailException(result.output)
        if result.exit_code != 0:
            raise AirflowException(f"{args.command} ended with exit code {result.exit_code}: {result.output}")
        check_results(args)

    def on_kill(self) -> None:
        """Ends the process and its children: SIGTERM, time to commit what is complete, then SIGKILL."""
        process = self.hook.sub_process
        if process is None or process.poll() is not None:
            return
        self.hook.send_sigterm()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
