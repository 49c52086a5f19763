"""Takes the correlations over from whoever told them.

There is one owner of them all, by a lease of its own. It saves no state: the stream of bars reaches back further than
an estimate does, so that whoever takes over folds what the stream has, then what came meanwhile, and goes on with the
same bits. What its predecessor told is not told again; cross-sections that fell due meanwhile are told, for vectors may
still want them.
"""

from collections.abc import Callable, Sequence

from foretick.common.contracts import Bar
from foretick.common.errors import Transient
from foretick.features.handlers.correlations import CorrelationHandler
from foretick.features.ports import BarFeed, BarHistory, CorrelationObserver, Key, Producer

OWNED: Key = ("*", "correlations")
"""What the lease is on; no venue is called so."""

_PASSES = 5


class CorrelationCustodian:
    """The tenant of the one lease. ``is_owner`` tells, at each batch, whether it may still be acted on."""

    def __init__(
        self,
        handler: CorrelationHandler,
        feed: BarFeed,
        history: BarHistory,
        observer: CorrelationObserver,
        producer: Producer,
    ) -> None:
        self.is_owner: Callable[[], bool] = lambda: True
        self._handler = handler
        self._feed = feed
        self._history = history
        self._observer = observer
        self._run_id = producer.run_id
        self._buffer: list[Bar] | None = None
        self._owns = False

    def handle(self, bars: Sequence[Bar]) -> None:
        """Take a batch of live bars; without the right to act it is left out: the stream has it for later."""
        if self._buffer is not None:
            self._buffer.extend(bars)
        elif self._owns and self.is_owner():
            self._handler.handle(bars)

    async def take_over(self, keys: Sequence[Key], epoch: int) -> None:
        """Fold what the stream has and go live, publishing under ``epoch``.

        Raises:
            Transient: the right to act was lost meanwhile, or the stream does not answer.
        """
        self._observer.taking_over()
        handler = self._handler
        handler.begin(epoch)
        self._buffer = []
        await self._feed.follow()
        last = await self._history.last_correlations()
        handler.last_published = last.seq if last is not None and last.run_id == self._run_id else None
        crossed = await self._history.last_cross_section()
        handler.cross.last_published = crossed.seq if crossed is not None and crossed.run_id == self._run_id else None
        read = 0
        handler.hold()
        try:
            for _ in range(_PASSES):  # the server may store a bar a moment after it has sent it
                read += await self._catch_up()
                if handler.connects(self._buffer):
                    break
        finally:
            buffer, self._buffer = self._buffer, None
        handler.release()
        self._owns = True
        handler.handle(buffer)
        self._observer.taken_over(read)

    async def hand_over(self, keys: Sequence[Key]) -> None:
        """Stop; nothing is left behind, for the stream has all."""
        await self.lose(keys)

    async def lose(self, keys: Sequence[Key]) -> None:
        """Forget everything: somebody else may act."""
        self._owns = False
        await self._feed.leave()

    async def _catch_up(self) -> int:
        count = 0
        async for bars in self._history.read_seconds():
            if not self.is_owner():
                raise Transient("the lease ended while the stream was read")
            self._handler.handle(bars)
            count += len(bars)
        return count
