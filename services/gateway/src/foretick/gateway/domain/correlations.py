"""The correlations of all instruments as clients are told, and the topic that tells them."""

from foretick.common.contracts import Contract, CorrelationMember, CorrelationPairs, Correlations, Origin, Trust
from foretick.common.sequence import SequenceTally
from foretick.common.subjects import CORRELATION_MESSAGES
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.channels import SYSTEM
from foretick.gateway.domain.latest_view import LatestView
from foretick.gateway.domain.topic import Tally


class CorrelationsData(Contract, frozen=True, kw_only=True, gc=False):
    """Correlation and lead-lag of every pair of ``members``; fields as on the bus."""

    seq: int
    ts_recv_us: int
    origins: list[Origin]
    trust: Trust
    window_s: int
    half_life_s: float
    max_lag_s: int
    left_out: int
    members: list[CorrelationMember]
    pairs: CorrelationPairs


class CorrelationsAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """The latest correlations.

    age_ms: since they arrived; null where there are none
    stale: none arrived within the time to live, or there are none: do not act on them
    reason: why ``correlations`` is null; empty otherwise
    """

    age_ms: int | None
    stale: bool
    reason: str
    correlations: CorrelationsData | None


class CorrelationView(LatestView[CorrelationsData]):
    """The latest correlations."""

    def __init__(self, fanout: Tally, audits: SequenceTally) -> None:
        super().__init__("correlations", SYSTEM, SYSTEM, CORRELATION_MESSAGES, fanout, audits)

    def fold(self, message: Correlations, arrived_ns: int) -> None:
        """Take a message, unless it is not newer than the last; the topic tells it at once."""
        self._take(message.epoch, message.seq, message.prev_seq, lambda: correlations_data(message), arrived_ns)

    def answer(self, now_ns: int) -> CorrelationsAnswer:
        """Return the correlations with their age."""
        return CorrelationsAnswer(
            age_ms=self.age_ms(now_ns),
            stale=self.is_stale(now_ns),
            reason="" if self.data else "no correlations have come in this run yet",
            correlations=self.data,
        )


def correlations_data(message: Correlations) -> CorrelationsData:
    """Return ``message`` with its instant in microseconds."""
    return CorrelationsData(
        ts_recv_us=micros_from_nanos(message.ts_recv_ns),
        **{name: getattr(message, name) for name in CorrelationsData.__struct_fields__ if name != "ts_recv_us"},
    )
