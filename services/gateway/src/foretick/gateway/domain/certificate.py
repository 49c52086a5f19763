"""The parity certificate as clients are told it, and the topic that tells it."""

from foretick.common.contracts import Contract, ParityCertificate, ParityVerdict
from foretick.common.sequence import SequenceTally
from foretick.common.subjects import PARITY_CERTIFICATES
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.channels import SYSTEM
from foretick.gateway.domain.latest_view import LatestView
from foretick.gateway.domain.topic import Tally


class CheckData(Contract, frozen=True, kw_only=True, gc=False):
    """The latest check that compared vectors; fields as on the bus."""

    venue: str
    symbol: str
    first_seq: int
    last_seq: int
    vectors: int
    from_start: bool
    ts_checked_us: int


class DifferenceData(Contract, frozen=True, kw_only=True, gc=False):
    """The first thing that a published vector and its recording do not agree on; fields as on the bus."""

    venue: str
    symbol: str
    asof_seq: int
    feature: str
    published: str
    recomputed: str
    ts_found_us: int


class CertificateData(Contract, frozen=True, kw_only=True, gc=False):
    """Whether published vectors are those that their recording gives; fields as on the bus."""

    verdict: ParityVerdict
    ts_since_us: int
    ts_sent_us: int
    equal: int
    different: int
    unchecked: int
    from_start: int
    reasons: dict[str, int]
    last: CheckData | None
    difference: DifferenceData | None


class CertificateAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """The latest certificate.

    age_ms: since it arrived; null where there is none
    stale: none arrived within the time to live, or there is none: nobody checks at present
    reason: why ``certificate`` is null; empty otherwise
    """

    age_ms: int | None
    stale: bool
    reason: str
    certificate: CertificateData | None


def certificate_data(message: ParityCertificate) -> CertificateData:
    """Return ``message`` with its instants in microseconds."""
    last, found = message.last, message.difference
    return CertificateData(
        verdict=message.verdict, ts_since_us=micros_from_nanos(message.ts_since_ns),
        ts_sent_us=micros_from_nanos(message.ts_sent_ns), equal=message.equal, different=message.different,
        unchecked=message.unchecked, from_start=message.from_start, reasons=message.reasons,
        last=last and CheckData(
            venue=last.venue, symbol=last.symbol, first_seq=last.first_seq, last_seq=last.last_seq,
            vectors=last.vectors, from_start=last.from_start, ts_checked_us=micros_from_nanos(last.ts_checked_ns),
        ),
        difference=found and DifferenceData(
            venue=found.venue, symbol=found.symbol, asof_seq=found.asof_seq, feature=found.feature,
            published=found.published, recomputed=found.recomputed, ts_found_us=micros_from_nanos(found.ts_found_ns),
        ),
    )  # fmt: skip


class CertificateView(LatestView[CertificateData]):
    """The latest certificate."""

    def __init__(self, fanout: Tally, audits: SequenceTally) -> None:
        super().__init__("certificate", SYSTEM, SYSTEM, PARITY_CERTIFICATES, fanout, audits)

    def fold(self, message: ParityCertificate, arrived_ns: int) -> None:
        """Take a message, unless it is not newer than the last; the topic tells it at once."""
        self._take(message.epoch, message.seq, None, lambda: certificate_data(message), arrived_ns)

    def answer(self, now_ns: int) -> CertificateAnswer:
        """Return the certificate with its age."""
        return CertificateAnswer(
            age_ms=self.age_ms(now_ns),
            stale=self.is_stale(now_ns),
            reason="" if self.data else "no check has been told of in this run yet",
            certificate=self.data,
        )
