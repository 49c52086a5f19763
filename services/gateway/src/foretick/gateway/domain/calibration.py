"""How far an instrument's predictions meant what they said, as clients are told, and the topic that tells it."""

from foretick.common.contracts import Calibration, Contract, Origin, Reliability
from foretick.common.sequence import SequenceTally
from foretick.common.subjects import CALIBRATION_MESSAGES
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.latest_view import LatestView
from foretick.gateway.domain.topic import Tally


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


class CalibrationView(LatestView[CalibrationData]):
    """The latest calibration of an instrument."""

    def __init__(self, venue: str, symbol: str, fanout: Tally, audits: SequenceTally) -> None:
        super().__init__("calibration", venue, symbol, CALIBRATION_MESSAGES, fanout, audits)

    def fold(self, message: Calibration, arrived_ns: int) -> None:
        """Take a message, unless it is not newer than the last; the topic tells it at once."""
        self._take(message.epoch, message.asof_seq, None, lambda: calibration_data(message), arrived_ns)

    def answer(self, now_ns: int) -> CalibrationAnswer:
        """Return the calibration with its age."""
        return CalibrationAnswer(
            venue=self.topic.venue,
            symbol=self.topic.symbol,
            age_ms=self.age_ms(now_ns),
            stale=self.is_stale(now_ns),
            reason="" if self.data else "too few outcomes have come in this run yet",
            calibration=self.data,
        )


def calibration_data(message: Calibration) -> CalibrationData:
    """Return ``message`` with its instant in microseconds."""
    return CalibrationData(
        model_id=message.model_id, asof_seq=message.asof_seq, step=message.step, origin=message.origin,
        ts_recv_us=micros_from_nanos(message.ts_recv_ns), target_frac=message.target_frac, total=message.total,
        regimes=message.regimes,
    )  # fmt: skip
