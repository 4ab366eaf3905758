"""How far lists of columns agree: of several models, under other seeds, and from other stretches of time."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from fleetcast.fleet.variants import Grid
from fleetcast.labels.families import FamilyLabels
from fleetcast.selection.ranking import aggregate
from fleetcast.selection.sampling import SelectionRows, selection_rows

Names = Collection[str]
Pair = tuple[Names, Names]
N_FOLDS = 2  # of the screening rows, in time
MODELS_A_PROBE = 6  # one in so many selection models is fitted again, so that this costs a third of the selection


class Agreement(BaseModel):
    """Means over pairs of lists: the share in common (0 to 1), and what of it chance does not give (-1 to 1)."""

    model_config = ConfigDict(frozen=True)

    jaccard: float
    kuncheva: float
    n_pairs: int


def probed(n_models: int) -> list[int]:
    """Which of the selection's models are fitted again, under another seed and on each fold: evenly spaced."""
    n_probes = min(n_models, max(2, n_models // MODELS_A_PROBE))
    return [i * n_models // n_probes for i in range(n_probes)]


def fold_rows(labels: FamilyLabels, rows: SelectionRows, *, grid: Grid, screen_end: int) -> list[SelectionRows]:
    """The variant's rows in equal stretches of the time before the screen's end, those that a model can be fitted on.

    Args:
        labels: of the variant's family.
        rows: the variant's.
        grid: the fleet's.
        screen_end: first timeline row that selection must not see.
    """
    edges = [i * screen_end // N_FOLDS for i in range(N_FOLDS + 1)]
    folds = [
        selection_rows(labels, rows.variant, grid=grid, start=start, screen_end=stop)
        for start, stop in itertools.pairwise(edges)
    ]
    return [fold for fold in folds if fold.unusable is None]


def describe_stability(
    tops: Sequence[Mapping[str, float]], n_fits: Sequence[int], *, n_kept: int, n_columns: int
) -> dict[str, dict[str, float] | None]:
    """How far a selection's lists of columns agree, by what is compared.

    Between all variants' top lists (``variants``), a variant's under two seeds (``seeds``) and from two stretches of
    time (``folds``), and between the selections of every other variant (``halves``).

    Args:
        tops: of the selection's models, then of each probe's: another seed first, then the folds.
        n_fits: how many models each probe has.
        n_kept: how many columns have passed the screen.
        n_columns: how many are selected.
    """
    n_models = len(tops) - sum(n_fits)
    own, rest = tops[:n_models], iter(tops[n_models:])
    seeds: list[Pair] = []
    folds: list[Pair] = []
    for i, n_fit in zip(probed(n_models), n_fits, strict=True):
        other, *of_folds = itertools.islice(rest, n_fit)
        seeds.append((own[i], other))
        folds += all_pairs(of_folds)
    halves = [[column.name for column in aggregate(own[k::2], n_columns=n_columns)] for k in (0, 1)]
    pairs: dict[str, list[Pair]] = {
        "variants": all_pairs(own),
        "seeds": seeds,
        "folds": folds,
        "halves": all_pairs(halves),
    }
    found = {name: mean_agreement(of, n_columns=n_kept) for name, of in pairs.items()}
    return {name: None if one is None else one.model_dump() for name, one in found.items()}


def mean_agreement(pairs: Iterable[Pair], *, n_columns: int) -> Agreement | None:
    """How far the two lists of each pair agree, in the mean; None without a pair of two lists that name something.

    Args:
        pairs: of lists to compare.
        n_columns: how many columns each list was chosen from.

    Source: Jaccard 1912; Kuncheva 2007, A Stability Index for Feature Selection, equation 2; for lists of different
    lengths with the expected overlap of both and the largest possible one (Lustgarten, Gopalakrishnan and Visweswaran
    2009); Nogueira, Sechidis and Brown 2018 on why chance must be taken out.
    """
    known = [(set(one), set(other)) for one, other in pairs if one and other]
    if not known:
        return None
    return Agreement(
        jaccard=round(float(np.mean([len(a & b) / len(a | b) for a, b in known])), 4),
        kuncheva=round(float(np.mean([_kuncheva(a, b, n_columns=n_columns) for a, b in known])), 4),
        n_pairs=len(known),
    )


def all_pairs(lists: Sequence[Names]) -> list[Pair]:
    """Each list with every later one."""
    return list(itertools.combinations(lists, 2))


def _kuncheva(a: set[str], b: set[str], *, n_columns: int) -> float:
    by_chance = len(a) * len(b) / n_columns
    most = min(len(a), len(b))
    return 1.0 if most == by_chance else (len(a & b) - by_chance) / (most - by_chance)
