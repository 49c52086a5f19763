"""How far the record of each instrument has come: what is new, what is a duplicate, what is missing."""

from dataclasses import dataclass, field

from foretick.common.contracts import FeatureVector, Message, Trust
from foretick.common.sequence import Admission, SequenceAudit


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequence numbers of an instrument that the record lacks, inclusive; found by ``ingest`` or ``recorder``."""

    run_id: str
    venue: str
    symbol: str
    from_seq: int
    through_seq: int
    found_by: str
    reason: str


def gap_before(frame: Message, seq: int, lost: int) -> Gap:
    """Return the recorder's own record of the ``lost`` events that should have come before event ``seq``."""
    return Gap(
        frame.run_id, frame.venue, frame.symbol, seq - lost, seq - 1, "recorder", "missing between two messages"
    )  # fmt: skip


@dataclass(slots=True)
class Positions:
    """Where each instrument's sequence and book stand, and which of its feature vectors was last sampled.

    One position an instrument: a new run of it starts afresh. ``dump`` and ``load`` carry it through the database, in
    the transaction that writes the rows it speaks of.

    next_seq: ``(venue, symbol)`` -> run, epoch and the next sequence number expected
    sampled: ``(venue, symbol)`` -> run and number of the sampling interval of the last vector kept
    trusts: ``(venue, symbol)`` -> run and trust of its book after its last event
    """

    next_seq: dict[tuple[str, str], tuple[str, int, int]] = field(
        default_factory=dict[tuple[str, str], tuple[str, int, int]]
    )
    sampled: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict[tuple[str, str], tuple[str, int]])
    trusts: dict[tuple[str, str], tuple[str, Trust]] = field(default_factory=dict[tuple[str, str], tuple[str, Trust]])

    def copy(self) -> "Positions":
        """Return an independent copy."""
        return Positions(dict(self.next_seq), dict(self.sampled), dict(self.trusts))

    def admit(self, frame: Message, seq: int, count: int) -> Admission:
        """Place a frame of ``count`` events from ``seq`` on, and move past it. A new run starts afresh."""
        key = (frame.venue, frame.symbol)
        run_id, epoch, expected = self.next_seq.get(key, (frame.run_id, frame.epoch, seq))
        audit = SequenceAudit(epoch, expected) if run_id == frame.run_id else SequenceAudit()
        admission = audit.admit(frame.epoch, seq, count)
        self.next_seq[key] = (frame.run_id, audit.epoch, audit.last_seq + 1)
        return admission

    def is_sample(self, vector: FeatureVector, interval_ns: int) -> bool:
        """Tell whether ``vector`` is its instrument's first in a new interval of data time, and remember it."""
        key, number = (vector.venue, vector.symbol), vector.ts_recv_ns // interval_ns
        if self.sampled.get(key) == (vector.run_id, number):
            return False
        self.sampled[key] = (vector.run_id, number)
        return True

    def trust_of(self, message: Message) -> Trust | None:
        """Return the trust of the instrument's book so far; None before the first book event of its run."""
        run_id, trust = self.trusts.get((message.venue, message.symbol), ("", None))
        return trust if run_id == message.run_id else None

    def dump(self) -> dict[str, list[list[str | int]]]:
        """Return this as plain data for JSON."""
        return {
            "next_seq": [[*key, *value] for key, value in self.next_seq.items()],
            "sampled": [[*key, *value] for key, value in self.sampled.items()],
            "trusts": [[*key, run_id, trust.value] for key, (run_id, trust) in self.trusts.items()],
        }

    @classmethod
    def load(cls, plain: dict[str, list[list[str | int]]]) -> "Positions":
        """Rebuild what ``dump`` returned."""
        return cls(
            {
                (str(venue), str(symbol)): (str(run_id), int(epoch), int(seq))
                for venue, symbol, run_id, epoch, seq in plain.get("next_seq", [])
            },
            {
                (str(venue), str(symbol)): (str(run_id), int(number))
                for venue, symbol, run_id, number in plain.get("sampled", [])
            },
            {
                (str(venue), str(symbol)): (str(run_id), Trust(trust))
                for venue, symbol, run_id, trust in plain.get("trusts", [])
            },
        )
