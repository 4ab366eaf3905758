"""What the registry is told about each production model: plain texts and numbers, read from a run's manifests."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from fleetcast.errors import DataError
from fleetcast.fleet.results import Metrics, Parents, ProductionResult, TrialResult
from fleetcast.fleet.variants import Family
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.store.manifests import Manifest, RunFolder
from fleetcast.tracking.records import KEY_TAG, KIND_TAG, MAX_TAG_CHARACTERS

KIND = "production"
HEADLINES = ("macro_average_precision", "delta", "direction")  # with their 95 % intervals
SCORED_ON_NOTHING = (
    "This model was scored on nothing: it has seen all rows. The metrics are those of its judged sibling, a model of "
    "the same variant and parameters that was fitted on earlier rows and looked at the holdout once."
)


@dataclass(frozen=True)
class Verdict:
    """What the ledger says of a family; ``reason`` says why it must not be promoted."""

    promotable: bool
    reason: str | None = None


class Sibling(BaseModel):
    """The judged model beside a production model: what of the holdout's stage, or the family bests', counts here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    variant_id: str | None
    validation: Metrics = {}
    holdout: Metrics = {}


@dataclass(frozen=True)
class VersionRecord:
    """One version to be: ``key`` names it for ever, so that a second registration finds it.

    ``tags`` never change, and stand on the version, its run and its model; ``verdict`` (the ledger's) and
    ``description`` may, and stand on the version alone. ``metrics`` (the sibling's) and ``parameters`` are shown with
    the run. ``columns`` are the model's inputs in order, ``columns_json`` the same with what stands there for an
    unknown value.
    """

    key: str
    family: Family
    text: bytes
    columns: Sequence[str]
    columns_json: bytes
    tags: Mapping[str, str]
    verdict: Mapping[str, str]
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]
    description: str
    seconds: float  # the CPU time of the model's process

    @property
    def name(self) -> str:
        """Of the registered model."""
        return registered_name(self.family.family_id)


def registered_name(family_id: str) -> str:
    """Such as ``fleetcast-btc-w10-high``."""
    return f"fleetcast-{family_id}"


def read_verdicts(run: RunFolder) -> dict[str, Verdict] | None:
    """The ledger's verdicts by family id, or None where no ledger over all stages was kept.

    It reads stage ``ledger``, facts ``{"families": {family_id: {"promotable": bool, "reason": text or null}}}``.
    """
    ledger = run.stage("ledger").committed()
    if ledger is None:
        return None
    families = ledger.facts["families"]
    return {family_id: Verdict(bool(row["promotable"]), row.get("reason")) for family_id, row in families.items()}


def read_records(
    run: RunFolder, args: FleetJobArgs, *, verdicts: Mapping[str, Verdict] | None = None
) -> Iterator[VersionRecord]:
    """The run's production models in the grid's order; families without one are left out.

    Args:
        run: its folder.
        args: its arguments.
        verdicts: the ledger's, by family id; None where there is no ledger.

    Raises:
        DataError: the judged sibling is of another variant.
        StoreError: a stage is not done, or an object does not match its manifest.
    """
    siblings = run.stage("holdout" if args.tune else "family_bests").require().facts["families"]
    columns_json = run.stage("production/columns").read("selected.json")
    columns = [entry["name"] for entry in json.loads(columns_json)]
    for family in args.families():
        folder = run.production_model(family.family_id)
        manifest = folder.require()
        result = ProductionResult.model_validate(manifest.facts)
        if result.status == "skipped" or result.parents is None:
            continue
        sibling = _sibling(siblings, family.family_id, variant_id=result.parents.variant_id)
        verdict = None if verdicts is None else verdicts.get(family.family_id, Verdict(False, "the ledger has no best"))
        yield VersionRecord(
            key=f"{run.run_key}/{KIND}/{family.family_id}/{manifest.output_digest[:20]}",
            family=family,
            text=folder.read("model.txt"),
            columns=columns,
            columns_json=columns_json,
            tags=_tags(run, args, manifest=manifest, result=result, sibling=sibling),
            verdict={"promotable": _promotable(verdict), "promotable_reason": _reason(verdict)[:MAX_TAG_CHARACTERS]},
            metrics={**_sibling_metrics(run, sibling, result.parents), **_counts(result)},
            parameters={name: str(value) for name, value in result.parameters.items()},
            description=_description(args, result, result.parents, verdict=verdict),
            seconds=result.cpu_seconds,
        )


