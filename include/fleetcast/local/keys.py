"""Passwords and keys of a local deployment: generated once, kept in a file that only its owner can read."""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

DATABASES = ("airflow", "mlflow", "optuna")  # each with a role of its own name that owns it


def _token() -> str:
    return secrets.token_urlsafe(64)


class LocalKeys(BaseModel):
    """What the components share, and the login of the person who runs them."""

    model_config = ConfigDict(frozen=True)

    user: str = "admin"
    password: str = Field(default_factory=lambda: secrets.token_urlsafe(9))
    postgres_password: str = Field(default_factory=_token)  # the superuser's
    role_passwords: dict[str, str] = Field(default_factory=lambda: {name: _token() for name in DATABASES})
    fernet_key: str = Field(default_factory=lambda: base64.urlsafe_b64encode(os.urandom(32)).decode())
    jwt_secret: str = Field(default_factory=_token)
    api_secret_key: str = Field(default_factory=_token)
    studies_token: str = Field(default_factory=_token)  # of the study service and the jobs that ask it

    @classmethod
    def load(cls, path: Path) -> Self:
        """The keys of this deployment; what the file lacks is made and written to it."""
        known = path.read_text() if path.exists() else "{}"
        keys = cls.model_validate_json(known)
        if keys.model_dump_json() != known:
            write_private(path, keys.model_dump_json())
        return keys

    def write_airflow_login(self, path: Path) -> None:
        """The user and password, where Airflow's simple login looks for them."""
        write_private(path, json.dumps({self.user: self.password}))


def write_private(path: Path, text: str) -> None:
    """Writes the file whole or not at all, with mode 600 from its first byte on."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
