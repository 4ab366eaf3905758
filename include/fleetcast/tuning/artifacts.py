"""What is kept of a finished study for people: a summary, all trials, a table and four plots that need no network.

The plots are Optuna's own, drawn by Matplotlib as one SVG in one page, 40 to 100 kB each. Pages by Plotly that need no
network would each hold its script, megabytes, and a run of 36 families has 312 pages.
"""

import html
import io
import json
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot, rc_context
from matplotlib.transforms import Bbox
from optuna.exceptions import ExperimentalWarning
from optuna.study import Study
from optuna.visualization import matplotlib as plots

from fleetcast.fleet.results import TrialResult
from fleetcast.store.manifests import StageFolder
from fleetcast.tuning.finished_study import completed, importances_of, rebuild_study
from fleetcast.tuning.messages import StudyTrials
from fleetcast.tuning.planned_study import BY_HAND_STAGE, PlannedStudy

PLOTS: dict[str, Callable[[Study], Any]] = {
    "history": plots.plot_optimization_history,
    "importances": plots.plot_param_importances,
    "parallel_coordinates": plots.plot_parallel_coordinate,
    "slice": plots.plot_slice,
}
BY_HAND = (
    "tried by hand: the ledger of the run does not hold these trials, so what luck makes of them is not taken out. "
    "Tune in a run to promote"
)
# No window, text stays text, and the same study gives the same bytes.
DRAWING = {"backend": "agg", "svg.fonttype": "none", "svg.hashsalt": "fleetcast", "figure.max_open_warning": 0}
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font-family: sans-serif; margin: 1rem }} svg {{ max-width: 100%; height: auto }}</style></head>
<body><h1>{title}</h1>
{content}
</body></html>
"""


def write_artifacts(
    folder: StageFolder, planned: PlannedStudy, found: StudyTrials, *, results: Sequence[TrialResult]
) -> None:
    """Writes a study's files under the family's name; they count once the stage is committed.

    Args:
        folder: the stage's result.
        planned: the study, as the stage's plan says.
        found: its trials, as the service has them.
        results: of the trials that came to an end, as the store has them.
    """
    study = rebuild_study(found)
    files = {
        "study_summary.json": _to_json(summarise(planned, found, results=results)),
        "all_trials.json": _to_json(list_trials(found, results=results)),
        "trials_dataframe.csv": study.trials_dataframe().to_csv(index=False).encode(),
        **{f"{name}.html": draw_page(name, planned.family_id, found, study=study) for name in PLOTS},
    }
    for name, data in files.items():
        folder.write(f"{planned.family_id}/{name}", data)


def summarise(planned: PlannedStudy, found: StudyTrials, *, results: Sequence[TrialResult]) -> dict[str, Any]:
    """What the study was, how its trials ended, its best ones and what decides."""
    states = [trial.state for trial in found.trials]
    by_hand = {"promotable": False, "reason": BY_HAND} if planned.spec.stage == BY_HAND_STAGE else {}
    return {
        **by_hand,
        "study": planned.study,
        "family_id": planned.family_id,
        "variant_id": planned.variant_id,
        "spec": found.spec.model_dump(mode="json"),
        "starts": list(planned.starts),
        "n_trials": found.n_trials,
        "n_by_state": {state: states.count(state) for state in ("complete", "pruned", "failed")},
        "best_trials": [
            {"number": trial.number, "value": trial.value, "parameters": trial.params}
            for trial in completed(found)[:10]
        ],
        "importances": importances_of(found),
        "expected_trial_seconds": planned.expected_trial_seconds,
        "cpu_seconds": sum(result.fit_cpu_seconds for result in results),
        "structure_cpu_seconds": sum(fold.structure_cpu_seconds for result in results for fold in result.folds),
    }


def list_trials(found: StudyTrials, *, results: Sequence[TrialResult]) -> list[dict[str, Any]]:
    """Every trial, as the service has it, with its folds, metrics and cost where it came to an end."""
    by_number = {result.number: result for result in results}
    return [trial.model_dump(mode="json") | _of_result(by_number.get(trial.number)) for trial in found.trials]


def draw_page(name: str, family_id: str, found: StudyTrials, *, study: Study) -> bytes:
    """One of `PLOTS` as a page that stands alone; where there is too little to draw, it says so.

    Args:
        name: of the plot.
        family_id: for the title.
        found: the study's trials.
        study: the same, rebuilt.
    """
    title = f"{family_id}: {name.replace('_', ' ')} of {found.spec.name}"
    if not completed(found):
        content = "<p>No trial was completed.</p>"
    elif name == "importances" and not importances_of(found):
        content = "<p>Too few trials to say what decides, or all are equally good.</p>"
    else:
        content = _draw(PLOTS[name], study)
    return PAGE.format(title=html.escape(title), content=content).encode()


def _draw(plot: Callable[[Study], Any], study: Study) -> str:
    with warnings.catch_warnings(), rc_context(DRAWING):
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.simplefilter("ignore", UserWarning)  # of what two equal trials leave to draw
        drawn = plot(study)  # axes, or an array of them
        figure = np.ravel(drawn)[0].figure
        target = io.StringIO()
        width, height = figure.get_size_inches()
        paper = Bbox(
            [[-1.0, -0.5], [width, height]]
        )  # labels reach beyond the figure; to measure them is to draw twice
        figure.savefig(target, format="svg", bbox_inches=paper, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    svg = target.getvalue()
    return svg[svg.index("<svg") :]  # without the prologue, which names an address


def _of_result(result: TrialResult | None) -> dict[str, Any]:
    if result is None:
        return {}
    return {"result": result.model_dump(mode="json", exclude={"study", "number", "parameters", "state", "value"})}


def _to_json(content: Any) -> bytes:
    return json.dumps(content, indent=1).encode()
