"""``make up``, ``make deploy`` and ``make undeploy``, with programs that only note how they were called."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from rendered_chart import REPOSITORY, environments

SYSTEM = ("bash", "cat", "dirname", "env", "grep", "ls", "mktemp", "rm", "sed", "tail", "tee")
ADDRESS = "https://cluster.example.org:6443"
# What the programs say: a cluster answers, and has nothing of ours.
KUBECTL = f"""case "$*" in
  "config view"*) echo {ADDRESS} ;;
  "get namespace"*) exit 1 ;;
  *"get pods"*) echo "  fleetcast-mlflow-1: ErrImagePull: no such image" ;;
esac"""


@dataclass
class Machine:
    """A machine with these programs and no others."""

    folder: Path

    def has(self, program: str, body: str = "") -> None:
        script = self.folder / "bin" / program
        script.write_text(f'#!/usr/bin/env bash\necho "{program} $*" >> {self.folder}/calls\n{body}\n')
        script.chmod(0o755)

    def run(self, script: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": str(self.folder / "bin"), "HOME": str(self.folder), **variables}
        return subprocess.run(
            [REPOSITORY / "helm" / script], env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """One with a cluster, without docker and kind."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "calls").touch()
    for program in SYSTEM:
        found = shutil.which(program)
        assert found is not None
        (tmp_path / "bin" / program).symlink_to(found)
    machine = Machine(tmp_path)
    machine.has("kubectl", KUBECTL)
    machine.has("helm")
    return machine


def lines(ended: "subprocess.CompletedProcess[str]") -> list[str]:
    return ended.stderr.strip().splitlines()


@pytest.mark.parametrize("environment", environments())
def test_deploy_installs_the_environments_values_and_waits(machine: Machine, environment: str) -> None:
    ended = machine.run("deploy", ENV=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"deploying {environment} as fleetcast in the namespace fleetcast of {ADDRESS}; ")
    assert "kubectl create namespace fleetcast" in machine.calls
    assert machine.calls[-1] == (
        f"helm upgrade --install fleetcast helm/fleetcast --namespace fleetcast "
        f"--values helm/environments/{environment}.yaml --wait --timeout 10m"
    )


