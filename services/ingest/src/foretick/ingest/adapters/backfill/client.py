"""Asks a venue for what is missing of its history, page by page, with patience, and stores it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from foretick.common.errors import RetryLater, Transient
from foretick.ingest.adapters.backfill.store import HistoryStore, PartGatherer
from foretick.ingest.domain.backoff import backoff_s
from foretick.ingest.domain.history import Page, Plan, Request
from foretick.market.recording.spans import Span

ATTEMPTS = 8
"""Tries of one request, about two minutes in all, before the run ends; what is stored by then stays."""


class Requests(Protocol):
    """Asks a venue, within its budget."""

    async def get(self, path: str, params: dict[str, str], weight: float = 1.0) -> bytes:
        """Return the body of ``path``."""
        ...


class Progress(NamedTuple):
    """How far a run is: the share of the missing time that is done, and the rows told so far."""

    done_frac: float
    rows: int


class Backfill:
    """One run: the spans that are missing, one after the other.

    Args:
        requests: the venue
        store: what is there, and where the rest goes
        plan: returns the plan for a span
        tell: is called after each page
        pause: waits so many seconds
        jitter: returns a random number in [0, 1)
    """

    def __init__(
        self,
        requests: Requests,
        store: HistoryStore,
        plan: Callable[[Span], Plan],
        tell: Callable[[Progress], None],
        jitter: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._requests = requests
        self._store = store
        self._plan = plan
        self._tell = tell
        self._jitter = jitter
        self._pause = pause
        self._rows = 0

    async def run(self, span: Span) -> list[str]:
        """Fetch what is missing of ``span``; return what the venue does not give, in words.

        Raises:
            Transient: the venue stayed away, or the disk is full
            Refused: the venue refuses what was asked
            Malformed: an answer is not what it documents
        """
        missing = self._store.missing(span)
        total_ns = sum(each.to_ns - each.from_ns for each in missing)
        done_ns = 0
        shortfalls: list[str] = []
        for each in missing:
            plan = self._plan(each)
            gatherer = PartGatherer(self._store)
            try:
                while (request := plan.next_request()) is not None:
                    step = plan.take(await self._ask(plan, request))
                    gatherer.add(step.rows, step.whole)
                    done_ns += step.whole.to_ns - step.whole.from_ns if step.whole is not None else 0
                    self._rows += len(step.rows)
                    self._tell(Progress(done_ns / total_ns, self._rows))
            finally:
                gatherer.write()
            if plan.shortfall:
                shortfalls.append(plan.shortfall)
        return shortfalls

    async def _ask(self, plan: Plan, request: Request) -> Page:
        """Return the answer, trying again while the venue is away or asks for patience."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return plan.read(await self._requests.get(*request))
            except Transient as error:
                if attempt == ATTEMPTS:
                    raise
                waits_s = error.after_s if isinstance(error, RetryLater) else backoff_s(attempt, self._jitter())
                await self._pause(waits_s)
        raise AssertionError("unreachable: the last attempt returns or raises")
