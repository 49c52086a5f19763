"""How far an instrument's predictions meant what they said, as clients are told, and the topic that tells it."""

from foretick.common.contracts import Calibration, Contract, Origin, Reliability
from foretick.common.sequence import DerivedAudit, SequenceTally
from foretick.common.subjects import CALIBRATION_MESSAGES
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.channels import CHANNELS
from foretick.gateway.domain.freshness import age_ms_of, is_stale
from foretick.gateway.domain.topic import Tally, Topic


class CalibrationData(Contract, frozen=True, kw_only=True, gc=False):
    """Reliability over all regimes and in each; fields as on the bus."""

    model_id: str
    asof_seq: int
    step: int
    origin: Origin
    ts_recv_us: int
    target_frac: float
    total: Reliability
    regimes: list[Reliability]


class CalibrationAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """The latest calibration of an instrument.

    age_ms: since it arrived; null where there is none
    stale: none arrived within the time to live, or there is none
    reason: why ``calibration`` is null; empty otherwise
    """

    venue: str
    symbol: str
    age_ms: int | None
    stale: bool
    reason: str
    calibration: CalibrationData | None


class CalibrationView:
    """The latest calibration of an instrument."""

    def __init__(self, venue: str, symbol: str, fanout: Tally, audits: SequenceTally) -> None:
        self.data: CalibrationData | None = None
        self.topic = Topic(CHANNELS["calibration"], venue, symbol, lambda: self.data, fanout)
        self._venue = venue
        self._symbol = symbol
        self._audit = DerivedAudit()
        self._audits = audits

    def fold(self, message: Calibration, arrived_ns: int) -> None:
        """Take a message, unless it is not newer than the last; the topic tells it at once."""
        admission = self._audit.admit(message.epoch, message.asof_seq)
        self._audits.count("calibrations", admission)
        if admission.skip:
            return
        self.data = CalibrationData(
            model_id=message.model_id,
            asof_seq=message.asof_seq,
            step=message.step,
            origin=message.origin,
            ts_recv_us=micros_from_nanos(message.ts_recv_ns),
            target_frac=message.target_frac,
            total=message.total,
            regimes=message.regimes,
        )
        self.topic.publish(message.epoch, message.asof_seq, self.data, arrived_ns)

    def answer(self, now_ns: int) -> CalibrationAnswer:
        """Return the calibration with its age."""
        age_ms = None if self.topic.seq is None else age_ms_of(self.topic.arrived_ns, now_ns)
        return CalibrationAnswer(
            venue=self._venue,
            symbol=self._symbol,
            age_ms=age_ms,
            stale=is_stale(age_ms, CALIBRATION_MESSAGES.ttl_ms),
            reason="" if self.data else "too few outcomes have come in this run yet",
            calibration=self.data,
        )
