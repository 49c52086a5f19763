"""The latest message of a subject as clients are told it, and the topic that tells it."""

from collections.abc import Callable
from typing import Generic, TypeVar

from foretick.common.contracts import Contract
from foretick.common.sequence import DerivedAudit, SequenceTally
from foretick.common.subjects import Subject
from foretick.gateway.domain.channels import CHANNELS
from foretick.gateway.domain.freshness import age_ms_of, is_stale
from foretick.gateway.domain.topic import Tally, Topic

D = TypeVar("D", bound=Contract)


class LatestView(Generic[D]):
    """Keeps what clients are told of the newest message on ``subject``, and how old it is.

    data: None before the first message
    """

    def __init__(
        self, channel: str, venue: str, symbol: str, subject: Subject, fanout: Tally, audits: SequenceTally
    ) -> None:
        self.data: D | None = None
        self.topic = Topic(CHANNELS[channel], venue, symbol, lambda: self.data, fanout)
        self._subject = subject
        self._audit = DerivedAudit()
        self._audits = audits

    def age_ms(self, now_ns: int) -> int | None:
        """Return how long ago the latest message arrived; None where none has."""
        return age_ms_of(self.topic.arrived_ns, now_ns)

    def is_stale(self, now_ns: int) -> bool:
        """Return whether none arrived within the subject's time to live."""
        return is_stale(self.age_ms(now_ns), self._subject.ttl_ms)

    def _take(self, epoch: int, seq: int, prev_seq: int | None, convert: Callable[[], D], arrived_ns: int) -> None:
        """Take a message, unless it is not newer than the last; the topic tells it at once."""
        admission = self._audit.admit(epoch, seq, prev_seq)
        self._audits.count(self._subject.root, admission)
        if admission.skip:
            return
        self.data = convert()
        self.topic.publish(epoch, seq, self.data, arrived_ns)
