"""Market data delivered twice, late and in the wrong order to features, judged by a run on the same data in order.

Twin on the whole system: e2e/test_faults, messages that come twice and late.
"""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import nats
import pytest

from foretick.common.contracts import FeatureVector, Trust
from foretick.common.runtime.embedded import NatsServer, free_port
from foretick.common.subjects import FEATURE_VECTORS, INSTRUMENT_LISTINGS, INSTRUMENTS, MARKET
from foretick.common.testing.servers import nats_process
from foretick.common.testing.waiting import eventually

from .conftest import tell

SEED = int(os.environ.get("PROVE_SEED", "1"))
MESSAGES = 6_000
PER_TURN = 20
Sent = tuple[str, bytes]
Place = tuple[str, int]


@pytest.fixture(scope="module")
def recorded(cold_system_folder: Path) -> tuple[list[Sent], list[Sent], str]:
    """Listings and market data that a real run left in its streams, and the run's id."""
    with NatsServer(cold_system_folder / "nats") as server:
        listings = asyncio.run(read(server.url, INSTRUMENTS.name, INSTRUMENT_LISTINGS.wildcard, 100))
        market = asyncio.run(read(server.url, MARKET.name, ">", MESSAGES))
    assert len(market) > MESSAGES / 3, "too little to judge"
    return listings, market, msgspec.json.decode(market[0][1])["run_id"]


async def test_doubled_and_late_repeats_change_no_vector(recorded: tuple[list[Sent], list[Sent], str]) -> None:
    listings, market, run_id = recorded
    wanted = await vectors_of(listings, market, run_id)
    got = await vectors_of(listings, repeat(market, random.Random(SEED)), run_id)
    assert {place: content(vector) for place, vector in got.items()} == {
        place: content(vector) for place, vector in wanted.items()
    }
    tell(f"{len(got)} vectors of data doubled and repeated late: 0 lost, 0 doubled, all as in order")


async def test_wrong_order_is_told_and_gives_no_wrong_price(recorded: tuple[list[Sent], list[Sent], str]) -> None:
    """A late event counts as lost: the book is a GAP until its next snapshot, quotes until the next of them.

    What looks back over a window spans the hole afterwards; what speaks of now must be as it was in order.
    """
    listings, market, run_id = recorded
    wanted = await vectors_of(listings, market, run_id)
    got = await vectors_of(listings, disorder(market, random.Random(SEED)), run_id)
    common = got.keys() & wanted.keys()
    same = [place for place in common if content(got[place]) == content(wanted[place])]
    told = [place for place in common if got[place].trust is Trust.GAP]
    wrong = [place for place in common if got[place].mid not in (None, wanted[place].mid)]
    tell(f"{len(got)} vectors: {len(same)} as in order, {len(told)} told as a gap, {len(wrong)} with a wrong price")
    assert not wrong, sorted(wrong)[:10]
    assert told, "the control: the disorder was felt"
    for symbol in {symbol for symbol, _ in common}:
        first_told = min((seq for name, seq in told if name == symbol), default=sys.maxsize)
        before = [place for place in common if place[0] == symbol and place[1] < first_told]
        assert set(before) <= set(same), f"{symbol}: a vector changed before a gap was told"


def repeat(market: Sequence[Sent], rng: random.Random) -> list[Sent]:
    """Return ``market`` with half of it doubled at once and a tenth once more up to 400 messages later."""
    out: list[tuple[float, Sent]] = []
    for index, sent in enumerate(market):
        out.append((index, sent))
        if rng.random() < 0.5:
            out.append((index + 0.5, sent))
        if rng.random() < 0.1:
            out.append((index + rng.uniform(1, 400), sent))
    return [sent for _, sent in sorted(out, key=lambda entry: entry[0])]


def disorder(market: Sequence[Sent], rng: random.Random) -> list[Sent]:
    """Return ``market`` with one message in two hundred up to 100 places too late."""
    late = [index + (rng.uniform(1, 100) if rng.random() < 0.005 else 0.0) for index in range(len(market))]
    return [market[index] for index in sorted(range(len(market)), key=lambda index: late[index])]


def content(vector: FeatureVector) -> tuple[Any, ...]:
    """Return what two runs must agree on."""
    return vector.step, vector.ts_recv_ns, vector.trust, vector.warm, vector.mid, tuple(vector.values)


async def read(url: str, stream: str, subject: str, limit: int) -> list[Sent]:
    """Return the first ``limit`` messages of ``stream`` at most."""
    nc = await nats.connect(url)
    try:
        js = nc.jetstream()
        count = min(limit, (await js.stream_info(stream)).state.messages)
        consumer = await js.subscribe(subject, stream=stream, ordered_consumer=True)
        return [(msg.subject, msg.data) for msg in [await consumer.next_msg(timeout=10) for _ in range(count)]]
    finally:
        await nc.close()


async def vectors_of(listings: list[Sent], market: list[Sent], run_id: str) -> dict[Place, FeatureVector]:
    """Return what a features process makes of ``market``; the first of two vectors as of the same event counts."""
    vectors: dict[Place, FeatureVector] = {}
    heard_at = 0.0

    async def receive(msg: Any) -> None:
        nonlocal heard_at
        heard_at = asyncio.get_running_loop().time()
        vector = msgspec.json.decode(msg.data, type=FeatureVector)
        vectors.setdefault((vector.symbol, vector.asof_seq), vector)

    with nats_process() as server:
        nc = await nats.connect(server.url)
        await nc.subscribe(FEATURE_VECTORS.wildcard, cb=receive)
        port = free_port()
        settings = {"NATS_URL": server.url, "RUN_ID": run_id, "HTTP_PORT": str(port), "FEATURE_WINDOW_SIZE": "50"}
        command = [sys.executable, "-m", "foretick.features", "serve"]
        process = subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.DEVNULL)  # noqa: ASYNC220
        try:
            js = nc.jetstream()
            await eventually(lambda: has_stream(js), deadline_s=60)
            for subject, payload in listings:
                await js.publish(subject, payload)
            await eventually(lambda: is_ready(port), deadline_s=60)
            tell(f"  features folds {len(market)} messages")
            for start in range(0, len(market), PER_TURN):
                for subject, payload in market[start : start + PER_TURN]:
                    await nc.publish(subject, payload)
                await nc.flush()
            await eventually(lambda: vectors and asyncio.get_running_loop().time() - heard_at > 3, deadline_s=120)
        finally:
            process.kill()
            process.wait()
            await nc.close()
    return vectors


async def has_stream(js: Any) -> bool:
    try:
        return bool(await js.stream_info(MARKET.name)) and bool(await js.stream_info(INSTRUMENTS.name))
    except (nats.errors.Error, nats.js.errors.Error):
        return False


async def is_ready(port: int) -> bool:
    try:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200
    except httpx.HTTPError:
        return False
