"""What the report reads: manifests, and nothing else."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.fleet.variants import Grid, Variant
from fleetcast.store.manifests import Manifest, RunFolder, StageFolder, snapshot_folder

N_READERS = 8  # a remote store answers them side by side
TUNED_STAGES = (2, 3, 4)


@dataclass(frozen=True)
class ReportInputs:
    """One run as its manifests tell it.

    Attributes:
        run_key: names the run.
        grid: the fleet.
        facts: of each stage that has a manifest, by stage: ``plan snapshot features labels columns family_bests``, and
            of a run that tunes ``tuning_plan_2 tuning_2 tuning_3 tuning_4 holdout`` and ``production``, by family id.
        results: by variant id; a variant without a manifest is missing.
        bests: by family id; of a run that tunes with the tuned model's look at the holdout.
    """

    run_key: str
    grid: Grid
    facts: Mapping[str, Mapping[str, Any]]
    results: Mapping[str, VariantResult]
    bests: Mapping[str, FamilyBest]

    @property
    def ordered_bests(self) -> list[FamilyBest]:
        """The families' bests in the grid's order."""
        return [self.bests[f.family_id] for f in self.grid.families() if f.family_id in self.bests]

    @property
    def chosen(self) -> list[FamilyBest]:
        """Those that have a variant."""
        return [best for best in self.ordered_bests if best.variant_id is not None]

    @property
    def judged(self) -> list[VariantResult]:
        """All judged variants, in the grid's order."""
        return [r for r in self.ordered_results if r.judged]

    @property
    def ordered_results(self) -> list[VariantResult]:
        """All results in the grid's order."""
        return [self.results[v.variant_id] for v in self.grid.variants() if v.variant_id in self.results]


def read_inputs(run: RunFolder, grid: Grid, *, dataset_rev: str) -> ReportInputs:
    """Reads the manifests of a run.

    Raises:
        StoreError: the family bests are not chosen yet.
    """
    bests = run.stage("family_bests").require()
    stages: dict[str, StageFolder] = {name: run.stage(name) for name in ("plan", "features", "labels", "columns")}
    stages["snapshot"] = snapshot_folder(run.store, dataset_rev)
    stages |= {f"tuning_{stage}": run.tuning_result(stage) for stage in TUNED_STAGES}
    stages |= {"tuning_plan_2": run.tuning_plan(2), "holdout": run.stage("holdout")}
    facts = {name: manifest.facts for name, stage in stages.items() if (manifest := stage.committed()) is not None}
    looked = facts.get("holdout", bests.facts)
    return ReportInputs(
        run_key=run.run_key,
        grid=grid,
        facts={**facts, "family_bests": bests.facts, "production": _read_production(run, grid)},
        results=_read_results(run, grid.variants()),
        bests={family_id: FamilyBest.model_validate(best) for family_id, best in looked["families"].items()},
    )


def _read_production(run: RunFolder, grid: Grid) -> dict[str, Any]:
    folders = {family.family_id: run.production_model(family.family_id) for family in grid.families()}
    if not run.store.list_folders(f"{run.path}/production/models"):
        return {}
    manifests = {family_id: folder.committed() for family_id, folder in folders.items()}
    return {family_id: manifest.facts for family_id, manifest in manifests.items() if manifest is not None}


def _read_results(run: RunFolder, variants: Sequence[Variant]) -> dict[str, VariantResult]:
    def read(variant: Variant) -> Manifest | None:
        return run.variant(variant.variant_id).committed()

    with ThreadPoolExecutor(N_READERS) as pool:
        manifests = pool.map(read, variants)
        return {
            variant.variant_id: VariantResult.model_validate(manifest.facts)
            for variant, manifest in zip(variants, manifests, strict=True)
            if manifest is not None
        }
