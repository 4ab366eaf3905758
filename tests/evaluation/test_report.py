import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fleetcast.errors import StoreError
from fleetcast.evaluation.report import format_instant, format_number, render_report
from fleetcast.evaluation.report_inputs import read_inputs
from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.store.manifests import snapshot_folder
from synthetic_fleet import SKIPPED, SyntheticFleet, fleet_args, full_fleet_args

VOID = {"meta", "link", "br", "input"}


class Page(HTMLParser):
    """Counts tags, keeps the text, and refuses tags that close in the wrong order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        if self.opened:
            raise ValueError(f"tags left open: {self.opened}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        expected = self.opened.pop()
        if tag != expected:
            raise ValueError(f"</{tag}> closes <{expected}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        self.text += data

    def of_class(self, name: str) -> int:
        return sum(name in (attrs.get("class") or "").split() for _, attrs in self.tags)


def render(fleet: SyntheticFleet) -> str:
    return render_report(
        read_inputs(fleet.folder, fleet.args, dataset_rev=fleet.args.dataset_rev), code_digest="c0de" * 16
    )


@pytest.fixture
def fleet(tmp_path: Path) -> SyntheticFleet:
    return SyntheticFleet(fleet_args((tmp_path / "store").as_uri()))


@pytest.fixture(scope="module")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    fleet = SyntheticFleet(full_fleet_args((tmp_path_factory.mktemp("full") / "store").as_uri()), preset="sample")
    fleet.write_all(report=None)
    return render(fleet)


def test_page_shows_all_families_and_all_variants(full_page: str) -> None:
    page = Page(full_page)
    assert page.of_class("cell") == 2160
    assert full_page.count('<th scope="row">btc-') == 12
    assert "36 families, 2,160 variants, bars up to 2025-01-01 00:00 UTC" in page.text
    assert page.of_class("skipped") == 180 + 1  # and the legend's


def test_page_needs_nothing_but_itself(full_page: str) -> None:
    page = Page(full_page)
    assert not [tag for tag, _ in page.tags if tag in ("script", "img", "iframe", "object", "embed")]
    addresses = [a.get("src") or a.get("href") or "" for _, a in page.tags]
    assert {address for address in addresses if not address.startswith(("#", "data:"))} == {""}
    assert "@import" not in full_page
    assert not re.search(r"url\((?!#)", full_page)
    assert "http" not in full_page


def test_every_link_inside_the_page_has_its_target(full_page: str) -> None:
    page = Page(full_page)
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    links = {(attrs.get("href") or "").removeprefix("#") for tag, attrs in page.tags if tag == "a"}
    assert links <= ids


def test_page_is_the_same_for_the_same_manifests(fleet: SyntheticFleet) -> None:
    fleet.write_all(report=None)
    assert render(fleet) == render(fleet)


def test_family_row_holds_both_parts(fleet: SyntheticFleet) -> None:
    fleet.write_early_stages()
    fleet.write_variants()
    best = next(b for b in fleet.write_family_bests() if b.family_id == "eth-w5-high")
    found = re.search(r'<tr[^>]*>\s*<th scope="row">eth-w5-high.*?</tr>', render(fleet), re.DOTALL)
    assert found is not None
    row = Page(found[0])
    for metrics in (best.validation, best.holdout):
        assert format_number(metrics["macro_average_precision"], 3) in row.text
        assert format_number(metrics["delta"], 3, True) in row.text
        low, high = (format_number(metrics[f"direction_{end}"], 3) for end in ("low", "high"))
        assert f"{low} to {high}" in row.text


def test_reasons_and_counts_are_shown(fleet: SyntheticFleet) -> None:
    fleet.write_all(report=None)
    text = Page(render(fleet)).text
    assert re.sub(r"^\d+", "…", SKIPPED) in text
    assert "dropped: correlation above 0.9 with a kept column" in text
    assert "2 bars were there twice with the same values; kept one of each" in text


def test_texts_from_manifests_are_escaped(fleet: SyntheticFleet) -> None:
    attack = '<script>alert("x")</script>'
    fleet.write_variant(
        VariantResult(
            variant_id=fleet.args.variants()[0].variant_id,
            family_id="btc-w5-high",
            status="skipped",
            reason=attack,
            n_events=1,
            n_by_class={},
        )
    )
    finding = {"kind": "remark", "symbol": attack, "timestamp": attack, "message": attack}
    snapshot_folder(fleet.store, fleet.args.dataset_rev).commit(facts={"findings": [finding]})
    fleet.folder.stage("plan").commit(facts={"preset": attack, "dag_run_id": attack})
    fleet.write_family_bests()
    html = render(fleet)
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;") >= 5
    assert Page(html).text.count(attack) >= 5


def test_metrics_without_a_value_are_dashes(fleet: SyntheticFleet) -> None:
    fleet.write_early_stages()
    variant = fleet.args.variants()[0]
    nothing = dict.fromkeys(fleet.result(variant).metrics, float("nan"))
    facts = fleet.result(variant).model_dump(mode="json") | {"metrics": nothing}
    fleet.folder.variant(variant.variant_id).commit(facts=facts)
    best = FamilyBest(
        family_id="btc-w5-high",
        variant_id=variant.variant_id,
        raw_best_variant_id=None,
        n_trained=1,
        n_judged=1,
        n_skipped=0,
    )
    families = {"btc-w5-high": best.model_dump(mode="json") | {"validation": nothing, "holdout": nothing}}
    fleet.folder.stage("family_bests").commit(facts={"families": families})
    html = render(fleet)
    assert "nan" not in Page(html).text.lower()
    assert "random –" in Page(html).text


def test_page_of_a_fleet_that_was_skipped_whole(fleet: SyntheticFleet) -> None:
    skipped = [
        fleet.result(v).model_copy(update={"status": "skipped", "reason": SKIPPED, "judged": False, "metrics": {}})
        for v in fleet.args.variants()
    ]
    for result in skipped:
        fleet.write_variant(result)
    families = {
        f.family_id: fleet.best([r for r in skipped if r.family_id == f.family_id], f.family_id).model_dump(mode="json")
        for f in fleet.args.families()
    }
    fleet.folder.stage("family_bests").commit(facts={"families": families})
    page = Page(render(fleet))
    assert "No family has a best variant: 0 variants of 36 could be judged." in page.text
    assert page.text.count("none: no variant was judged") == 3
    assert "No variant was judged." in page.text
    assert page.of_class("skipped") == 36 + 1


def test_missing_results_are_counted(fleet: SyntheticFleet) -> None:
    fleet.write_early_stages()
    fleet.write_variants(stop=30)
    fleet.write_family_bests()
    assert re.search(r"6\s*variants without a result", Page(render(fleet)).text)


def test_report_before_the_family_bests_is_refused(fleet: SyntheticFleet) -> None:
    fleet.write_early_stages()
    with pytest.raises(StoreError, match="'family_bests' has no manifest"):
        render(fleet)


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "text"),
    [(2160, 0, False, "2,160"), (-0.0214, 3, True, "−0.021"), (0.5, 2, True, "+0.50"), (None, 3, False, "–")],
)
def test_numbers(value: float | None, decimals: int, signed: bool, text: str) -> None:
    assert format_number(value, decimals, signed) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("2025-01-01T02:30:00+02:00", "2025-01-01 00:30 UTC"), (None, "–"), ("yesterday", "yesterday")],
)
def test_instants(value: str | None, text: str) -> None:
    assert format_instant(value) == text
