"""The report of a sequence model: one HTML page that needs nothing but itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from fleetcast.evaluation.report import format_number
from fleetcast.sequence.direction_scores import Estimate, Judged, differences

SURVIVORSHIP = (
    "Survivorship: the stocks are those of a list made after the last day (the 30 of the Sensex: of 2024), so every "
    "one of them lived and grew large. "
    "A portfolio of the past could not have held just these, and the share of up days is above that of the market then."
)


@dataclass(frozen=True, kw_only=True)
class JudgedModel:
    """What the report of any model shows.

    Attributes:
        network: what the model is called.
        labels: of the scores in its table, by name.
        tiles: the scores above all.
        compared: those that are compared with the baselines'.
        layers: labels of the layers' sizes, and their keys in the configuration.
        dates: ``(n,)`` of the windows' last days, milliseconds since the epoch.
        model: its scores.
        baselines: theirs, by name.
        facts: of the model's manifest.
        history: its epochs.
        n_looks: how often a model of any run has met this test part.
    """

    network: ClassVar[str]
    labels: ClassVar[Mapping[str, str]]
    tiles: ClassVar[tuple[str, ...]]
    compared: ClassVar[tuple[str, ...]]
    layers: ClassVar[Mapping[str, str]]

    dates: npt.NDArray[np.int64]
    model: Judged
    baselines: Mapping[str, Judged]
    facts: Mapping[str, Any]
    history: list[dict[str, float]]
    n_looks: int

    def over_baselines(self) -> dict[str, dict[str, Estimate]]:
        """The model's scores minus each baseline's."""
        return {name: differences(self.model, other, names=self.compared) for name, other in self.baselines.items()}


def render_page(result: JudgedModel, *, run_key: str, code_digest: str, **own: Any) -> str:
    """The page; every text of a manifest is escaped.

    Args:
        result: what it shows.
        run_key: of the model.
        code_digest: of the package that made it.
        own: what models do not share: ``heading``, ``recommendations``, ``score_note``, ``confusion``,
            ``coverage_rows``, ``plots`` and ``training_plots``.
    """
    facts, model, labels = result.facts, result.model.estimates, result.labels
    judged = [model, *(other.estimates for other in result.baselines.values())]
    over = result.over_baselines()
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("fleetcast.sequence", ""), PackageLoader("fleetcast.evaluation", "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = format_number
    return environment.get_template("report.html").render(
        title=f"{result.network} report {run_key}",
        description=_description(result, run_key),
        tiles=[(labels[name], model[name]) for name in result.tiles],
        forecasts=[result.network, *result.baselines],
        score_rows=[(label, [one[name] for one in judged]) for name, label in labels.items()],
        difference_labels=[labels[name] for name in result.compared],
        difference_rows=[(name, list(found.values())) for name, found in over.items()],
        survivorship=SURVIVORSHIP,
        stocks=", ".join(facts["symbols"]),
        findings=facts["findings"],
        code=code_digest[:20],
        **own,
    )


def _description(result: JudgedModel, run_key: str) -> list[tuple[str, Any]]:
    facts = result.facts
    params, n = facts["config"]["model_params"], facts["n_windows"]
    return [
        ("run key", run_key),
        ("experiment", facts["experiment_name"]),
        ("data", facts["source"].rsplit("/", maxsplit=1)[-1]),
        ("bars up to", facts["cutoff"][:10]),
        ("windows: training, validation, test", f"{n['train']:,}, {n['val']:,}, {n['test']:,}"),
        ("purged between parts", facts["purged_size"]),
        ("input", " × ".join(map(str, facts["input_shape"]))),
        ("features", ", ".join(facts["features"])),
        *((label, ", ".join(map(str, params[key]))) for label, key in result.layers.items()),
        ("parameters", f"{facts['model_parameters']:,}"),
        ("best epoch", f"{facts['best_epoch']} of {facts['total_epochs']}"),
        ("training time", f"{facts['training_time_seconds']:,.0f} s on {facts['device']}"),
        ("seed", facts["seed"]),
        ("looks at this test part so far", result.n_looks),
    ]
