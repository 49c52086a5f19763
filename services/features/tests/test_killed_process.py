"""The service as a process on a real bus: killed, it goes on without a wrong, doubled or lost vector."""

import os
import subprocess
import sys

from msgspec import json
from nats.js.errors import NotFoundError

from foretick.common.contracts import Bar, FeatureVector
from foretick.common.runtime.bus import Bus
from foretick.common.subjects import BAR_MESSAGES, BOOKS, FEATURE_VECTORS, INSTRUMENT_LISTINGS, TICKS
from foretick.common.testing import eventually, instrument

TIMEFRAMES = ("1s", "1m", "5m", "15m", "tick-50", "volume-imbalance-40")
SETTINGS = {
    "FEATURE_WINDOW_SIZE": "200", "FEATURE_SNAPSHOT_INTERVAL": "0.5", "BAR_KINDS": "tick-50,volume-imbalance-40",
}  # fmt: skip


async def send(bus: Bus, frames) -> None:
    for frame in frames:
        subject = TICKS if hasattr(frame, "kinds") else BOOKS
        await bus.nc.publish(subject.of(frame.venue, frame.symbol), json.encode(frame))
    await bus.nc.flush()


async def list_instruments(bus: Bus, *symbols: str) -> None:
    for symbol in symbols:
        listing = instrument(symbol=symbol, run_id="test")
        await bus.js.publish(INSTRUMENT_LISTINGS.of(listing.venue, symbol), json.encode(listing))


async def test_process_killed_without_warning_loses_and_doubles_nothing(running, bus, service, market, content):
    frames = market(21, 6_000, per_frame=4)
    service.frames.handle(frames)
    wanted = [content(vector) for vector in service.vectors]
    wanted_bars = [content(bar) for bar in service.publisher.bars]
    received: list[FeatureVector] = []
    bars: list[Bar] = []

    async def receive(msg) -> None:
        received.append(json.decode(msg.data, type=FeatureVector))

    async def receive_bar(msg) -> None:
        bars.append(json.decode(msg.data, type=Bar))

    await bus.nc.subscribe(FEATURE_VECTORS.wildcard, cb=receive)
    await bus.nc.subscribe(BAR_MESSAGES.wildcard, cb=receive_bar)
    await list_instruments(bus, "BTCUSDT")
    third = len(frames) // 3

    async def saw(asof_seq: int) -> None:
        await eventually(lambda: bool(received) and received[-1].asof_seq >= asof_seq, deadline_s=30)

    def due(upto: int) -> int:
        last = frames[upto - 1]
        end = last.seq + len(getattr(last, "kinds", None) or last.events) - 1
        return max(vector["asof_seq"] for vector in wanted if vector["asof_seq"] <= end)

    with running("serve", **SETTINGS):
        await send(bus, frames[:third])
        await saw(due(third))
        state = "$KV.feature_states.test.sim.BTCUSDT"
        await eventually(lambda: bus_has(bus, state), deadline_s=10)
        await send(bus, frames[third : third + third // 2])  # killed while it is at these
    await send(bus, frames[third + third // 2 : 2 * third])  # sent while it is away
    with running("serve", **SETTINGS):
        await saw(due(2 * third))
        await send(bus, frames[2 * third :])
        await saw(wanted[-1]["asof_seq"])
        await eventually(lambda: len(bars) >= len(wanted_bars), deadline_s=10)
    assert [content(vector) for vector in received] == wanted
    assert [content(bar) for bar in bars] == wanted_bars
    assert len({vector.epoch for vector in received}) == len({bar.epoch for bar in bars}) == 2
    assert [bar.asof_seq for bar in await last_bars(bus)] == [
        [bar["asof_seq"] for bar in wanted_bars if bar["timeframe"] == name][-1] for name in TIMEFRAMES
    ]


async def last_bars(bus: Bus) -> list[Bar]:
    """What a late joiner reads."""
    return [bar for name in TIMEFRAMES if (bar := await bus.last(BAR_MESSAGES, "sim", "BTCUSDT", name)) is not None]


async def bus_has(bus: Bus, subject: str) -> bool:
    try:
        await bus.js.get_last_msg("KV_feature_states", subject)
    except NotFoundError:
        return False
    return True


def test_invalid_settings_are_all_reported_and_end_with_code_2():
    settings = {"FEATURE_WINDOW_SIZE": "1", "FEATURE_SNAPSHOT_INTERVAL": "0", "SIGNAL_GENERATION_INTERVAL": "never",
                "BAR_KINDS": "money-5"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "foretick.features"],
        env={**os.environ, **settings},
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert done.returncode == 2
    assert all(name in done.stderr for name in settings)
