"""The key of what is certified: whatever decides columns, labels or masking changes it."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from fleetcast.job_args.run_key import certified_sources, digest_of

PACKAGE = Path(str(files("fleetcast")))
DECIDING = (
    "features/engine.py",  # columns
    "features/history.py",  # which rows are masked
    "audit/admission.py",
    "audit/certificate.py",
    "audit/slices.py",
    "labels/families.py",  # label_family
    "labels/outcomes.py",
    "splits/parts.py",
    "data/checks.py",
    "fleet/default.toml",  # the grid
    "fleet/presets.py",
    "fleet/variants.py",
    "locks/trainer.lock",
    "data/sample/crypto_15m_2024.parquet",
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, to edit."""
    copied = tmp_path_factory.mktemp("copy") / "fleetcast"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


def key_of(package: Path) -> str:
    return digest_of(certified_sources.__wrapped__(package))


@pytest.mark.parametrize("name", DECIDING)
def test_an_edit_of_what_decides_values_changes_the_key(package: Path, name: str) -> None:
    before, content = key_of(package), (package / name).read_bytes()
    (package / name).write_bytes(content + b"\n")
    assert key_of(package) != before
    (package / name).write_bytes(content)
    assert key_of(package) == before == digest_of(certified_sources())


@pytest.mark.parametrize("name", ["jobs/label_events.py", "training/shard.py", "audit/certificate.json"])
def test_an_edit_of_what_decides_no_value_leaves_it(package: Path, name: str) -> None:
    before, content = key_of(package), (package / name).read_bytes()
    (package / name).write_bytes(content + b"\n")
    assert key_of(package) == before
    (package / name).write_bytes(content)


def test_jobs_leave_labels_and_masking_to_certified_packages() -> None:
    for job in ("label_events", "compute_features", "certify_features"):
        source = (PACKAGE / "jobs" / f"{job}.py").read_text()
        assert "numpy" not in source, f"{job} computes values outside what is certified"
