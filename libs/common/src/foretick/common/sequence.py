"""The audit of numbered messages, the same at every consumer: what is new, what was lost, who may still write."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Admission:
    """What to do with a message that carries one or more consecutive numbers.

    skip: events at its front that were taken before; all of them for a repeat, or for one that is refused
    lost: events that should have come before it and did not
    renumbered: a new writer began anew, so that what came before does not connect
    refused: it comes from a writer that a newer one has replaced
    """

    skip: int = 0
    lost: int = 0
    renumbered: bool = False
    refused: bool = False


SOUND = Admission()
"""All of it is new, and nothing is missing before it."""


@dataclass(slots=True)
class SequenceAudit:
    """Expects an instrument's events one after the other. ``next_seq`` is None, ``epoch`` -1 before the first message.

    >>> audit = SequenceAudit()
    >>> audit.admit(epoch=1, seq=10, count=3).lost, audit.admit(epoch=1, seq=12, count=4).skip, audit.next_seq
    (0, 1, 16)
    >>> audit.admit(epoch=1, seq=20, count=1).lost, audit.admit(epoch=0, seq=21, count=1).refused
    (4, True)
    """

    epoch: int = -1
    next_seq: int | None = None

    @property
    def last_seq(self) -> int:
        """The highest number seen or accounted for; -1 before the first."""
        return -1 if self.next_seq is None else self.next_seq - 1

    def expect(self, epoch: int, seq: int) -> None:
        """Take it that everything before ``seq`` of ``epoch`` is accounted for."""
        if epoch >= self.epoch and self.next_seq is not None:
            self.next_seq = max(self.next_seq, seq)

    def admit(self, epoch: int, seq: int, count: int) -> Admission:
        """Judge the events ``seq`` to ``seq + count - 1`` and expect what follows them.

        A higher epoch is a new writer. What it sends connects where it goes on with the numbers; where they are lower
        than expected it has begun anew.
        """
        if epoch < self.epoch:
            return Admission(skip=count, refused=True)
        is_new_writer = epoch > self.epoch
        self.epoch = epoch
        if self.next_seq is None:
            self.next_seq = seq + count
            return SOUND
        ahead = seq - self.next_seq
        if ahead == 0:
            self.next_seq = seq + count
            return SOUND
        if ahead < 0 and is_new_writer:
            self.next_seq = seq + count
            return Admission(renumbered=True)
        skip = min(max(0, -ahead), count)
        self.next_seq = max(self.next_seq, seq + count)
        return Admission(skip=skip, lost=max(0, ahead))


@dataclass(slots=True)
class DerivedAudit:
    """Watches the ``asof_seq`` of derived messages: it must move forward, by steps that the producer chooses.

    A message that names the one before it (``prev_asof_seq``) proves a loss: that one never came. How many more did
    not come cannot be told, so it counts as one.

    >>> audit = DerivedAudit()
    >>> audit.admit(epoch=1, asof_seq=10), audit.admit(epoch=1, asof_seq=30, prev_asof_seq=10).lost
    (Admission(skip=0, lost=0, renumbered=False, refused=False), 0)
    >>> audit.admit(epoch=1, asof_seq=50, prev_asof_seq=40).lost, audit.admit(epoch=1, asof_seq=50).skip
    (1, 1)
    """

    epoch: int = -1
    last_seq: int = -1

    def admit(self, epoch: int, asof_seq: int, prev_asof_seq: int | None = None) -> Admission:
        """Judge one message and remember it."""
        if epoch < self.epoch:
            return Admission(skip=1, refused=True)
        is_new_writer = epoch > self.epoch
        self.epoch = epoch
        before, is_forward = self.last_seq, asof_seq > self.last_seq
        if not is_forward and not is_new_writer:
            return Admission(skip=1)
        self.last_seq = asof_seq
        if not is_forward:
            return Admission(renumbered=True)
        if prev_asof_seq is not None and 0 <= before < prev_asof_seq:
            return Admission(lost=1)
        return SOUND


@dataclass(slots=True)
class SequenceCounts:
    """Running counts of what the audits of one channel found.

    gaps: times something was lost; lost: how many events (of a derived channel: at least so many messages)
    repeated: events that came again and were left out
    refused: messages of a writer that a newer one has replaced
    renumbered: times a new writer began anew
    """

    gaps: int = 0
    lost: int = 0
    repeated: int = 0
    refused: int = 0
    renumbered: int = 0


@dataclass(slots=True)
class SequenceTally:
    """What all audits of a consumer found, by channel. The runtime shows it as metrics, alike for every service."""

    channels: dict[str, SequenceCounts] = field(default_factory=dict[str, SequenceCounts])

    def count(self, channel: str, admission: Admission) -> None:
        """Add one admission."""
        if admission is SOUND:
            return
        counts = self.of(channel)
        counts.gaps += admission.lost > 0
        counts.lost += admission.lost
        counts.repeated += 0 if admission.refused else admission.skip
        counts.refused += admission.refused
        counts.renumbered += admission.renumbered

    def of(self, channel: str) -> SequenceCounts:
        """Return the counts of ``channel``, new where there are none."""
        counts = self.channels.get(channel)
        if counts is None:
            counts = self.channels[channel] = SequenceCounts()
        return counts

    def add(self, other: "SequenceTally") -> None:
        """Add all that ``other`` counted."""
        for channel, theirs in other.channels.items():
            ours = self.of(channel)
            ours.gaps += theirs.gaps
            ours.lost += theirs.lost
            ours.repeated += theirs.repeated
            ours.refused += theirs.refused
            ours.renumbered += theirs.renumbered

    def total(self) -> SequenceCounts:
        """Return the counts over all channels."""
        together = SequenceTally()
        for counts in self.channels.values():
            together.add(SequenceTally({"": counts}))
        return together.of("")
