"""Job ``judge-holdout``: each family's tuned model looks at the holdout once, after every choice is made."""

import logging
import time

from fleetcast.fleet.results import FamilyBest
from fleetcast.job_args.run_key import digest_of
from fleetcast.job_args.tuning import JudgeHoldout
from fleetcast.store.holdout import count_looks, note_looks
from fleetcast.training.device import check_device
from fleetcast.training.fitting import model_text
from fleetcast.training.run_data import load_run_data
from fleetcast.tuning.tuned_models import JudgedSibling, TunedChoice, judge_tuned, tuned_variants, with_holdout

logger = logging.getLogger(__name__)


def run(args: JudgeHoldout) -> None:
    """Commits the tuned models and what they reach on the holdout; ends at once when they are committed."""
    data = load_run_data(args)
    folder = data.folder.stage("holdout")
    if folder.is_done():
        return
    check_device(args.lightgbm_device)
    started = time.process_time()
    bests = data.folder.stage("family_bests").require()
    chosen = data.folder.tuning_result(4).require().facts["tuned"]
    tuned = {family_id: TunedChoice.model_validate(choice) for family_id, choice in chosen.items()}
    variants = tuned_variants(data, tuned)
    note_looks(data.folder.store, dataset_rev=args.dataset_rev, run_key=args.run_key, n_looks=len(tuned))
    siblings: dict[str, JudgedSibling] = {}
    for family_id, point in sorted(tuned.items()):
        siblings[family_id] = judge_tuned(data, variants[family_id], point.parameters)
        folder.write(f"{family_id}.model.txt", model_text(siblings[family_id].model))
        siblings[family_id].look.write(folder, family_id)
    families = {
        family_id: with_holdout(FamilyBest.model_validate(best), tuned.get(family_id), siblings.get(family_id))
        for family_id, best in bests.facts["families"].items()
    }
    folder.commit(
        inputs={
            **data.inputs,
            "family_bests": bests.output_digest,
            "tuned": digest_of({family_id: point.model_dump(mode="json") for family_id, point in tuned.items()}),
        },
        facts={
            "families": {family_id: best.model_dump(mode="json") for family_id, best in families.items()},
            "fits": {family_id: sibling.fit for family_id, sibling in siblings.items()},
            "holdout_looks": len(tuned),
            "holdout_looks_of_all_runs": count_looks(data.folder.store, dataset_rev=args.dataset_rev),
            "cpu_seconds": time.process_time() - started,
        },
    )
    logger.info("%d tuned models of %d families met the holdout", len(tuned), len(families))
