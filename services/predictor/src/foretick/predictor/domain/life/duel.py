"""A model in shadow against the champion: the same vectors, paired log losses, a test that may be looked at any time.

Time is cut into blocks of three horizons. Of each instrument one prediction is taken in a block, made in its first
third, so its outcome (at most two horizons later) is known before the block ends, and no two blocks share a return. The
block's difference is the mean over instruments of the champion's log loss minus the other's; how large it can be
follows from the two models' probabilities, before any outcome of the block is known. So each block is one fair bet, for
``foretick.quant.betting``, under "the other is not better", whatever the market did before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log

from foretick.common.contracts import ContestState
from foretick.common.ownership import InstrumentKey
from foretick.quant.betting import BettingTest

LEAST_PROBABILITY = 0.01
"""Probabilities count as at least this: without a bound on a loss there is no test, and one outcome would decide."""

BLOCK_HORIZONS = 3


class Finding(StrEnum):
    """What a duel has come to. BETTER, WORSE: of the model in shadow; UNDECIDED: its time is over; OPEN: go on."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class DuelTerms:
    """level: of each of the two tests, for better and for worse; blocks: after so many it ends undecided."""

    level: float
    blocks: int


@dataclass(slots=True)
class _Pair:
    step: int
    champion: Sequence[float]
    other: Sequence[float]
    difference: float = 0.0

    @property
    def bound(self) -> float:
        return max(abs(_loss(a) - _loss(b)) for a, b in zip(self.champion, self.other, strict=True))


class Duel:
    """One contest. Pairs of a block come before their outcomes; a block is counted once the next but one has begun."""

    def __init__(self, other_id: str, horizon_steps: int, terms: DuelTerms) -> None:
        self.other_id = other_id
        self._length = BLOCK_HORIZONS * horizon_steps
        self._open_steps = horizon_steps
        self._terms = terms
        self._better, self._worse = BettingTest(), BettingTest()
        self._blocks: dict[int, dict[InstrumentKey, _Pair]] = {}
        self._closed_before = 0
        self._settled = self._disputed = 0

    def wants(self, key: InstrumentKey, step: int) -> bool:
        """Whether a prediction of that step would be taken: the first of its instrument in the block's first third."""
        block, at = divmod(step, self._length)
        return at < self._open_steps and block >= self._closed_before and key not in self._blocks.get(block, {})

    def pair(self, key: InstrumentKey, step: int, champion: Sequence[float], other: Sequence[float]) -> None:
        """Take what both models said (down, flat, up) of an instrument at a step that the duel ``wants``."""
        self._blocks.setdefault(step // self._length, {})[key] = _Pair(step, champion, other)

    def settle(self, key: InstrumentKey, step: int, champion_class: int, other_class: int) -> None:
        """Take the outcome of a step, by each model's own flat threshold; where they differ it says nothing."""
        pair = self._blocks.get(step // self._length, {}).get(key)
        if pair is None or pair.step != step:
            return
        self._settled += 1
        if champion_class != other_class:
            self._disputed += 1
            return
        pair.difference = _loss(pair.champion[champion_class]) - _loss(pair.other[other_class])

    def advance(self, step: int) -> None:
        """Count every block that ended a whole block before ``step``. One without an outcome is a bet on nothing."""
        before = step // self._length - 1
        for block in sorted(number for number in self._blocks if number < before):
            pairs = self._blocks.pop(block).values()
            difference = sum(pair.difference for pair in pairs) / len(pairs)
            bound = sum(pair.bound for pair in pairs) / len(pairs)
            difference = min(max(difference, -bound), bound)  # rounding of equal sums
            if self.finding is Finding.OPEN:
                self._better.add(difference, bound)
                self._worse.add(-difference, bound)
        self._closed_before = max(self._closed_before, before)

    @property
    def finding(self) -> Finding:
        """What it has come to; once it is not open it stays."""
        if self._better.rejects(self._terms.level):
            return Finding.BETTER
        if self._worse.rejects(self._terms.level):
            return Finding.WORSE
        return Finding.UNDECIDED if self._better.count >= self._terms.blocks else Finding.OPEN

    def state(self, *, is_predecessor: bool) -> ContestState:
        """Return how it stands."""
        return ContestState(
            model_id=self.other_id,
            is_predecessor=is_predecessor,
            blocks=self._better.count,
            gain_nats=self._better.mean,
            evidence=_e_value(self._better),
            against_evidence=_e_value(self._worse),
            needed=1.0 / self._terms.level,
            disputed_frac=self._disputed / self._settled if self._settled else 0.0,
            blocks_most=self._terms.blocks,
        )

    def statistics(self) -> dict[str, float]:
        """Return the figures that a decision rests on."""
        state = self.state(is_predecessor=False)
        return {
            "blocks": float(state.blocks),
            "gain_nats": state.gain_nats,
            "e_value": state.evidence,
            "e_value_against": state.against_evidence,
            "e_value_needed": state.needed,
            "level_frac": self._terms.level,
            "disputed_frac": state.disputed_frac,
        }


def _loss(probability: float) -> float:
    return -log(max(probability, LEAST_PROBABILITY))


def _e_value(test: BettingTest) -> float:
    return 10.0 ** min(300.0, test.log_evidence / log(10.0))
