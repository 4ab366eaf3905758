"""certify-features: sees to it that the store holds the present code's leak certificate, auditing where none does."""

import logging
import time

from fleetcast.audit.certificate import (
    Certificate,
    commit_certificate,
    shipped_certificate,
    stored_certificate,
)
from fleetcast.audit.certifying import make_certificate
from fleetcast.audit.default_fleet import GRID, label
from fleetcast.audit.processes import KeptParts, audit_in_processes
from fleetcast.audit.slices import SYMBOLS, load_slices
from fleetcast.features.catalogue import list_columns
from fleetcast.fleet.presets import FeatureWidth
from fleetcast.job_args.fleet import CertifyFeatures
from fleetcast.store.manifests import certificate_folder
from fleetcast.store.objects import Store
from fleetcast.training.cpu import cpu_limit

log = logging.getLogger(__name__)


def run(args: CertifyFeatures) -> None:
    """Commits full width's certificate or the shipped one, if it is of this code, else that of an audit.

    Raises:
        DataError: a column or label leaks.
    """
    store, width = Store(args.store), args.feature_width
    if certificate_folder(store, width).is_done():
        return
    certificate = stored_certificate(store, "full") or shipped_certificate() or certify(store, width)
    commit_certificate(store, certificate, width=width)


def certify(store: Store, width: FeatureWidth) -> Certificate:
    """Audits all columns of a width and all labels; an attempt that was killed is gone on with.

    Raises:
        DataError: a column or label leaks.
    """
    log.info("there is no certificate of this code: auditing its columns of width %s", width)
    columns = list_columns(SYMBOLS, width=width)
    kept = KeptParts(store, certificate_folder(store, width).path)
    started, n_done = time.monotonic(), 0

    def tell(n_columns: int) -> None:
        nonlocal n_done
        n_done += n_columns
        log.info("%d of %d columns audited in %.0f s", n_done, len(columns), time.monotonic() - started)

    audited = audit_in_processes(
        columns,
        GRID.families(),
        label=label,
        window_bars=GRID.window_bars,
        n_processes=cpu_limit(),
        kept=kept,
        done=tell,
    )
    return make_certificate(columns, audited, slices=load_slices(), width=width)
