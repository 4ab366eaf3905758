import itertools

import pytest
from pydantic import ValidationError

from fleetcast.errors import ConfigurationError
from fleetcast.fleet.presets import load_preset, preset_names


def test_the_default_fleet_has_2160_variants_in_36_families() -> None:
    grid = load_preset("sample")
    assert len({variant.variant_id for variant in grid.variants()}) == 2160
    assert len(grid.families()) == 36
    assert grid.variants()[0].variant_id == "btc-w2-high-h5-d1.0-t0.5"


@pytest.mark.parametrize("variants_per_pod", [1, 7, 60, 1080, 5000])
def test_shards_partition_the_fleet(variants_per_pod: int) -> None:
    grid = load_preset("sample")
    n_shards = grid.n_shards(variants_per_pod=variants_per_pod)
    shards = [grid.variants_in_shard(i, variants_per_pod=variants_per_pod) for i in range(n_shards)]
    assert [v for shard in shards for v in shard] == grid.variants()
    assert all(shards)


def test_variants_that_share_a_dataset_are_neighbours() -> None:
    keys = [(v.family.family_id, v.deviation) for v in load_preset("sample").variants()]
    changes = sum(a != b for a, b in itertools.pairwise(keys)) + 1
    assert changes == len(set(keys))


def test_every_preset_loads_and_changes_lie_over_it() -> None:
    assert {"sample", "full", "micro"} <= set(preset_names())
    for name in preset_names():
        assert load_preset(name, symbols=["eth", "btc"], window_bars=[]).symbols == ("btc", "eth")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbols": ["btc", "btc"]}, "stands twice"),
        ({"window_bars": [0]}, "greater than or equal to 1"),
        ({"horizon_bars": [5000]}, "less than or equal to 1000"),
        ({"swing_types": ["sideways"]}, "'high' or 'low'"),
        ({"symbols": ["BTC/USDT"]}, "should match pattern"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_grid_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        load_preset("sample", **changes)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown preset 'huge': expected one of \['sample'"):
        load_preset("huge")
