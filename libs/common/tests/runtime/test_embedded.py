"""The embedded servers: they start, keep their data, refuse what they must, and never outlive their parent."""

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nats
import psycopg
import pytest

from foretick.common.runtime.embedded import (
    DirectoryInUse,
    EmbeddedServer,
    NatsServer,
    PortTaken,
    PostgresServer,
    StartFailed,
    free_port,
)
from foretick.common.testing import eventually
from foretick.common.testing.servers import scratch_directory

SERVERS: list[type[EmbeddedServer]] = [NatsServer, PostgresServer]


@pytest.fixture
def directory():
    with scratch_directory("embedded") as path:
        yield path


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent to notice does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_nats_keeps_what_it_acknowledged_through_kill_and_start(directory: Path) -> None:
    with NatsServer(directory) as server:
        first_url = server.url
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        await client.jetstream().publish("kept", b"one")
        await client.close()
        server.kill()
        assert not server.running
        server.start()
        assert server.url == first_url
        client = await nats.connect(server.url)
        assert (await client.jetstream().get_last_msg("KEPT", "kept")).data == b"one"
        await client.close()


def test_postgres_keeps_what_it_committed_through_kill_and_start(directory: Path) -> None:
    with PostgresServer(directory, durable=False) as server:
        first_url = server.url
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        server.kill()
        assert not server.running
        server.start()
        assert server.url == first_url
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_postgres_asks_for_the_password(directory: Path) -> None:
    with PostgresServer(directory, durable=False) as server:
        password = (directory / "password").read_text()
        assert (directory / "password").stat().st_mode & 0o077 == 0
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url.replace(password, "wrong"))


@pytest.mark.parametrize("kind", SERVERS)
def test_taken_port_is_named(directory: Path, nats_server: NatsServer, kind: type[EmbeddedServer]) -> None:
    with pytest.raises(PortTaken, match=f"port {nats_server.port} .*taken"):
        kind(directory, nats_server.port).start()


def test_free_port_is_never_one_that_the_system_hands_out_by_itself() -> None:
    handed_out = []
    for _ in range(50):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            handed_out.append(probe.getsockname()[1])
    assert max(free_port() for _ in range(500)) < min(handed_out)


def test_free_port_passes_over_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        draws = itertools.chain((port,), itertools.count(port - 1, -1))
        monkeypatch.setattr("secrets.randbelow", lambda _: next(draws))
        monkeypatch.setattr("foretick.common.runtime.embedded.process._FIRST_PORT", 0)
        assert free_port() < port


def test_second_server_on_a_directory_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretick.common.runtime.embedded.process._LOCK_WAIT_S", 0.2)
    with NatsServer(directory) as server:
        with pytest.raises(DirectoryInUse, match=f"in use by process {server.pid}"):
            NatsServer(directory).start()
        assert server.running


def test_server_that_ends_at_once_shows_its_log(directory: Path) -> None:
    (directory / "jetstream").write_text("a file where the server wants a directory")
    with pytest.raises(StartFailed, match="nats-server ended with code"):
        NatsServer(directory).start()


@pytest.mark.parametrize("kind", SERVERS)
async def test_server_ends_with_a_killed_parent_and_its_directory_serves_the_next(
    directory: Path, kind: type[EmbeddedServer]
) -> None:
    port = free_port()
    script = (
        f"import sys; from foretick.common.runtime.embedded import {kind.__name__}\n"
        f"print({kind.__name__}({str(directory)!r}, {port}).start().pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs on this loop
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_alive(pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    with kind(directory, port) as successor:  # waits for the end of the one before it
        assert successor.running
        gone: Callable[[], bool] = lambda: not is_alive(pid)  # noqa: E731
        await eventually(gone)
