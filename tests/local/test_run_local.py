import json
import os
import re
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

import httpx
import psutil
import pytest

from chromium import CHROMIUM, open_chromium
from fleetcast.local.airflow_client import AirflowClient
from fleetcast.local.processes import read_records
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store

REPOSITORY = Path(__file__).parents[2]
pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of one deployment, kept over this module's tests; a path with a space in it."""
    return tmp_path_factory.mktemp("local deployment") / ".fleetcast"


def start(home: Path, *options: str) -> "subprocess.Popen[str]":
    command = [str(REPOSITORY / ".venv" / "bin" / "fleetcast"), "run-local", "--preset", "micro", "--home", str(home)]
    return subprocess.Popen(
        [*command, *options],
        cwd=REPOSITORY,
        env=os.environ | {"OF_THE_USER": "for the jobs"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process: "subprocess.Popen[str]", end: str) -> str:
    """What it says up to and with the line that begins so."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(end):
            return "".join(lines)
    raise AssertionError(f"it ended without {end!r}: {''.join(lines)}")


def environment_of(home: Path, component: str) -> dict[str, str]:
    """Of a component that runs."""
    (pid,) = [record.pid for record in read_records(home / "processes.json") if record.name == component]
    return psutil.Process(pid).environ()


def processes_of(home: Path) -> list[str]:
    """The command lines of what was started for this deployment, wherever it hangs in the tree."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words, environment = process.info["cmdline"] or [], process.info["environ"] or {}
        if any(str(home) in word for word in words) or str(home) in environment.get("AIRFLOW_HOME", ""):
            found.append(" ".join(words))
    return found


def trigger_from_the_form(home: Path, *, url: str) -> None:
    """Logs in as a person would and triggers one more run with the form as it stands: the deployment's values."""
    ((user, password),) = json.loads((home / "airflow_passwords.json").read_text()).items()
    with open_chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1500})
        page.goto(f"{url}/dags/train_fleet")
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", password)
        page.click("button[type=submit]")
        page.get_by_role("button", name="Trigger").first.click(timeout=120_000)
        form = page.locator("[role=dialog][data-state=open]")
        form.get_by_text("Variants per pod").wait_for()
        required = [label for label in form.locator("label").all_inner_texts() if "*" in label]
        named = [label.split("\n")[0] for label in required]
        assert named == ["Preset", "Bars", "Variants per pod", "Seed", "Tune", "Tuning space", "Families per pod"]
        form.get_by_role("button", name="Trigger", exact=True).click()
        page.wait_for_url("**/runs/manual__**", timeout=60_000)
    run_id = unquote(page.url.rsplit("/", 1)[-1])
    deadline = time.monotonic() + 300
    with closing(AirflowClient(url, user=user, password=password)) as client:
        while (state := client.run_status("train_fleet", run_id).state) in ("queued", "running"):
            assert time.monotonic() < deadline, "the run has not ended in time"
            time.sleep(1)
    assert state == "success"


def test_a_run_trains_the_fleet_shows_it_and_leaves_no_process(home: Path) -> None:
    process = start(home, "--exit-after-run")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert "36 variants = 36 trained + 0 skipped" in output
    assert [family for family in ("btc-w5-high", "eth-w5-high", "sol-w5-high") if family in output]
    assert "Airflow http://127.0.0.1:" in output
    (run_key,) = Store((home / "store").as_uri()).list_folders("runs")
    run = RunFolder(Store((home / "store").as_uri()), run_key)
    assert run.stage("report").committed()
    assert run.stage("tracking").committed()
    assert processes_of(home) == []
    assert read_records(home / "processes.json") == []


def test_another_run_finds_what_is_computed_and_serves_until_it_is_told_to_end(home: Path) -> None:
    (run_key,) = Store((home / "store").as_uri()).list_folders("runs")
    folder = home / "store" / "runs" / run_key
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("manifest.json")}
    process = start(home)
    said = read_until(process, "serving until Ctrl-C\n")
    for name in ("postgres", "mlflow"):
        environment = environment_of(home, name)
        assert not [variable for variable in environment if "AIRFLOW" in variable or variable.startswith("FLEETCAST_")]
        assert "OF_THE_USER" not in environment
    scheduler, studies = environment_of(home, "airflow-scheduler"), environment_of(home, "studies")
    assert scheduler["OF_THE_USER"] == "for the jobs"
    assert "OF_THE_USER" not in studies
    assert httpx.get(f"{scheduler['FLEETCAST_STUDIES_URL']}/health").is_success
    assert scheduler["FLEETCAST_STUDIES_TOKEN"] == studies["FLEETCAST_STUDIES_TOKEN"]
    assert "FLEETCAST_STUDIES_DATABASE_URL" not in scheduler
    for_jobs = dict(line.split("=", 1) for line in (home / "jobs.env").read_text().splitlines())
    assert set(for_jobs) == {"FLEETCAST_STUDIES_URL", "FLEETCAST_STUDIES_TOKEN"}
    assert for_jobs.items() <= scheduler.items()
    assert (home / "jobs.env").stat().st_mode & 0o077 == 0
    if CHROMIUM is not None:
        trigger_from_the_form(home, url=re.findall(r"Airflow (http://\S+)", said)[-1])
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert processes_of(home) == []
    assert not (home / "jobs.env").exists()
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("manifest.json")} == before


def test_a_killed_supervisor_leaves_no_process(home: Path) -> None:
    process = start(home)
    read_until(process, "triggered")
    (supervisor,) = read_records(home / "supervisor.json")
    os.kill(supervisor.pid, signal.SIGKILL)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "run-local: killed by SIGKILL; what it had started was ended" in rest
    assert processes_of(home) == []
