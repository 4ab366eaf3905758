import pytest

from fleetcast.job_args.sequence import PanelArgs, TakePanel, TrainCnnLstm, TrainConvlstm, TuneConvlstm


@pytest.mark.parametrize("job", [TrainConvlstm, TrainCnnLstm, TakePanel])
def test_symbols_stand_one_after_the_other_or_in_one_word(job: type[PanelArgs]) -> None:
    request = ["--request", "r"] if job is TakePanel else []
    for words in (
        ["--symbols", "AAPL", "MSFT"],
        ["--symbols", "AAPL,MSFT"],
        ["--symbols", "AAPL", "--symbols", "MSFT"],
    ):
        found = job.from_argv([job.command, *words, "--output-dir", "store", *request])
        assert (found.symbols, found.store) == (("AAPL", "MSFT"), "store")


def test_the_best_of_a_search_is_fitted_on_the_same_data_and_nothing_replaces_its_values() -> None:
    tuning = TuneConvlstm(store="store", symbols=("AAPL",), n_stocks=1, seed=3, epochs=7, learning_rate=0.5, n_trials=2)
    best = tuning.for_config(TrainConvlstm, "best.json")
    assert best == TrainConvlstm(store="store", symbols=("AAPL",), n_stocks=1, seed=3, config="best.json")
    assert TrainConvlstm.from_argv(best.to_argv()) == best
