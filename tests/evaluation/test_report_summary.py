from dataclasses import replace

import pytest

from fleetcast.evaluation.report_inputs import ReportInputs
from fleetcast.evaluation.report_summary import summary_sentences, verdict
from fleetcast.fleet.presets import load_preset
from fleetcast.fleet.results import FamilyBest

GRID = load_preset("micro")
FAMILIES = [family.family_id for family in GRID.families()]


def interval(metric: str, low: float, high: float) -> dict[str, float]:
    return {metric: (low + high) / 2, f"{metric}_low": low, f"{metric}_high": high}


def best(family_id: str, *, delta: tuple[float, float], direction: tuple[float, float]) -> FamilyBest:
    holdout = {**interval("delta", *delta), **interval("direction", *direction)}
    return FamilyBest(
        family_id=family_id,
        variant_id=f"{family_id}-h5-d1.0-t0.5",
        raw_best_variant_id=None,
        n_trained=1,
        n_judged=1,
        n_skipped=0,
        validation=holdout,
        holdout=holdout,
    )


BESTS = [
    best(FAMILIES[0], delta=(0.01, 0.03), direction=(0.51, 0.55)),
    best(FAMILIES[1], delta=(-0.02, -0.01), direction=(0.40, 0.49)),
    best(FAMILIES[2], delta=(-0.01, 0.01), direction=(0.48, 0.52)),
]
INPUTS = ReportInputs("key", GRID, facts={}, results={}, bests={b.family_id: b for b in BESTS})


@pytest.mark.parametrize("metric", ["delta", "direction"])
def test_verdict_counts_intervals_clear_of_no_effect(metric: str) -> None:
    found = verdict(BESTS, metric, part="holdout")
    assert (found.n, found.above, found.below) == (3, (FAMILIES[0],), (FAMILIES[1],))
    assert found.by_chance == pytest.approx(0.075)


def test_family_without_an_interval_is_not_counted() -> None:
    bare = BESTS[0].model_copy(update={"holdout": {}})
    assert verdict([bare, BESTS[2]], "delta", part="holdout").n == 1


def test_words_say_counts_chance_and_cautions() -> None:
    text = " ".join(summary_sentences(INPUTS))
    assert "the 95 % interval lies above zero in 1 of 3 families on the holdout, and below it in 1" in text
    assert "chance alone would put about 0.1 on either side" in text
    assert f"1 family has both above no effect on the holdout: {FAMILIES[0]}" in text
    assert "volatility, not an edge" in text
    assert "Nothing is promoted here" in text


def test_words_say_when_no_family_has_both() -> None:
    inputs = replace(INPUTS, bests={b.family_id: b for b in BESTS[1:]})
    assert "No family has both intervals above no effect on the holdout." in " ".join(summary_sentences(inputs))


def test_words_say_when_there_is_no_best() -> None:
    first, *others = summary_sentences(replace(INPUTS, bests={}))
    assert first == "No family has a best variant: 0 variants of 0 could be judged. The reasons stand below."
    assert others == ["Nothing is promoted here: this page reports, it does not decide."]