def test_deploy_takes_names_images_and_values_of_ones_own(machine: Machine, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.touch()
    variables = {"NAMESPACE": "ml", "RELEASE": "a", "REGISTRY": "registry/team", "TAG": "7", "TIMEOUT": "1m"}
    assert machine.run("deploy", VALUES=str(own), **variables).returncode == 0
    call = machine.calls[-1]
    assert f"--install a helm/fleetcast --namespace ml --values helm/environments/local-dev.yaml --values {own}" in call
    for name in ("airflow", "trainer", "mlflow"):
        assert f"--set-string images.{name}.repository=registry/team/fleetcast-{name}" in call
        assert f"--set-string images.{name}.tag=7" in call
    assert call.endswith("--wait --timeout 1m")


def test_deploy_names_what_keeps_it_from_being_healthy(machine: Machine) -> None:
    machine.has("helm", 'echo "Error: UPGRADE FAILED: context deadline exceeded" >&2; exit 1')
    ended = machine.run("deploy", TIMEOUT="5s")
    assert ended.returncode == 1
    assert lines(ended) == [
        "Error: UPGRADE FAILED: context deadline exceeded",
        "fleetcast is not healthy in the namespace fleetcast after 5s:",
        "  fleetcast-mlflow-1: ErrImagePull: no such image",
    ]


# As Kubernetes tells it after a container's end: what it logged last, as Go quotes it.
LAST_WORDS = r"""  fleetcast-scheduler-1: CrashLoopBackOff: back-off 10s restarting failed container=await-migration
  fleetcast-scheduler-1: await-migration: "Traceback:\n  connect(\"x\")\ncannot reach database.invalid\n\nsee postgresql+psycopg2://fleetcast:se%2Fcret@database.invalid/airflow\n"
  fleetcast-mlflow-1: mlflow"""


def test_deploy_repeats_what_a_container_said_last_without_its_passwords(machine: Machine) -> None:
    machine.has("helm", 'echo "Error: context deadline exceeded" >&2; exit 1')
    machine.has("kubectl", f"""case "$*" in *"get pods"*) cat << 'END'\n{LAST_WORDS}\nEND\n;; esac""")
    before = "  fleetcast-scheduler-1: "
    assert lines(machine.run("deploy"))[2:] == [
        f"{before}CrashLoopBackOff: back-off 10s restarting failed container=await-migration",
        f'{before}await-migration: connect("x")',
        f"{before}await-migration: cannot reach database.invalid",
        f"{before}await-migration: see postgresql+psycopg2://fleetcast:***@database.invalid/airflow",
    ]


def test_deploy_repeats_why_helm_refuses_the_values_and_no_more(machine: Machine) -> None:
    machine.has("helm", "printf 'Error: values\\n\\n  - no database\\n\\nUse --debug flag\\n' >&2; exit 1")
    ended = machine.run("deploy")
    assert ended.returncode == 2
    assert lines(ended) == ["Error: values", "  - no database"]


def test_deploy_fails_with_a_word_when_helm_has_none(machine: Machine) -> None:
    machine.has("helm", "exit 3")
    ended = machine.run("deploy")
    assert (ended.returncode, lines(ended)) == (2, ["helm ended with status 3 and said nothing: deploy again"])


def test_deploy_repeats_helms_warnings_when_it_succeeds(machine: Machine) -> None:
    machine.has("helm", 'echo "WARNING: old API" >&2')
    ended = machine.run("deploy")
    assert (ended.returncode, lines(ended)) == (0, ["WARNING: old API"])


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("pending-install", "make undeploy NAMESPACE=fleetcast RELEASE=fleetcast"),
        ("pending-upgrade", "helm rollback fleetcast --namespace fleetcast"),
    ],
)
def test_deploy_says_how_to_go_on_after_one_that_was_cut_off(machine: Machine, state: str, remedy: str) -> None:
    busy = "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"
    machine.has("helm", f'[ "$1" != status ] || {{ echo "STATUS: {state}"; exit; }}; echo "{busy}" >&2; exit 1')
    ended = machine.run("deploy")
    assert ended.returncode == 2
    assert lines(ended) == [
        busy,
        f"fleetcast is {state}: wait if another deploy runs; if one was cut off: {remedy}, then deploy again",
    ]


def test_an_unknown_environment_is_refused_with_those_that_there_are(machine: Machine) -> None:
    ended = machine.run("deploy", ENV="prod")
    assert ended.returncode == 2
    assert lines(ended) == [f"unknown environment prod: expected one of {' '.join(environments())}"]


def test_a_file_of_values_that_is_not_there_is_refused(machine: Machine) -> None:
    ended = machine.run("deploy", VALUES="/nowhere.yaml")
    assert (ended.returncode, lines(ended)) == (2, ["VALUES=/nowhere.yaml: no such file"])


@pytest.mark.parametrize("script", ["up", "deploy", "undeploy"])
@pytest.mark.parametrize("program", ["helm", "kubectl"])
def test_a_missing_program_is_one_line(machine: Machine, script: str, program: str) -> None:
    (machine.folder / "bin" / program).unlink()
    ended = machine.run(script, KUBECONFIG="/somewhere")
    assert ended.returncode == 2
    (line,) = lines(ended)
    assert line.startswith(f"{program} is missing: install ")


@pytest.mark.parametrize("script", ["up", "deploy", "undeploy"])
def test_a_cluster_that_does_not_answer_is_one_line(machine: Machine, script: str) -> None:
    machine.has("kubectl", f'[ "$1" = config ] && echo {ADDRESS} || exit 1')
    ended = machine.run(script, KUBECONFIG="/somewhere")
    assert ended.returncode == 2
    assert lines(ended) == [f"no cluster answers at {ADDRESS}: start one with make up, or let KUBECONFIG name one"]


