"""The certificate: what it holds, and when it is refused."""

from pathlib import Path
from typing import Any

import pytest

from certified import certify, made_up_certificate
from fleetcast.audit.certificate import (
    SHIPPED,
    Certificate,
    certified_name,
    check_certified,
    commit_certificate,
    require_certificate,
    shipped_certificate,
    with_margin,
)
from fleetcast.audit.certifying import make_certificate
from fleetcast.audit.column_audit import ColumnAudit
from fleetcast.audit.label_audit import LabelAudit
from fleetcast.audit.processes import Audited
from fleetcast.audit.slices import SYMBOLS, load_slices
from fleetcast.audit.swing_audit import SwingAudit
from fleetcast.errors import DataError
from fleetcast.features.catalogue import find_columns, list_columns
from fleetcast.job_args.run_key import certificate_key, certified_sources, digest_of
from fleetcast.store.manifests import RunFolder, certificate_folder
from fleetcast.store.objects import Store

NAMES = ("btc.cross.beta.eth.50", "eth.cross.beta.sol.50", "sol.technical.rsi.close.14")
QUARTER_MS, FIVE_MINUTES_MS = 900_000, 300_000
LABELS = LabelAudit("btc-w2-high", n_prefixes=3, n_labels=70, leaks=())
SWINGS = SwingAudit(n_prefixes=5, leaks=())


def certificate_of(*audits: ColumnAudit, labels: LabelAudit = LABELS, swings: SwingAudit = SWINGS) -> Certificate:
    columns = find_columns([audit.name for audit in audits], symbols=SYMBOLS)
    return make_certificate(columns, Audited(list(audits), [labels], swings), slices=load_slices(), width="full")


def test_the_worst_symbol_counts_for_all_of_them() -> None:
    first, second, third = (
        ColumnAudit(name, warm_up_bars=n, known=True) for name, n in zip(NAMES, (60, 75, 20), strict=True)
    )
    certificate = certificate_of(first, second, third)
    expected = {
        "cross.beta.*.50": with_margin(75, varies=False),
        "technical.rsi.close.14": with_margin(20, varies=False),
    }
    assert certificate.warm_up_bars == expected
    assert certificate.worst == {"cross.beta.*.50": 75, "technical.rsi.close.14": 20}
    assert certificate.counts["columns"] == 3
    column = find_columns(["sol.cross.beta.btc.50"], symbols=SYMBOLS)[0]
    assert certificate.warm_up_of(column, bar_ms=QUARTER_MS) == with_margin(75, varies=False)


@pytest.mark.parametrize(("measured", "certified"), [(0, 10), (100, 125), (1000, 1160), (1924, 2000), (2000, 2000)])
def test_the_certified_warm_up_is_longer_than_the_measured_one(measured: int, certified: int) -> None:
    assert with_margin(measured, varies=False) == certified


def test_a_warm_up_that_depends_on_the_bars_is_certified_four_times_as_long() -> None:
    assert [with_margin(n, varies=True) for n in (50, 400, 600, 2001)] == [210, 1610, 2000, 2001]
    steady, varying = (
        ColumnAudit(name, known=True, warm_up_bars=50, varies=v)
        for name, v in zip(NAMES[:2], (False, True), strict=True)
    )
    assert certificate_of(steady, varying).warm_up_bars == {"cross.beta.*.50": 210}


def test_columns_that_were_seldom_seen_to_do_anything_are_counted_and_named() -> None:
    rare, often = (ColumnAudit(name, known=True, n_events=n) for name, n in zip(NAMES[1:], (2, 9), strict=True))
    certificate = certificate_of(rare, often)
    assert certificate.rare == {"cross.beta.*.50": 2}
    assert certificate.counts["names_rare"] == 1
    assert certificate.counts["cuts_at_own_events"] == 11


