"""How far the record of each instrument has come: what is new, what is a duplicate, what is missing."""

from dataclasses import dataclass, field

from foretick.common.contracts import FeatureVector, Message


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


@dataclass(frozen=True, slots=True)
class Admission:
    """What to do with a frame: record all but its first ``skip`` events (all of them: ``skip`` is their count)."""

    skip: int = 0
    gap: Gap | None = None
    is_refused: bool = False


@dataclass(slots=True)
class Positions:
    """Where each instrument's sequence stands, and which of its feature vectors was last sampled.

    One position an instrument: a new run of it starts afresh. ``dump`` and ``load`` carry it through the database, in
    the transaction that writes the rows it speaks of.

    next_seq: ``(venue, symbol)`` -> run, epoch and the next sequence number expected
    sampled: ``(venue, symbol)`` -> run and number of the sampling interval of the last vector kept
    """

    next_seq: dict[tuple[str, str], tuple[str, int, int]] = field(
        default_factory=dict[tuple[str, str], tuple[str, int, int]]
    )
    sampled: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict[tuple[str, str], tuple[str, int]])

    def copy(self) -> "Positions":
        """Return an independent copy."""
        return Positions(dict(self.next_seq), dict(self.sampled))

    def admit(self, frame: Message, seq: int, count: int) -> Admission:
        """Place a frame of ``count`` events from ``seq`` on, and move past it.

        A lower epoch than seen before is refused. A higher one is a new producer: what it sends is taken even where the
        numbers overlap, and a jump ahead is a gap all the same.
        """
        key = (frame.venue, frame.symbol)
        run_id, epoch, expected = self.next_seq.get(key, (frame.run_id, frame.epoch, seq))
        if run_id != frame.run_id:
            epoch, expected = frame.epoch, seq
        if frame.epoch < epoch:
            return Admission(skip=count, is_refused=True)
        skip = min(count, max(0, expected - seq)) if frame.epoch == epoch else 0
        gap = None
        if seq > expected:
            gap = Gap(
                frame.run_id, frame.venue, frame.symbol, expected, seq - 1, "recorder", "missing between two messages"
            )
        after = seq + count
        self.next_seq[key] = (frame.run_id, frame.epoch, max(expected, after) if frame.epoch == epoch else after)
        return Admission(skip=skip, gap=gap)

    def is_sample(self, vector: FeatureVector, interval_ns: int) -> bool:
        """Tell whether ``vector`` is its instrument's first in a new interval of data time, and remember it."""
        key, number = (vector.venue, vector.symbol), vector.ts_recv_ns // interval_ns
        if self.sampled.get(key) == (vector.run_id, number):
            return False
        self.sampled[key] = (vector.run_id, number)
        return True

    def dump(self) -> dict[str, list[list[str | int]]]:
        """Return this as plain data for JSON."""
        return {
            "next_seq": [[*key, *value] for key, value in self.next_seq.items()],
            "sampled": [[*key, *value] for key, value in self.sampled.items()],
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
        )
