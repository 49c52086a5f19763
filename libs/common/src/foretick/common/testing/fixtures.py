"""The pytest plugin: real NATS and PostgreSQL, started once a session, clean for each test.

- ``nats_server``: the session's embedded nats-server; shared, keeps what earlier tests left
- ``nats``: the same, running and without streams
- ``own_nats``, ``own_postgres``: a server of the test's own, for tests that kill it
- ``nats_url``: ``TEST_NATS_URL`` if given, else of ``nats``; without streams
- ``postgres_url``: a migrated database of the test's own
- ``empty_postgres_url``: the same without any table
- ``fake_runtime``
- ``shared_data``: the path of a file of real data by its name, or a skip
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from foretick.common.runtime.embedded import NatsServer, PostgresServer
from foretick.common.testing import servers
from foretick.common.testing.fakes import FakeRuntime
from foretick.common.testing.shared_data import find_shared_data


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    """The session's nats-server. A test that kills it starts it again, or takes ``own_nats``."""
    with servers.nats_process() as server:
        yield server


@pytest.fixture
async def nats(nats_server: NatsServer) -> NatsServer:
    """The session's nats-server, running and without streams."""
    nats_server.start()
    await servers.clear_jetstream(nats_server.url)
    return nats_server


@pytest.fixture
async def nats_url(request: pytest.FixtureRequest) -> str:
    """The address of a server without streams."""
    given = os.environ.get("TEST_NATS_URL")
    url = given or request.getfixturevalue("nats_server").start().url
    await servers.clear_jetstream(url)
    return url


@pytest.fixture
def own_nats() -> Iterator[NatsServer]:
    """A nats-server of this test's own."""
    with servers.nats_process() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """The address of the session's PostgreSQL; tests take ``postgres_url``."""
    with servers.postgres_address() as address:
        yield address


@pytest.fixture(scope="session")
def postgres_template(postgres_address: str) -> Iterator[str]:
    """The name of the migrated template database."""
    with servers.migrated_template(postgres_address) as name:
        yield name


@pytest.fixture
def postgres_url(postgres_address: str, postgres_template: str) -> Iterator[str]:
    """A migrated database of this test's own."""
    with servers.fresh_database(postgres_address, postgres_template) as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_address: str) -> Iterator[str]:
    """A database of this test's own without any table."""
    with servers.fresh_database(postgres_address) as url:
        yield url


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test's own, not migrated."""
    with servers.postgres_process() as server:
        yield server


@pytest.fixture
async def fake_runtime() -> AsyncIterator[FakeRuntime]:
    """A runtime without a bus."""
    runtime = FakeRuntime()
    yield runtime
    await runtime.drain()


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return the path of a file of real data by its name, or skip."""
    return find_shared_data
