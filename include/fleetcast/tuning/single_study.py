"""One study from its opening to its artifacts, for models whose tuning has no stages: sequence models."""

import json
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from fleetcast.errors import ConfigurationError
from fleetcast.store.manifests import Manifest, StageFolder
from fleetcast.tuning.artifacts import PLOTS, draw_page
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.finished_study import completed, importances_of, rebuild_study
from fleetcast.tuning.messages import OpenStudy, StudySpec, StudyTrials
from fleetcast.tuning.space import Params
from fleetcast.tuning.worker import RunningTrial, run_trials

LAST_TRIAL_SECONDS = 600.0  # for trials of other workers that run when the time is over
SECONDS_BETWEEN_LOOKS = 2.0


class UnfitTrialError(ConfigurationError):
    """This point cannot be evaluated, such as for want of memory; the search goes on with others."""


def search(
    client: StudyClient,
    request: OpenStudy,
    objective: Callable[[RunningTrial], float],
    *,
    worker: str,
    timeout_seconds: float | None,
) -> StudyTrials:
    """Runs trials until the budget or the time is spent; any number of workers may share the study.

    Args:
        client: the way to the study service.
        request: the study and its budget.
        objective: from a trial to its score.
        worker: who asks.
        timeout_seconds: after which no further trial begins; None waits for the whole budget.

    Raises:
        ConfigurationError: the service refuses the token or the study.
        ServiceError: it does not answer.
    """
    client.open(request)
    study = request.spec.name
    deadline = math.inf if timeout_seconds is None else time.monotonic() + timeout_seconds
    while True:
        try:
            run_trials(client, study, objective, worker=worker, deadline=deadline)
            break
        except UnfitTrialError:
            continue  # it is a failed trial of the budget
    while (state := client.look(study)).n_running and state.n_left:  # others' time ends later
        if time.monotonic() > deadline + LAST_TRIAL_SECONDS:
            break
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return client.trials(study)


def commit_study(
    folder: StageFolder, found: StudyTrials, *, title: str, inputs: dict[str, str], best: Callable[[Params], Any]
) -> Manifest:
    """Stores the study's artifacts and commits them, unless another worker did.

    Args:
        folder: the study's.
        found: its trials.
        title: of the plots.
        inputs: what the objective read.
        best: from the best point to the configuration that trains it again, as JSON values.

    Raises:
        ConfigurationError: no trial was completed.
    """
    if (done := folder.committed()) is not None:
        return done
    scored = completed(found)
    if not scored:
        raise ConfigurationError(
            f"no trial of study {found.spec.name} was completed, of {len(found.trials)}: give it more time or trials"
        )
    study = rebuild_study(found)
    states = [trial.state for trial in found.trials]
    summary = {
        "study": found.spec.name,
        "n_trials": found.n_trials,
        "n_by_state": {state: states.count(state) for state in sorted(set(states))},
        "best_trials": [trial.model_dump(mode="json", include={"number", "value", "params"}) for trial in scored[:10]],
        "importances": importances_of(found),
    }
    files: Sequence[tuple[str, bytes]] = (
        ("study_summary.json", _to_json(summary)),
        ("all_trials.json", _to_json([trial.model_dump(mode="json") for trial in found.trials])),
        ("trials_dataframe.csv", study.trials_dataframe().to_csv(index=False).encode()),
        ("best_point.json", _to_json(scored[0].params)),
        ("best_config.json", _to_json(best(scored[0].params))),
        *((f"{name}.html", draw_page(name, title, found, study=study)) for name in PLOTS),
    )
    for name, data in files:
        folder.write(name, data)
    return folder.commit(inputs=inputs, facts=summary)


def study_request(
    stage: str,
    *,
    data: str,
    parameters: dict[str, Any],
    direction: Literal["maximize", "minimize"],
    n_trials: int,
    seed: int,
    starts: Sequence[Params] = (),
) -> OpenStudy:
    """A study with TPE and median pruning.

    Args:
        stage: begins its name.
        data: names all that its objective reads.
        parameters: lists and ranges by name.
        direction: of the objective.
        n_trials: the budget.
        seed: of the sampler.
        starts: points to run first.
    """
    spec = StudySpec.model_validate(
        {
            "stage": stage,
            "data": data,
            "space": {"parameters": parameters},
            "direction": direction,
            "pruner": "median",
            "seed": seed,
        }
    )
    return OpenStudy(spec=spec, n_trials=n_trials, starts=tuple(starts))


def _to_json(content: Any) -> bytes:
    return json.dumps(content, indent=1).encode()
