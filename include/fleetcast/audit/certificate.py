"""The certificate: what the audit found, for which sources and bars, and how much history every column needs."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from math import ceil

from pydantic import BaseModel, ConfigDict, ValidationError

from fleetcast.errors import DataError
from fleetcast.features.columns import Column
from fleetcast.fleet.presets import FeatureWidth
from fleetcast.job_args.run_key import certificate_key, certified_sources, digest_of
from fleetcast.store.manifests import RunFolder, certificate_folder
from fleetcast.store.objects import Store, digest_bytes

MAX_WARM_UP_BARS = 2000
MARGIN_SHARE, VARYING_SHARE, MARGIN_BARS = 1.15, 4.0, 10
FAST_BAR_MS, SLOW_BAR_MS = 300_000, 900_000  # of the shortest bars that are certified; what is shorter is fast
CERTIFICATE_FILE = "certificate.json"
SHIPPED = files("fleetcast.audit").joinpath(CERTIFICATE_FILE)


class Certificate(BaseModel):
    """What was certified. The same code gives the same bytes; names are columns' without their symbols.

    ``key`` is the digest of ``covers``: the packages that decide values, the grid, the lock of the trainer's libraries
    and the bars. ``refused`` maps columns that are not admitted to the reason, ``warm_up_bars`` all others to how many
    bars of history they get: what was measured on the slices, and a margin for other bars. ``fast_warm_up_bars`` holds
    those that get more where bars are shorter than 15 minutes; with more than 2,000 they are not admitted there.
    ``worst`` holds the longest warm-ups as they were measured. ``rare`` maps columns that the audit has seldom seen do
    anything to the number of events at which it looked at them: of these it says less. ``seal`` is the digest of all
    else: an edit by hand breaks it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    covers: dict[str, str]
    width: FeatureWidth
    columns_digest: str
    slices: dict[str, str]
    counts: dict[str, int]
    worst: dict[str, int]
    refused: dict[str, str]
    warm_up_bars: dict[str, int]
    fast_warm_up_bars: dict[str, int]
    rare: dict[str, int]
    seal: str = ""

    def sealed(self) -> "Certificate":
        """The same with its seal."""
        return self.model_copy(update={"seal": self._digest_unsealed()})

    @property
    def is_sealed(self) -> bool:
        """Whether nothing was changed since it was sealed."""
        return self.seal == self._digest_unsealed()

    def _digest_unsealed(self) -> str:
        return digest_of(self.model_dump(mode="json", exclude={"seal"}))

    def to_bytes(self) -> bytes:
        """As JSON, readable and small."""
        return (self.model_dump_json(indent=1) + "\n").encode()

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes."""
        return digest_bytes(self.to_bytes())

    def warm_up_of(self, column: Column, *, bar_ms: int) -> int:
        """How many bars of that length the column needs before it is used.

        Raises:
            DataError: it is not among those certified, or is not admitted; or bars are shorter than any certified.
        """
        reason = self.refusal_of(column, bar_ms=bar_ms)
        name = certified_name(column)
        if reason is None and name not in self.warm_up_bars:
            reason = "no certificate holds it"
        if reason is not None:
            raise DataError(
                f"column {column.name} is not admitted: {reason}. `fleetcast audit leaks` audits all columns anew."
            )
        return max(self.warm_up_bars[name], self._fast(name) if bar_ms < SLOW_BAR_MS else 0)

    def refusal_of(self, column: Column, *, bar_ms: int) -> str | None:
        """Why the column is not admitted with bars of that length, or None.

        Bars that are longer than those audited are taken to need no more of them: windows are counted in bars, or in
        days, of which long bars make fewer. How fast averages fade on other bars is not proven: there is a margin.

        Raises:
            DataError: bars are shorter than any certified.
        """
        if bar_ms < FAST_BAR_MS:
            raise DataError(
                f"cannot use bars of {bar_ms / 1000:g} s: columns are certified for {FAST_BAR_MS // 1000} s and "
                "longer, since days and weeks of shorter ones reach beyond 2,000 bars. Aggregate the bars first."
            )
        name = certified_name(column)
        if bar_ms < SLOW_BAR_MS and self._fast(name) > MAX_WARM_UP_BARS:
            return f"needed {self._fast(name)} audited bars of 5 minutes, at most {MAX_WARM_UP_BARS} are allowed"
        return self.refused.get(name)

    def _fast(self, name: str) -> int:
        return self.fast_warm_up_bars.get(name, 0)


def with_margin(measured_bars: int, *, varies: bool) -> int:
    """The warm-up that is certified: longer than the measured one, at most 2,000 bars.

    By 15 % and 10 bars where it was alike from all starts; four times as long where it depends on the bars. Source: own
    choice. With 15 % alone, 82 of 12,276 warm-ups on hours of 2020 to 2024, five minutes and other quarters of an hour
    were longer than certified; three times as long left two, four times one.
    """
    longer = ceil((VARYING_SHARE if varies else MARGIN_SHARE) * measured_bars) + MARGIN_BARS
    return max(measured_bars, min(longer, MAX_WARM_UP_BARS))


def certified_name(column: Column) -> str:
    """The column's name without its symbol and, where it looks at another one, without that: ``cross.beta.*.50``."""
    parts = column.name.split(".")[1:]
    if column.recipe.scope == "pair":
        parts[parts.index(str(column.input))] = "*"
    return ".".join(parts)


