"""Answers requests for explanations of the instruments that are ours; nobody answers for one that is nobody's."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from foretick.common.contracts import CallRefusal, ExplanationReply
from foretick.common.ownership import InstrumentKey
from foretick.common.runtime.bus import Bus
from foretick.common.subjects import EXPLANATIONS
from foretick.predictor.ports import ExplanationDesk, Log, VectorFeed


class ExplainedFeed:
    """Implements ``ports.VectorFeed``: whoever follows an instrument also answers for it."""

    def __init__(self, feed: VectorFeed, bus: Bus, desk: ExplanationDesk, log: Log) -> None:
        self._feed = feed
        self._bus = bus
        self._desk = desk
        self._log = log
        self._open: dict[InstrumentKey, Subscription] = {}

    async def follow(self, keys: Sequence[InstrumentKey]) -> None:
        """Receive the vectors of ``keys`` from now on, and answer for them."""
        for key in keys:
            if key not in self._open:
                self._open[key] = await self._bus.nc.subscribe(EXPLANATIONS.of(*key), cb=self._answerer(key))
        await self._feed.follow(keys)

    async def leave(self, keys: Sequence[InstrumentKey]) -> None:
        """Receive the vectors of ``keys`` no longer, and answer for them no longer."""
        for key in keys:
            opened = self._open.pop(key, None)
            if opened is not None:
                await opened.unsubscribe()
            self._desk.forget(key)
        await self._feed.leave(keys)

    def _answerer(self, key: InstrumentKey) -> Callable[[Msg], Awaitable[None]]:
        async def answer(message: Msg) -> None:
            if not message.reply:
                return
            try:
                reply = self._desk.reply(key)
            except Exception as error:  # noqa: BLE001 - a fault here must not end the subscription
                self._log.warning("explanation failed", venue=key[0], symbol=key[1], error=repr(error))
                said = CallRefusal(code="internal", message="the predictor failed; its log says why")
                reply = ExplanationReply(refusal=said)
            await self._bus.nc.publish(message.reply, msgspec.json.encode(reply))

        return answer
