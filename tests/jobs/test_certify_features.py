"""certify-features: one certificate a code, whoever asks first, and an attempt that goes on with the last."""

from certified import certify, made_up_certificate
from fleetcast.audit.certificate import certified_name, commit_certificate, stored_certificate
from fleetcast.audit.column_audit import ColumnAudit
from fleetcast.audit.default_fleet import label
from fleetcast.audit.processes import KeptParts, audit_in_processes, cut_into_parts
from fleetcast.audit.slices import SYMBOLS
from fleetcast.features.catalogue import find_columns, list_columns
from fleetcast.job_args.fleet import CertifyFeatures
from fleetcast.jobs import certify_features
from fleetcast.store.manifests import certificate_folder

NAMES = ["eth.technical.rsi.close.14", "btc.candlestick.shape.body", "sol.cross.beta.btc.50"]


def test_a_certificate_that_is_there_is_left_alone(snapshot_run, tmp_path):
    run = snapshot_run.at(tmp_path)
    certificate = certify(run.store)
    certify_features.run(run.args.for_job(CertifyFeatures))
    assert stored_certificate(run.store, "core") == certificate


def test_the_certificate_of_full_width_serves_the_core(snapshot_run, tmp_path):
    run = snapshot_run.at(tmp_path)
    commit_certificate(run.store, made_up_certificate(width="full"), width="full")
    certify_features.run(run.args.for_job(CertifyFeatures))
    assert stored_certificate(run.store, "core") == made_up_certificate(width="full")


def test_parts_that_are_kept_are_not_audited_again(store):
    columns = find_columns(NAMES, symbols=SYMBOLS)
    kept = KeptParts(store, "certificates/test")
    first = audit_in_processes(columns, [], label=label, window_bars=(), n_processes=1, kept=kept)
    assert [audit.name for audit in first.columns] == NAMES
    assert all(audit.refusal is None for audit in first.columns)
    (names,) = cut_into_parts(columns)
    kept.write(names, [ColumnAudit(name, known=True, warm_up_bars=77) for name in names])
    again = audit_in_processes(columns, [], label=label, window_bars=(), n_processes=1, kept=kept)
    assert [audit.warm_up_bars for audit in again.columns] == [77, 77, 77]


def test_an_attempt_that_was_killed_is_gone_on_with(store):
    columns = list_columns(SYMBOLS, width="core")
    kept = KeptParts(store, certificate_folder(store, "core").path)
    for names in cut_into_parts(columns):
        kept.write(names, [ColumnAudit(name, known=True, warm_up_bars=len(name)) for name in names])
    certificate = certify_features.certify(store, "core")
    assert certificate.width == "core"
    assert certificate.refused == {}
    assert certificate.counts["columns"] == len(columns)
    assert certificate.counts["families"] == 36
    assert certificate.counts["labels_compared"] > 1_000_000
    assert set(certificate.warm_up_bars) == {certified_name(column) for column in columns}
