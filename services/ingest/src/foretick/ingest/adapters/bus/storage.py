"""Notices that the bus passes frames on but no longer stores them: a full disk, which nothing else would tell.

Live consumers get everything then; the record, recovery and replay do not. JetStream refuses silently what was
published without asking for an acknowledgement, and a stream whose disk was full once stays that way until its server
is started anew; after that, taking over tells of the range that is missing.
"""

import asyncio

import nats.errors

from foretick.common.errors import Transient
from foretick.common.runtime.bootstrap import Runtime
from foretick.ingest.adapters.bus.client import BusOutlet
from foretick.ingest.adapters.bus.metrics import FeedMetrics
from foretick.ingest.domain.engine import FeedEngine

CHECK_S = 5.0
"""A quiet instrument still has a clock event a second, so that its last stored number moves on between two checks."""


class StorageWatch:
    """Compares what was sent of an instrument with what the stream holds of it.

    The readiness condition ``stored.<venue>`` and the gauge ``unstored_events`` follow. One instrument speaks for all:
    they share the stream.
    """

    def __init__(self, rt: Runtime, outlet: BusOutlet, engine: FeedEngine, metrics: FeedMetrics) -> None:
        self._rt = rt
        self._outlet = outlet
        self._engine = engine
        self._venue = engine.identity.venue
        self._is_stored = True
        self._metrics = metrics

    async def run(self) -> None:
        """Check again and again."""
        while True:
            sent = {symbol: feed.next_seq - 1 for symbol, feed in self._engine.feeds.items() if feed.is_owned}
            await asyncio.sleep(CHECK_S)
            kept = {symbol: seq for symbol, seq in sent.items() if self._engine.feeds[symbol].is_owned}
            if kept:
                await self.check(max(kept, key=lambda symbol: kept[symbol]), kept)

    async def check(self, symbol: str, sent: dict[str, int]) -> None:
        """Tell whether the stream holds what was sent of ``symbol``; ``sent`` are numbers of a few seconds ago."""
        if self._outlet.is_away:
            return  # what is lost now is told when the leases are taken anew
        try:
            places = await self._outlet.last_of_run(self._venue, [symbol])
        except (nats.errors.Error, TimeoutError, Transient) as error:
            self._tell(0, f"the stream does not answer: {error!r}")
            return
        missing = max(0, sent[symbol] - places[symbol].seq)
        self._metrics.observe_unstored(self._venue, missing)
        self._tell(missing, f"{missing} events of {symbol} were sent and are not in the stream" if missing else "")

    def _tell(self, missing: int, trouble: str) -> None:
        self._rt.health.set(f"stored.{self._venue}", ok=not trouble, detail=trouble)
        if trouble and self._is_stored:
            self._rt.log.error(
                "market data is not being stored", venue=self._venue, missing=missing, reason=trouble,
                hint="is the disk of nats-server full? Make room and start it anew: docs/runbooks/disk-full.md",
            )  # fmt: skip
        elif not trouble and not self._is_stored:
            self._rt.log.warning("market data is being stored again", venue=self._venue)
        self._is_stored = not trouble
