"""Writes trials into Optuna's tables, each step of a trial and its lease in one transaction.

Optuna's own storage writes a trial of five parameters in 18 statements, asks for its number under a lock of the whole
study, and tries again by itself when the database goes away, which can make two trials of one. Here it takes three
statements, 1.5 ms of CPU instead of 12, and a trial is running exactly while its lease is open. Optuna alone
reads, and a test has it read back what is written here.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages._rdb.models import BaseModel, TrialIntermediateValueModel, TrialValueModel
from optuna.trial import TrialState
from sqlalchemy.dialects.postgresql import insert

from fleetcast.tuning.database import LEASES, database_errors
from fleetcast.tuning.leases import Lease
from fleetcast.tuning.space import Params

FAILURE, INTERRUPTION = "failure", "interruption"  # attributes: why a trial failed, why it had to run again

_TABLES = BaseModel.metadata.tables
TRIALS = _TABLES["trials"]
PARAMS = _TABLES["trial_params"]
VALUES = _TABLES["trial_values"]
REPORTS = _TABLES["trial_intermediate_values"]
ATTRIBUTES = _TABLES["trial_user_attributes"]


class TrialRows:
    """The rows of one study's trials.

    Args:
        engine: of the study database.
        study_id: Optuna's number of the study.
        study_name: its name.
        lease_seconds: how long a lease lasts without being renewed.
    """

    def __init__(self, engine: sa.Engine, study_id: int, study_name: str, *, lease_seconds: float) -> None:
        self._engine = engine
        self._study_id = study_id
        self._study_name = study_name
        self._lease_seconds = lease_seconds

    def create(
        self, number: int, params: Params, *, distributions: Mapping[str, BaseDistribution], lease: Lease | None
    ) -> int:
        """A new trial, running under a lease, or waiting without one; returns Optuna's number of the trial."""
        row = {
            "study_id": self._study_id,
            "number": number,
            "state": TrialState.WAITING if lease is None else TrialState.RUNNING,
            "datetime_start": None if lease is None else _utc_now(),
        }
        with self._transaction() as connection:
            trial_id: int = connection.execute(
                sa.insert(TRIALS).values(**row).returning(TRIALS.c.trial_id)
            ).scalar_one()
            connection.execute(sa.insert(PARAMS).values(_param_rows(trial_id, params, distributions)))
            if lease is not None:  # a plain insert: a second trial of that number breaks the table's key
                connection.execute(sa.insert(LEASES).values(**self._key(number), **self._row(lease)))
        return trial_id

    def run_again(self, trial_id: int, lease: Lease) -> None:
        """A waiting trial runs under a new lease."""
        with self._transaction() as connection:
            connection.execute(_set(trial_id, state=TrialState.RUNNING, datetime_start=_utc_now()))
            row = self._row(lease)
            statement = insert(LEASES).values(**self._key(lease.number), **row)
            keys = [LEASES.c.study_name, LEASES.c.number]
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=row))

    def put_back(self, trial_id: int, number: int, *, reason: str) -> None:
        """A running trial waits to be run again."""
        with self._transaction() as connection:
            connection.execute(_set(trial_id, state=TrialState.WAITING))
            self._explain(connection, trial_id, INTERRUPTION, reason)
            self._close(connection, number)

    def finish(
        self, trial_id: int, number: int, *, state: TrialState, value: float | None = None, reason: str | None = None
    ) -> None:
        """A running trial ends, complete or pruned with a value, or failed with a reason."""
        with self._transaction() as connection:
            connection.execute(_set(trial_id, state=state, datetime_complete=_utc_now()))
            if value is not None:
                stored, kind = TrialValueModel.value_to_stored_repr(value)
                row = {"trial_id": trial_id, "objective": 0, "value": stored, "value_type": kind}
                connection.execute(sa.insert(VALUES).values(**row))
            if reason is not None:
                self._explain(connection, trial_id, FAILURE, reason)
            self._close(connection, number)

    def report(self, trial_id: int, *, step: int, value: float) -> None:
        """A score on the way; a later one of the same step takes its place."""
        stored, kind = TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
        scores = {"intermediate_value": stored, "intermediate_value_type": kind}
        statement = insert(REPORTS).values(trial_id=trial_id, step=step, **scores)
        with self._transaction() as connection:
            keys = [REPORTS.c.trial_id, REPORTS.c.step]
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=scores))

    def forget_leases(self) -> None:
        """Removes what an earlier study of this name, deleted since, has left."""
        with self._transaction() as connection:
            connection.execute(sa.delete(LEASES).where(LEASES.c.study_name == self._study_name))

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with database_errors(), self._engine.begin() as connection:
            yield connection

    def _key(self, number: int) -> dict[str, object]:
        return {"study_name": self._study_name, "number": number}

    def _row(self, lease: Lease) -> dict[str, object]:
        return {
            "token": lease.token,
            "worker": lease.worker,
            "attempt": lease.attempt,
            "expires_at": sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, self._lease_seconds),
            "is_open": True,
        }

    def _close(self, connection: sa.Connection, number: int) -> None:
        mine = sa.and_(LEASES.c.study_name == self._study_name, LEASES.c.number == number)
        connection.execute(sa.update(LEASES).where(mine).values(is_open=False))

    def _explain(self, connection: sa.Connection, trial_id: int, key: str, reason: str) -> None:
        text = {"value_json": json.dumps(reason)}
        statement = insert(ATTRIBUTES).values(trial_id=trial_id, key=key, **text)
        keys = [ATTRIBUTES.c.trial_id, ATTRIBUTES.c.key]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=text))


def _set(trial_id: int, **values: object) -> sa.Update:
    return sa.update(TRIALS).where(TRIALS.c.trial_id == trial_id).values(**values)


def _utc_now() -> sa.ColumnElement[object]:
    """As Optuna stores instants: UTC, without saying so."""
    return sa.func.timezone("utc", sa.func.now())


def _param_rows(
    trial_id: int, params: Params, distributions: Mapping[str, BaseDistribution]
) -> list[dict[str, object]]:
    return [
        {
            "trial_id": trial_id,
            "param_name": name,
            "param_value": distributions[name].to_internal_repr(value),
            "distribution_json": distribution_to_json(distributions[name]),
        }
        for name, value in params.items()
    ]
