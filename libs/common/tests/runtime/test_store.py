"""The store on the real server: what is lost comes back, what is not lost stays, and each failure has its name."""

from typing import LiteralString

import psycopg
import pytest
import structlog

from foretick.common.errors import Transient
from foretick.common.runtime.embedded import PostgresServer
from foretick.common.runtime.health import Health
from foretick.common.runtime.store import Store


def store_on(url: str) -> tuple[Store, Health]:
    health = Health("test")
    return Store(url, "store test", structlog.stdlib.get_logger(), health), health


def is_ok(health: Health) -> bool:
    return health.report()["conditions"]["database"]["ok"]  # type: ignore[index, no-any-return]


async def run(store: Store, *statements: LiteralString) -> None:
    async with store.transaction() as connection:
        for statement in statements:
            await connection.execute(statement)


async def test_lost_connection_is_transient_and_opened_again(own_postgres: PostgresServer) -> None:
    store, health = store_on(own_postgres.url)
    with pytest.raises(Transient, match="not connected"):
        await store.fetch("SELECT 1")
    await store.connect()
    assert await store.fetch("SELECT 1 AS one") == [{"one": 1}]
    own_postgres.kill()
    with pytest.raises(Transient):
        await store.fetch("SELECT 1")
    assert not is_ok(health)
    own_postgres.start()
    await store.connect()
    assert is_ok(health)
    assert await store.fetch("SELECT 2 AS two") == [{"two": 2}]
    await store.close()


async def test_lock_that_is_not_granted_is_transient_and_keeps_the_connection(postgres_url: str) -> None:
    store, health = store_on(postgres_url)
    await store.connect()
    async with await psycopg.AsyncConnection.connect(postgres_url) as other:
        await other.execute("LOCK TABLE runs")
        with pytest.raises(Transient, match="lock timeout"):
            await run(store, "SET LOCAL lock_timeout = '50ms'", "LOCK TABLE runs")
    assert is_ok(health)
    assert await store.fetch("SELECT count(*) AS runs FROM runs") == [{"runs": 0}]
    await store.close()


async def test_refused_row_rolls_everything_back(postgres_url: str) -> None:
    store, _ = store_on(postgres_url)
    await store.connect()
    insert = "INSERT INTO runs (run_id, origin) VALUES ('a', 'sim')"
    with pytest.raises(psycopg.IntegrityError):
        await run(store, insert, insert)
    assert await store.fetch("SELECT run_id FROM runs") == []
    await store.close()


async def test_procedure_commits_as_it_goes_and_is_transient_when_the_server_is_gone(
    own_postgres: PostgresServer,
) -> None:
    store, health = store_on(own_postgres.url)
    await store.connect()
    await run(
        store,
        "CREATE TABLE kept (n int)",
        "CREATE PROCEDURE keep() LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO kept VALUES (1); COMMIT; INSERT INTO kept VALUES (2); PERFORM 1 / 0; END'",
    )
    with pytest.raises(Transient, match="division by zero"):
        await store.call("CALL keep()")
    await store.connect()
    assert await store.fetch("SELECT n FROM kept") == [{"n": 1}]
    own_postgres.kill()
    with pytest.raises(Transient):
        await store.call("CALL keep()")
    assert not is_ok(health)
    await store.close()
