"""The audit of an instrument's sequence: what is new in a frame, what was lost before it, who may still write."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Admission:
    """What to do with a frame.

    skip: events at its front that were folded before; all of them for a duplicate
    lost: events that should have come before it and did not
    renumbered: a new writer began anew, so that what came before does not connect
    refused: it comes from a writer that a newer one has replaced
    """

    skip: int = 0
    lost: int = 0
    renumbered: bool = False
    refused: bool = False


@dataclass(slots=True)
class SequenceAudit:
    """Expects an instrument's events one after the other. ``next_seq`` is None before the first frame.

    >>> audit = SequenceAudit()
    >>> audit.admit(epoch=1, seq=10, count=3).lost, audit.admit(epoch=1, seq=12, count=4).skip, audit.next_seq
    (0, 1, 16)
    >>> audit.admit(epoch=1, seq=20, count=1).lost, audit.admit(epoch=0, seq=21, count=1).refused
    (4, True)
    """

    epoch: int = 0
    next_seq: int | None = None

    def admit(self, epoch: int, seq: int, count: int) -> Admission:
        """Judge the frame of events ``seq`` to ``seq + count - 1`` and expect what follows it."""
        if epoch < self.epoch:
            return Admission(skip=count, refused=True)
        is_new_writer = epoch > self.epoch
        self.epoch = epoch
        if self.next_seq is None:
            self.next_seq = seq + count
            return Admission()
        ahead = seq - self.next_seq
        if ahead < 0 and is_new_writer:
            self.next_seq = seq + count
            return Admission(renumbered=True)
        skip = min(max(0, -ahead), count)
        self.next_seq = max(self.next_seq, seq + count)
        return Admission(skip=skip, lost=max(0, ahead))
