"""The chain of an instrument's feature vectors: each names the one before it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from foretick.launcher.audit.domain.spans import Span


@dataclass(slots=True)
class VectorChain:
    """Takes an instrument's vectors in the order of the stream.

    asof_seqs: of the vectors that the rightful writer published, ascending
    breaks: from after the vector that came before to the one that does not connect to it
    repeated: another vector as of the same event, by the same writer
    copies: vectors that came again as they were, which every consumer leaves out
    """

    asof_seqs: list[int] = field(default_factory=list[int])
    breaks: list[Span] = field(default_factory=list[Span])
    repeated: list[Span] = field(default_factory=list[Span])
    copies: int = 0
    _digests: list[int] = field(default_factory=list[int])
    _epoch: int = -1

    def take(self, epoch: int, asof_seq: int, prev_asof_seq: int | None, digest: int) -> None:
        """Take the next vector; ``digest`` tells its content from others.

        One of a writer that had been replaced is refused by every consumer, so it is here.
        """
        if epoch < self._epoch:
            return
        is_new_writer, self._epoch = epoch > self._epoch, epoch
        before = self.asof_seqs[-1] if self.asof_seqs else None
        if before is None or (asof_seq <= before and is_new_writer):
            if before != asof_seq:
                self._put(asof_seq, digest)
            return
        if asof_seq <= before:
            self._judge_again(asof_seq, digest)
            return
        is_first_of_writer = is_new_writer and prev_asof_seq is None
        if prev_asof_seq != before and not is_first_of_writer:
            self.breaks.append(Span(before + 1, asof_seq))
        self.asof_seqs.append(asof_seq)
        self._digests.append(digest)

    @property
    def extent(self) -> Span | None:
        """From the first to the last vector."""
        return Span(self.asof_seqs[0], self.asof_seqs[-1]) if self.asof_seqs else None

    def absent(self, asof_seqs: Iterable[int]) -> list[Span]:
        """Return the way to the next vector from each of ``asof_seqs``, within the extent, that no vector has."""
        found: list[Span] = []
        for asof_seq in asof_seqs:
            at = bisect_left(self.asof_seqs, asof_seq)
            if 0 < at < len(self.asof_seqs) and self.asof_seqs[at] != asof_seq:
                found.append(Span(asof_seq, self.asof_seqs[at]))
        return found

    def _judge_again(self, asof_seq: int, digest: int) -> None:
        at = bisect_left(self.asof_seqs, asof_seq)
        if self.asof_seqs[at] == asof_seq and self._digests[at] == digest:
            self.copies += 1
        else:
            self.repeated.append(Span(asof_seq, asof_seq))

    def _put(self, asof_seq: int, digest: int) -> None:
        at = bisect_right(self.asof_seqs, asof_seq)
        if at == 0 or self.asof_seqs[at - 1] != asof_seq:
            self.asof_seqs.insert(at, asof_seq)
            self._digests.insert(at, digest)
