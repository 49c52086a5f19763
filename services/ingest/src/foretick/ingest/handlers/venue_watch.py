"""Watches how a venue is reached: tells it once a second, and asks for the venue's clock once a minute."""

import asyncio
from typing import Protocol

from foretick.common.errors import Malformed, Refused, RetryLater, Transient
from foretick.ingest.domain.runs import Identity
from foretick.ingest.domain.venue_clock import VenueClock
from foretick.ingest.domain.venue_reach import Condition, Reach, tell_status
from foretick.ingest.handlers.feed import FeedHandler
from foretick.ingest.ports import StatusOutlet, VenueRest

TELL_S = 1.0
ASK_S = 60.0

ASKED_AT_ONCE = 2
"""The first question opens the connection; the second goes there and back once, which halves the error and more."""


class Connections(Protocol):
    """The connections to a venue."""

    def reach(self) -> Reach:
        """Return what of the venue is reached now."""
        ...


class VenueWatch:
    """The watch over one venue. Until ``follow``, the venue has not answered: it is told as away."""

    def __init__(self, identity: Identity, rest: VenueRest, outlet: StatusOutlet) -> None:
        self._identity = identity
        self._rest = rest
        self._outlet = outlet
        self._followed: tuple[FeedHandler, Connections] | None = None
        self._has_answered = asyncio.Event()

    def follow(self, handler: FeedHandler, connections: Connections) -> None:
        """Tell of what ``handler`` and ``connections`` have from now on."""
        self._followed = handler, connections
        self._has_answered.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_forever())
            tasks.create_task(self._ask_forever())

    def tell(self) -> None:
        """Publish the venue's status."""
        reach, condition = None, Condition(VenueClock())
        if self._followed is not None:
            handler, connections = self._followed
            reach = connections.reach()
            condition = Condition(handler.clock, handler.maintenance, handler.engine.live_count)
        used_frac = self._rest.budget_used_frac
        self._outlet.publish(tell_status(self._identity, reach, condition, used_frac, self._outlet.now_ns()))

    async def ask(self) -> float:
        """Ask the venue for its clock; return for how many seconds to leave it alone then. What fails is counted."""
        assert self._followed is not None
        clock = self._followed[0].clock
        for _ in range(ASKED_AT_ONCE):
            sent_ns = self._outlet.now_ns()
            try:
                venue_ns = await self._rest.time_ns()
            except (Transient, Refused, Malformed) as error:
                self._outlet.count_unanswered(self._identity.venue)
                return max(ASK_S, error.after_s) if isinstance(error, RetryLater) else ASK_S
            if venue_ns is not None:
                clock.answer(sent_ns, self._outlet.now_ns(), venue_ns)
        return ASK_S

    async def _tell_forever(self) -> None:
        while True:
            self.tell()
            await asyncio.sleep(TELL_S)

    async def _ask_forever(self) -> None:
        await self._has_answered.wait()
        while True:
            pause_s = await self.ask()
            await asyncio.sleep(pause_s)
