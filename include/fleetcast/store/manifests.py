"""Manifests: a stage is done when its manifest is committed, and never before."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from fleetcast.errors import StoreError
from fleetcast.job_args.run_key import certificate_key, code_digest, digest_of
from fleetcast.store.objects import Store, digest_bytes, digest_file

REPORT_FILE = "report.html"  # the output of the stage `report`

log = logging.getLogger(__name__)


class Manifest(BaseModel):
    """What a stage took, made and found. ``inputs`` and ``outputs`` map names to SHA-256 digests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    key: str
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    facts: dict[str, Any] = {}
    code_digest: str

    @property
    def output_digest(self) -> str:
        """One digest over all outputs: the name under which a later stage lists this one as input."""
        return digest_of(self.outputs)


class StageFolder:
    """The folder of one stage's result: objects first, then one conditional write of the manifest.

    Args:
        store: where.
        path: the folder, such as ``runs/<run_key>/features``.
        key: what names the computation: the run key, or a dataset revision.
    """

    def __init__(self, store: Store, path: str, *, key: str) -> None:
        self.store = store
        self.path = path
        self.key = key
        self._outputs: dict[str, str] = {}

    @property
    def stage(self) -> str:
        """The folder's own name, such as ``features``."""
        return self.path.rsplit("/", maxsplit=1)[-1]

    def committed(self) -> Manifest | None:
        """The manifest, or None while the stage is not done. Raises StoreError when it cannot be read."""
        data = self.store.read_if_exists(f"{self.path}/manifest.json")
        if data is None:
            return None
        try:
            return Manifest.model_validate_json(data)
        except ValidationError as exc:
            raise StoreError(
                f"{self.store.uri}/{self.path}/manifest.json is no manifest: {exc.errors()[0]['msg']}. "
                "Delete the folder and run the stage again."
            ) from exc

    def is_done(self) -> bool:
        """Whether the stage is committed, so that its job has nothing to do; that is logged."""
        done = self.committed() is not None
        if done:
            log.info("%s is committed already", self.path)
        return done

    def require(self) -> Manifest:
        """The manifest. Raises StoreError when the stage is not done."""
        manifest = self.committed()
        if manifest is None:
            raise StoreError(f"stage {self.stage!r} has no manifest at {self.store.uri}/{self.path}: run it first")
        return manifest

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Writes one output; it counts only once the manifest is committed."""
        self._outputs[name] = self.store.write(f"{self.path}/{name}", data)

    def read(self, name: str) -> bytes:
        """Reads one output of a committed stage and checks its digest.

        Raises:
            StoreError: not committed, not listed, or changed since.
        """
        data = self.store.read(f"{self.path}/{name}")
        self._check_digest(name, digest_bytes(data))
        return data

    @contextmanager
    def open_file(self, name: str) -> Iterator[Path]:
        """One output of a committed stage as a file to memory-map, its digest checked; read it within the context.

        A local store's own file, or a scratch copy of a remote store's object; that is unlinked at the context's end,
        and what has been mapped of it stays readable.

        Raises:
            StoreError: as `read`.
        """
        with TemporaryDirectory() as scratch:
            path = self.store.fetch(f"{self.path}/{name}", Path(scratch))
            self._check_digest(name, digest_file(path))
            yield path

    def _check_digest(self, name: str, digest: str) -> None:
        expected = self.require().outputs.get(name)
        if digest != expected:
            raise StoreError(
                f"{self.store.uri}/{self.path}/{name} does not match its manifest: expected sha256 {expected}, "
                f"got {digest}. Delete the folder and run the stage again."
            )

    def commit(self, *, inputs: dict[str, str] | None = None, facts: dict[str, Any] | None = None) -> Manifest:
        """Writes the manifest unless somebody else committed first; returns the one that counts."""
        manifest = Manifest(
            stage=self.stage,
            key=self.key,
            inputs=inputs or {},
            outputs=dict(sorted(self._outputs.items())),
            facts=facts or {},
            code_digest=code_digest(),
        )
        if self.store.create(f"{self.path}/manifest.json", manifest.model_dump_json(indent=1).encode()):
            return manifest
        return self.require()


class RunFolder:
    """The folder of one run: ``runs/<run_key>``, one folder a stage and one a variant."""

    def __init__(self, store: Store, run_key: str) -> None:
        self.store = store
        self.run_key = run_key
        self.path = f"runs/{run_key}"

    def stage(self, name: str) -> StageFolder:
        """One of ``plan features labels columns checks family_bests report tracking``."""
        return StageFolder(self.store, f"{self.path}/{name}", key=self.run_key)

    def variant(self, variant_id: str) -> StageFolder:
        """The folder of one variant."""
        return StageFolder(self.store, f"{self.path}/variants/{variant_id}", key=self.run_key)

    def tuning_plan(self, stage: int, *, by_hand: str | None = None) -> StageFolder:
        """What a stage of tuning is to do, its budget and its studies; or what a person has asked for beside them."""
        return StageFolder(self.store, f"{self._tuning(stage, by_hand)}/plan", key=self.run_key)

    def tuning_result(self, stage: int, *, by_hand: str | None = None) -> StageFolder:
        """What a stage of tuning, or a tuning by hand, took and found."""
        return StageFolder(self.store, f"{self._tuning(stage, by_hand)}/result", key=self.run_key)

    def _tuning(self, stage: int, by_hand: str | None) -> str:
        return f"{self.path}/tuning/{f'stage-{stage}' if by_hand is None else f'by-hand/{by_hand}'}"

    def study(self, study: str) -> StageFolder:
        """The folder of one study, committed when those who ran its trials have ended."""
        return StageFolder(self.store, f"{self.path}/studies/{study}", key=self.run_key)

    def trial(self, study: str, number: int) -> StageFolder:
        """The folder of one trial of a study."""
        return StageFolder(self.store, f"{self.path}/studies/{study}/trials/{number}", key=self.run_key)

    def production_model(self, family_id: str) -> StageFolder:
        """The folder of one family's production model."""
        return StageFolder(self.store, f"{self.path}/production/models/{family_id}", key=self.run_key)

    def write_failure(self, variant_id: str, reason: str) -> None:
        """Notes why the last attempt at a variant failed; it has no manifest and is tried again."""
        data = json.dumps({"variant_id": variant_id, "reason": reason}).encode()
        self.store.write(f"{self.path}/failures/{variant_id}.json", data)

    def delete_failure(self, variant_id: str) -> None:
        """Removes the note once the variant is committed."""
        self.store.delete(f"{self.path}/failures/{variant_id}.json")

    def write_end(self, dag_run_id: str) -> None:
        """Notes that a DAG run is over without a report, so that nobody waits for one."""
        self.store.write(f"{self.path}/ended.json", json.dumps({"dag_run_id": dag_run_id}).encode())

    def delete_end(self) -> None:
        """Removes the note: the run goes on."""
        self.store.delete(f"{self.path}/ended.json")

    def has_ended(self, dag_run_id: str) -> bool:
        """Whether this DAG run is over without a report."""
        note = self.store.read_if_exists(f"{self.path}/ended.json")
        return note is not None and json.loads(note) == {"dag_run_id": dag_run_id}

    def failed_variants(self) -> set[str]:
        """The variant ids whose last attempt failed."""
        return {PurePosixPath(path).stem for path in self.store.list_objects(f"{self.path}/failures")}

    def committed_variants(self) -> set[str]:
        """The variant ids that have a manifest."""
        paths = self.store.list_objects(f"{self.path}/variants")
        return {path.split("/")[-2] for path in paths if path.endswith("/manifest.json")}


def name_request(*, environment: str, dag_id: str, run_id: str) -> str:
    """Names a DAG run's request for a snapshot: one a run in an environment, and the same for every retry."""
    raw = (environment, dag_id, run_id)
    return f"{re.sub(r'[^A-Za-z0-9_.]+', '-', '-'.join(raw))}-{digest_of(raw)[:8]}"


def request_folder(store: Store, name: str) -> StageFolder:
    """The folder of one taking of a snapshot: which bars were asked for, what was found in them and what was taken."""
    return StageFolder(store, f"requests/{name}", key=name)


def certificate_folder(store: Store, width: str) -> StageFolder:
    """The folder of the present code's leak certificate for the columns of a width."""
    key = certificate_key()
    return StageFolder(store, f"certificates/{key[:20]}/{width}", key=key)


def snapshot_folder(store: Store, dataset_rev: str) -> StageFolder:
    """The folder of one snapshot of bars."""
    return StageFolder(store, f"snapshots/{dataset_rev}", key=dataset_rev)


def sequence_folder(store: Store, run_key: str, stage: str) -> StageFolder:
    """The folder of one stage of a sequence model: ``model``, ``evaluation``."""
    return StageFolder(store, f"sequence/{run_key}/{stage}", key=run_key)
