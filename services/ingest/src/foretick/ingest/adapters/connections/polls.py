"""Asks a venue the same of each followed instrument again and again: what it serves by request only."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from foretick.common.clock import Clock
from foretick.common.errors import Malformed, Refused, RetryLater, Transient
from foretick.common.runtime.logs import Logger
from foretick.ingest.domain.events import Received

_LOG_EVERY = 50


@dataclass(frozen=True, slots=True)
class Poll:
    """A question.

    ask: returns the body that answers it for one symbol; raises as a ``VenueRest`` does
    every_s: how often it is asked of each symbol
    least_gap_s: between two questions, so that no more than its share of the request budget goes to it, however many
        symbols are followed
    """

    ask: Callable[[str], Awaitable[bytes]]
    every_s: float
    least_gap_s: float


class RestPolls:
    """Asks ``poll`` of each followed symbol in turn; answers go to ``deliver`` as replies about their symbol."""

    def __init__(self, poll: Poll, deliver: Callable[[Sequence[Received]], None], clock: Clock, log: Logger) -> None:
        self.answers = 0
        self.failures = 0
        self._poll = poll
        self._deliver = deliver
        self._clock = clock
        self._log = log
        self._turns: deque[str] = deque()
        self._refused: set[str] = set()
        self._has_turns = asyncio.Event()

    def follow(self, symbols: Sequence[str]) -> None:
        """Ask about ``symbols`` too."""
        self._turns.extend(symbol for symbol in symbols if symbol not in self._turns and symbol not in self._refused)
        if self._turns:
            self._has_turns.set()

    def leave(self, symbols: Sequence[str]) -> None:
        """Ask about ``symbols`` no longer."""
        self._turns = deque(symbol for symbol in self._turns if symbol not in symbols)
        if not self._turns:
            self._has_turns.clear()

    async def run(self) -> None:
        """Work until cancelled."""
        seconds = asyncio.get_running_loop().time
        while True:
            await self._has_turns.wait()
            asked_s = seconds()
            self._turns.rotate(-1)
            await self._ask(self._turns[-1])
            gap_s = max(self._poll.every_s / max(1, len(self._turns)), self._poll.least_gap_s)
            await asyncio.sleep(max(0.0, asked_s + gap_s - seconds()))

    async def _ask(self, symbol: str) -> None:
        try:
            body = await self._poll.ask(symbol)
        except Refused as error:
            self._log.warning("not asked again: the venue refuses to answer", symbol=symbol, error=str(error))
            self._refused.add(symbol)
            self.leave([symbol])
        except (Transient, Malformed) as error:
            self.failures += 1
            if self.failures % _LOG_EVERY == 1:
                self._log.warning("no answer", symbol=symbol, error=str(error), failures=self.failures)
            if isinstance(error, RetryLater):
                await asyncio.sleep(error.after_s)
        else:
            self.answers += 1
            if symbol in self._turns:
                self._deliver([Received(self._clock.now_ns(), body, symbol)])
