"""The whole audit, part by part, in processes of its own."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from pydantic import TypeAdapter

from fleetcast.audit.column_audit import ColumnAudit, audit_columns
from fleetcast.audit.label_audit import LabelAudit, LabelFamily, audit_labels
from fleetcast.audit.slices import SYMBOLS, load_slices
from fleetcast.audit.swing_audit import SwingAudit, audit_swings
from fleetcast.features.catalogue import find_columns
from fleetcast.features.columns import Column
from fleetcast.fleet.variants import Family
from fleetcast.job_args.run_key import digest_of
from fleetcast.store.objects import Store

PART_COLUMNS = 512
AUDITS = TypeAdapter(list[ColumnAudit])


@dataclass(frozen=True)
class Audited:
    """What was found of each column, in the order given, of each family's labels, and of swings on every prefix."""

    columns: list[ColumnAudit]
    labels: list[LabelAudit]
    swings: SwingAudit

    @property
    def leaks(self) -> list[str]:
        """A line for each column that leaks, and for every way in which labels do."""
        lines = [f"{audit.name} {audit.leak}" for audit in self.columns if audit.leak is not None]
        return lines + [leak for audit in self.labels for leak in audit.leaks] + list(self.swings.leaks)


@dataclass(frozen=True)
class KeptParts:
    """Parts that are done, kept in a folder of a store so that an audit that was killed goes on where it was."""

    store: Store
    folder: str

    def read(self, names: Sequence[str]) -> list[ColumnAudit] | None:
        """What an earlier attempt found of these columns, or None."""
        data = self.store.read_if_exists(self._path(names))
        return None if data is None else AUDITS.validate_json(data)

    def write(self, names: Sequence[str], audits: Sequence[ColumnAudit]) -> None:
        """Keeps what was found."""
        self.store.write(self._path(names), AUDITS.dump_json(list(audits)))

    def _path(self, names: Sequence[str]) -> str:
        return f"{self.folder}/parts/{digest_of(list(names))[:20]}.json"


def cut_into_parts(columns: Sequence[Column]) -> list[list[str]]:
    """The columns' names, columns of one formula together, in parts of some 512."""
    by_call: dict[object, list[str]] = {}
    for column in columns:
        by_call.setdefault(column.formula_key, []).append(column.name)
    parts: list[list[str]] = [[]]
    for names in by_call.values():
        if len(parts[-1]) + len(names) > PART_COLUMNS and parts[-1]:
            parts.append([])
        parts[-1] += names
    return parts


def audit_in_processes(
    columns: Sequence[Column],
    families: Sequence[Family],
    *,
    label: LabelFamily,
    window_bars: tuple[int, ...],
    n_processes: int,
    kept: KeptParts | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> Audited:
    """Audits columns, swings and labels in processes; they are spawned, so that none inherits a thread.

    Args:
        columns: of the slices' symbols.
        families: whose labels.
        label: a function of a module, which gives a family's labels on bars.
        window_bars: of the swings that are tried on every prefix.
        n_processes: how many at a time.
        kept: parts of an earlier attempt, and where this one's go.
        done: called with the number of columns of each part that is ready.

    Raises:
        DataError: a formula failed; it names the column.
    """
    context = multiprocessing.get_context("spawn")
    found: dict[str, ColumnAudit] = {}
    with ProcessPoolExecutor(n_processes, mp_context=context, initializer=_end_with_parent) as pool:
        swings = pool.submit(audit_swings, load_slices()[0], window_bars=window_bars)
        labels = [pool.submit(audit_labels, family, load_slices(), label=label) for family in families]
        parts: dict[Future[list[ColumnAudit]], list[str]] = {}
        for names in cut_into_parts(columns):
            audits = None if kept is None else kept.read(names)
            if audits is None:
                parts[pool.submit(audit_names, names)] = names
            else:
                found |= {audit.name: audit for audit in audits}
                done(len(names))
        try:
            for part in as_completed(parts):
                if kept is not None:
                    kept.write(parts[part], part.result())
                found |= {audit.name: audit for audit in part.result()}
                done(len(parts[part]))
            return Audited(
                [found[column.name] for column in columns], [one.result() for one in labels], swings.result()
            )
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def audit_names(names: Sequence[str]) -> list[ColumnAudit]:
    """Audits columns by name on the certificate's slices: what one process does."""
    return audit_columns(find_columns(names, symbols=SYMBOLS), load_slices())


def _end_with_parent() -> None:
    """Ends this process when its parent is gone: it would wait for its next part for ever."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
