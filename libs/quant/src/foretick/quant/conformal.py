"""Adaptive conformal intervals (Gibbs and Candes 2021): they keep their coverage when the market changes.

An interval is the forecast plus and minus a width, in units of a scale that is known with the forecast. The width is a
quantile of the latest scores ``|outcome - forecast| / scale``; which quantile follows from how often intervals have
missed: ``alpha += gamma * (miss_frac - missed)`` after each outcome.
"""

from bisect import bisect_left, insort
from collections import deque
from math import ceil, inf

_ROUNDING = 1e-9


class AdaptiveInterval:
    """The width of one series' intervals, and how often they held.

    An outcome costs a search of the sorted scores and moving what lies behind: for a window of 500 at most 4 kB.

    Args:
        coverage_frac: share of outcomes that should lie within, above 0 and below 1
        gamma: step of the adaptation. Of n outcomes at most ``n * a + (a + gamma) / gamma`` are missed, whatever the
            data, with ``a`` the share that may be; where up to d intervals are given before an outcome is known,
            ``n * a + (a + (d + 1) * gamma) / gamma``. Equal scores, such as of prices that did not move, make it hold
            more
        window: scores that the quantile is taken of
        warmup: scores before a width is given
        judged_window: intervals that the coverage is taken of
    """

    __slots__ = (
        "_alpha",
        "_arrived",
        "_held",
        "_held_sum",
        "_judged_window",
        "_sorted",
        "_warmup",
        "_window",
        "gamma",
        "miss_frac",
    )

    def __init__(
        self,
        coverage_frac: float = 0.9,
        gamma: float = 0.005,
        window: int = 500,
        warmup: int = 50,
        judged_window: int = 500,
    ) -> None:
        if not (0.0 < coverage_frac < 1.0 and gamma > 0.0 and 1 <= warmup <= window and judged_window >= 1):
            raise ValueError(
                f"coverage_frac {coverage_frac}, gamma {gamma}, warmup {warmup} of window {window}, {judged_window}"
            )
        self.miss_frac = 1.0 - coverage_frac
        self.gamma = gamma
        self._alpha = self.miss_frac
        self._window, self._warmup, self._judged_window = window, warmup, judged_window
        self._arrived: deque[float] = deque()
        self._sorted: list[float] = []
        self._held: deque[bool] = deque()
        self._held_sum = 0

    @property
    def alpha(self) -> float:
        """The share that the next interval may miss; below 0 it has no bound, at 1 no width."""
        return self._alpha

    @property
    def judged(self) -> int:
        """How many intervals ``coverage_frac`` is taken of."""
        return len(self._held)

    @property
    def coverage_frac(self) -> float | None:
        """Share of the latest ``judged_window`` intervals that held; None before the first."""
        return self._held_sum / len(self._held) if self._held else None

    def width(self) -> float | None:
        """Return the next width, in scales: infinite where nothing less would do; None while few scores are known."""
        count = len(self._sorted)
        if count < self._warmup:
            return None
        rank = ceil((1.0 - self._alpha) * (count + 1) - _ROUNDING)
        if rank > count:
            return inf
        return self._sorted[rank - 1] if rank >= 1 else 0.0

    def observe(self, score: float, held: bool | None) -> None:
        """Take an outcome: its score, and whether the interval that was given for it held (None: none was)."""
        if held is not None:
            self._alpha = min(1.0, self._alpha + self.gamma * (self.miss_frac - (0.0 if held else 1.0)))
            self._held.append(held)
            self._held_sum += held
            if len(self._held) > self._judged_window:
                self._held_sum -= self._held.popleft()
        self._arrived.append(score)
        insort(self._sorted, score)
        if len(self._arrived) > self._window:
            del self._sorted[bisect_left(self._sorted, self._arrived.popleft())]

    def go_on_at(self, alpha: float) -> None:
        """Take over the ``alpha`` of a predecessor whose latest outcomes were observed here."""
        self._alpha = min(1.0, alpha)