def test_undeploy_removes_the_release_and_waits(machine: Machine) -> None:
    ended = machine.run("undeploy", NAMESPACE="ml", RELEASE="a")
    assert ended.returncode == 0
    assert machine.calls[-1] == "helm uninstall a --namespace ml --wait --cascade foreground --timeout 5m"


def test_undeploy_fails_with_helms_own_words(machine: Machine) -> None:
    machine.has("helm", '[ "$1" != uninstall ] || { echo "Error: forbidden" >&2; exit 1; }')
    ended = machine.run("undeploy")
    assert (ended.returncode, lines(ended)) == (1, ["Error: forbidden"])


def test_undeploy_of_nothing_is_no_failure(machine: Machine) -> None:
    machine.has("helm", "exit 1")
    ended = machine.run("undeploy")
    assert ended.returncode == 0
    assert ended.stdout == "nothing is deployed as fleetcast in the namespace fleetcast\n"


def test_up_takes_the_cluster_that_is_named(machine: Machine) -> None:
    machine.has("kind")
    ended = machine.run("up", KUBECONFIG="/somewhere")
    assert ended.returncode == 0
    assert ADDRESS in ended.stdout
    assert not [call for call in machine.calls if call.startswith("kind")]


def test_up_loads_the_images_into_a_kind_cluster_that_is_named(machine: Machine) -> None:
    machine.has("kind")
    machine.has("docker")
    machine.has("kubectl", '[ "$*" != "config current-context" ] || echo kind-mine')
    ended = machine.run("up", KUBECONFIG="/somewhere")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert machine.calls[-1].startswith("kind load image-archive --name mine ")
    assert not [call for call in machine.calls if call.startswith("kind create")]


def test_up_makes_a_kind_cluster_and_loads_the_images(machine: Machine) -> None:
    machine.has("kind")
    machine.has("docker")
    ended = machine.run("up", TAG="7")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "kind create cluster --name fleetcast --wait 180s" in machine.calls
    images = [f"localhost/fleetcast-{name}:7" for name in ("airflow", "trainer", "mlflow")]
    (saved,) = [call for call in machine.calls if call.startswith("docker save")]
    assert saved.endswith(" ".join(images))
    archive = saved.split()[3]
    assert machine.calls[-1] == f"kind load image-archive --name fleetcast {archive}"
    assert not Path(archive).exists()


def test_up_again_makes_no_second_cluster(machine: Machine) -> None:
    machine.has("kind", '[ "$*" != "get clusters" ] || echo fleetcast')
    machine.has("podman")
    ended = machine.run("up")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert not [call for call in machine.calls if call.startswith("kind create")]
    assert [call for call in machine.calls if call.startswith("podman save --multi-image-archive")]


def test_up_says_what_is_missing_where_there_is_no_cluster(machine: Machine) -> None:
    assert lines(machine.run("up")) == ["kind is missing: install it, or let KUBECONFIG name a cluster"]
    machine.has("kind")
    ended = machine.run("up")
    assert ended.returncode == 2
    assert lines(ended) == [
        "neither docker nor podman runs, and kind needs one: start it, or let KUBECONFIG name a cluster"
    ]


def test_make_hands_its_variables_on(machine: Machine) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    (machine.folder / "bin" / "make").symlink_to(make)
    (machine.folder / "bin" / "sh").symlink_to("/bin/sh")
    result = subprocess.run(
        [make, "deploy", "ENV=staging", "NAMESPACE=ml"],
        cwd=REPOSITORY,
        env={"PATH": str(machine.folder / "bin"), "HOME": str(machine.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "--namespace ml --values helm/environments/staging.yaml" in machine.calls[-1]
