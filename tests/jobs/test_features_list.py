"""features list."""

from fleetcast.features.catalogue import list_columns
from fleetcast.job_args.looking import FeaturesList
from fleetcast.jobs import features_list
from fleetcast.jobs.main import run
from printed import printed_objects


def test_json_is_one_object_a_line_and_column(capsys):
    assert run(["features", "list", "--json"]) == 0
    lines = printed_objects(capsys)
    assert [line["name"] for line in lines] == [column.name for column in list_columns(("btc", "eth", "sol"))]
    assert all(set(line) == {"name", "symbol", "generator", "source"} for line in lines)
    assert {"name": "btc.technical.rsi.close.14", "symbol": "btc", "generator": "technical"}.items() <= next(
        line for line in lines if line["name"] == "btc.technical.rsi.close.14"
    ).items()


def test_table_counts_columns_by_generator_and_symbol(capsys):
    features_list.run(FeaturesList())
    lines = capsys.readouterr().out.splitlines()
    columns = list_columns(("btc", "eth", "sol"))
    assert lines[0].split() == ["generator", "btc", "eth", "sol"]
    n_temporal = sum(column.generator == "temporal" and column.symbol == "btc" for column in columns)
    assert ["temporal", *[str(n_temporal)] * 3] in [line.split() for line in lines]
    assert lines[-2].split() == ["all", *[str(len(columns) // 3)] * 3]
    assert lines[-1].startswith(f"{len(columns)} columns")
