"""What the service promises of a study, on a real database and a clock that the tests move."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import optuna
import pytest
from optuna.trial import TrialState

from fleetcast.errors import ConfigurationError, TakenOverError
from fleetcast.tuning.client import new_token
from fleetcast.tuning.kept_study import MAX_RERUNS, KeptStudy
from fleetcast.tuning.messages import LeasedTrial, OpenStudy, StudySpec, StudyTrials
from fleetcast.tuning.sampling import distributions_of
from fleetcast.tuning.space import load_space, make_space
from fleetcast.tuning.study_keeper import GRACE_SECONDS, StudyKeeper
from fleetcast.tuning.trial_rows import FAILURE, INTERRUPTION
from hand_clock import HandClock
from study_database import StudyDatabase

LEASE_SECONDS = 30.0
LATER = LEASE_SECONDS + 1


def opened(keeper: StudyKeeper, spec: StudySpec, n_trials: int, **more: object) -> KeptStudy:
    keeper.open(OpenStudy.model_validate({"spec": spec, "n_trials": n_trials, **more}))
    return keeper.study(spec.name)


def ask(study: KeptStudy, worker: str = "worker") -> tuple[LeasedTrial, str]:
    token = new_token()
    answer = study.ask(worker=worker, token=token)
    assert answer.trial is not None
    return answer.trial, token


def tell(study: KeptStudy, number: int, token: str, value: float = 0.5) -> None:
    study.tell(number, token=token, state=TrialState.COMPLETE, value=value)


def stored(database: StudyDatabase, spec: StudySpec) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=spec.name, storage=database.uri).trials


def test_optuna_reads_back_what_a_trial_was(
    keeper: StudyKeeper, spec: StudySpec, study_database: StudyDatabase
) -> None:
    study = opened(keeper, spec, 2)
    trial, token = ask(study)
    study.report(trial.number, token=token, step=0, value=0.25)
    study.report(trial.number, token=token, step=0, value=0.3)
    (running,) = stored(study_database, spec)
    assert running.state == TrialState.RUNNING
    tell(study, trial.number, token, 0.75)
    (done,) = stored(study_database, spec)
    assert (done.number, done.state, done.value) == (0, TrialState.COMPLETE, 0.75)
    assert done.params == trial.params
    assert done.distributions == distributions_of(spec.space)
    assert done.intermediate_values == {0: 0.3}
    assert done.duration is not None
    assert 0 <= done.duration.total_seconds() < 600


def test_all_trials_are_read_with_their_instants_and_reasons(keeper: StudyKeeper, spec: StudySpec) -> None:
    first = {"num_leaves": 30, "max_depth": 5, "feature_fraction": 1.0, "learning_rate": 0.05, "lambda_l1": 0.01}
    study = opened(keeper, spec, 5, starts=[first])
    tokens = [ask(study)[1] for _ in range(4)]
    study.report(0, token=tokens[0], step=0, value=0.25)
    tell(study, 0, tokens[0], 0.75)
    study.report(1, token=tokens[1], step=1, value=0.5)
    study.tell(1, token=tokens[1], state=TrialState.PRUNED, value=None)
    study.fail(2, token=tokens[2], reason="one class alone", again=False)
    study.fail(3, token=tokens[3], reason="interrupted", again=True)
    found = keeper.trials(spec.name)
    assert (found.spec, found.n_trials) == (spec, 5)
    assert [trial.number for trial in found.trials] == [0, 1, 2, 3]
    assert [trial.state for trial in found.trials] == ["complete", "pruned", "failed", "waiting"]
    assert [trial.value for trial in found.trials] == [0.75, 0.5, None, None]
    assert [trial.reports for trial in found.trials] == [{0: 0.25}, {1: 0.5}, {}, {}]
    assert [trial.reason for trial in found.trials] == [None, None, "one class alone", "interrupted"]
    ended = found.trials[0]
    assert ended.params == first
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert abs((ended.finished_at - datetime.now(UTC)).total_seconds()) < 600
    assert ended.started_at <= ended.finished_at
    assert found.trials[3].finished_at is None
    read = StudyTrials.model_validate_json(found.model_dump_json())
    assert read == found
    assert isinstance(read.trials[0].params["feature_fraction"], float)


def test_trials_of_a_study_that_was_not_opened_are_refused(keeper: StudyKeeper) -> None:
    with pytest.raises(ConfigurationError, match="unknown study 'stage-2-0'"):
        keeper.trials("stage-2-0")


@pytest.mark.parametrize("space", ["listed", "broad"])
def test_a_budget_is_spent_exactly_and_no_point_comes_twice(keeper: StudyKeeper, spec: StudySpec, space: str) -> None:
    spec = spec.model_copy(update={"space": load_space(space)})
    n_trials = 108 if space == "listed" else 40
    study = opened(keeper, spec, n_trials)
    held: list[tuple[LeasedTrial, str]] = []
    points = set()
    for _ in range(n_trials):
        held.append(ask(study, f"worker {len(held)}"))
        points.add(tuple(sorted(held[-1][0].params.items())))
        if len(held) > 5:
            trial, token = held.pop(0)
            tell(study, trial.number, token, float(trial.params["learning_rate"]))
    assert len(points) == n_trials
    answer = study.ask(worker="one too many", token=new_token())
    assert (answer.trial, answer.is_over) == (None, False)
    assert answer.wait_seconds > 0
    for trial, token in held:
        tell(study, trial.number, token)
    assert study.ask(worker="one too many", token=new_token()).is_over
    assert (study.state().n_complete, study.state().n_left) == (n_trials, 0)


def test_the_same_question_again_gets_the_same_trial(keeper: StudyKeeper, spec: StudySpec) -> None:
    study = opened(keeper, spec, 2)
    token = new_token()
    first = study.ask(worker="worker", token=token)
    assert study.ask(worker="worker", token=token) == first
    assert study.state().n_running == 1


def test_a_trial_whose_worker_never_renewed_runs_again_with_the_same_parameters(
    keeper: StudyKeeper, spec: StudySpec, clock: HandClock, study_database: StudyDatabase
) -> None:
    study = opened(keeper, spec, 1)
    first, _ = ask(study, "dies at once")
    clock.now += LEASE_SECONDS - 1
    keeper.tick()
    assert study.state().n_running == 1
    clock.now += 2
    keeper.tick()
    assert study.state().n_running == 0
    second, token = ask(study, "lives")
    assert (second.number, second.params, second.attempt) == (first.number, first.params, 2)
    tell(study, second.number, token)
    (done,) = stored(study_database, spec)
    assert (done.number, done.state) == (0, TrialState.COMPLETE)
    assert "dies at once did not renew its lease for 30 s" in done.user_attrs[INTERRUPTION]


def test_a_renewed_lease_lasts(keeper: StudyKeeper, spec: StudySpec, clock: HandClock) -> None:
    study = opened(keeper, spec, 1)
    trial, token = ask(study)
    for _ in range(5):
        clock.now += LEASE_SECONDS - 1
        study.renew(trial.number, token=token)
        keeper.tick()
    assert study.state().n_running == 1


def test_a_trial_that_kills_its_workers_fails_after_three_further_attempts(
    keeper: StudyKeeper, spec: StudySpec, clock: HandClock, study_database: StudyDatabase
) -> None:
    study = opened(keeper, spec, 1)
    for attempt in range(1, MAX_RERUNS + 2):
        trial, _ = ask(study, f"victim {attempt}")
        assert (trial.number, trial.attempt) == (0, attempt)
        clock.now += LATER
        keeper.tick()
    assert study.ask(worker="next", token=new_token()).is_over
    (failed,) = stored(study_database, spec)
    assert failed.state == TrialState.FAIL
    assert failed.user_attrs[FAILURE].startswith("given up after 4 attempts: worker victim 4 did not renew")


def test_a_late_answer_is_refused_once_another_worker_has_the_trial(
    keeper: StudyKeeper, spec: StudySpec, clock: HandClock, study_database: StudyDatabase
) -> None:
    study = opened(keeper, spec, 1)
    trial, late = ask(study, "late")
    clock.now += LATER
    keeper.tick()
    _, token = ask(study, "second")
    for answer in (
        lambda: tell(study, trial.number, late, 0.1),
        lambda: study.renew(trial.number, token=late),
        lambda: study.report(trial.number, token=late, step=0, value=0.1),
        lambda: study.fail(trial.number, token=late, reason="late", again=True),
    ):
        with pytest.raises(TakenOverError, match=r"trial 0 of study test-\w+ is not this worker's any more"):
            answer()
    tell(study, trial.number, token, 0.9)
    with pytest.raises(TakenOverError, match="not this worker's any more"):
        tell(study, trial.number, late, 0.1)
    (done,) = stored(study_database, spec)
    assert done.value == 0.9


def test_an_overdue_worker_keeps_its_trial_while_nobody_else_has_got_it(
    keeper: StudyKeeper, spec: StudySpec, clock: HandClock, study_database: StudyDatabase
) -> None:
    study = opened(keeper, spec, 1)
    trial, token = ask(study)
    clock.now += LATER
    keeper.tick()
    study.renew(trial.number, token=token)
    assert study.ask(worker="other", token=new_token()).trial is None
    tell(study, trial.number, token, 0.7)
    assert [done.value for done in stored(study_database, spec)] == [0.7]


def test_an_answer_that_is_repeated_counts_once(
    keeper: StudyKeeper, spec: StudySpec, study_database: StudyDatabase
) -> None:
    study = opened(keeper, spec, 1)
    trial, token = ask(study)
    tell(study, trial.number, token, 0.4)
    tell(study, trial.number, token, 0.4)
    assert [done.value for done in stored(study_database, spec)] == [0.4]


def test_a_failed_trial_counts_and_says_why(
    keeper: StudyKeeper, spec: StudySpec, study_database: StudyDatabase
) -> None:
    study = opened(keeper, spec, 2)
    trial, token = ask(study)
    study.fail(trial.number, token=token, reason="one class alone", again=False)
    trial, token = ask(study)
    study.fail(trial.number, token=token, reason="the node goes away", again=True)
    again, token = ask(study)
    assert (again.number, again.params, again.attempt) == (trial.number, trial.params, 2)
    tell(study, again.number, token)
    assert (study.state().n_failed, study.state().n_complete, study.state().n_left) == (1, 1, 0)
    assert stored(study_database, spec)[0].user_attrs[FAILURE] == "one class alone"


def test_a_restarted_service_knows_who_has_which_trial(
    new_keeper: Callable[[], StudyKeeper], spec: StudySpec, clock: HandClock
) -> None:
    first = new_keeper()
    study = opened(first, spec, 4)
    (told, told_token), (running, token), (dead, _) = (ask(study) for _ in range(3))
    tell(study, told.number, told_token)
    first.close()
    second = new_keeper()
    study = second.study(spec.name)
    tell(study, told.number, told_token)  # its first answer got lost
    clock.now += GRACE_SECONDS - 1
    second.tick()
    study.renew(running.number, token=token)
    clock.now += LATER - GRACE_SECONDS
    second.tick()
    assert (study.state().n_running, study.state().n_waiting) == (1, 1)
    again, again_token = ask(study)
    assert (again.number, again.attempt) == (dead.number, 2)
    last, last_token = ask(study)
    assert last.number == 3
    for number, one in ((running.number, token), (again.number, again_token), (last.number, last_token)):
        tell(study, number, one)
    assert study.state().n_complete == 4


def test_one_service_alone_writes_to_a_database(new_keeper: Callable[[], StudyKeeper], spec: StudySpec) -> None:
    first = new_keeper()
    with pytest.raises(Exception, match="another study service has this database"):
        new_keeper()
    first.close()
    opened(new_keeper(), spec, 1)


def test_one_worker_repeats_a_study_whatever_restarts(new_keeper: Callable[[], StudyKeeper], spec: StudySpec) -> None:
    def run(data: str, *, restart_at: int | None) -> list[dict[str, float]]:
        keeper = new_keeper()
        study = opened(keeper, spec.model_copy(update={"data": data}), 16)
        points = []
        for number in range(16):
            if number == restart_at:
                keeper.close()
                keeper = new_keeper()
                study = keeper.study(study.spec.name)
            trial, token = ask(study)
            points.append(trial.params)
            tell(study, trial.number, token, float(trial.params["lambda_l1"]))
        keeper.close()
        return points

    assert run(f"{spec.data} once", restart_at=None) == run(f"{spec.data} twice", restart_at=13)


def test_starts_run_first_and_count(keeper: StudyKeeper, spec: StudySpec) -> None:
    spec = spec.model_copy(update={"space": load_space("listed")})
    start = spec.space.point(7)
    study = opened(keeper, spec, 2, starts=[start])
    assert opened(keeper, spec, 2, starts=[start]).state().n_waiting == 1
    first, _ = ask(study)
    second, _ = ask(study)
    assert first.params == start != second.params
    assert study.ask(worker="third", token=new_token()).trial is None


def test_a_budget_grows_and_never_shrinks(keeper: StudyKeeper, spec: StudySpec) -> None:
    opened(keeper, spec, 3)
    assert opened(keeper, spec, 5).state().n_trials == 5
    assert opened(keeper, spec, 2).state().n_trials == 5


def test_a_trial_among_bad_folds_is_pruned(keeper: StudyKeeper, spec: StudySpec, study_database: StudyDatabase) -> None:
    study = opened(keeper, spec.model_copy(update={"pruner": "median"}), 6)
    for _ in range(5):
        trial, token = ask(study)
        assert not any(study.report(trial.number, token=token, step=fold, value=0.5) for fold in range(3))
        tell(study, trial.number, token)
    trial, token = ask(study)
    assert not study.report(trial.number, token=token, step=0, value=0.1)  # one fold says little
    assert study.report(trial.number, token=token, step=1, value=0.1)
    study.tell(trial.number, token=token, state=TrialState.PRUNED, value=None)
    pruned = optuna.load_study(study_name=study.spec.name, storage=study_database.uri).trials[-1]
    assert (pruned.state, pruned.value) == (TrialState.PRUNED, 0.1)


def test_a_second_attempt_knows_what_the_first_reported(keeper: StudyKeeper, spec: StudySpec) -> None:
    study = opened(keeper, spec.model_copy(update={"pruner": "wilcoxon"}), 1)
    trial, token = ask(study)
    study.report(trial.number, token=token, step=0, value=0.25)
    study.fail(trial.number, token=token, reason="the node goes away", again=True)
    again, _ = ask(study)
    assert again.reports == {0: 0.25}


@pytest.mark.parametrize(
    ("n_trials", "starts", "problem"),
    [
        (5, [], "a budget of 5 trials exceeds the space's 4 points"),
        (1, [{"max_depth": 3}, {"max_depth": 5}], "2 starts exceed the budget of 1 trials"),
        (2, [{"max_depth": 4}], "max_depth=4 lies outside the space"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_made(
    keeper: StudyKeeper, spec: StudySpec, n_trials: int, starts: list[dict[str, float]], problem: str
) -> None:
    spec = spec.model_copy(update={"space": make_space({"max_depth": [3, 5, 7, 9]})})
    with pytest.raises(ConfigurationError, match=problem):
        opened(keeper, spec, n_trials, starts=starts)
    with pytest.raises(ConfigurationError, match="unknown study"):
        keeper.study(spec.name)


def test_a_study_whose_stored_space_was_changed_is_refused(
    new_keeper: Callable[[], StudyKeeper], spec: StudySpec, study_database: StudyDatabase
) -> None:
    keeper = new_keeper()
    opened(keeper, spec, 2)
    changed = spec.model_copy(update={"space": load_space("listed")})
    stored_study = optuna.load_study(study_name=spec.name, storage=study_database.uri)
    stored_study.set_user_attr("fleetcast_spec", changed.model_dump(mode="json"))
    keeper.close()
    with pytest.raises(ConfigurationError, match=f"'{spec.name}' was made for another space, data or stage"):
        new_keeper().study(spec.name)


def test_another_space_data_or_stage_is_another_study(spec: StudySpec) -> None:
    others = [
        spec.model_copy(update=change)
        for change in ({"space": load_space("listed")}, {"data": "other"}, {"stage": "other"}, {"seed": 1})
    ]
    assert len({spec.name, *(other.name for other in others)}) == 5


@pytest.mark.parametrize("seed", range(2))
def test_any_mix_of_deaths_restarts_and_answers_finishes_the_budget(
    new_keeper: Callable[[], StudyKeeper], spec: StudySpec, clock: HandClock, seed: int
) -> None:
    rng = random.Random(seed)
    keeper = new_keeper()
    study = opened(keeper, spec, 25)
    held: list[tuple[int, str]] = []
    told: set[int] = set()
    for _ in range(2000):
        step = rng.random()
        if step < 0.45:
            token = new_token()
            answer = study.ask(worker="any", token=token)
            if answer.is_over:
                break
            held += [(answer.trial.number, token)] if answer.trial else []
        elif step < 0.75 and held:
            number, token = held.pop(rng.randrange(len(held)))
            with suppress(TakenOverError):
                tell(study, number, token, rng.random())
                told.add(number)
        elif step < 0.85 and held:
            held.pop(rng.randrange(len(held)))  # its worker dies
        elif step < 0.95:
            clock.now += rng.uniform(1, LATER)
            keeper.tick()
        elif step < 0.97:
            keeper.close()
            keeper = new_keeper()
            study = keeper.study(spec.name)
    state = study.state()
    assert (state.n_left, state.n_running, state.n_waiting) == (0, 0, 0)
    assert state.n_complete == len(told)
    assert state.n_complete + state.n_failed == 25
