"""Cross-sections on a real bus: whoever tells or carries them, killed and restarted, gives the same bits."""

import numpy as np
from msgspec import json

from foretick.common.contracts import CrossSection, FeatureVector, ParityCertificate
from foretick.common.runtime.bus import Bus
from foretick.common.subjects import (
    BAR_MESSAGES,
    BOOKS,
    CROSS_SECTIONS,
    FEATURE_VECTORS,
    INSTRUMENT_LISTINGS,
    PARITY_CERTIFICATES,
    TICKS,
)
from foretick.common.testing import T0_NS, bar, eventually, instrument
from foretick.features.handlers.correlations import PATIENCE_S
from foretick.quant.cross_section import CROSS_COUNT, CrossFold
from foretick.quant.parameters import CROSS_DELAY_S, CROSS_MIN_PAIRS, CROSS_RETURN_S

SECOND_NS = 10**9
START = T0_NS // SECOND_NS
SYMBOLS = ("A", "B", "C")
PART_S = 22
"""Data time of a part of the market: shorter than what is kept of cross-sections."""


async def send(bus: Bus, frames) -> None:
    for frame in frames:
        subject = TICKS if hasattr(frame, "kinds") else BOOKS
        await bus.nc.publish(subject.of(frame.venue, frame.symbol), json.encode(frame))
    await bus.nc.flush()


async def tell(bus: Bus, sections) -> None:
    for each in sections:
        await bus.js.publish(CROSS_SECTIONS.of(), json.encode(each))


async def receive(bus: Bus, subject: str, contract) -> list:
    received: list = []

    async def take(msg) -> None:
        received.append(json.decode(msg.data, type=contract))

    await bus.nc.subscribe(subject, cb=take)
    return received


