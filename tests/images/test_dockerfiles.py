import re
from pathlib import Path

import pytest

from dockerfiles import Dockerfile

ROOT = Path(__file__).parents[2]
IMAGES = sorted(path.parent.name for path in (ROOT / "images").glob("*/Dockerfile"))
ON_A_BASE = [name for name in IMAGES if name != "airflow-process"]
USER_ID = "50000"


def dockerfile(name: str) -> Dockerfile:
    return Dockerfile.read(ROOT / "images" / name / "Dockerfile")


def copied(name: str) -> list[str]:
    """What an image takes from the repository."""
    copies = [value.split() for word, value in dockerfile(name).instructions() if word == "COPY"]
    return [source for words in copies if not words[0].startswith("--from") for source in words[:-1]]


def test_there_is_one_folder_an_image() -> None:
    assert {"airflow", "airflow-process", "mlflow", "sequence", "trainer"} <= set(IMAGES)


@pytest.mark.parametrize("name", ON_A_BASE)
def test_the_base_is_an_argument_with_a_pinned_default(name: str) -> None:
    assert re.search(r"python:3\.11\.\d+-slim-bookworm$", dockerfile(name).arguments["BASE_IMAGE"])
    assert {stage.source for stage in dockerfile(name).stages} == {"${BASE_IMAGE}", "python"}


def test_the_process_image_is_made_of_the_other_two() -> None:
    assert [stage.source for stage in dockerfile("airflow-process").stages] == ["${TRAINER_IMAGE}", "${AIRFLOW_IMAGE}"]


@pytest.mark.parametrize("name", IMAGES)
def test_it_runs_as_a_numbered_user_that_is_not_root(name: str) -> None:
    assert dockerfile(name).final.values("USER")[-1] == f"{USER_ID}:{USER_ID}"


@pytest.mark.parametrize("name", IMAGES)
def test_nothing_is_downloaded_by_address_and_no_secret_is_baked_in(name: str) -> None:
    for word, value in dockerfile(name).instructions():
        assert word != "ADD"
        assert "://" not in value
        if word in ("ENV", "ARG"):
            assert not re.search(r"PASSWORD|SECRET|TOKEN|_KEY\b|CREDENTIAL", value)


@pytest.mark.parametrize("name", IMAGES)
def test_the_final_stage_installs_no_python_package_and_no_build_tool(name: str) -> None:
    for command in dockerfile(name).final.values("RUN"):
        assert not re.search(r"\b(pip|uv|gcc|make|curl|wget|git|build-essential|python3-venv)\b", command)


@pytest.mark.parametrize("name", IMAGES)
def test_package_lists_are_removed_in_the_layer_that_fetched_them(name: str) -> None:
    for word, command in dockerfile(name).instructions():
        if word == "RUN" and "apt-get" in command:
            assert "--no-install-recommends" in command
            assert "rm -rf /var/lib/apt/lists/*" in command


@pytest.mark.parametrize("name", IMAGES)
def test_its_label_says_its_name_and_none_depends_on_an_argument(name: str) -> None:
    """Builders take such labels from their cache: what changes comes from images/build."""
    (labels,) = dockerfile(name).final.values("LABEL")
    assert f'org.opencontainers.image.title="fleetcast-{name}"' in labels
    assert "$" not in labels


@pytest.mark.parametrize("name", IMAGES)
def test_what_may_be_written_is_written_to_tmp(name: str) -> None:
    environment = " ".join(dockerfile(name).final.values("ENV"))
    if name in ON_A_BASE:  # the process image inherits these
        assert "HOME=/tmp" in environment
        assert "PYTHONDONTWRITEBYTECODE=1" in environment


@pytest.mark.parametrize("name", IMAGES)
def test_what_it_copies_exists_and_is_let_through(name: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    passed = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert ignored[0] == "*"
    for source in copied(name):
        assert (ROOT / source).exists()
        assert any(source == entry or source.startswith(f"{entry}/") for entry in passed)


def test_airflows_image_holds_dags_plugins_and_package() -> None:
    assert {"dags", "plugins", "include"} <= set(copied("airflow"))


@pytest.mark.parametrize("name", ["sequence", "trainer"])
def test_an_image_of_jobs_holds_no_dag(name: str) -> None:
    assert not {"dags", "plugins"} & set(copied(name))


def test_no_image_asks_for_gpus_by_itself() -> None:
    for name in IMAGES:  # a pod gets those that its node pool asks for
        assert "NVIDIA_VISIBLE_DEVICES" not in " ".join(dockerfile(name).final.values("ENV"))
