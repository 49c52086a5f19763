"""The certify role as a process on a real bus, beside the service whose vectors it checks."""

import os
import subprocess
import sys
from contextlib import contextmanager

import msgspec
import pytest
from msgspec import json

from foretick.common.contracts import FeatureVector, ParityCertificate, ParityVerdict
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.health import Health
from foretick.common.subjects import BOOKS, FEATURE_VECTORS, INSTRUMENT_LISTINGS, PARITY_CERTIFICATES, TICKS
from foretick.common.testing import eventually, instrument
from foretick.quant.registry import INDEX


@contextmanager
def running(url: str, role: str):
    settings = {
        "NATS_URL": url, "RUN_ID": "test", "HTTP_PORT": "0", "FEATURE_WINDOW_SIZE": "200", "CERTIFY_INTERVAL": "0.1",
        "CERTIFY_BUSY": "1", "FEATURE_SNAPSHOT_INTERVAL": "0.5",
    }  # fmt: skip
    command = [sys.executable, "-m", "foretick.features", role]
    process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def bus(nats_url, fake_runtime):
    bus = Bus(nats_url, "test", fake_runtime.log, Health("test"))
    await bus.connect()
    await bus.ensure_streams()
    yield bus
    await bus.close()


async def send(bus: Bus, frames) -> None:
    for frame in frames:
        subject = TICKS if hasattr(frame, "kinds") else BOOKS
        await bus.nc.publish(subject.of(frame.venue, frame.symbol), json.encode(frame))
    await bus.nc.flush()


async def certificate(bus: Bus, holds) -> ParityCertificate:
    """Return the first certificate on the bus that ``holds``."""
    found: list[ParityCertificate] = []

    async def look() -> bool:
        message = await bus.last(PARITY_CERTIFICATES)
        found[:] = [message] if message is not None and holds(message) else []
        return bool(found)

    await eventually(look, deadline_s=60)
    return found[0]


async def test_live_vectors_are_certified_and_a_planted_value_is_named(nats_url, bus, service, market):
    frames = market(41, 3_400, per_frame=4)
    frames, extra = frames[:-100], frames[-100:]
    half = len(frames) // 2
    listing = instrument(run_id="test")
    await bus.js.publish(INSTRUMENT_LISTINGS.of(listing.venue, listing.symbol), json.encode(listing))
    with running(nats_url, "serve"), running(nats_url, "certify") as certifier:
        await send(bus, frames[:half])
        first = await certificate(bus, lambda message: message.equal > 0)
        assert (first.verdict, first.different, first.unchecked) == (ParityVerdict.EQUAL, 0, 0)
        assert first.from_start == first.equal
        assert first.last.from_start
        await send(bus, frames[half:])
        service.frames.handle(frames)
        newest = service.vectors[-1].asof_seq
        await certificate(bus, lambda message: message.last.last_seq == newest)
        last = await bus.last(FEATURE_VECTORS, "sim", "BTCUSDT")
        planted = await plant(bus, service, last, extra)
        bad = await certificate(bus, lambda message: message.different > 0)
        certifier.terminate()
        log = certifier.stdout.read()
    assert (bad.verdict, bad.different) == (ParityVerdict.DIFFERENT, 1)
    found, column = bad.difference, INDEX["rsi"]
    assert (found.venue, found.symbol, found.asof_seq, found.feature) == ("sim", "BTCUSDT", planted.asof_seq, "rsi")
    honest = next(vector for vector in service.vectors if vector.asof_seq == planted.asof_seq)
    assert (float(found.published), float(found.recomputed)) == (planted.values[column], honest.values[column])
    assert "a published vector is not what its recording gives" in log
    assert f'"asof_seq":{planted.asof_seq}' in log.replace(": ", ":")


async def plant(bus: Bus, service, last: FeatureVector, frames) -> FeatureVector:
    """Publish a vector with one wrong bit in its RSI ahead of the events that make it due.

    Features leaves out none of its own: the right vector comes as well, later, and is a repeat to who listens.
    """
    sent = len(service.vectors)
    service.frames.handle(frames)
    honest = service.vectors[sent]
    values = list(honest.values)
    values[INDEX["rsi"]] *= 1.0 + 2**-52
    spoilt = msgspec.structs.replace(
        honest, values=values, epoch=last.epoch, since_seq=last.since_seq, lost_events=last.lost_events
    )
    await bus.js.publish(FEATURE_VECTORS.of("sim", "BTCUSDT"), json.encode(spoilt))
    await send(bus, frames)
    return spoilt
