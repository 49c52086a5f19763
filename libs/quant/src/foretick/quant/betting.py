"""A test of "the mean is not positive" that may be looked at after every observation.

A gambler who bets on bounded differences with fair odds cannot grow rich when none of them has a positive mean. Its
wealth is an e-process: the chance that it ever reaches 1/level is at most level, however often and whenever somebody
looks (Ville 1939). Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86
(2024), section 5; Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence
sequences", Annals of Statistics 49 (2021).
"""

from math import inf

import numpy as np

BETS = tuple(2.0**power for power in range(-4, 6))
"""Stakes per unit of difference, geometric: no scale has to be known. The wealth is the mean of ten gamblers', so not
knowing the best of them costs at most a factor of ten."""

_MOST_AT_RISK = 0.5
"""Share of its wealth that a gambler may lose by one observation."""


class BettingTest:
    """Evidence, as an e-value, that differences have a positive mean. O(1) in time and memory.

    Valid when each difference, given all that was known before its bound, has a mean of at most zero.
    """

    __slots__ = ("_bets", "_log_wealth", "count", "log_evidence", "total")

    def __init__(self) -> None:
        self._bets = np.array(BETS)
        self._log_wealth = np.zeros(len(BETS))
        self.count = 0
        self.total = 0.0
        self.log_evidence = 0.0
        """Log of the wealth now; 0 at the start."""

    @property
    def mean(self) -> float:
        """Mean difference; 0 before the first."""
        return self.total / self.count if self.count else 0.0

    def add(self, difference: float, bound: float) -> None:
        """Take an observation; ``bound``, known before it, is the largest size that it may have.

        Raises:
            ValueError: it is larger than its bound, or not finite.
        """
        if not abs(difference) <= bound < inf:
            raise ValueError(f"a difference of {difference} is not within its bound of {bound}")
        self.count += 1
        self.total += difference
        if bound == 0.0:
            return
        self._log_wealth += np.log1p(np.minimum(self._bets, _MOST_AT_RISK / bound) * difference)
        top = float(self._log_wealth.max())
        self.log_evidence = top + float(np.log(np.exp(self._log_wealth - top).mean()))

    def rejects(self, level: float) -> bool:
        """Whether the evidence is enough now at ``level``: stop at the first time that it is."""
        return self.log_evidence >= -float(np.log(level))
