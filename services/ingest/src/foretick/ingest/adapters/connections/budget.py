"""Budgets: how much may be asked of a venue in a time, before it bans the one who asks."""

import asyncio
from collections.abc import Awaitable, Callable


class Budget:
    """Units that refill evenly over ``period_s``, at most ``capacity`` of them. Whoever waits is served in turn."""

    def __init__(
        self,
        capacity: float,
        period_s: float,
        seconds: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._capacity = capacity
        self._period_s = period_s
        self._seconds = seconds
        self._sleep = sleep
        self._left = capacity
        self._at_s = seconds()
        self._turn = asyncio.Lock()

    @property
    def used_frac(self) -> float:
        """How much of it is spent now."""
        self._refill()
        return 1.0 - self._left / self._capacity

    async def spend(self, units: float) -> None:
        """Wait until ``units`` are there, and take them; more than there can ever be count as all."""
        units = min(units, self._capacity)
        async with self._turn:
            while True:
                self._refill()
                if self._left >= units:
                    self._left -= units
                    return
                await self._sleep((units - self._left) * self._period_s / self._capacity)

    @classmethod
    def within_a_second(cls, units: int, seconds: Callable[[], float]) -> "Budget":
        """Return a budget of which at most ``units``, two or more, are spent within any second: one at a time."""
        return cls(1.0, 1.0 / (units - 1), seconds)

    def _refill(self) -> None:
        now_s = self._seconds()
        self._left = min(self._capacity, self._left + (now_s - self._at_s) * self._capacity / self._period_s)
        self._at_s = now_s
