"""The contract of model families, for the fleet's LightGBM variants."""

from pathlib import Path

import pytest

from fleetcast.job_args.fleet import TrainVariants
from model_contract import MakeArgv, ModelContract
from ready_run import make_ready_run


class TestVariants(ModelContract):
    wrong = ("--shard", "-1")

    @pytest.fixture
    def make_argv(self) -> MakeArgv:
        def make(folder: Path) -> list[str]:
            args = make_ready_run(folder.as_uri())
            return args.for_job(TrainVariants, shard=0, variants_per_pod=2).to_argv()

        return make
