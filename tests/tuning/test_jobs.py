import optuna
import pytest

from fleetcast.jobs.main import run
from study_database import PASSWORD, StudyDatabase


def test_the_tables_are_made_once_and_again(study_database: StudyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_STUDIES_DATABASE_URL", study_database.uri)
    assert [run(["create-study-tables"]), run(["create-study-tables"])] == [0, 0]
    optuna.get_all_study_names(study_database.uri)


@pytest.mark.parametrize(
    ("command", "variables", "problem"),
    [
        ("create-study-tables", {}, "FLEETCAST_STUDIES_DATABASE_URL is not set"),
        ("serve-studies", {}, "FLEETCAST_STUDIES_DATABASE_URL is not set"),
        ("serve-studies", {"DATABASE_URL": "postgresql://u:secret@h/d"}, "FLEETCAST_STUDIES_TOKEN is not set"),
        ("serve-studies", {"DATABASE_URL": "mysql://u:secret@h/d", "TOKEN": "t"}, "names 'mysql': expected postgresql"),
    ],
)
def test_what_is_not_set_is_one_line_and_final(
    command: str,
    variables: dict[str, str],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("DATABASE_URL", "TOKEN"):
        monkeypatch.delenv(f"FLEETCAST_STUDIES_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(f"FLEETCAST_STUDIES_{name}", value)
    assert run([command]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{command}: ")
    assert problem in line
    assert "secret" not in line


@pytest.mark.parametrize("command", ["create-study-tables", "serve-studies"])
def test_a_database_that_is_away_is_worth_a_retry(
    command: str, study_database: StudyDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = study_database.uri.rsplit(":", maxsplit=1)[1].split("/")[0]
    monkeypatch.setenv("FLEETCAST_STUDIES_DATABASE_URL", study_database.uri.replace(f":{port}/", ":1/"))
    monkeypatch.setenv("FLEETCAST_STUDIES_TOKEN", "a token")
    assert run([command]) == 1
    said = capsys.readouterr().err
    assert "the study database did not answer as expected" in said
    assert PASSWORD not in said
