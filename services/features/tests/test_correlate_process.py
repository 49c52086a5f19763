"""The correlate role as processes on a real bus: one tells, one stands by and goes on with the same bits."""

import numpy as np
from msgspec import json

from foretick.common.contracts import Bar, Correlations
from foretick.common.runtime.bus import Bus
from foretick.common.subjects import BAR_MESSAGES, CORRELATION_MESSAGES
from foretick.common.testing import T0_NS, bar, eventually
from foretick.quant.correlation import CorrelationFold, CorrelationTerms

SECOND_NS = 10**9
START = T0_NS // SECOND_NS
SYMBOLS = ("A", "B", "C")
TERMS = CorrelationTerms(window_s=60, half_life_s=20.0, max_lag_s=2)
SETTINGS = {
    "CORRELATION_WINDOW": "60", "CORRELATION_HALF_LIFE": "20", "CORRELATION_MAX_LAG": "2", "CORRELATION_INTERVAL": "1",
}  # fmt: skip


def mids(seconds: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    moves = 1e-4 * (rng.standard_normal((seconds, 3)) + rng.standard_normal((seconds, 1)))
    return 100.0 * np.exp(np.cumsum(moves, axis=0))


def bars_of(prices: np.ndarray, offset: int) -> list[Bar]:
    return [
        bar(timeframe="1s", length_s=1, symbol=symbol, start_ns=(START + offset) * SECOND_NS, asof_seq=offset + 1,
            prev_asof_seq=offset or None, mid_close=float(prices[offset, column]))
        for column, symbol in enumerate(SYMBOLS)
    ]  # fmt: skip


class Traffic:
    """Seconds that go out, and the correlations that come back."""

    def __init__(self, bus: Bus) -> None:
        self.bus, self.prices, self.sent = bus, mids(6_000), 0
        self.told: list[Correlations] = []

    async def open(self) -> None:
        async def receive(msg) -> None:
            self.told.append(json.decode(msg.data, type=Correlations))

        await self.bus.nc.subscribe(CORRELATION_MESSAGES.of(), cb=receive)
        await self.bus.nc.flush()

    async def send(self, count: int) -> None:
        for offset in range(self.sent, self.sent + count):
            for each in bars_of(self.prices, offset):
                await self.bus.nc.publish(BAR_MESSAGES.of("sim", each.symbol, "1s"), json.encode(each))
        self.sent += count
        await self.bus.nc.flush()

    async def flow_until(self, condition) -> None:
        async def holds() -> bool:
            await self.send(1)
            return condition()

        await eventually(holds, deadline_s=40)

    async def settle(self) -> None:
        await eventually(lambda: self.told[-1].seq == START + self.sent - 1, deadline_s=20)


async def test_standby_goes_on_with_the_same_bits_when_the_owner_is_killed(running, bus):
    traffic = Traffic(bus)
    await traffic.open()
    await traffic.send(100)  # before anybody is there
    with running("correlate", **SETTINGS) as owner:
        await traffic.flow_until(lambda: bool(traffic.told))
        with running("correlate", **SETTINGS):
            await traffic.send(100)
            await traffic.settle()
            owner.kill()
            owner.wait()
            at_kill = traffic.sent
            await traffic.send(40)  # while nobody is there
            await traffic.flow_until(lambda: traffic.told[-1].epoch != traffic.told[0].epoch)
            await traffic.send(60)
            await traffic.settle()
    fold, wanted = CorrelationFold(TERMS), {}
    for offset in range(traffic.sent):
        row = traffic.prices[offset]
        fold.fold(START + offset, {("sim", symbol): float(row[k]) for k, symbol in enumerate(SYMBOLS)})
        wanted[START + offset] = fold.estimate()
    told = traffic.told
    seqs = [message.seq for message in told]
    assert seqs == sorted(set(seqs)), "told twice"
    assert set(range(seqs[0], START + at_kill)) <= set(seqs)
    assert set(range(next(m.seq for m in told if m.epoch != told[0].epoch), seqs[-1] + 1)) <= set(seqs)
    for message in told:
        columns = (getattr(message.pairs, name) for name in message.pairs.__struct_fields__)
        assert [tuple(pair) for pair in wanted[message.seq].pairs] == list(zip(*columns, strict=True))
    assert [message.prev_seq for message in told[1:]] == seqs[:-1]
    assert await bus.last(CORRELATION_MESSAGES) == told[-1]  # what a late joiner reads
