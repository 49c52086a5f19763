"""What the checks of a process have found, added up into a certificate."""

from collections import Counter
from dataclasses import dataclass, field

from foretick.common.contracts import ParityCheck, ParityDifference, ParityVerdict, Unchecked
from foretick.common.units import NS_PER_S

MEMORY_NS = 3_600 * NS_PER_S
"""How long a difference keeps the verdict."""

LATELY_NS = 600 * NS_PER_S
"""How long an equal check does."""


@dataclass(slots=True)
class Findings:
    """How the comparisons of one check ended, in vectors.

    first_seq, last_seq: of those that were compared, -1 for none
    """

    equal: int = 0
    unchecked: Counter[Unchecked] = field(default_factory=Counter[Unchecked])
    differences: list[ParityDifference] = field(default_factory=list[ParityDifference])
    first_seq: int = -1
    last_seq: int = -1

    @property
    def compared(self) -> int:
        """Vectors that were compared."""
        return self.equal + len(self.differences)

    def note(self, asof_seq: int) -> None:
        """Note that the vector ``asof_seq`` was compared."""
        self.first_seq = asof_seq if self.first_seq < 0 else self.first_seq
        self.last_seq = asof_seq


@dataclass(slots=True)
class Tally:
    """All findings so far."""

    equal: int = 0
    different: int = 0
    from_start: int = 0
    reasons: Counter[Unchecked] = field(default_factory=Counter[Unchecked])
    last: ParityCheck | None = None
    difference: ParityDifference | None = None

    def add(self, findings: Findings, key: tuple[str, str], *, from_start: bool, now_ns: int) -> None:
        """Add the findings of a check of instrument ``key``."""
        self.equal += findings.equal
        self.different += len(findings.differences)
        self.reasons += findings.unchecked
        if findings.compared:
            self.from_start += findings.compared if from_start else 0
            self.last = ParityCheck(
                venue=key[0], symbol=key[1], first_seq=findings.first_seq, last_seq=findings.last_seq,
                vectors=findings.compared, from_start=from_start, ts_checked_ns=now_ns,
            )  # fmt: skip
        if findings.differences:
            self.difference = findings.differences[0]

    def verdict(self, now_ns: int) -> ParityVerdict:
        """Return what can be said at the wall clock ``now_ns``."""
        if self.difference is not None and now_ns - self.difference.ts_found_ns <= MEMORY_NS:
            return ParityVerdict.DIFFERENT
        if self.last is not None and now_ns - self.last.ts_checked_ns <= LATELY_NS:
            return ParityVerdict.EQUAL
        return ParityVerdict.UNKNOWN