def test_a_column_refused_for_one_symbol_is_admitted_for_none() -> None:
    certificate = certificate_of(
        ColumnAudit(NAMES[0], warm_up_bars=50, known=True), ColumnAudit(NAMES[1], warm_up_bars=2001, known=True)
    )
    assert certificate.warm_up_bars == {}
    assert "eth.cross.beta.sol.50 needs 2001 bars of history" in certificate.refused["cross.beta.*.50"]
    column = find_columns([NAMES[0]], symbols=SYMBOLS)[0]
    assert certificate.refusal_of(column, bar_ms=QUARTER_MS)
    with pytest.raises(DataError, match=r"column btc\.cross\.beta\.eth\.50 is not admitted: .*needs 2001 bars"):
        certificate.warm_up_of(column, bar_ms=QUARTER_MS)


def test_a_column_that_nobody_audited_is_refused() -> None:
    certificate = certificate_of(ColumnAudit(NAMES[2], known=True))
    with pytest.raises(DataError, match="is not admitted: no certificate holds it"):
        certificate.warm_up_of(find_columns([NAMES[0]], symbols=SYMBOLS)[0], bar_ms=QUARTER_MS)


def test_five_minutes_need_what_was_seen_with_bars_of_five_minutes() -> None:
    certificate = certificate_of(ColumnAudit(NAMES[2], known=True, warm_up_bars=100, fast_warm_up_bars=300))
    column = find_columns([NAMES[2]], symbols=SYMBOLS)[0]
    assert certificate.warm_up_of(column, bar_ms=FIVE_MINUTES_MS) == with_margin(300, varies=False)
    assert certificate.warm_up_of(column, bar_ms=QUARTER_MS - 1) == with_margin(300, varies=False)
    assert certificate.warm_up_of(column, bar_ms=QUARTER_MS) == with_margin(100, varies=False)


def test_a_column_that_reaches_too_far_with_bars_of_five_minutes_is_refused_with_them_alone() -> None:
    certificate = certificate_of(ColumnAudit(NAMES[2], known=True, warm_up_bars=100, fast_warm_up_bars=2001))
    column = find_columns([NAMES[2]], symbols=SYMBOLS)[0]
    assert certificate.counts["names_refused_under_15_minutes"] == 1
    assert certificate.warm_up_of(column, bar_ms=QUARTER_MS) == with_margin(100, varies=False)
    with pytest.raises(DataError, match=r"rsi\.close\.14 is not admitted: needed 2001 audited bars of 5 minutes"):
        certificate.warm_up_of(column, bar_ms=FIVE_MINUTES_MS)


def test_bars_shorter_than_any_certified_are_refused() -> None:
    certificate = certificate_of(ColumnAudit(NAMES[2], known=True))
    with pytest.raises(DataError, match=r"cannot use bars of 60 s: columns are certified for 300 s and longer"):
        certificate.refusal_of(find_columns([NAMES[2]], symbols=SYMBOLS)[0], bar_ms=60_000)


def test_leaks_are_never_certified() -> None:
    with pytest.raises(DataError, match=r"1 leaks: sol\.technical\.rsi\.close\.14 knows later bars"):
        certificate_of(ColumnAudit(NAMES[2], known=True, leak="knows later bars"))
    leaking = LabelAudit("btc-w2-high", n_prefixes=3, n_labels=70, leaks=("btc-w2-high: a label has changed",))
    with pytest.raises(DataError, match="btc-w2-high: a label has changed"):
        certificate_of(ColumnAudit(NAMES[2], known=True), labels=leaking)
    early = SwingAudit(n_prefixes=5, leaks=("btc: high swings know the bar after noon",))
    with pytest.raises(DataError, match="1 leaks: btc: high swings know the bar after"):
        certificate_of(ColumnAudit(NAMES[2], known=True), swings=early)


def test_the_same_findings_give_the_same_bytes() -> None:
    one, two = (certificate_of(ColumnAudit(NAMES[2], warm_up_bars=9, known=True)) for _ in range(2))
    assert one.to_bytes() == two.to_bytes()
    assert Certificate.model_validate_json(one.to_bytes()) == one
    assert one.key == certificate_key()


def test_names_leave_out_both_symbols() -> None:
    columns = find_columns(["btc.cross.beta.eth.50.change20", "eth.cross.standing.rank.all.5"], symbols=SYMBOLS)
    assert [certified_name(c) for c in columns] == ["cross.beta.*.50.change20", "cross.standing.rank.all.5"]


