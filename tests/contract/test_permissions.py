"""What the subject table allows is what a real nats-server allows: every role, every subject, every bucket."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from foretick.common import permissions, subjects
from foretick.common.permissions import Permissions, permissions_of, users
from foretick.common.runtime.embedded import NatsServer
from foretick.common.runtime.stream_setup import ensure_all
from foretick.common.subjects import (
    BUCKETS,
    CALLS,
    DEAD_LETTERS,
    MARKET,
    OPERATOR,
    ROLES,
    STREAMS,
    TABLE,
    Bucket,
    Call,
    Subject,
)
from foretick.common.testing.servers import scratch_directory


@pytest.fixture(scope="module")
def guarded() -> Iterator[NatsServer]:
    """A server with the users of the table."""
    with scratch_directory("guarded") as directory, NatsServer(directory, users=users()) as server:
        yield server


@dataclass
class Session:
    """A role's connection, and what the server has refused it."""

    client: Client
    refused: list[str] = field(default_factory=list)

    async def settle(self) -> list[str]:
        """Return what was refused up to now: what a client sends to itself comes after the answers to all before."""
        marker = self.client.new_inbox()
        arrival = await self.client.subscribe(marker)
        await self.client.publish(marker)
        await arrival.next_msg(timeout=5)
        await arrival.unsubscribe()
        refused, self.refused[:] = list(self.refused), []
        return refused


@asynccontextmanager
async def session(server: NatsServer, user: str) -> AsyncIterator[Session]:
    client = Client()
    opened = Session(client)

    async def note(error: Exception) -> None:
        opened.refused.append(str(error))

    await client.connect(
        server.url_of(user), name=user, inbox_prefix=permissions.inbox_of(user), allow_reconnect=False, error_cb=note
    )
    try:
        yield opened
    finally:
        await client.close()


def concrete(subject: Subject, role: str) -> str:
    if subject is DEAD_LETTERS:
        return subject.of(*role.split("."))
    return subject.of(*("sim", "BTCUSDT", "1s")[: len(subject.tokens)])


async def check_publishing(mine: Session, role: str) -> None:
    for subject in TABLE:
        await mine.client.publish(concrete(subject, role), b"{}")
        was_refused = bool(await mine.settle())
        assert was_refused is (role not in subject.producers), subject.root


@pytest.mark.parametrize("role", ROLES)
async def test_role_publishes_what_it_produces_and_nothing_else(guarded: NatsServer, role: str) -> None:
    async with session(guarded, role) as mine:
        await check_publishing(mine, role)
        for other in set(ROLES) - {role}:
            await mine.client.publish(DEAD_LETTERS.of(*other.split(".")), b"{}")
            assert await mine.settle(), f"a dead letter in the name of {other}"


@pytest.mark.parametrize("role", ROLES)
async def test_role_hears_what_it_consumes_and_nothing_else(guarded: NatsServer, role: str) -> None:
    async with session(guarded, role) as mine:
        for subject in TABLE:
            await mine.client.subscribe(concrete(subject, role))
            was_refused = bool(await mine.settle())
            assert was_refused is (role not in subject.consumers), subject.root
        for other in set(ROLES) - {role}:
            await mine.client.subscribe(f"{permissions.inbox_of(other)}.>")
            assert await mine.settle(), f"the replies to {other}"


@pytest.mark.parametrize("role", ROLES)
async def test_role_writes_the_buckets_that_are_its_own_and_no_others(guarded: NatsServer, role: str) -> None:
    async with session(guarded, role) as mine:
        for bucket in BUCKETS:
            for key, owner in keys_of(bucket):
                await mine.client.publish(f"{bucket.roots[0]}.{key}", b"x")
                was_refused = bool(await mine.settle())
                assert was_refused is (role not in bucket.writers or owner not in ("", role.partition(".")[0])), key


def keys_of(bucket: Bucket) -> list[tuple[str, str]]:
    """Keys of ``bucket`` with the service that they belong to, empty for a key that is everybody's."""
    if bucket is not subjects.EPOCHS:
        return [("a.b", "")]
    services = sorted({name.partition(".")[0] for name in ROLES})
    own = ("{}.serve-0", "lease.{}.sim.BTCUSDT", "shards.{}", "shards.{}.correlate")
    return [("run", ""), *((key.format(service), service) for service in services for key in own), ("x.y.z", "nobody")]


