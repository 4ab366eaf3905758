"""audit leaks: what it prints, and when it ends with 2."""

import json

import pytest

from fleetcast.audit.certificate import SHIPPED
from fleetcast.audit.column_audit import ColumnAudit
from fleetcast.audit.processes import Audited
from fleetcast.audit.swing_audit import SwingAudit
from fleetcast.errors import ConfigurationError, DataError
from fleetcast.features.catalogue import find_columns
from fleetcast.job_args.looking import AuditLeaks
from fleetcast.jobs import audit_leaks, main

NAMES = ["btc.technical.rsi.close.14", "btc.technical.rsi.close.56"]


def test_chosen_columns_are_audited_and_nothing_is_written(capsys):
    before = SHIPPED.read_bytes() if SHIPPED.is_file() else None
    assert main.run(["audit", "leaks", "--columns", "btc.technical.rsi.close.*", "--width", "core", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["name"] for line in lines} >= set(NAMES)
    rsi = next(line for line in lines if line["name"] == NAMES[0])
    assert rsi["certified_name"] == "technical.rsi.close.14"
    assert rsi["admitted"]
    assert not rsi["leaks"]
    assert rsi["reason"] is None
    assert 14 < rsi["warm_up_bars"] < 400
    assert (SHIPPED.read_bytes() if SHIPPED.is_file() else None) == before


def test_a_pattern_that_fits_nothing_is_refused():
    with pytest.raises(ConfigurationError, match=r"no column of width full fits 'rsi': expected a pattern such as"):
        audit_leaks.chosen_columns(AuditLeaks(columns="rsi"))


def test_tables_count_what_was_found_and_name_what_is_refused(capsys):
    columns = find_columns(NAMES, symbols=("btc", "eth", "sol"))
    audits = [
        ColumnAudit(NAMES[0], known=True, warm_up_bars=170),
        ColumnAudit(NAMES[1], known=True, leak="knows later bars: with those after noon cut, its value is 1 and not 2"),
    ]
    audit_leaks.print_tables(columns, Audited(audits, [], SwingAudit(0, ())), audit_leaks.table_console())
    printed = capsys.readouterr().out
    assert "technical" in printed
    assert [cell.strip() for cell in next(x for x in printed.splitlines() if "all" in x).split("│")[2:7]] == [
        "2",
        "1",
        "1",
        "0",
        "170",
    ]
    assert "with those after noon cut" in printed


def test_a_leak_ends_the_command_with_exit_code_2():
    with pytest.raises(DataError, match="1 leaks: a knows later bars") as raised:
        audit_leaks.check_no_leak(Audited([ColumnAudit("a", leak="knows later bars")], [], SwingAudit(0, ())))
    assert raised.value.exit_code == 2
