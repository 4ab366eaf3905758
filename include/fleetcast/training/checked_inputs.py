"""Training takes only inputs that were compared with the bars, and takes them as they were then."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.errors import DataError
from fleetcast.splits.parts import Parts
from fleetcast.store.manifests import RunFolder, StageFolder

SAMPLE_FILE = "sample.npz"
N_SAMPLE_ROWS = 16
COLUMNS, PRODUCTION_COLUMNS = "columns", "production/columns"


@dataclass(frozen=True)
class MatrixSample:
    """Rows of a matrix: where it was looked at, ``(n_sample,)``, and what stood there, ``(n_sample, n_columns)``."""

    rows: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """As an uncompressed npz file."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, rows=self.rows, values=self.values)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "MatrixSample":
        """The inverse of `to_bytes`."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(rows=arrays["rows"], values=arrays["values"])


def checks_folder(run: RunFolder, columns: str) -> StageFolder:
    """Where it is committed that a selection of columns, and what it was made from, were compared with the bars."""
    return run.stage(columns.replace("columns", "checks"))


def inputs_of(run: RunFolder, columns: str) -> dict[str, str]:
    """The digests of what is compared: features, labels and a selection of columns."""
    stages = {"features": "features", "labels": "labels", "columns": columns}
    return {name: run.stage(stage).require().output_digest for name, stage in stages.items()}


def commit_checks(
    run: RunFolder,
    columns: str,
    *,
    matrix: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    facts: Mapping[str, object],
) -> None:
    """Commits that the inputs are those that the bars give.

    Args:
        run: whose.
        columns: the stage that selected them.
        matrix: as compared, ``(n_rows, n_columns)``.
        rows: of the matrix at which whoever loads it looks again, ``(n_sample,)``.
        facts: what was compared.
    """
    folder = checks_folder(run, columns)
    folder.write(SAMPLE_FILE, MatrixSample(rows=rows, values=matrix[rows]).to_bytes())
    folder.commit(inputs=inputs_of(run, columns), facts={"n_rows": len(matrix), **facts})


def require_checked(
    run: RunFolder, columns: str, *, matrix: npt.NDArray[np.float32], parts: Parts | None = None
) -> str:
    """The digest of the check under which the run's inputs may be trained on.

    Args:
        run: whose.
        columns: the stage that selected them.
        matrix: as loaded, ``(n_rows, n_columns)``.
        parts: of time, by which rows are told apart.

    Raises:
        DataError: the inputs were not checked, or are others, or were loaded otherwise.
    """
    folder = checks_folder(run, columns)
    checked = folder.committed()
    if checked is None:
        raise DataError(
            f"the inputs of run {run.run_key} were not compared with the bars: expected a check at {folder.store.uri}/"
            f"{folder.path}, got none. Run `fleetcast {_job_of(columns)}` with these arguments again: it checks them."
        )
    expected = inputs_of(run, columns)
    others = [name for name in expected if checked.inputs.get(name) != expected[name]]
    if others:
        raise DataError(
            f"the {' and '.join(others)} of run {run.run_key} are not those that were compared with the bars: expected "
            f"digest {str(checked.inputs.get(others[0]))[:12]}, got {expected[others[0]][:12]}. Delete {run.path} and "
            "run its stages again."
        )
    _check_as_loaded(run, MatrixSample.from_bytes(folder.read(SAMPLE_FILE)), matrix)
    if parts is not None and parts != Parts.of(int(checked.facts["n_rows"])):
        raise DataError(
            f"the time of run {run.run_key} is cut elsewhere than when its inputs were checked: expected "
            f"{Parts.of(int(checked.facts['n_rows']))}, got {parts}. Mend the code that cuts it."
        )
    return checked.output_digest


def _check_as_loaded(run: RunFolder, sample: MatrixSample, matrix: npt.NDArray[np.float32]) -> None:
    n_columns = sample.values.shape[1]
    if matrix.shape[1:] != (n_columns,) or len(matrix) <= sample.rows.max():
        raise DataError(
            f"the matrix of run {run.run_key} was loaded as {matrix.shape}: expected {n_columns} columns and more than "
            f"{sample.rows.max()} rows, as when it was checked. Mend the code that loads it."
        )
    loaded = matrix[sample.rows]
    places = np.argwhere((loaded != sample.values) & ~(np.isnan(loaded) & np.isnan(sample.values)))
    if len(places):
        at, column = sample.rows[places[0][0]], places[0][1]
        raise DataError(
            f"the matrix of run {run.run_key} was loaded with other values than were checked: at row {at}, column "
            f"{column} expected {sample.values[*places[0]]}, got {matrix[at, column]}, {len(places)} of "
            f"{sample.values.size} differ. Mend the code that loads it."
        )


def _job_of(columns: str) -> str:
    return "select-columns" if columns == COLUMNS else "select-production-columns"