def shipped_certificate(file: Traversable = SHIPPED) -> Certificate | None:
    """The one that comes with the package, if it is of the present code and as it was written."""
    if not file.is_file():
        return None
    try:
        certificate = Certificate.model_validate_json(file.read_bytes())
    except ValidationError:  # of an older form
        return None
    return certificate if certificate.is_sealed and certificate.covers == certified_sources() else None


def commit_certificate(store: Store, certificate: Certificate, *, width: FeatureWidth) -> None:
    """Stores the certificate for columns of that width, unless there is one; that of full width serves the core too."""
    folder = certificate_folder(store, width)
    folder.write(CERTIFICATE_FILE, certificate.to_bytes())
    folder.commit(facts={"counts": certificate.counts, "key": certificate.key})


def stored_certificate(store: Store, width: FeatureWidth) -> Certificate | None:
    """The stored certificate of the present code for columns of that width, or None."""
    folder = certificate_folder(store, width)
    if folder.committed() is None:
        return None
    return Certificate.model_validate_json(folder.read(CERTIFICATE_FILE))


def require_certificate(store: Store, width: FeatureWidth) -> Certificate:
    """The stored certificate of the present code.

    Raises:
        DataError: there is none.
    """
    certificate = stored_certificate(store, width)
    if certificate is None:
        raise DataError(
            f"no certificate for columns of width {width} at {store.uri}/{certificate_folder(store, width).path}: the "
            "columns of this code were not audited for leaks. Run `fleetcast certify-features` with these arguments."
        )
    return certificate


def check_certified(run: RunFolder, *, width: FeatureWidth) -> str:
    """The digest of the certificate under which the run's features were computed.

    Raises:
        DataError: the features have none, one of other code, or one that the store does not hold.
        StoreError: the features are not there.
    """
    features = run.stage("features").require()
    got = features.inputs.get("certificate"), features.facts.get("certificate_key")
    certificate = stored_certificate(run.store, width)
    expected = (None if certificate is None else certificate.digest), certificate_key()
    if got != expected or certificate is None:
        raise DataError(
            f"the features of run {run.run_key} have no valid leak certificate: expected {_describe(*expected)}, got "
            f"{_describe(*got)}. Delete {run.path} and run the stages from certify-features on again."
        )
    return certificate.digest


def _describe(digest: str | None, key: str | None) -> str:
    return f"certificate {(digest or 'none')[:12]} of code {(key or 'unknown')[:12]}"
