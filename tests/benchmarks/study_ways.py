"""Three ways for many workers to share one study in Postgres: our service, Optuna's storage, Optuna's gRPC proxy.

Measured on 2 cores beside other work, 100 connections, 30 % of the workers killed, half of them before their first
renewal; what serves the study killed twice. Each part was run by itself, never all of it in one benchmark:

==========================  ===========  ============  =============  ====================
60 workers, 300 asked       complete     left running  connections    16 workers, no kills
==========================  ===========  ============  =============  ====================
our service                 300          0             2              305 to 452 ms a trial
RDBStorage with heartbeats  339          9             64             882 to 997 ms
gRPC proxy                  87           23            16             890 to 1367 ms
==========================  ===========  ============  =============  ====================

With 200 workers the service finished 600 of 600 over at most 4 connections. One commit a step, under the study's lock,
had cost 0.6 to 0.7 of RDBStorage's overhead with 8 workers; committing together what waits took it to 0.4.
"""

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import GrpcStorageProxy, RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

from fleetcast.local.ports import HOST, choose_ports
from fleetcast.tuning.client import StudyClient, new_token
from fleetcast.tuning.messages import OpenStudy, StudySpec
from fleetcast.tuning.sampling import distributions_of
from fleetcast.tuning.space import load_space
from fleetcast.tuning.worker import RunningTrial, run_trials
from study_service import TOKEN, StudyService

LEASE_SECONDS = 5.0
SPACE = load_space("broad")
PROXY = """
import os
from optuna.storages import get_storage, run_grpc_proxy_server
run_grpc_proxy_server(get_storage(os.environ["STORAGE"]), host="127.0.0.1", port=int(os.environ["PORT"]))
"""


@dataclass(frozen=True)
class Work:
    """What the workers do: ``n_trials`` in all, each of so many seconds; some die in the middle."""

    n_workers: int
    n_trials: int
    sleep_seconds: float
    killed: float = 0.0  # share of the workers; half of these die right after their first question
    n_server_kills: int = 0

    @property
    def share(self) -> int:
        """A worker's part of the trials."""
        return self.n_trials // self.n_workers


class Way(Protocol):
    """How workers come to trials."""

    name: str
    study: str

    def begin(self, work: Work) -> None:
        """Makes the study and what serves it."""

    def run(self, worker: str, work: Work, *, dies_at_once: bool, start: Callable[[], None]) -> None:
        """A worker's life, in its own process; it calls ``start`` when it is ready to ask."""

    def restart(self) -> None:
        """Kills what serves the study and starts it again."""

    def is_serving(self) -> bool:
        """Whether workers can ask."""

    def end(self) -> None:
        """Ends what serves the study."""


def score(params: dict[str, Any], sleep_seconds: float) -> float:
    """A bowl around a point inside the space; takes its time."""
    time.sleep(sleep_seconds)
    wanted = {"num_leaves": 40, "max_depth": 6, "feature_fraction": 0.7, "learning_rate": 0.05, "lambda_l1": 0.01}
    return -sum(((float(params[name]) - value) / value) ** 2 for name, value in wanted.items())


def die() -> None:
    """As the kernel ends a pod that takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


class OurService:
    """Workers with our client, the service in a process of its own."""

    name = "service"

    def __init__(self, folder: Path, uri: str) -> None:
        self._service = StudyService(folder, uri, lease_seconds=LEASE_SECONDS)
        self.study = ""

    def begin(self, work: Work) -> None:
        """Starts the service and opens the study."""
        spec = StudySpec(stage="bench", data=f"{work} {time.time()}", space=SPACE)
        self.study = spec.name
        self._service.start()
        with StudyClient(self._service.url, token=TOKEN) as client:
            client.open(OpenStudy(spec=spec, n_trials=work.n_trials))

    def run(self, worker: str, work: Work, *, dies_at_once: bool, start: Callable[[], None]) -> None:
        """Until the budget is spent."""

        def objective(trial: RunningTrial) -> float:
            return score(trial.params, work.sleep_seconds)

        with StudyClient(self._service.url, token=TOKEN) as client:
            client.look(self.study)
            start()
            if dies_at_once:
                client.ask(self.study, worker=worker, token=new_token())
                die()
            run_trials(client, self.study, objective, worker=worker)

    def restart(self) -> None:
        """Kills it and starts it at once, without waiting."""
        self._service.stop(signal.SIGKILL)
        self._service.launch()

    def is_serving(self) -> bool:
        """Its own word."""
        return self._service.is_healthy()

    def end(self) -> None:
        """SIGTERM."""
        self._service.stop()


class OptunasStorage:
    """`study.optimize` on RDBStorage; where workers die, with heartbeats and their retries."""

    name = "rdb"

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self.study = ""

    def begin(self, work: Work) -> None:
        """Makes the study."""
        self.study = f"{self.name}-{time.time()}"
        optuna.create_study(storage=self._uri, study_name=self.study, direction="maximize")

    def storage(self, work: Work) -> optuna.storages.BaseStorage:
        """A worker's own."""
        more: dict[str, Any] = {}
        if work.killed:
            again = RetryHeartbeatStaleTrialCallback(max_retry=3)
            more = {"heartbeat_interval": 1, "grace_period": 5, "heartbeat_stale_trial_callback": again}
        return RDBStorage(
            self._uri,
            engine_kwargs={"pool_size": 1, "max_overflow": 2},
            skip_compatibility_check=True,
            skip_table_creation=True,
            **more,
        )

    def run(self, worker: str, work: Work, *, dies_at_once: bool, start: Callable[[], None]) -> None:
        """Until so many trials are complete, or the worker's share is done where nobody dies."""
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.load_study(study_name=self.study, storage=self.storage(work))
        distributions = distributions_of(SPACE)
        start()
        if dies_at_once:
            study.ask(distributions)
            die()

        def objective(trial: optuna.Trial) -> float:
            params = {name: trial._suggest(name, allowed) for name, allowed in distributions.items()}
            return score(params, work.sleep_seconds)

        if work.killed:
            enough = MaxTrialsCallback(work.n_trials, states=(TrialState.COMPLETE,))
            study.optimize(objective, callbacks=[enough])
        else:
            study.optimize(objective, n_trials=work.share)

    def restart(self) -> None:
        """Nothing serves it but Postgres."""

    def is_serving(self) -> bool:
        """Postgres is there."""
        return True

    def end(self) -> None:
        """Nothing serves it but Postgres."""


class OptunasProxy(OptunasStorage):
    """`study.optimize` through Optuna's gRPC proxy."""

    name = "grpc"

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        (self._port,) = choose_ports([0])
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, work: Work) -> None:
        """Makes the study and starts the proxy."""
        super().begin(work)
        self._launch()
        proxy = self._proxy()
        proxy.wait_server_ready(timeout=120)
        proxy.remove_session()

    def storage(self, work: Work) -> optuna.storages.BaseStorage:
        """A worker's way to the proxy."""
        return self._proxy()

    def restart(self) -> None:
        """Kills the proxy and starts it at once."""
        self.end()
        self._launch()

    def end(self) -> None:
        """Kills the proxy: it has no other end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _proxy(self) -> GrpcStorageProxy:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return GrpcStorageProxy(host=HOST, port=self._port)

    def _launch(self) -> None:
        environment = {**os.environ, "STORAGE": self._uri, "PORT": str(self._port)}
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROXY], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def ways(folder: Path, uri: str) -> list[Callable[[], Way]]:
    """All three, each made anew for every run."""
    return [lambda: OurService(folder, uri), lambda: OptunasStorage(uri), lambda: OptunasProxy(uri)]
