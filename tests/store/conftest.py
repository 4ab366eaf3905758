"""A real S3 server (versitygw over a folder) beside the local folder, for the store's contract."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

KEYS = {"AWS_ACCESS_KEY_ID": "fleetcast-test", "AWS_SECRET_ACCESS_KEY": "fleetcast-test-secret"}


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the bucket ``fleetcast``."""
    program = shutil.which("versitygw") or shutil.which("versitygw", path=str(Path.home() / "go" / "bin"))
    if program is None:
        pytest.skip("versitygw is not installed: the store's contract is tested on the local folder alone")
    root = tmp_path_factory.mktemp("s3")
    (root / "fleetcast").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    access, secret = KEYS.values()
    command = [program, "--port", f"127.0.0.1:{port}", "--access", access, "--secret", secret, "posix", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"no S3 server on port {port} after 20 s")


@pytest.fixture(params=["file", "s3"])
def any_store_uri(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of an empty store of each kind."""
    if request.param == "file":
        return (tmp_path / "a folder").as_uri()
    endpoint = request.getfixturevalue("s3_endpoint")
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    return f"s3://fleetcast/{tmp_path.name}"
