import json
import stat
from pathlib import Path

from fleetcast.local.keys import DATABASES, LocalKeys, write_private


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    made = LocalKeys.load(tmp_path / "keys.json")
    assert LocalKeys.load(tmp_path / "keys.json") == made
    assert mode_of(tmp_path / "keys.json") == 0o600


def secrets_of(keys: LocalKeys) -> list[str]:
    alone = keys.model_dump(exclude={"user", "role_passwords"})
    return [*alone.values(), *keys.role_passwords.values()]


def test_no_two_deployments_and_no_two_roles_share_a_secret(tmp_path: Path) -> None:
    both = [secret for name in ("a", "b") for secret in secrets_of(LocalKeys.load(tmp_path / name))]
    assert len(set(both)) == len(both) == 2 * (6 + len(DATABASES))


def test_what_an_older_file_lacks_is_made_once(tmp_path: Path) -> None:
    older = LocalKeys().model_dump(exclude={"role_passwords"})
    (tmp_path / "keys.json").write_text(json.dumps(older))
    keys = LocalKeys.load(tmp_path / "keys.json")
    assert keys.model_dump(exclude={"role_passwords"}) == older
    assert LocalKeys.load(tmp_path / "keys.json") == keys


def test_the_login_is_written_where_airflow_reads_it(tmp_path: Path) -> None:
    keys = LocalKeys()
    keys.write_airflow_login(tmp_path / "passwords.json")
    assert json.loads((tmp_path / "passwords.json").read_text()) == {"admin": keys.password}
    assert mode_of(tmp_path / "passwords.json") == 0o600


def test_a_file_left_by_an_interrupted_write_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "keys.json.new").write_text("half of a")
    (tmp_path / "keys.json.new").chmod(0o644)
    write_private(tmp_path / "keys.json", "whole")
    assert (tmp_path / "keys.json").read_text() == "whole"
    assert mode_of(tmp_path / "keys.json") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]