def _sibling(siblings: Mapping[str, Any], family_id: str, *, variant_id: str) -> Sibling:
    sibling = Sibling.model_validate(siblings.get(family_id, {"variant_id": None}))
    if sibling.variant_id != variant_id:
        raise DataError(
            f"cannot register the model of {family_id}: it is of {variant_id}, and the one that was judged is of "
            f"{sibling.variant_id}. The stages are of different runs; trigger a new run."
        )
    return sibling


def _tags(
    run: RunFolder, args: FleetJobArgs, *, manifest: Manifest, result: ProductionResult, sibling: Sibling
) -> dict[str, str]:
    family_id = result.family_id
    return {
        KEY_TAG: f"{run.run_key}/{KIND}/{family_id}/{manifest.output_digest[:20]}",
        KIND_TAG: KIND,
        "run_key": run.run_key,
        "family_id": family_id,
        "dataset_rev": args.dataset_rev,
        "cutoff": args.cutoff.isoformat(),
        "code_digest": manifest.code_digest,
        **{f"{name}_digest": digest for name, digest in manifest.inputs.items()},  # the leak certificate's among them
        **{f"parent_{name}": str(value) for name, value in _known(result.parents)},
        "n_rows": str(result.n_rows),
        "n_rounds": str(result.n_rounds),
        **{f"sibling_holdout_{name}": _with_interval(sibling.holdout, name) for name in HEADLINES},
        "metrics_of": SCORED_ON_NOTHING,
    }


def _known(parents: Parents | None) -> list[tuple[str, Any]]:
    return [] if parents is None else [(name, value) for name, value in parents if value is not None]


def _sibling_metrics(run: RunFolder, sibling: Sibling, parents: Parents) -> dict[str, float]:
    """On the holdout, and on what it was chosen by: the rows out of fold of its trial, or stage 1's validation rows."""
    if parents.study is None or parents.trial is None:
        chosen_by, metrics = "validation", sibling.validation
    else:
        trial = run.trial(parents.study, parents.trial).require()
        chosen_by, metrics = "out_of_fold", TrialResult.model_validate(trial.facts).metrics
    return {
        **{f"sibling_{chosen_by}_{name}": value for name, value in metrics.items()},
        **{f"sibling_holdout_{name}": value for name, value in sibling.holdout.items()},
    }


def _counts(result: ProductionResult) -> dict[str, float]:
    return {
        "n_fit": float(result.n_fit),
        "n_stop": float(result.n_stop),
        "n_rows": float(result.n_rows),
        "best_round": float(result.best_round),
        "n_rounds": float(result.n_rounds),
        "training_cpu_seconds": result.training_cpu_seconds,
        "cpu_seconds": result.cpu_seconds,
    }


def _with_interval(metrics: Mapping[str, float], name: str) -> str:
    if name not in metrics:
        return "not known"
    ends = [f"{metrics[f'{name}_{end}']:.4f}" for end in ("low", "high") if f"{name}_{end}" in metrics]
    return f"{metrics[name]:.4f}" + (f" (95 %: {' to '.join(ends)})" if len(ends) == 2 else "")


def _promotable(verdict: Verdict | None) -> str:
    return "unknown" if verdict is None else str(verdict.promotable).lower()


def _reason(verdict: Verdict | None) -> str:
    if verdict is None:
        return "no ledger over all stages was kept"
    return verdict.reason or ("passed out of fold and on the holdout" if verdict.promotable else "no reason was given")


def _description(args: FleetJobArgs, result: ProductionResult, parents: Parents, *, verdict: Verdict | None) -> str:
    origin = (
        f"parameters of trial {parents.trial} of study {parents.study} (stage {parents.stage})"
        if parents.study
        else "stage 1's parameters, not tuned"
    )
    promotion = {"unknown": "Not known to be promotable", "true": "Promotable", "false": "Not promotable"}
    return (
        f"{parents.variant_id}, {origin}, {result.n_rounds} rounds on all {result.n_rows} labelled events before "
        f"{args.cutoff.isoformat()}. {SCORED_ON_NOTHING} {promotion[_promotable(verdict)]}: "
        f"{_reason(verdict)}."
    )
