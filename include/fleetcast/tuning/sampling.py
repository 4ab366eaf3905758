"""Where the next trial looks: Optuna's TPE, seeded by the trial, and never a point that the study has already."""

import itertools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, MedianPruner, NopPruner, WilcoxonPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fleetcast.job_args.run_key import digest_of
from fleetcast.tuning.space import Choice, Range, Space

MAX_DRAWS = 8  # of TPE, for one point that is new; then any new point will do
Point = tuple[Any, ...]


def distributions_of(space: Space) -> dict[str, BaseDistribution]:
    """The space in Optuna's words."""
    return {name: _distribution(allowed) for name, allowed in space.parameters.items()}


def make_pruner(name: str) -> BasePruner:
    """``none``, or one that judges between folds: ``median`` or ``wilcoxon``."""
    if name == "none":
        return NopPruner()
    if name == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return WilcoxonPruner(p_threshold=0.1)


class DistinctSampler(BaseSampler):
    """TPE that draws again when the study has the point already, running, waiting or finished.

    Each trial's draws have a seed of their own, made of the study's and the trial's number: no two workers follow one
    stream of random numbers, and a restarted service goes on as the one before would have.
    """

    def __init__(self, space: Space, *, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._distributions = distributions_of(space)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The whole space, from the first trial on."""
        return {name: known for name, known in self._distributions.items() if not known.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A point that no other trial of the study has; one that a finished trial has when there is no other."""
        others = [t for t in study.get_trials(deepcopy=False) if t.number != trial.number]
        names = sorted(search_space)
        taken = {_point(t.params, names) for t in others}
        for draw in range(MAX_DRAWS):
            params = self._draw(study, trial, search_space, draw)
            if _point(params, names) not in taken:
                return params
        return self._any_free(trial, taken, names) or params

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Never asked in a fixed space; Optuna's base class demands it."""
        return RandomSampler(seed=self._seed_of(trial, 0)).sample_independent(
            study, trial, param_name, param_distribution
        )

    def _draw(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution], draw: int
    ) -> dict[str, Any]:
        seed = self._seed_of(trial, draw)
        params = TPESampler(seed=seed).sample_relative(study, trial, search_space)
        if params:
            return params
        at_random = RandomSampler(seed=seed)  # until enough trials have finished
        return {
            name: at_random.sample_independent(study, trial, name, search_space[name]) for name in sorted(search_space)
        }

    def _any_free(self, trial: FrozenTrial, taken: set[Point], names: Sequence[str]) -> dict[str, Any] | None:
        n_points = self._space.n_points
        if n_points is None:
            return None
        start = int(np.random.default_rng(self._seed_of(trial, MAX_DRAWS)).integers(n_points))
        for index in itertools.islice(itertools.chain(range(start, n_points), range(start)), len(taken) + 1):
            params = self._space.point(index)
            if _point(params, names) not in taken:
                return {name: params[name] for name in names}
        return None

    def _seed_of(self, trial: FrozenTrial, draw: int) -> int:
        return int(digest_of([self._seed, trial.number, draw])[:8], 16)


def has_ended(trial: FrozenTrial) -> bool:
    """Whether the trial needs no worker any more."""
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def _distribution(allowed: Choice | Range) -> BaseDistribution:
    if not isinstance(allowed, Range):
        return CategoricalDistribution(allowed)
    if allowed.is_whole:
        return IntDistribution(int(allowed.low), int(allowed.high), log=allowed.log)
    return FloatDistribution(allowed.low, allowed.high, log=allowed.log)


def _point(params: dict[str, Any], names: Sequence[str]) -> Point:
    return tuple(params.get(name) for name in names)
