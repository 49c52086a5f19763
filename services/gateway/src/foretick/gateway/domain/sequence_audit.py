"""Is what arrives of an instrument complete, new, and from the rightful producer?"""

from typing import NamedTuple


class Verdict(NamedTuple):
    """What to do with a message that carries ``count`` consecutive sequence numbers.

    refused: it comes from a producer that was fenced off
    skip: how many of its first events are folded already; ``count`` when all are
    lost: how many numbers before it never arrived
    restarted: it opens a new epoch
    """

    refused: bool = False
    skip: int = 0
    lost: int = 0
    restarted: bool = False


_SOUND = Verdict()
_REFUSED = Verdict(refused=True)


class SequenceAudit:
    """Watches the contiguous numbers of one instrument.

    >>> audit = SequenceAudit()
    >>> audit.check(epoch=1, seq=10, count=2).lost, audit.check(epoch=1, seq=14, count=1).lost
    (0, 2)
    """

    __slots__ = ("epoch", "last_seq")

    def __init__(self) -> None:
        self.epoch = -1
        self.last_seq = -1

    def expect(self, epoch: int, seq: int) -> None:
        """Take it that everything before ``seq`` of the present ``epoch`` is accounted for."""
        if epoch == self.epoch:
            self.last_seq = max(self.last_seq, seq - 1)

    def check(self, epoch: int, seq: int, count: int) -> Verdict:
        """Judge the numbers ``seq .. seq+count-1`` of ``epoch`` and remember them."""
        if epoch < self.epoch:
            return _REFUSED
        if epoch > self.epoch:
            restarted = self.epoch >= 0
            self.epoch, self.last_seq = epoch, seq + count - 1
            return Verdict(restarted=True) if restarted else _SOUND
        lost = seq - self.last_seq - 1
        if lost < 0:
            skip = min(-lost, count)
            self.last_seq = max(self.last_seq, seq + count - 1)
            return Verdict(skip=skip)
        self.last_seq = seq + count - 1
        return Verdict(lost=lost) if lost else _SOUND


class DerivedAudit:
    """Watches a derived message's ``(epoch, asof_seq)``: it must move forward. Gaps are its producer's choice."""

    __slots__ = ("epoch", "last_seq")

    def __init__(self) -> None:
        self.epoch = -1
        self.last_seq = -1

    def check(self, epoch: int, seq: int) -> Verdict:
        """Judge one message and remember it."""
        if epoch < self.epoch:
            return _REFUSED
        if epoch == self.epoch and seq <= self.last_seq:
            return Verdict(skip=1)
        restarted = 0 <= self.epoch < epoch
        self.epoch, self.last_seq = epoch, seq
        return Verdict(restarted=True) if restarted else _SOUND
