"""A fleet's manifests without the training: made-up results, written as the stages write them, with two real models."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any

import lightgbm as lgb
import numpy as np

from fleetcast.fleet.presets import load_preset
from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.fleet.variants import Variant
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.store.manifests import RunFolder, snapshot_folder
from fleetcast.store.objects import Store

COLUMNS = ("btc.technical.rsi.close.14", "btc.volatility.parkinson.20", "eth.cross.btc.return.5", "sol.temporal.hour")
SKIPPED = "143 events before the cutoff, at least 200 needed"
UNJUDGED = "holdout holds 7 rows of class neither, at least 10 needed"


@dataclass(frozen=True)
class SyntheticFleet:
    """Writes a run's manifests stage by stage; what a seed gives is always the same."""

    args: FleetJobArgs
    seed: int = 7
    preset: str = "micro"

    @cached_property
    def store(self) -> Store:
        return Store(self.args.store)

    @cached_property
    def folder(self) -> RunFolder:
        return RunFolder(self.store, self.args.run_key)

    def write_all(self, report: str | None = "<html><body>report</body></html>") -> None:
        self.write_early_stages()
        self.write_variants()
        self.write_family_bests()
        if report is not None:
            self.write_report(report)

    def write_early_stages(self) -> None:
        self._write_snapshot()
        args = self.args
        facts = args.model_dump(mode="json", exclude={"store", "run_key"})
        self.folder.stage("plan").commit(
            facts={
                **facts,
                "dag_run_id": "manual__2025-01-01",
                "preset": self.preset,
                "n_variants": len(args.variants()),
            }
        )
        names = {"technical": list(COLUMNS[:2]), "cross": [COLUMNS[2]], "temporal": [COLUMNS[3]]}
        self.folder.stage("features").commit(
            facts={
                "n_rows": 6000,
                "blocks": names,
                "n_columns": 32,
                "target_related": [],
                "seconds": 12.5,
                "cpu_seconds": 20.25,
            }
        )
        counts = {v.variant_id: {**self._counts(v), "skipped": self._skip_reason(v)} for v in args.variants()}
        self.folder.stage("labels").commit(facts={"n_rows": 6000, "counts": counts, "cpu_seconds": 3.5})
        columns = self.folder.stage("columns")
        columns.write("selected.json", json.dumps([{"name": n, "gain": 1.0, "n_models": 2} for n in COLUMNS]).encode())
        columns.commit(
            facts={
                "n_columns": 4,
                "n_kept": 11,
                "dropped": {"missing": 3, "one_value": 1, "correlated": 17},
                "stability": {
                    "variants": {"jaccard": 0.41, "kuncheva": 0.35, "n_pairs": 3},
                    "seeds": {"jaccard": 0.62, "kuncheva": 0.58, "n_pairs": 2},
                    "folds": None,
                    "halves": {"jaccard": 0.33, "kuncheva": 0.21, "n_pairs": 1},
                },
                "sampled_variants": [v.variant_id for v in args.variants()[:3]],
                "sampled_rows": {v.variant_id: 2500 for v in args.variants()[:3]},
                "best_rounds": {v.variant_id: 20 for v in args.variants()[:3]},
                "screen_end": 3000,
                "screen_seconds": 4.5,
                "seconds": 19.0,
                "cpu_seconds": 31.0,
            }
        )

    def write_variants(self, start: int = 0, stop: int | None = None) -> None:
        for variant in self.args.variants()[start:stop]:
            self.write_variant(self.result(variant))

    def write_variant(self, result: VariantResult) -> None:
        folder = self.folder.variant(result.variant_id)
        if result.status == "trained":
            folder.write("model.txt", model_text(result.n_events % 2))
        folder.commit(facts=result.model_dump(mode="json"))

    def write_family_bests(self) -> list[FamilyBest]:
        bests = []
        results = [self.result(v) for v in self.args.variants()]
        for family in self.args.families():
            of_family = [r for r in results if r.family_id == family.family_id]
            bests.append(self.best(of_family, family.family_id))
        totals = {
            "variants": len(results),
            "trained": sum(r.status == "trained" for r in results),
            "skipped": sum(r.status == "skipped" for r in results),
            "judged": sum(r.judged for r in results),
            "restarts": sum(r.n_restarts for r in results),
        }
        cpu = {
            "training_cpu_seconds": sum(r.training_cpu_seconds for r in results),
            "structure_cpu_seconds": sum(r.structure_cpu_seconds for r in results),
            "variants_cpu_seconds": sum(r.cpu_seconds for r in results),
        }
        self.folder.stage("family_bests").commit(
            facts={
                "families": {b.family_id: b.model_dump(mode="json") for b in bests},
                "totals": totals,
                "cpu": cpu,
                "holdout_looks": sum(b.variant_id is not None for b in bests),
                "holdout_looks_of_all_runs": 2 * sum(b.variant_id is not None for b in bests),
                "cpu_seconds": 4.0,
            }
        )
        return bests

    def write_report(self, html: str) -> None:
        stage = self.folder.stage("report")
        stage.write("report.html", html.encode())
        stage.commit()

    def result(self, variant: Variant) -> VariantResult:
        """Seeded by the variant's id; every twelfth variant is skipped, every ninth of the others is not judged."""
        reason = self._skip_reason(variant)
        counts = self._counts(variant)
        common: dict[str, Any] = {
            "variant_id": variant.variant_id,
            "family_id": variant.family.family_id,
            "n_events": counts["events"],
            "n_by_class": {name: counts[name] for name in ("breakout", "reversal", "neither")},
        }
        if reason:
            return VariantResult(**common, status="skipped", reason=reason)
        rng = self._rng(variant)
        judged = self._index(variant) % 9 != 5
        return VariantResult(
            **common,
            status="trained",
            judged=judged,
            unjudged_reason=None if judged else UNJUDGED,
            n_fit=counts["events"] // 2,
            n_stop=counts["events"] // 12,
            n_validation=counts["events"] // 5,
            n_holdout=counts["events"] // 10,
            best_round=int(rng.integers(5, 120)),
            structure_best_round=int(rng.integers(5, 60)),
            parameters={"objective": "multiclass", "num_leaves": 30, "learning_rate": 0.05, "deterministic": True},
            metrics=_metrics(rng) if judged else {},
            training_cpu_seconds=float(rng.gamma(4, 0.06)),
            structure_cpu_seconds=float(rng.gamma(4, 0.02)),
            cpu_seconds=float(rng.gamma(4, 0.09)),
            peak_memory_bytes=int(rng.integers(180, 260)) * 2**20,
        )

    def best(self, results: list[VariantResult], family_id: str) -> FamilyBest:
        judged = [r for r in results if r.judged]
        best = max(judged, key=lambda r: r.metrics["score"], default=None)
        raw = max(judged, key=lambda r: r.metrics["macro_average_precision"], default=None)
        holdout = _metrics(np.random.default_rng([self.seed, *family_id.encode()])) if best else {}
        return FamilyBest(
            family_id=family_id,
            variant_id=best and best.variant_id,
            raw_best_variant_id=raw and raw.variant_id,
            reason=None if best else "no variant was judged",
            n_trained=sum(r.status == "trained" for r in results),
            n_judged=len(judged),
            n_skipped=sum(r.status == "skipped" for r in results),
            n_events=best.n_events if best else 0,
            n_holdout=best.n_holdout if best else 0,
            validation=best.metrics if best else {},
            holdout={name: value for name, value in holdout.items() if name != "score"},
        )

    def _write_snapshot(self) -> None:
        finding = {
            "kind": "repair",
            "symbol": "eth",
            "timestamp": "2024-03-01T00:00:00Z",
            "message": "2 bars were there twice with the same values; kept one of each",
        }
        gap = {"kind": "remark", "symbol": "sol", "timestamp": "2024-05-07T10:15:00Z", "message": "3 bars missing"}
        symbols = list(self.args.symbols)
        snapshot_folder(self.store, self.args.dataset_rev).commit(
            facts={
                "symbols": symbols,
                "bar_seconds": 900.0,
                "n_bars": dict.fromkeys(symbols, 6000),
                "first": "2024-10-30T12:00:00Z",
                "cutoff": "2025-01-01T00:00:00Z",
                "findings": [finding, gap],
            }
        )

    def _index(self, variant: Variant) -> int:
        return self._positions[variant.variant_id]

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {v.variant_id: index for index, v in enumerate(self.args.variants())}

    def _rng(self, variant: Variant) -> np.random.Generator:
        return np.random.default_rng([self.seed, self._index(variant)])

    def _skip_reason(self, variant: Variant) -> str | None:
        return SKIPPED if self._index(variant) % 12 == 11 else None

    def _counts(self, variant: Variant) -> dict[str, int]:
        events = 143 if self._skip_reason(variant) else int(self._rng(variant).integers(400, 5000))
        return {"events": events, "breakout": events // 2, "reversal": events // 4, "neither": events - events * 3 // 4}


def fleet_args(store_uri: str, job: type[FleetJobArgs] = FleetJobArgs, **changes: Any) -> FleetJobArgs:
    """Arguments of a job on the micro fleet: 3 families of 12 variants."""
    return _args(store_uri, "micro", job, changes)


def full_fleet_args(store_uri: str, job: type[FleetJobArgs] = FleetJobArgs, **changes: Any) -> FleetJobArgs:
    """Arguments of a job on the whole fleet: 36 families of 60 variants."""
    return _args(store_uri, "sample", job, changes)


def _args(store_uri: str, preset: str, job: type[FleetJobArgs], changes: dict[str, Any]) -> FleetJobArgs:
    fields = load_preset(preset).model_dump(exclude={"last_bars"})
    shared = {name: changes.pop(name) for name in list(changes) if name in FleetJobArgs.model_fields}
    base = FleetJobArgs(
        **{**fields, "dataset_rev": "0a1b2c3d4e5f60718293", "cutoff": datetime(2025, 1, 1, tzinfo=UTC), **shared},
        store=store_uri,
    )
    return base.with_run_key().for_job(job, **changes)


def _metrics(rng: np.random.Generator) -> dict[str, float]:
    macro, error = float(rng.normal(0.42, 0.02)), 0.012
    delta, direction = float(rng.normal(0.001, 0.008)), float(rng.normal(0.5, 0.015))
    return {
        "macro_average_precision": macro,
        "macro_average_precision_low": macro - 0.024,
        "macro_average_precision_high": macro + 0.024,
        "random_baseline": 0.337,
        "standard_error": error,
        "score": (macro - 0.337) / error,
        "structure_macro_average_precision": macro - delta,
        "delta": delta,
        "delta_low": delta - 0.014,
        "delta_high": delta + 0.015,
        "direction": direction,
        "direction_low": direction - 0.03,
        "direction_high": direction + 0.03,
        "neither_auc": 0.68,
        "log_loss": 1.04,
        "average_precision_breakout": 0.45,
        "average_precision_reversal": 0.41,
        "average_precision_neither": 0.40,
    }


@cache
def model_text(seed: int) -> bytes:
    """A really trained booster on four columns and three classes, in LightGBM's text form."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(300, len(COLUMNS))), rng.integers(0, 3, size=300)
    parameters = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1, "num_leaves": 5}
    booster = lgb.train(parameters, lgb.Dataset(X, y), num_boost_round=4)
    text: str = booster.model_to_string()
    return text.encode()
