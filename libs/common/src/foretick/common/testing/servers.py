"""Where the tests' servers come from: the given address, else Docker (TimescaleDB), else the embedded binaries.

The addresses have names of their own, ``TEST_NATS_URL`` and ``TEST_DATABASE_URL``: tests delete streams and
databases, which must not happen to a system that ``NATS_URL`` and ``DATABASE_URL`` point to.
"""

import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import nats
import psycopg
from nats.errors import NoServersError
from nats.js.errors import NotFoundError
from psycopg import sql

from foretick.common.runtime import migrate
from foretick.common.runtime.embedded import NatsServer, PostgresServer

TIMESCALE_IMAGE = "timescale/timescaledb:latest-pg17"
_numbers = itertools.count(1)


@contextmanager
def scratch_directory(name: str) -> Iterator[Path]:
    """A directory that another user may pass through, which pytest's are not: PostgreSQL does not run as root."""
    directory = Path(tempfile.mkdtemp(prefix=f"foretick-{name}-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def nats_process() -> Iterator[NatsServer]:
    """A nats-server of the test's own, which it may kill and start."""
    with scratch_directory("nats") as directory, NatsServer(directory) as server:
        yield server


@contextmanager
def postgres_process() -> Iterator[PostgresServer]:
    """A PostgreSQL of the test's own, which it may kill and start; it does not flush to disk."""
    with scratch_directory("postgres") as directory, PostgresServer(directory, durable=False) as server:
        yield server


@contextmanager
def postgres_address() -> Iterator[str]:
    """The address of a PostgreSQL whose user may create databases."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with timescale_container() as address:
        if address is not None:
            yield address
            return
    with postgres_process() as server:
        yield server.url


@contextmanager
def timescale_container() -> Iterator[str | None]:
    """TimescaleDB in a container; None where Docker does not answer or does not have and cannot get the image."""
    try:
        import docker
        from docker.errors import DockerException
        from testcontainers.community.postgres import PostgresContainer
    except ImportError:
        yield None
        return
    container = None
    try:
        docker.from_env(timeout=3).ping()
        container = PostgresContainer(TIMESCALE_IMAGE, driver=None).start()
    except (DockerException, OSError):
        pass
    try:
        yield container.get_connection_url() if container else None
    finally:
        if container is not None:
            container.stop()


@contextmanager
def migrated_template(address: str) -> Iterator[str]:
    """A database for ``fresh_database`` to copy, migrated; its name.

    It is this process's own: a server that is given may serve several at once.
    """
    name = f"foretick_template_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        migrate.upgrade(in_database(address, name))
        _keep_jobs_still(in_database(address, name))
        seal_database(address, name)
        yield name
    finally:
        _drop_database(address, name)


def _keep_jobs_still(url: str) -> None:
    """Let TimescaleDB's jobs run only when a test runs them: all of them are due in every fresh copy, at once."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone():
            connection.execute(
                "SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs WHERE job_id >= 1000"
            )


def seal_database(address: str, name: str) -> None:
    """Let nobody connect to database ``name`` any more, so that it can be copied.

    Only a database that nobody is connected to can be, and TimescaleDB's background workers connect to all that allow
    it.
    """
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


@contextmanager
def fresh_database(address: str, template: str = "template0") -> Iterator[str]:
    """A database of the test's own on the server at ``address``, a copy of ``template``; its address."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    try:
        yield in_database(address, name)
    finally:
        _drop_database(address, name)


def _drop_database(address: str, name: str) -> None:
    with suppress(psycopg.OperationalError), psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def in_database(address: str, name: str) -> str:
    """Return ``address`` with another database."""
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))


async def clear_jetstream(url: str) -> None:
    """Delete every stream of the server at ``url``, and with them consumers, KV buckets and object stores."""
    client = await nats.connect(url, allow_reconnect=False)
    try:
        jetstream = client.jetstream()
        for stream in await jetstream.streams_info():
            with suppress(NotFoundError):
                await jetstream.delete_stream(stream.config.name or "")
    finally:
        with suppress(NoServersError):
            await client.close()
