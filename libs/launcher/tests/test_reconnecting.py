"""A client whose connections are reset again while it makes them, on the loop that services run on."""

import asyncio
import random

import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg

from foretick.common.runtime.embedded import NatsServer
from foretick.common.runtime.nats_client import SteadyClient
from foretick.common.testing import eventually
from foretick.launcher.testing.proxy import Proxy

CLIENTS = 6
ROUNDS = 25
LONGEST_PAUSE_S = 0.06
"""Several times what a connection takes, so that resets fall into every step of it."""


async def connected(client: Client, port: int) -> set[bytes]:
    """Connect ``client`` to the proxy; return what will hold the messages that it gets."""
    got: set[bytes] = set()

    async def keep(message: Msg) -> None:
        got.add(message.data)

    async def ignore(_: Exception) -> None:
        """Resets are meant here."""

    await client.connect(
        f"nats://127.0.0.1:{port}", max_reconnect_attempts=-1, reconnect_time_wait=0.05, error_cb=ignore
    )  # type: ignore[arg-type]  # used as seconds
    for number in range(20):
        await client.subscribe(f"subject.{number}", cb=keep)
    return got


async def reset_at_random(proxy: Proxy, server: NatsServer) -> None:
    """Reset all connections again and again; every client must get a message after each round."""
    chance = random.Random(3)
    clients = [SteadyClient() for _ in range(CLIENTS)]
    got = [await connected(client, proxy.port) for client in clients]
    sender = await _sender(server)
    for number in range(ROUNDS):
        for _ in range(chance.randint(1, 5)):
            await asyncio.sleep(chance.uniform(0, LONGEST_PAUSE_S) * chance.random())
            proxy.reset()
        told = b"%d" % number

        async def all_hear(told: bytes = told) -> bool:
            await sender.publish("subject.7", told)
            await sender.flush()
            return all(told in each for each in got)

        await eventually(all_hear, 10)
    for client in [*clients, sender]:
        await client.close()


async def _sender(server: NatsServer) -> Client:
    client = Client()
    await client.connect(server.url)
    return client


def test_client_that_is_reset_while_it_connects_connects_again(own_nats: NatsServer) -> None:
    with Proxy(own_nats.port) as proxy:
        uvloop.run(reset_at_random(proxy, own_nats))
