"""A leak certificate that nobody audited for, so that tests of what comes after it need no minutes."""

from fleetcast.audit.certificate import Certificate, certified_name, commit_certificate
from fleetcast.features.catalogue import list_columns
from fleetcast.fleet.presets import FeatureWidth
from fleetcast.job_args.run_key import certified_sources, digest_of
from fleetcast.store.objects import Store

SYMBOLS = ("btc", "eth", "sol")


def made_up_certificate(*, width: FeatureWidth = "core", refused: tuple[str, ...] = ()) -> Certificate:
    """It admits every column of the present code, with as many bars of warm-up as its name has letters."""
    names = sorted({certified_name(column) for column in list_columns(SYMBOLS, width=width)})
    return Certificate(
        key=digest_of(certified_sources()),
        covers=certified_sources(),
        width=width,
        columns_digest="made up",
        slices={},
        counts={},
        worst={},
        refused=dict.fromkeys(refused, "is refused by a test"),
        warm_up_bars={name: len(name) for name in names if name not in refused},
        fast_warm_up_bars={},
        rare={},
    ).sealed()


def certify(store: Store, *, width: FeatureWidth = "core") -> Certificate:
    """Commits it."""
    certificate = made_up_certificate(width=width)
    commit_certificate(store, certificate, width=width)
    return certificate