@pytest.mark.parametrize("role", ROLES)
async def test_role_may_not_delete_purge_or_change_what_is_not_its_own(guarded: NatsServer, role: str) -> None:
    async with session(guarded, role) as mine:
        for stream in (*STREAMS, *BUCKETS):
            name = stream.stream_name if isinstance(stream, Bucket) else stream.name
            may_purge = stream is subjects.MODEL_GRAPHS and role in stream.writers
            for call, is_allowed in (
                ("DELETE", False), ("PURGE", may_purge), ("MSG.DELETE", False),
                ("UPDATE", subjects.owner_of(stream) == role),
            ):  # fmt: skip
                await mine.client.publish(f"$JS.API.STREAM.{call}.{name}", b"{}")
                assert bool(await mine.settle()) is not is_allowed, f"{call} {name}"


@pytest.mark.parametrize("role", ROLES)
async def test_role_makes_the_streams_of_the_table_and_reads_what_it_consumes(guarded: NatsServer, role: str) -> None:
    async with session(guarded, role) as mine, session(guarded, OPERATOR) as operator:
        js = mine.client.jetstream(timeout=2)
        await ensure_all(js, role)
        for subject in TABLE:
            if role in subject.consumers:
                await operator.client.jetstream().publish(concrete(subject, role), b"{}")
                consumer = await js.pull_subscribe(subject.wildcard, stream=subject.stream.name)
                (message,) = await consumer.fetch(1, timeout=5)
                await message.ack_sync()
                assert (await js.get_last_msg(subject.stream.name, message.subject, direct=True)).data
                await js.delete_consumer(subject.stream.name, (await consumer.consumer_info()).name)
        assert await mine.settle() == []


@pytest.mark.parametrize("call", CALLS)
async def test_call_reaches_its_responder_from_its_callers_alone(guarded: NatsServer, call: Call) -> None:
    subject = call.of(*("sim", "BTCUSDT")[: len(call.tokens)])
    async with session(guarded, call.responder) as responder:

        async def answer(message: Msg) -> None:
            if message.reply:
                await message.respond(b"here")

        await responder.client.subscribe(subject, cb=answer)
        assert await responder.settle() == []
        for role in set(ROLES) - {call.responder}:
            async with session(guarded, role) as caller:
                if role in call.callers:
                    assert (await caller.client.request(subject, b"", timeout=5)).data == b"here"
                else:
                    await caller.client.publish(subject, b"")
                    is_own_service = role.partition(".")[0] == call.responder.partition(".")[0]
                    assert bool(await caller.settle()) is not is_own_service, role
        assert await responder.settle() == []


async def test_nobody_connects_without_a_password(guarded: NatsServer) -> None:
    with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
        await nats.connect(guarded.url, allow_reconnect=False)


async def test_operator_may_do_everything(guarded: NatsServer) -> None:
    async with session(guarded, OPERATOR) as mine:
        await ensure_all(mine.client.jetstream())
        await mine.client.subscribe(">")
        await mine.client.publish("ticks.sim.BTCUSDT", b"{}")
        await mine.client.jetstream().purge_stream(MARKET.name)
        assert await mine.settle() == []


@pytest.mark.parametrize(
    ("drop", "add", "found"), [("", "predictions.*.*", "predictions"), ("dlq.gateway.api", "", "dlq")]
)
async def test_wrong_entry_fails_the_check(drop: str, add: str, found: str) -> None:
    """The control: a right too many and a right too few."""
    right = permissions_of("gateway.api")
    wrong = replace(right, publish=tuple(name for name in (*right.publish, add) if name and name != drop))
    with (
        scratch_directory("wrong") as directory,
        NatsServer(directory, users={"gateway.api": wrong}) as server,
    ):
        async with session(server, "gateway.api") as mine:
            with pytest.raises(AssertionError, match=found):
                await check_publishing(mine, "gateway.api")


def test_every_role_of_the_table_is_a_user_and_dead_letters() -> None:
    named = {role for row in TABLE for role in (*row.producers, *row.consumers)}
    named |= {role for bucket in BUCKETS for role in (*bucket.writers, *bucket.readers)} - {OPERATOR}
    assert named == set(ROLES) == set(DEAD_LETTERS.producers) == set(users()) - {OPERATOR}


def test_unknown_role_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gateway\.cook is not a role"):
        permissions_of("gateway.cook")


def test_rendered_block_names_passwords_by_reference() -> None:
    block = permissions.render_authorization({"ingest.feed": Permissions(("a",), ("b",))})
    assert 'user: "ingest.feed", password: $NATS_PASSWORD_INGEST_FEED' in block
