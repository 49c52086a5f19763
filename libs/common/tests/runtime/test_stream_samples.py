"""What a stream has gone through, in as many messages as a picture has points; asked as the user ``gateway.api``."""

from collections.abc import AsyncIterator, Iterator

import msgspec
import nats
import pytest
import structlog

from foretick.common.errors import Transient
from foretick.common.permissions import users
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.embedded import NatsServer
from foretick.common.runtime.settings import ServiceSettings
from foretick.common.runtime.stream_reader import read_samples
from foretick.common.subjects import OPERATOR, OUTCOME_MESSAGES, PREDICTION_MESSAGES
from foretick.common.testing.builders import outcome
from foretick.common.testing.servers import scratch_directory

BTC = ("sim", "BTCUSDT")


@pytest.fixture(scope="module")
def guarded() -> Iterator[NatsServer]:
    with scratch_directory("sampled") as directory, NatsServer(directory, users=users()) as server:
        yield server


@pytest.fixture
async def gateway(guarded: NatsServer) -> AsyncIterator[Runtime]:
    rt = Runtime("gateway", "api", ServiceSettings(nats_url=guarded.url_of("gateway.api")), structlog.get_logger())
    await rt.bus.connect()
    await rt.bus.ensure_streams()
    yield rt
    await rt.drain()


@pytest.fixture
async def stored_ns(gateway: Runtime, guarded: NatsServer) -> list[int]:
    """When each of 20 outcomes of two instruments in turn was stored; step 0, 2, 4 ... are of BTCUSDT."""
    operator = await nats.connect(guarded.url_of(OPERATOR))
    js = operator.jetstream()
    for step in range(20):
        one = outcome(step=step, symbol=("BTCUSDT", "ETHUSDT")[step % 2])
        await js.publish(OUTCOME_MESSAGES.of(one.venue, one.symbol), msgspec.json.encode(one))
    await js.publish(OUTCOME_MESSAGES.of(*BTC), b"{}")
    raw = [await js.get_msg("OUTCOMES", seq) for seq in range(1, 21)]
    await operator.close()
    return [round(one.time.timestamp() * 1e9) for one in raw if one.time]


async def test_sample_is_the_first_of_the_subject_at_or_after_each_instant(gateway: Runtime, stored_ns: list[int]):
    # a microsecond is what RFC 3339 keeps here; well before the first, twice the same, just before some, after the last
    instants = [stored_ns[0] - 10**9, stored_ns[0] - 10**6, *(stored_ns[at] - 1_000 for at in (5, 6, 12)), 2**62]
    expected = [
        next(step for step in range(0, 20, 2) if stored_ns[step] >= at_ns)
        for at_ns in instants[1:-1]
    ]  # fmt: skip
    samples = await read_samples(gateway.bus, OUTCOME_MESSAGES, BTC, instants)
    assert [one.step for one in samples] == sorted(set(expected))
    assert {one.symbol for one in samples} == {"BTCUSDT"}


async def test_nothing_stored_and_what_does_not_decode_are_left_out(gateway: Runtime, stored_ns: list[int]):
    assert await read_samples(gateway.bus, OUTCOME_MESSAGES, ("sim", "ADAUSDT"), [0]) == []
    assert await read_samples(gateway.bus, PREDICTION_MESSAGES, BTC, [0]) == []
    assert await read_samples(gateway.bus, OUTCOME_MESSAGES, BTC, [stored_ns[-1] + 1_000]) == []  # the last is "{}"


async def test_bus_that_is_away_is_a_trouble_that_passes(gateway: Runtime):
    await gateway.bus.close()
    with pytest.raises(Transient, match="OUTCOMES does not answer"):
        await read_samples(gateway.bus, OUTCOME_MESSAGES, BTC, [0])
