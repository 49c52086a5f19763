"""Bars that fell due -> the bus: each once, by whichever process."""

from collections.abc import Sequence

from foretick.common.clock import Clock
from foretick.common.contracts import Bar, Instrument
from foretick.features.domain.instrument import DueBar, Frame
from foretick.features.ports import BarPublisher, Key, Producer
from foretick.market.bars import BarEngine, BarSpec, Terms


class BarHandler:
    """Makes the engines of instruments, and publishes what they tell.

    ``last_published`` holds, by instrument and timeframe, the last event as of which a bar was published: updates at or
    before it are not sent again, and the next one names it.
    """

    def __init__(
        self, specs: Sequence[BarSpec], forming_ns: int, publisher: BarPublisher, clock: Clock, producer: Producer
    ) -> None:
        self.specs = tuple(specs)
        self.last_published: dict[Key, dict[str, int]] = {}
        self._forming_ns = forming_ns
        self._publisher = publisher
        self._clock = clock
        self._producer = producer
        self._terms: dict[Key, Terms] = {}

    def learn(self, listing: Instrument) -> None:
        """Note what an instrument's quantities are worth; a change of it counts from the next take-over on."""
        self._terms[listing.venue, listing.symbol] = Terms(listing.contract_size, listing.is_inverse)

    def new_engine(self, key: Key) -> BarEngine:
        """Return an engine for instrument ``key``."""
        return BarEngine(self.specs, self._forming_ns, self._terms.get(key))

    def learn_published(self, key: Key, told: dict[str, int]) -> None:
        """Note the last event as of which each timeframe was published, where that is later than what is known."""
        mine = self.last_published.setdefault(key, {})
        for name, asof_seq in told.items():
            mine[name] = max(asof_seq, mine.get(name, asof_seq))

    def forget(self, key: Key) -> None:
        """Forget what was published of an instrument."""
        self.last_published.pop(key, None)

    def publish(self, frame: Frame, epoch: int, due: Sequence[DueBar], terms: Terms) -> None:
        """Publish those of ``due`` that are new."""
        told = self.last_published.setdefault((frame.venue, frame.symbol), {})
        for each in due:
            name, asof_seq = each.update.name, each.update.asof_seq
            last = told.get(name)
            if last is None or asof_seq > last:
                self._publisher.publish_bar(self._message(frame, epoch, each, terms, last))
                told[name] = asof_seq

    def _message(self, frame: Frame, epoch: int, due: DueBar, terms: Terms, last: int | None) -> Bar:
        update = due.update
        bar = update.bar
        return Bar(
            venue=frame.venue, symbol=frame.symbol, origin=frame.origin, run_id=frame.run_id,
            producer=self._producer.name, epoch=epoch, ts_recv_ns=update.ts_recv_ns, ts_ingest_ns=due.ts_ingest_ns,
            ts_sent_ns=self._clock.now_ns(), trust=bar.trust, ts_event_ns=due.ts_event_ns,
            timeframe=update.name, asof_seq=update.asof_seq, prev_asof_seq=last, start_ns=bar.start_ns,
            end_ns=bar.end_ns, first_seq=bar.first_seq, last_seq=bar.last_seq, is_closed=update.is_closed,
            is_whole=bar.is_whole, open=bar.open, high=bar.high, low=bar.low, close=bar.close,
            volume_qty=bar.volume_qty, buy_volume_qty=bar.buy_volume_qty, volume_quote=bar.volume_quote(terms),
            vwap=bar.vwap(terms), trades=bar.trades, mid_open=bar.mid_open, mid_high=bar.mid_high,
            mid_low=bar.mid_low, mid_close=bar.mid_close, events=bar.events, live_frac=bar.live_events / bar.events,
        )  # fmt: skip
