"""Stands for ``fleetcast``: reads the job's arguments as the real one does and commits what it would have committed."""

import sys

from fleetcast.job_args import sequence
from fleetcast.job_args.fleet import TakeSnapshot, TrainVariants
from fleetcast.job_args.sequence_config import CnnLstmTraining, ConvLstmTraining
from fleetcast.job_args.tuning import PlanFamilyTuning, PlanTuning, RunTrials
from fleetcast.orchestration.commands import read_arguments, result_folders

args = read_arguments(sys.argv[1:])
facts = {}
if isinstance(args, TakeSnapshot):
    if "unreadable" in args.bars:
        print(f"take-snapshot: no bars at {args.bars}", file=sys.stderr)
        sys.exit(2)
    facts = {
        "dataset_rev": "0123456789abcdef0123",
        "cutoff": str(args.cutoff),
        "requested": args.model_dump(mode="json"),
    }
if isinstance(args, TrainVariants) and 13 in args.window_bars:
    print("train-variants: a window that cannot be trained", file=sys.stderr)
    sys.exit(2)
if isinstance(args, RunTrials) and 17 in args.window_bars:
    print("run-trials: a window that cannot be tuned", file=sys.stderr)
    sys.exit(2)
if isinstance(args, TrainVariants | RunTrials):
    facts = {"shard": args.shard}
if isinstance(args, PlanTuning):
    families = args.families()[: len(args.window_bars) if args.stage == 2 else None]
    facts = {"studies": [{"study": f"stage-{args.stage}-{family.family_id}"} for family in families]}
if isinstance(args, PlanFamilyTuning):
    facts = {"studies": [{"study": args.by_hand}], "asked": args.model_dump(mode="json")}
if isinstance(args, sequence.TakePanel):
    facts = {"dataset_rev": "0123456789abcdef0123", "index_rev": None, "requested": args.model_dump(mode="json")}
if isinstance(args, sequence.SequenceArgs) and args.seed == 13:
    print(f"{args.command}: a panel that cannot be trained on", file=sys.stderr)
    sys.exit(2)
for folder in result_folders(args):
    if isinstance(args, sequence.TuneConvlstm | sequence.TuneCnnLstm):
        kind = ConvLstmTraining if isinstance(args, sequence.TuneConvlstm) else CnnLstmTraining
        folder.write("best_config.json", kind(experiment_name="best").model_dump_json().encode())
    folder.commit(facts=facts)
print(f"{args.command}: done")