async def test_killed_process_carries_the_same_cross_sections_when_it_is_back(
    running, bus, service, market, content, section, crossed
):
    """Nobody tells cross-sections again: the successor has those of before from their stream."""
    frames = market(81, 3_000, per_frame=4)
    parts = [[f for f in frames if (f.ts_recv_ns - T0_NS) // (PART_S * SECOND_NS) == n] for n in range(3)]
    told = [
        [section(s) for s in range(START + n * PART_S - CROSS_DELAY_S, START + (n + 1) * PART_S - CROSS_DELAY_S)]
        for n in range(3)
    ]
    for sections, part in zip(told, parts, strict=True):
        service.frames.cross.restore(sections)
        service.frames.handle(part)
    wanted = [content(vector) for vector in service.vectors]
    assert all(vector["cross_seq"] is not None for vector in wanted)
    received = await receive(bus, FEATURE_VECTORS.wildcard, FeatureVector)
    listing = instrument(run_id="test")
    await bus.js.publish(INSTRUMENT_LISTINGS.of(listing.venue, listing.symbol), json.encode(listing))

    async def saw(part) -> None:
        end = part[-1].seq + len(getattr(part[-1], "kinds", None) or part[-1].events) - 1
        last = max(vector["asof_seq"] for vector in wanted if vector["asof_seq"] <= end)
        await eventually(lambda: bool(received) and received[-1].asof_seq >= last, deadline_s=60)

    settings = {"FEATURE_WINDOW_SIZE": "200", "FEATURE_SNAPSHOT_INTERVAL": "0.5"}
    half = len(parts[1]) // 2
    await tell(bus, told[0])
    with running("serve", **settings):
        await send(bus, parts[0])
        await saw(parts[0])
        await tell(bus, told[1])
        await send(bus, parts[1][:half])  # killed while it is at these
    await send(bus, parts[1][half:])  # while it is away
    with running("serve", **settings):
        await saw(parts[1])
        await tell(bus, told[2])
        await send(bus, parts[2])
        await saw(parts[2])
    assert [content(vector) for vector in received] == wanted
    assert len({vector.epoch for vector in received}) == 2
    assert all(carried == named for carried, named in map(crossed, received))


async def test_vectors_leave_without_anybody_who_tells_cross_sections(running, bus, market):
    frames = market(82, 400, per_frame=4)
    received = await receive(bus, FEATURE_VECTORS.wildcard, FeatureVector)
    listing = instrument(run_id="test")
    await bus.js.publish(INSTRUMENT_LISTINGS.of(listing.venue, listing.symbol), json.encode(listing))
    with running("serve", FEATURE_WINDOW_SIZE="200"):
        await send(bus, frames)
        await eventually(lambda: len(received) > 40, deadline_s=60)
    assert all(vector.cross_seq is None and vector.values[-CROSS_COUNT:] == [None] * CROSS_COUNT for vector in received)
    assert received[-1].values[0] is not None


async def test_standby_tells_every_second_once_with_the_bits_of_the_fold_when_the_owner_is_killed(running, bus):
    rng = np.random.default_rng(6)
    moves = 1e-4 * (rng.standard_normal((4_000, 3)) + rng.standard_normal((4_000, 1)))
    prices, sent = 100.0 * np.exp(np.cumsum(moves, axis=0)), 0
    received: list[CrossSection] = await receive(bus, CROSS_SECTIONS.of(), CrossSection)

    async def flow(count: int) -> None:
        nonlocal sent
        for offset in range(sent, sent + count):
            for symbol, mid in zip(SYMBOLS, prices[offset].tolist(), strict=True):
                each = bar(
                    timeframe="1s", length_s=1, symbol=symbol, start_ns=(START + offset) * SECOND_NS,
                    asof_seq=offset + 1, prev_asof_seq=offset or None, mid_close=mid,
                )  # fmt: skip
                await bus.nc.publish(BAR_MESSAGES.of("sim", symbol, "1s"), json.encode(each))
        sent += count
        await bus.nc.flush()

    async def flow_until(holds) -> None:
        async def one() -> bool:
            await flow(1)
            return holds()

        await eventually(one, deadline_s=60)

    with running("correlate") as owner:
        await flow_until(lambda: bool(received))
        with running("correlate"):
            await flow(100)
            await eventually(lambda: received[-1].seq == START + sent - 1, deadline_s=30)
            owner.kill()
            owner.wait()
            await flow(20)  # while nobody is there
            await eventually(lambda: received[-1].seq == START + sent - 1, deadline_s=60)
            await flow(40)
            await eventually(lambda: received[-1].seq == START + sent - 1, deadline_s=30)
    fold, wanted = CrossFold(), {}
    for offset in range(sent):
        wanted[START + offset] = fold.fold(
            START + offset, dict(zip([("sim", symbol) for symbol in SYMBOLS], prices[offset].tolist(), strict=True))
        )
    assert [message.seq for message in received] == list(range(received[0].seq, START + sent)), "left out or told twice"
    assert len({message.epoch for message in received}) == 2
    for message in received:
        assert [(m.pairs, m.reason, tuple(m.values)) for m in message.members] == [
            (r.pairs, r.reason or "", r.values) for r in wanted[message.seq]
        ]
    assert await bus.last(CROSS_SECTIONS) == received[-1]


async def test_values_come_all_the_way_from_recorded_events_and_are_certified(running, bus, flow):
    """Three instruments through serve, correlate, serve and certify: bars, cross-sections, vectors, certificate."""
    seconds = CROSS_MIN_PAIRS + CROSS_RETURN_S + 15
    markets = {}
    for seed, symbol in enumerate(SYMBOLS, 91):
        listing = instrument(symbol=symbol, run_id="test")
        await bus.js.publish(INSTRUMENT_LISTINGS.of(listing.venue, symbol), json.encode(listing))
        by_second: dict[int, list] = {}
        for frame in flow(seed, 60 * seconds, per_frame=4, symbol=symbol):
            by_second.setdefault(frame.ts_recv_ns // SECOND_NS, []).append(frame)
        markets[symbol] = by_second
    vectors: list[FeatureVector] = await receive(bus, FEATURE_VECTORS.wildcard, FeatureVector)
    sections: list[CrossSection] = await receive(bus, CROSS_SECTIONS.of(), CrossSection)
    with running("serve", FEATURE_WINDOW_SIZE="200"), running("correlate"):
        with running("certify", FEATURE_WINDOW_SIZE="200", CERTIFY_INTERVAL="0.1", CERTIFY_BUSY="1"):
            for second in range(START, START + seconds):
                for by_second in markets.values():
                    await send(bus, by_second.get(second, []))
                if second >= START + PATIENCE_S + 1:  # who is alive is not known before
                    await eventually(lambda upto=second - 1: bool(sections) and sections[-1].seq >= upto, deadline_s=60)
            last = await certified(bus, sum(vector.cross_seq is not None for vector in vectors) // 2)
    carried = [vector for vector in vectors if vector.cross_seq is not None]
    told = {section.seq: {m.symbol: m.values for m in section.members} for section in sections}
    assert {vector.symbol for vector in carried} == set(SYMBOLS)
    assert all(vector.values[-CROSS_COUNT:] == told[vector.cross_seq][vector.symbol] for vector in carried)
    assert all(vector.cross_seq == vector.ts_recv_ns // SECOND_NS - CROSS_DELAY_S for vector in carried)
    assert (last.different, last.unchecked) == (0, 0)


async def certified(bus: Bus, least: int) -> ParityCertificate:
    """Return the first certificate that has compared as many vectors."""
    found: list[ParityCertificate] = []

    async def look() -> bool:
        message = await bus.last(PARITY_CERTIFICATES)
        found[:] = [message] if message is not None and message.equal + message.different >= least else []
        return bool(found)

    await eventually(look, deadline_s=60)
    return found[0]
