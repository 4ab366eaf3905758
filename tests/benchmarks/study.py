"""The study service under 60 and 200 workers of whom 30 % are killed, and its cost beside Optuna's own ways."""

import contextlib
import datetime
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path
from typing import Any

import optuna
import psycopg2
from optuna.trial import TrialState

sys.path.insert(0, str(Path(__file__).parents[1] / "shared"))

from study_ways import LEASE_SECONDS, Way, Work, ways

from fleetcast.tuning.database import create_tables
from study_database import StudyDatabase

CHAOS = (Work(60, 300, 0.3, killed=0.3, n_server_kills=2), Work(200, 600, 1.0, killed=0.3, n_server_kills=2))
COMPARED = Work(16, 160, 0.05)
N_ROUNDS = 2  # of the comparison; the ways take turns
LIMIT_SECONDS = 150.0
STALL_SECONDS = 40.0  # without a finished trial, and the run is over
LOOK_SECONDS = 0.25
START_SECONDS = 60.0
OVERDUE_SECONDS = LEASE_SECONDS + 10  # after a worker's death, or the return of what serves the study, if later
N_COMPLETE = """SELECT count(*) FROM trials JOIN studies USING (study_id)
  WHERE study_name = %s AND state = 'COMPLETE'"""


class Run:
    """One way at work, watched through a connection of the benchmark's own."""

    def __init__(self, way: Way, work: Work, uri: str) -> None:
        self._way = way
        self._work = work
        self._rng = random.Random(0)
        self._watch = psycopg2.connect(uri.replace("+psycopg2", ""))
        self._watch.autocommit = True
        self._died_at: dict[str, float] = {}
        self._serves_since = time.monotonic()
        self.max_connections = 0
        self.max_overdue = 0

    def measure(self) -> dict[str, Any]:
        """Runs until all workers have ended, and counts what there is then."""
        self._way.begin(self._work)
        context = multiprocessing.get_context("fork")
        ready, go = context.Semaphore(0), context.Event()
        n_at_once = round(self._work.n_workers * self._work.killed / 2)
        workers = [
            context.Process(target=_live, args=(self._way, f"w{i}", self._work, i < n_at_once, ready, go), name=f"w{i}")
            for i in range(self._work.n_workers)
        ]
        began, began_at = time.monotonic(), datetime.datetime.now(datetime.UTC)
        try:
            for worker in workers:
                worker.start()
            self._wait_until_ready(workers, ready)
            began, began_at = time.monotonic(), datetime.datetime.now(datetime.UTC)
            go.set()
            self._follow(workers, began, n_victims=n_at_once)
        finally:
            seconds = time.monotonic() - began
            for worker in workers:
                if worker.pid is not None:
                    worker.kill()
                    worker.join()
            self._way.end()
        n_crashed = sum(worker.exitcode not in (0, -9) for worker in workers)
        found = self._count(seconds, began_at=began_at, n_crashed=n_crashed)
        print(f"{self._way.name}: {found}", file=sys.stderr, flush=True)
        return found

    def _wait_until_ready(self, workers: list[BaseProcess], ready: Semaphore) -> None:
        """One that cannot even begin is counted as crashed later."""
        limit = time.monotonic() + START_SECONDS
        n_ready = 0
        while n_ready < sum(worker.exitcode is None for worker in workers) and time.monotonic() < limit:
            n_ready += ready.acquire(timeout=LOOK_SECONDS)

    def _follow(self, workers: list[BaseProcess], began: float, *, n_victims: int) -> None:
        """Kills workers and what serves them as the work goes on, until the last worker has ended."""
        victims = self._rng.sample(workers[n_victims:], n_victims)
        kills = sorted(self._rng.uniform(0.02, 0.7) * self._work.n_trials for _ in victims)
        n_parts = self._work.n_server_kills + 2
        server_kills = [self._work.n_trials * (part + 1) / n_parts for part in range(self._work.n_server_kills)]
        n_done, news = 0, began
        while any(worker.is_alive() for worker in workers) and time.monotonic() < began + LIMIT_SECONDS:
            before, n_done = n_done, self._look(workers)
            news = time.monotonic() if n_done > before else news
            if time.monotonic() - news > STALL_SECONDS:
                break
            while kills and n_done >= kills[0]:
                kills.pop(0)
                victims.pop().kill()
            if server_kills and n_done >= server_kills[0]:
                server_kills.pop(0)
                self._way.restart()
            time.sleep(LOOK_SECONDS)
        self._look(workers)

    def _look(self, workers: list[BaseProcess]) -> int:
        now = time.monotonic()
        for worker in workers:
            if worker.exitcode == -9:
                self._died_at.setdefault(worker.name, now)
        if not self._way.is_serving():
            self._serves_since = now
        dead = [name for name, at in self._died_at.items() if now - max(at, self._serves_since) > OVERDUE_SECONDS]
        with self._watch.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
            self.max_connections = max(self.max_connections, cursor.fetchone()[0] - 1)
            cursor.execute(
                "SELECT count(*) FROM fleetcast_leases WHERE is_open AND study_name = %s AND worker = ANY(%s)",
                (self._way.study, dead),
            )
            self.max_overdue = max(self.max_overdue, cursor.fetchone()[0])
            cursor.execute(N_COMPLETE, (self._way.study,))
            n_done: int = cursor.fetchone()[0]
        return n_done

    def _count(self, seconds: float, *, began_at: datetime.datetime, n_crashed: int) -> dict[str, Any]:
        """The overhead ends with the last trial: a worker without one asks once a second whether all is over."""
        info = self._watch.info
        uri = f"postgresql+psycopg2://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}"
        trials = optuna.load_study(study_name=self._way.study, storage=uri).trials
        states = Counter(trial.state for trial in trials)
        points = {tuple(sorted(trial.params.items())) for trial in trials if trial.params}
        self._watch.close()
        ended_at = max(trial.datetime_complete for trial in trials if trial.datetime_complete is not None)
        until_last_trial = (ended_at.replace(tzinfo=datetime.UTC) - began_at).total_seconds()
        busy = self._work.n_workers * until_last_trial / self._work.n_trials
        return {
            "asked": self._work.n_trials,
            "complete": states[TrialState.COMPLETE],
            "failed": states[TrialState.FAIL],
            "left_running": states[TrialState.RUNNING],
            "left_waiting": states[TrialState.WAITING],
            "duplicates": sum(bool(trial.params) for trial in trials) - len(points),
            "workers_crashed": n_crashed,
            "max_connections": self.max_connections,
            "max_overdue": self.max_overdue,
            "seconds": round(seconds, 1),
            "seconds_to_last_trial": round(until_last_trial, 1),
            "overhead_ms": round(1000 * (busy - self._work.sleep_seconds), 1),
        }


