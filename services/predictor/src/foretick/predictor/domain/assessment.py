"""How sure the numbers of a prediction are."""

from collections.abc import Sequence
from dataclasses import dataclass

from foretick.common.contracts import Abstention, NoInterval, Regime, ReturnInterval


@dataclass(frozen=True, slots=True)
class Assessment:
    """Regime, unit, interval and weights of a prediction, and whether it is a decision; fields as in the contract."""

    regime: Regime | None = None
    volatility_bps: float | None = None
    interval: ReturnInterval | None = None
    no_interval: NoInterval | None = None
    abstention: Abstention | None = None
    weights: Sequence[float] = ()


UNASSESSED = Assessment()
"""Of a prediction without numbers."""
