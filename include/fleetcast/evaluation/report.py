"""The run's report: one HTML page that needs nothing but itself."""

from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from fleetcast.evaluation.report_forest import draw_forest
from fleetcast.evaluation.report_heat import draw_heat_map
from fleetcast.evaluation.report_histogram import draw_histograms
from fleetcast.evaluation.report_inputs import ReportInputs
from fleetcast.evaluation.report_summary import NOTHING, summary_sentences, verdict
from fleetcast.evaluation.report_tables import (
    QUANTILES,
    column_facts,
    data_facts,
    family_rows,
    quantile_rows,
    reason_rows,
    time_rows,
    where_rows,
)
from fleetcast.evaluation.report_tuning import tuning_section

MISSING = "–"


def render_report(inputs: ReportInputs, *, code_digest: str) -> str:
    """The page.

    Args:
        inputs: what the manifests say.
        code_digest: of the code that computed the run.

    Returns:
        HTML with its styles and drawings in it; every text from a manifest is escaped.
    """
    environment = Environment(
        loader=PackageLoader("fleetcast.evaluation", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=format_number, instant=format_instant)
    results = inputs.ordered_results
    looked = inputs.facts.get("holdout", inputs.facts["family_bests"])
    return environment.get_template("report.html").render(
        inputs=inputs,
        code=code_digest,
        cutoff=_cutoff(inputs),
        description=_description(inputs, code_digest=code_digest),
        counts=_counts(inputs),
        verdicts=[verdict(inputs.chosen, metric, part="holdout") for metric in NOTHING],
        sentences=summary_sentences(inputs),
        families=family_rows(inputs),
        forest=draw_forest(inputs.chosen),
        tuning=tuning_section(inputs),
        heat_map=draw_heat_map(inputs),
        histograms=draw_histograms(inputs),
        reasons=reason_rows(results),
        where=where_rows(inputs),
        columns=column_facts(inputs),
        times=time_rows(inputs),
        quantiles=quantile_rows(results),
        quantile_names=[name for name, _ in QUANTILES],
        data=data_facts(inputs),
        holdout_looks=looked.get("holdout_looks"),
        all_holdout_looks=looked.get("holdout_looks_of_all_runs"),
    )


def format_number(value: float | None, decimals: int = 0, signed: bool = False) -> str:
    """Thousands apart, a real minus sign, a dash for what is not known."""
    if value is None:
        return MISSING
    return f"{value:{'+' if signed else ''},.{decimals}f}".replace("-", "−")


def format_instant(value: str | None) -> str:
    """ISO 8601 in UTC as people write it, such as ``2025-01-01 00:00 UTC``; other texts as they are."""
    if not value:
        return MISSING
    try:
        return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return value


def _counts(inputs: ReportInputs) -> dict[str, int]:
    n_trained = sum(r.status == "trained" for r in inputs.ordered_results)
    n_variants = len(inputs.grid.variants())
    return {
        "families": len(inputs.grid.families()),
        "variants": n_variants,
        "trained": n_trained,
        "skipped": len(inputs.results) - n_trained,
        "judged": len(inputs.judged),
        "missing": n_variants - len(inputs.results),
    }


def _cutoff(inputs: ReportInputs) -> str:
    return str(inputs.facts.get("plan", {}).get("cutoff") or inputs.facts.get("snapshot", {}).get("cutoff") or MISSING)


def _description(inputs: ReportInputs, *, code_digest: str) -> list[tuple[str, Any]]:
    plan, columns, grid = inputs.facts.get("plan", {}), inputs.facts.get("columns", {}), inputs.grid
    return [
        ("run key", inputs.run_key),
        ("data", plan.get("dataset_rev", MISSING)),
        ("code", code_digest[:20]),
        ("DAG run", plan.get("dag_run_id") or MISSING),
        ("preset", plan.get("preset") or MISSING),
        ("columns", format_number(columns.get("n_columns"))),
        ("seed", plan.get("seed", MISSING)),
        ("symbols", ", ".join(grid.symbols)),
        ("windows, bars", _listed(grid.window_bars)),
        ("horizons, bars", _listed(grid.horizon_bars)),
        ("deviations", _listed(grid.deviations)),
        ("thresholds", _listed(grid.thresholds)),
    ]


def _listed(values: tuple[Any, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)
