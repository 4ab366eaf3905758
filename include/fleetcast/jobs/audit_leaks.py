"""audit leaks: audits columns and labels for what they must not know, and writes the certificate that is shipped."""

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from fleetcast.audit.certificate import SHIPPED, certified_name
from fleetcast.audit.certifying import check_no_leak, make_certificate
from fleetcast.audit.column_audit import ColumnAudit
from fleetcast.audit.default_fleet import GRID, label
from fleetcast.audit.processes import Audited, audit_in_processes
from fleetcast.audit.slices import SYMBOLS, load_slices
from fleetcast.errors import ConfigurationError
from fleetcast.features.catalogue import list_columns
from fleetcast.features.columns import Column
from fleetcast.job_args.looking import AuditLeaks
from fleetcast.training.cpu import cpu_limit

N_WORST = 15


def run(args: AuditLeaks) -> None:
    """Prints what was found, as tables or as one JSON object a line and column, and writes the certificate.

    Raises:
        ConfigurationError: no column fits the pattern.
        DataError: something leaks.
    """
    columns = chosen_columns(args)
    families = GRID.families() if args.columns is None else []
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("auditing columns", total=len(columns))
        audited = audit_in_processes(
            columns,
            families,
            label=label,
            window_bars=GRID.window_bars if args.columns is None else (),
            n_processes=args.n_processes or cpu_limit(),
            done=lambda n_columns: progress.advance(task, n_columns),
        )
    if args.json_lines:
        print_lines(columns, audited)
    else:
        print_tables(columns, audited, table_console())
    check_no_leak(audited)
    if args.write and args.width == "full" and args.columns is None:
        certificate = make_certificate(columns, audited, slices=load_slices(), width="full")
        path = Path(str(SHIPPED))
        path.write_bytes(certificate.to_bytes())
        print(f"wrote {path}, digest {certificate.digest}", file=sys.stderr)


def table_console() -> Console:
    """A terminal as wide as it is, and a file wide enough for a reason a line."""
    return Console(width=None if sys.stdout.isatty() else 250)


def chosen_columns(args: AuditLeaks) -> list[Column]:
    """The columns of the width whose names fit the pattern."""
    columns = list_columns(SYMBOLS, width=args.width)
    chosen = [column for column in columns if args.columns is None or fnmatchcase(column.name, args.columns)]
    if not chosen:
        raise ConfigurationError(
            f"no column of width {args.width} fits {args.columns!r}: expected a pattern such as '*.volatility.*'"
        )
    return chosen


def print_lines(columns: Sequence[Column], audited: Audited) -> None:
    """One JSON object a column."""
    for column, audit in zip(columns, audited.columns, strict=True):
        described = {
            "name": column.name,
            "certified_name": certified_name(column),
            "warm_up_bars": audit.warm_up_bars,
            "admitted": audit.refusal is None,
            "leaks": audit.leak is not None,
            "reason": audit.refusal,
        }
        print(json.dumps(described))


def print_tables(columns: Sequence[Column], audited: Audited, console: Console) -> None:
    """Counts by generator, the longest warm-ups, and what is refused with its reason."""
    by_generator: dict[str, list[ColumnAudit]] = defaultdict(list)
    for column, audit in zip(columns, audited.columns, strict=True):
        by_generator[column.generator].append(audit)
    counts = Table("generator", title="Leak audit: values must not change with later bars")
    for name in ("columns", "admitted", "leak", "not admitted", "longest warm-up"):
        counts.add_column(name, justify="right")
    for generator, found in (by_generator | {"all": audited.columns}).items():
        counts.add_row(generator, *map(str, _counts(found)))
    console.print(counts)
    admitted = [audit for audit in audited.columns if audit.refusal is None]
    longest = Table("longest warm-ups", "bars")
    for audit in sorted(admitted, key=lambda one: -one.warm_up_bars)[:N_WORST]:
        longest.add_row(audit.name, str(audit.warm_up_bars))
    console.print(longest)
    refused = [audit for audit in audited.columns if audit.refusal is not None]
    if refused:
        reasons = Table("refused column", "because it")
        for audit in refused:
            reasons.add_row(audit.name, audit.refusal)
        console.print(reasons)
    if audited.labels:
        n_labels, n_leaks = sum(one.n_labels for one in audited.labels), sum(len(one.leaks) for one in audited.labels)
        console.print(f"labels: {n_labels} compared in {len(audited.labels)} families, {n_leaks} leaks")
        n_prefixes, n_leaks = audited.swings.n_prefixes, len(audited.swings.leaks)
        console.print(f"swings: {n_prefixes} prefixes of all windows, {n_leaks} leaks")


def _counts(found: Sequence[ColumnAudit]) -> tuple[int, int, int, int, int]:
    admitted = [audit for audit in found if audit.refusal is None]
    n_leaks = sum(audit.leak is not None for audit in found)
    longest = max((audit.warm_up_bars for audit in admitted), default=0)
    return len(found), len(admitted), n_leaks, len(found) - len(admitted) - n_leaks, longest
