"""Job ``choose-family-bests``: one variant a family, chosen on validation, then looked at once on the holdout.

A run that goes on tuning does not look yet: its one look is `fleetcast.jobs.judge_holdout`, after every choice.
"""

import json
import logging
import time
from collections.abc import Sequence

from fleetcast.fleet.results import VariantResult
from fleetcast.job_args.fleet import ChooseFamilyBests
from fleetcast.job_args.run_key import digest_of
from fleetcast.store.holdout import count_looks, note_looks
from fleetcast.training.family_bests import choose_all, load_results
from fleetcast.training.model_checks import check_models
from fleetcast.training.run_data import RunData, load_run_data

logger = logging.getLogger(__name__)


def run(args: ChooseFamilyBests) -> None:
    """Commits the family bests; ends at once when they are committed."""
    data = load_run_data(args)
    folder = data.folder.stage("family_bests")
    if folder.is_done():
        return
    started = time.process_time()
    results = load_results(data)
    made_anew = check_models(data, results)
    n_chosen = len({result.family_id for result in results if result.judged})
    n_looks = 0 if args.tune else n_chosen
    if n_looks:
        note_looks(data.folder.store, dataset_rev=args.dataset_rev, run_key=args.run_key, n_looks=n_looks)
    bests = choose_all(data, results, looks=not args.tune)
    families = {best.family_id: best.model_dump(mode="json") for best, _ in bests}
    for best, look in bests:
        if look is not None:
            look.write(folder, best.family_id)
    folder.write("bests.json", json.dumps(families, indent=1).encode())  # without times: equal runs, equal digests
    folder.commit(
        inputs={**data.inputs, "variants": _digest_of_models(data)},
        facts={
            "families": families,
            "totals": _totals(results),
            "cpu": _cpu(results),
            "models_made_anew": made_anew,
            "holdout_looks": n_looks,
            "holdout_looks_of_all_runs": count_looks(data.folder.store, dataset_rev=args.dataset_rev),
            "cpu_seconds": time.process_time() - started,
        },
    )
    logger.info("chose %d family bests of %d families", n_chosen, len(bests))


def _digest_of_models(data: RunData) -> str:
    """One digest over every variant's outputs: equal runs have equal digests, however often they were interrupted."""
    variant_ids = [variant.variant_id for variant in data.args.variants()]
    return digest_of({v: data.folder.variant(v).require().output_digest for v in variant_ids})


def _totals(results: Sequence[VariantResult]) -> dict[str, int]:
    return {
        "variants": len(results),
        "trained": sum(r.status == "trained" for r in results),
        "skipped": sum(r.status == "skipped" for r in results),
        "judged": sum(r.judged for r in results),
        "restarts": sum(r.n_restarts for r in results),
    }


def _cpu(results: Sequence[VariantResult]) -> dict[str, float]:
    return {
        "training_cpu_seconds": sum(r.training_cpu_seconds for r in results),
        "structure_cpu_seconds": sum(r.structure_cpu_seconds for r in results),
        "variants_cpu_seconds": sum(r.cpu_seconds for r in results),
    }
