"""The client on a real nats-server: neither a flush that is given up on nor an error of the parser makes it deaf."""

import asyncio
from collections.abc import AsyncIterator

import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from foretick.common.runtime.embedded import NatsServer
from foretick.common.runtime.nats_client import SteadyClient
from foretick.common.testing import eventually
from foretick.common.testing.freezing import frozen


@pytest.fixture
async def client(own_nats: NatsServer) -> AsyncIterator[SteadyClient]:
    client = SteadyClient()
    await client.connect(own_nats.url, max_reconnect_attempts=-1, reconnect_time_wait=0.05)  # type: ignore[arg-type]
    yield client
    await client.close()


async def test_flush_that_timed_out_leaves_the_connection_as_it_was(own_nats: NatsServer, client: SteadyClient) -> None:
    with frozen([own_nats.pid]), pytest.raises(nats.errors.FlushTimeoutError):
        await client.flush(timeout=0.1)  # type: ignore[arg-type]  # used as seconds
    await client.flush(timeout=5)
    assert client.stats["reconnects"] == 0


async def test_flush_that_was_cancelled_leaves_the_connection_as_it_was(
    own_nats: NatsServer, client: SteadyClient
) -> None:
    with frozen([own_nats.pid]):
        flushes = [asyncio.create_task(client.flush()) for _ in range(3)]
        await asyncio.sleep(0)
        flushes[1].cancel()
        await asyncio.wait([flushes[1]])
    await asyncio.wait_for(asyncio.gather(flushes[0], flushes[2]), 5)
    assert client.stats["reconnects"] == 0


async def test_error_in_the_reading_loop_connects_anew(client: SteadyClient) -> None:
    got: list[bytes] = []

    async def keep(message: Msg) -> None:
        got.append(message.data)

    await client.subscribe("subject", cb=keep)
    parse = client._ps.parse

    async def fail_once(_: bytes) -> None:
        client._ps.parse = parse  # type: ignore[method-assign]
        raise TypeError("not bytes")

    client._ps.parse = fail_once  # type: ignore[method-assign]
    await client.publish("subject", b"lost")
    await eventually(lambda: client.stats["reconnects"] == 1 and client.is_connected)
    await client.flush(timeout=5)
    await client.publish("subject", b"again")
    await eventually(lambda: got == [b"again"])


@pytest.mark.parametrize("cancelled", [False, True], ids=["failed", "lost-again"])
async def test_attempt_that_breaks_off_is_made_again(client: SteadyClient, cancelled: bool) -> None:
    """A loop's own error, such as uvloop's of a closed socket; or a cancellation that nats-py swallows on its way."""
    begin = client._process_connect_init

    async def break_off() -> None:
        client._process_connect_init = begin  # type: ignore[method-assign]
        if not cancelled:
            raise RuntimeError("the handler is closed")
        raise asyncio.CancelledError

    client._process_connect_init = break_off  # type: ignore[method-assign]
    await client._process_op_err(ConnectionResetError())
    await eventually(lambda: client.stats["reconnects"] == 1 and client.is_connected)
    await client.flush(timeout=5)


async def test_one_attempt_is_under_way_at_a_time(client: SteadyClient) -> None:
    begun = asyncio.Event()
    begin, attempts = client._process_connect_init, []

    async def hold_on() -> None:
        client._process_connect_init = begin  # type: ignore[method-assign]
        attempts.append(asyncio.current_task())
        client._status = Client.CONNECTED
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:  # as nats-py's ``_flush_pending`` does
            await asyncio.sleep(60)

    client._process_connect_init = hold_on  # type: ignore[method-assign]
    await client._process_op_err(ConnectionResetError())
    await begun.wait()
    await client._process_op_err(ConnectionResetError())
    await eventually(lambda: client.stats["reconnects"] == 1 and client.is_connected)
    assert attempts[0].done()
    await client.flush(timeout=5)