def measure(chaos: tuple[Work, ...] = CHAOS, compared: Work = COMPARED) -> dict[str, Any]:
    """All ways with kills, then all without, in turn; the value is our overhead's share of plain Optuna's."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ending:
        database = StudyDatabase(Path(folder)).start()
        ending.callback(database.stop)
        create_tables(database.uri)
        made = ways(Path(folder), database.uri)
        with_kills = {
            str(work.n_workers): {(way := make()).name: Run(way, work, database.uri).measure() for make in made}
            for work in chaos
        }
        rounds = [
            {(way := make()).name: Run(way, compared, database.uri).measure() for make in made} for _ in range(N_ROUNDS)
        ]
    overhead = {name: min(found[name]["overhead_ms"] for found in rounds) for name in rounds[0]}
    return {
        "value": round(overhead["service"] / overhead["rdb"], 3),
        "unit": f"of plain RDBStorage's overhead a trial at {compared.n_workers} workers",
        "limit": 0.5,
        "also": {name: all(_holds(found["service"])[name] for found in with_kills.values()) for name in HELD},
        "overhead_ms": overhead,
        "with_kills": with_kills,
        "without": rounds,
        "work": [asdict(work) for work in (*chaos, compared)],
        "lease_seconds": LEASE_SECONDS,
        "cores": len(os.sched_getaffinity(0)),
    }


HELD = ("exactly_n_finished", "none_lost", "none_overdue", "duplicates_under_1_percent", "at_most_40_connections")


def _holds(found: dict[str, Any]) -> dict[str, bool]:
    return {
        "exactly_n_finished": found["complete"] + found["failed"] == found["asked"],
        "none_lost": found["left_running"] == found["left_waiting"] == 0,
        "none_overdue": found["max_overdue"] == 0,
        "duplicates_under_1_percent": found["duplicates"] < 0.01 * found["asked"],
        "at_most_40_connections": found["max_connections"] <= 40,
    }


def _live(way: Way, name: str, work: Work, dies_at_once: bool, ready: Semaphore, go: Event) -> None:
    log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 2)

    def start() -> None:
        ready.release()
        go.wait()

    way.run(name, work, dies_at_once=dies_at_once, start=start)
