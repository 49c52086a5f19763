"""Which venue is the odd one out: how far mids may differ, and a verdict that does not flicker."""

import math
from dataclasses import dataclass

from foretick.common.units import BPS_PER_UNIT, NS_PER_S

SIGMAS = 4.0
LEAST_LATENCY_S = 0.25
"""Two venues' quotes of one instant arrive apart by as much: their ways to us, and updates that come every 100 ms."""

LEAST_VOLATILITY_BPS = 1.0
"""Of the mid, for the square root of a second: counted at least, and before there is an estimate."""

UNKNOWN_FEE_BPS = 10.0
"""The taker's fee of a venue that does not tell it: what the lowest tier pays at most large ones."""

MEMORY_S = 30.0
"""Time constant of the estimated volatility."""

ACCUSE_NS = NS_PER_S
"""A venue must deviate for so long: when a price jumps, the first to follow it deviates from all that are slower."""

GROSS = 5.0
"""A deviation of so many allowances needs no confirmation: a slipped decimal, another asset under the same name."""

ACQUIT_NS = 5 * NS_PER_S
ACQUIT_FRAC = 0.5
"""It counts again after it was within this part of the allowance for that long."""

FORGET_NS = 60 * NS_PER_S
"""A verdict is kept for so long when there is no venue left to compare with; then nothing speaks for it any more."""


@dataclass(slots=True)
class Judgement:
    """Whether a venue is the odd one out, with hysteresis in size and in time."""

    is_outlier: bool = False
    _since_ns: int | None = None
    _compared_ns: int = 0

    def weigh(self, now_ns: int, ratio: float, is_supported: bool) -> None:
        """Take note of a comparison at ``now_ns``, data time.

        Args:
            now_ns: not before that of the last call
            ratio: how many times the allowance its mid deviates
            is_supported: whether a majority agrees on what it deviates from; without one nobody is accused
        """
        self._compared_ns = now_ns
        if self.is_outlier:
            is_changing = ratio < ACQUIT_FRAC
            wait_ns = ACQUIT_NS
        else:
            is_changing = is_supported and ratio > 1
            wait_ns = 0 if ratio > GROSS else ACCUSE_NS
        if not is_changing:
            self._since_ns = None
            return
        if self._since_ns is None:
            self._since_ns = now_ns
        if now_ns - self._since_ns >= wait_ns:
            self.is_outlier, self._since_ns = not self.is_outlier, None

    def skip(self, now_ns: int) -> None:
        """Take note that there was nothing to compare with at ``now_ns``."""
        self._since_ns = None
        if self.is_outlier and now_ns - self._compared_ns >= FORGET_NS:
            self.is_outlier = False

    def reset(self) -> None:
        """Begin anew: the venue's book does."""
        self.is_outlier, self._since_ns = False, None


@dataclass(slots=True)
class Volatility:
    """The volatility of the mid, an exponentially weighted mean of squared returns per second."""

    _variance: float | None = None  # bps squared per second
    _mid: float | None = None
    _at_ns: int = 0
    _of: tuple[str, ...] = ()

    def observe(self, now_ns: int, mid: float, of: tuple[str, ...]) -> None:
        """Take note of the ``mid`` of the venues ``of``; where they are others than before it is no move of the market.

        Moves are taken over 100 ms and longer.
        """
        elapsed_s = (now_ns - self._at_ns) / NS_PER_S
        if self._mid is not None and of == self._of:
            if elapsed_s < 0.1:
                return
            move = (BPS_PER_UNIT * math.log(mid / self._mid)) ** 2 / elapsed_s
            weight = 1 - math.exp(-elapsed_s / MEMORY_S)
            self._variance = move if self._variance is None else self._variance + weight * (move - self._variance)
        self._mid, self._at_ns, self._of = mid, now_ns, of

    def allowance_bps(self, age_s: float) -> float:
        """Return how far the mid may have moved in ``age_s``: ``SIGMAS`` standard deviations."""
        deviation_bps = max(math.sqrt(self._variance or 0.0), LEAST_VOLATILITY_BPS)
        return SIGMAS * deviation_bps * math.sqrt(max(age_s, LEAST_LATENCY_S))
