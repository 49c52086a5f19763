"""Asks for full books: one at a time, and ever slower for a symbol that keeps asking."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection

from foretick.common.errors import Malformed, Refused, RetryLater, Transient
from foretick.common.runtime.logs import Logger
from foretick.ingest.domain.backoff import backoff_s

CALM_S = 20.0
"""A symbol that did not ask for this long starts over without a pause: a line that drops each minute is no loop."""

AT_ONCE = 2
"""Requests of a symbol within ``CALM_S`` that need not wait: for its first book, and for one after a gap."""


class Resync:
    """Answers requests for full books in their order, one in flight; ``ask`` fetches one, or has the venue send it.

    The first ``AT_ONCE`` requests of a symbol go out at once; each further one within ``CALM_S`` waits longer than the
    one before, and so does every one after a failure.
    """

    def __init__(self, ask: Callable[[str], Awaitable[None]], log: Logger, seed: int) -> None:
        self.requested = 0
        self._ask = ask
        self._log = log
        self._random = random.Random(seed)
        self._wanted: asyncio.Queue[str] = asyncio.Queue()
        self._pending: set[str] = set()
        self._history: dict[str, tuple[int, float]] = {}

    def request(self, symbol: str) -> None:
        """Ask for a full book of ``symbol``, unless that is under way."""
        if symbol not in self._pending:
            self._pending.add(symbol)
            self._wanted.put_nowait(symbol)

    def forget(self, symbols: Collection[str]) -> None:
        """Ask no more for full books of ``symbols`` that were asked for so far: they come without that."""
        for symbol in self._pending.intersection(symbols):
            self._pending.discard(symbol)
            attempts, last_s = self._history.get(symbol, (0, 0.0))
            if last_s < 0:
                self._history[symbol] = (attempts, asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            symbol = await self._wanted.get()
            if symbol not in self._pending:
                continue
            pause_s = self._pause_s(symbol)
            if pause_s > 0:
                asyncio.get_running_loop().call_later(pause_s, self._wanted.put_nowait, symbol)
                self._history[symbol] = (self._history[symbol][0], -1.0)
                continue
            await self._answer(symbol)

    async def _answer(self, symbol: str) -> None:
        """Ask; what is requested meanwhile is answered by it, and what still is not is requested again."""
        self.requested += 1
        try:
            await self._ask(symbol)
        except (Transient, Refused, Malformed) as error:
            self._log.warning("full book not had, trying again", symbol=symbol, error=str(error))
            if isinstance(error, RetryLater):
                await asyncio.sleep(error.after_s)
            attempts, last_s = self._history[symbol]
            self._history[symbol] = (max(attempts, AT_ONCE), last_s)
            self._wanted.put_nowait(symbol)
        else:
            self._pending.discard(symbol)

    def _pause_s(self, symbol: str) -> float:
        """Return how long ``symbol`` has to wait, 0 when its turn is now."""
        now_s = asyncio.get_running_loop().time()
        attempts, last_s = self._history.get(symbol, (0, now_s - 2 * CALM_S))
        if last_s < 0:  # it has waited
            self._history[symbol] = (attempts, now_s)
            return 0.0
        attempts = attempts + 1 if now_s - last_s < CALM_S else 1
        self._history[symbol] = (attempts, now_s)
        return 0.0 if attempts <= AT_ONCE else backoff_s(attempts - AT_ONCE, self._random.random())
