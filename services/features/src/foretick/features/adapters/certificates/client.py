"""The bus and the metrics as the ``certify`` role sees them."""

from foretick.common.contracts import ParityCertificate, ParityVerdict, encode
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.data_plane import DataPlane
from foretick.common.subjects import PARITY_CERTIFICATES
from foretick.common.units import NS_PER_S
from foretick.features.domain.certificate import Findings
from foretick.features.ports import Key


class CertificateBus:
    """Implements ``ports.CertificatePublisher``."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def publish_certificate(self, message: ParityCertificate) -> None:
        """Publish ``message``."""
        self._plane.publish_raw(PARITY_CERTIFICATES.of(), encode(message))


class CertificateMetrics:
    """Implements ``ports.CertificateObserver``: metrics, and an error in the log for each check that differs."""

    def __init__(self, rt: Runtime) -> None:
        self._log = rt.log
        self._vectors = rt.metrics.counter(
            "certified_vectors_total", "Published vectors by how their comparison ended", labels=("result",)
        )
        self._unchecked = rt.metrics.counter(
            "uncertified_vectors_total", "Published vectors that could not be compared, by reason", labels=("reason",)
        )
        self._different = rt.metrics.gauge("parity_different", "1 where a vector of the last hour differed")
        self._checked_s = rt.metrics.gauge("parity_checked_s", "Unix time of the last check that compared vectors")

    def checked(self, key: Key, findings: Findings, *, from_start: bool) -> None:
        """Note the findings of one check."""
        self._vectors.labels("equal").inc(findings.equal)
        self._vectors.labels("different").inc(len(findings.differences))
        for reason, count in findings.unchecked.items():
            self._unchecked.labels(reason.value).inc(count)
            self._log.warning("vectors could not be certified", venue=key[0], symbol=key[1], reason=reason.value,
                              vectors=count)  # fmt: skip
        if findings.differences:
            first = findings.differences[0]
            self._log.error(
                "a published vector is not what its recording gives", venue=first.venue, symbol=first.symbol,
                asof_seq=first.asof_seq, feature=first.feature, published=first.published,
                recomputed=first.recomputed, vectors=len(findings.differences), of=findings.compared,
                from_start=from_start, hint="docs/runbooks/parity.md",
            )  # fmt: skip

    def certified(self, verdict: ParityVerdict, ts_checked_ns: int | None) -> None:
        """Note what can be said now, and when vectors were last compared."""
        self._different.set(verdict is ParityVerdict.DIFFERENT)
        if ts_checked_ns is not None:
            self._checked_s.set(ts_checked_ns / NS_PER_S)
