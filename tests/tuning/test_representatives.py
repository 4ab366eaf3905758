from fleetcast.fleet.results import FamilyBest
from fleetcast.fleet.variants import Family
from fleetcast.tuning.representatives import choose_representatives


def family(symbol: str, window_bars: int = 5) -> Family:
    return Family(symbol=symbol, window_bars=window_bars, swing_type="high")


def best(family: Family, score: float | None) -> FamilyBest:
    judged = score is not None
    return FamilyBest(
        family_id=family.family_id,
        variant_id=f"{family.family_id}-h5-d1.0-t0.5" if judged else None,
        raw_best_variant_id=None,
        n_trained=1,
        n_judged=int(judged),
        n_skipped=0,
        validation={"score": score} if judged else {},
    )


def choose(*scores: tuple[Family, float | None]) -> list[str]:
    families = [family for family, _ in scores]
    return [chosen.family_id for chosen in choose_representatives(families, [best(*one) for one in scores])]


def test_the_median_family_of_each_window_represents_it() -> None:
    fleet = [
        (family("btc", 20), 1.0),
        (family("btc"), 5.0),
        (family("eth", 20), 3.0),
        (family("eth"), 7.0),
        (family("sol", 20), 2.0),
        (family("sol"), 6.0),
    ]
    assert choose(*fleet) == ["sol-w5-high", "sol-w20-high"]


def test_of_an_even_number_the_lower_of_the_middle_two() -> None:
    assert choose((family("btc"), 2.0), (family("eth"), 1.0)) == ["eth-w5-high"]
    assert choose(*((family(s), float(x)) for s, x in zip("abcd", (4, 3, 2, 1), strict=True))) == ["c-w5-high"]


def test_of_equal_scores_the_first_in_the_grid_counts_as_lower() -> None:
    assert choose((family("btc"), 1.0), (family("eth"), 1.0)) == ["btc-w5-high"]


def test_families_without_a_judged_variant_do_not_count() -> None:
    assert choose((family("btc"), None), (family("eth"), 1.0), (family("sol"), 9.0)) == ["eth-w5-high"]
    assert choose((family("btc"), None)) == []
