"""From what the audit found to a certificate."""

from collections import Counter
from collections.abc import Sequence

from fleetcast.audit.certificate import MAX_WARM_UP_BARS, Certificate, certified_name, with_margin
from fleetcast.audit.column_audit import futures_of
from fleetcast.audit.processes import Audited
from fleetcast.audit.slices import N_EVENTS, Slice
from fleetcast.errors import DataError
from fleetcast.features.columns import Column
from fleetcast.fleet.presets import FeatureWidth
from fleetcast.job_args.run_key import certified_sources, digest_of

N_WORST = 20


def make_certificate(
    columns: Sequence[Column], audited: Audited, *, slices: Sequence[Slice], width: FeatureWidth
) -> Certificate:
    """The certificate of these findings; of columns that differ in symbols alone the worst one counts.

    Raises:
        DataError: something leaks; then there is nothing to certify.
    """
    check_no_leak(audited)
    refused: dict[str, str] = {}
    warm_up: dict[str, int] = {}
    fast: dict[str, int] = {}
    measured: Counter[str] = Counter()
    n_events: dict[str, int] = {}
    varies = dict.fromkeys(map(certified_name, columns), False)
    for column, audit in zip(columns, audited.columns, strict=True):
        varies[certified_name(column)] |= audit.varies
    for column, audit in zip(columns, audited.columns, strict=True):
        name = certified_name(column)
        warm_up[name] = max(warm_up.get(name, 0), with_margin(audit.warm_up_bars, varies=varies[name]))
        measured[name] = max(measured[name], audit.warm_up_bars)
        fast[name] = max(fast.get(name, 0), with_margin(audit.fast_warm_up_bars, varies=varies[name]))
        n_events[name] = min(n_events.get(name, N_EVENTS), audit.n_events)
        if audit.refusal is not None:
            refused[name] = f"{column.name} {audit.refusal}"
    admitted = {name: n_bars for name, n_bars in sorted(warm_up.items()) if name not in refused}
    rare = {name: n for name, n in sorted(n_events.items()) if n < N_EVENTS}
    covers = certified_sources()
    return Certificate(
        key=digest_of(covers),
        covers=covers,
        width=width,
        columns_digest=digest_of([column.name for column in columns]),
        slices={one.name: f"{len(one.bars.timeline)} rows, {', '.join(one.bars.bars)}" for one in slices},
        counts={
            "columns": len(columns),
            "names": len(warm_up),
            "names_refused": len(refused),
            "names_refused_under_15_minutes": sum(n_bars > MAX_WARM_UP_BARS for n_bars in fast.values()),
            "later_bars_tried": sum(len(futures_of(one)) for one in slices),
            "cuts_at_own_events": sum(audit.n_events for audit in audited.columns),
            "names_rare": len(rare),
            "names_of_varying_warm_up": sum(varies.values()),
            "starts_tried": sum(len(one.starts) for one in slices),
            "families": len(audited.labels),
            "prefixes_tried": max(one.n_prefixes for one in audited.labels),
            "prefixes_tried_of_swings": audited.swings.n_prefixes,
            "labels_compared": sum(one.n_labels for one in audited.labels),
        },
        worst=dict(Counter({name: measured[name] for name in admitted}).most_common(N_WORST)),
        refused=dict(sorted(refused.items())),
        warm_up_bars=admitted,
        fast_warm_up_bars={name: fast[name] for name in admitted if fast[name] > admitted[name]},
        rare=rare,
    ).sealed()


def check_no_leak(audited: Audited) -> None:
    """Refuses to go on when something leaks.

    Raises:
        DataError: naming the first ones.
    """
    leaks = audited.leaks
    if leaks:
        more = f"; and {len(leaks) - 3} more" if len(leaks) > 3 else ""
        raise DataError(f"{len(leaks)} leaks: {'; '.join(leaks[:3])}{more}. Mend them before anything is trained.")