def test_it_covers_sources_libraries_and_bars() -> None:
    assert set(certified_sources()) == {
        "audit",
        "data",
        "features",
        "labels",
        "splits",
        "fleet/default.toml",
        "fleet/presets.py",
        "fleet/variants.py",
        "locks/trainer.lock",
        "data/sample/crypto_15m_2024.parquet",
    }


def test_a_store_without_one_says_what_to_run(store: Store) -> None:
    with pytest.raises(DataError, match=r"no certificate for columns of width full.*Run `fleetcast certify-features`"):
        require_certificate(store, "full")
    certify(store, width="full")
    assert require_certificate(store, "full") == made_up_certificate(width="full")


def test_the_first_certificate_committed_stays(store: Store) -> None:
    first = certify(store)
    commit_certificate(store, made_up_certificate(refused=("technical.rsi.close.14",)), width="core")
    assert certificate_folder(store, "core").require().outputs["certificate.json"] == first.digest


def features_of(store: Store, *, certificate: str | None, key: str | None) -> RunFolder:
    run = RunFolder(store, "run")
    run.stage("features").commit(
        inputs={} if certificate is None else {"certificate": certificate}, facts={"certificate_key": key}
    )
    return run


def test_features_of_the_stored_certificate_are_valid(store: Store) -> None:
    certificate = certify(store)
    run = features_of(store, certificate=certificate.digest, key=certificate.key)
    assert check_certified(run, width="core") == certificate.digest


@pytest.mark.parametrize(
    ("certificate", "key", "got"),
    [
        (None, None, "certificate none of code unknown"),
        ("0" * 64, "of the code", "certificate 000000000000 of code of the code"),
        ("of the store", "0" * 64, "of code 000000000000"),
    ],
)
def test_features_without_a_valid_certificate_are_refused_in_one_line(
    store: Store, certificate: str | None, key: str | None, got: str
) -> None:
    stored = certify(store)
    run = features_of(
        store,
        certificate=stored.digest if certificate == "of the store" else certificate,
        key=key,
    )
    with pytest.raises(
        DataError, match=rf"expected certificate {stored.digest[:12]} of code .*, got .*{got}"
    ) as raised:
        check_certified(run, width="core")
    assert "\n" not in str(raised.value)


def test_features_are_refused_when_the_store_has_no_certificate(store: Store) -> None:
    run = features_of(store, certificate="0" * 64, key=certificate_key())
    with pytest.raises(DataError, match="expected certificate none of code"):
        check_certified(run, width="core")


def test_a_shipped_certificate_counts_only_for_the_code_it_was_made_of(tmp_path: Path) -> None:
    file, certificate = tmp_path / "certificate.json", made_up_certificate(width="full")
    assert shipped_certificate(file) is None
    file.write_bytes(certificate.to_bytes())
    assert shipped_certificate(file) == certificate
    other_code = certificate.model_copy(update={"covers": {**certificate.covers, "audit": "other"}})
    file.write_bytes(other_code.sealed().to_bytes())
    assert shipped_certificate(file) is None
    file.write_bytes(b'{"of": "an older form"}')
    assert shipped_certificate(file) is None


@pytest.mark.parametrize(
    "edit",
    [
        {"warm_up_bars": {}},
        {"counts": {"columns": 1}},
        {"slices": {"other": "1 row"}},
        {"width": "core"},
        {"columns_digest": "other"},
    ],
)
def test_a_shipped_certificate_that_was_edited_does_not_count(tmp_path: Path, edit: dict[str, Any]) -> None:
    file, certificate = tmp_path / "certificate.json", made_up_certificate(width="full")
    file.write_bytes(certificate.model_copy(update=edit).to_bytes())
    assert shipped_certificate(file) is None


def test_the_shipped_certificate_is_of_the_present_code() -> None:
    certificate = Certificate.model_validate_json(SHIPPED.read_bytes())
    assert certificate.covers == certified_sources(), "make it anew: `fleetcast audit leaks`"
    assert certificate.is_sealed
    columns = list_columns(SYMBOLS, width="full")
    assert certificate.columns_digest == digest_of([column.name for column in columns])
