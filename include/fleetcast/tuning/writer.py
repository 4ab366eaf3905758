"""The one connection that writes to a study database: all that waits is committed together, in the order of asking.

A commit waits for the disk, and the next trial of a study would wait for it too: with eight workers that took longer
than all computing. One commit now serves whoever waits. The connection also holds the lock that makes its process the
one service of the database, so a service that has lost the lock cannot write any more.
"""

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from fleetcast.errors import ServiceError
from fleetcast.tuning.database import database_errors

SERVICE_LOCK = 0x666C656575  # whoever holds this advisory lock is the one service of this database

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Waiting:
    write: Callable[[sa.Connection], Any]
    written: "Future[Any]"


class Writer:
    """Writes until the first failure: what was asked then, and afterwards, has failed, so nothing is left out between.

    Args:
        connection: it holds the lock.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None  # why nothing more is taken
        self._lost: BaseException | None = None  # why what was taken cannot be written
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    @classmethod
    def take(cls, engine: sa.Engine) -> Self | None:
        """A writer, or None when another process has one for this database.

        Raises:
            ServiceError: the database does not answer.
        """
        with database_errors():
            connection = engine.connect()
            is_ours = connection.scalar(sa.select(sa.func.pg_try_advisory_lock(SERVICE_LOCK)))
            connection.commit()
            if is_ours:
                return cls(connection)
            connection.close()
            return None

    def submit(self, write: Callable[[sa.Connection], Result]) -> "Future[Result]":
        """What ``write`` returns, once it is committed; its result raises ServiceError when it was not."""
        written: Future[Result] = Future()
        with self._lock:
            if self._failure is None:
                self._queue.put(_Waiting(write, written))
            else:
                written.set_exception(self._failure)
        return written

    def close(self) -> None:
        """Writes what waits, and lets another process take over."""
        with self._lock:
            self._failure = self._failure or ServiceError("the study service ends")
            self._queue.put(None)
        self._thread.join()
        if self._connection.closed:
            return
        with contextlib.suppress(sa.exc.SQLAlchemyError):  # without an answer, the session's end frees it later
            self._connection.scalar(sa.select(sa.func.pg_advisory_unlock(SERVICE_LOCK)))
        self._connection.invalidate()  # ends the session, which a pool would keep
        self._connection.close()

    def _work(self) -> None:
        while True:
            waiting, ends = self._take_waiting()
            self._commit(waiting)
            if ends:
                return

    def _take_waiting(self) -> tuple[list[_Waiting], bool]:
        """All that waits, at least one; and whether the end was among it."""
        taken = [self._queue.get()]
        while not self._queue.empty():
            taken.append(self._queue.get())
        return [one for one in taken if one is not None], None in taken

    def _commit(self, waiting: list[_Waiting]) -> None:
        failure = self._lost
        if failure is None:
            try:
                with database_errors(), self._connection.begin():
                    results = [one.write(self._connection) for one in waiting]
            except BaseException as exc:
                failure = self._lost = exc
                with self._lock:
                    self._failure = exc
            else:
                for one, result in zip(waiting, results, strict=True):
                    one.written.set_result(result)
                return
        for one in waiting:
            one.written.set_exception(failure)
