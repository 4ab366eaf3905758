"""Job ``run-convlstm-suite``: a baseline, a quick search, a long one, and the best of them, all judged."""

import logging

from fleetcast.job_args.sequence import DirectionArgs, EvaluateConvlstm, RunConvlstmSuite, TrainConvlstm, TuneConvlstm
from fleetcast.jobs import evaluate_convlstm, train_convlstm, tune_convlstm

log = logging.getLogger(__name__)


def run(args: RunConvlstmSuite) -> None:
    """Each step ends at once when it was done before, so that a suite that was killed goes on."""
    shared = args.model_dump(include=set(DirectionArgs.model_fields))
    log.info("the baseline")
    train_convlstm.run(TrainConvlstm(**shared))
    evaluate_convlstm.run(EvaluateConvlstm(**shared))
    for n_trials in (args.quick_trials, args.quick_trials + args.n_trials):  # one study, whose budget grows
        log.info("the search up to %d trials", n_trials)
        tuning = args.model_dump(include={"tuning_config", "timeout_seconds", "trial_epochs"})
        best = tune_convlstm.search_best(TuneConvlstm(**shared, **tuning, n_trials=n_trials))
    log.info("the best of them, for longer")
    train_convlstm.run(args.for_config(TrainConvlstm, best))
    evaluate_convlstm.run(args.for_config(EvaluateConvlstm, best))
