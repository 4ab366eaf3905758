"""The door to MLflow's registered models: their versions, found again by key, and the alias of the challenger."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from fleetcast.tracking.records import KEY_TAG
from fleetcast.tracking.tracker import FoundRun, Tracker

CHALLENGER = "challenger"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundVersion:
    """What is known of a version in the registry."""

    name: str
    number: int
    tags: Mapping[str, str]
    description: str

    @property
    def cutoff(self) -> datetime:
        """The last instant that its model knows; a version that somebody made by hand does not say it."""
        text = self.tags.get("cutoff")
        return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)


class Versions:
    """The versions of registered models, asked for through a tracker that is open."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def ensure_model(self, name: str, *, tags: Mapping[str, str], description: str) -> None:
        """Makes the registered model, unless it is there."""
        with self._tracker.asking(f"make the registered model {name}"):
            try:
                self._tracker.client.create_registered_model(name, tags=dict(tags), description=description)
            except MlflowException as exc:
                if exc.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise

    def find(self, name: str, *, key: str) -> list[FoundVersion]:
        """The versions with this key, the oldest first: more than one when a request was served and not answered."""
        with self._tracker.asking(f"search versions of {name}"):
            found = self._tracker.client.search_model_versions(f"name = '{name}' AND tags.`{KEY_TAG}` = '{key}'")
        return sorted((_found(version) for version in found), key=lambda version: version.number)

    def create(self, name: str, *, run: FoundRun, model_id: str, tags: Mapping[str, str], description: str) -> None:
        """A new version of a logged model."""
        client = self._tracker.client
        with self._tracker.asking(f"register a version of {name}"):
            client.create_model_version(
                name,
                client.get_logged_model(model_id).artifact_location,
                run_id=run.run_id,
                model_id=model_id,
                tags=dict(tags),
                description=description,
            )

    def delete(self, version: FoundVersion) -> None:
        """Removes the version; its number is not used again."""
        with self._tracker.asking(f"delete version {version.number} of {version.name}"):
            self._tracker.client.delete_model_version(version.name, str(version.number))

    def update(self, version: FoundVersion, *, tags: Mapping[str, str], description: str) -> None:
        """Brings the version's tags and description up to date; asks for nothing that is as it should be."""
        client, number = self._tracker.client, str(version.number)
        with self._tracker.asking(f"update version {number} of {version.name}"):
            for key, value in tags.items():
                if version.tags.get(key) != value:
                    client.set_model_version_tag(version.name, number, key, value)
            if version.description != description:
                client.update_model_version(version.name, number, description)

    def challenger(self, name: str) -> FoundVersion | None:
        """The version that the alias names; an alias names one at most."""
        with self._tracker.asking(f"read the aliases of {name}"):
            number = self._tracker.client.get_registered_model(name).aliases.get(CHALLENGER)
            return None if number is None else _found(self._tracker.client.get_model_version(name, number))

    def challenge_if_latest(self, version: FoundVersion) -> None:
        """The latest cutoff challenges: a model that was fitted anew on older bars does not take the place."""
        current = self.challenger(version.name)
        if current is None or (current.cutoff, current.number) <= (version.cutoff, version.number):
            self.challenge(version)
        else:
            log.info("%s: version %d stays the challenger, it knows more", version.name, current.number)

    def challenge(self, version: FoundVersion) -> None:
        """Makes the version its model's challenger."""
        with self._tracker.asking(f"make version {version.number} of {version.name} the challenger"):
            self._tracker.client.set_registered_model_alias(version.name, CHALLENGER, str(version.number))


def _found(version: ModelVersion) -> FoundVersion:
    return FoundVersion(version.name, int(version.version), version.tags, version.description or "")
