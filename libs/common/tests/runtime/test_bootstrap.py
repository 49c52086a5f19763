"""The bootstrap as a process: waits for NATS, gets ready, echoes, drains; refuses wrong settings and taken ports."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import nats

from foretick.common.runtime.embedded import NatsServer, free_port
from foretick.common.subjects import TICKS
from foretick.common.testing import eventually, tick_frame

SERVICE = Path(__file__).with_name("service_process.py")


@contextmanager
def service(**env: str) -> Iterator[subprocess.Popen[str]]:
    clean = {key: value for key, value in os.environ.items() if key not in ("NATS_URL", "DATABASE_URL", "RUN_ID")}
    process = subprocess.Popen(
        [sys.executable, str(SERVICE)], env=clean | env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def ready(port: int) -> int | None:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code
        except httpx.TransportError:
            return None


async def test_service_waits_for_nats_then_serves_and_drains(tmp_path: Path) -> None:
    server, port = NatsServer(tmp_path, free_port()), free_port()
    with service(NATS_URL=f"nats://127.0.0.1:{server.port}", HTTP_PORT=str(port)) as process:

        async def is_waiting() -> bool:
            return await ready(port) == 503

        async def is_ready() -> bool:
            return await ready(port) == 200

        await eventually(is_waiting)
        with server:
            await eventually(is_ready)
            nc = await nats.connect(server.url)
            echoes = await nc.subscribe("echo")
            await nc.flush()
            await nc.publish(TICKS.of("sim", "BTCUSDT"), msgspec.json.encode(tick_frame(symbol="BTCUSDT", seq=7)))
            assert (await echoes.next_msg(timeout=5)).data == b"BTCUSDT 7"
            process.send_signal(signal.SIGTERM)
            assert (await echoes.next_msg(timeout=5)).data == b"goodbye"
            await nc.close()
            assert process.wait(timeout=10) == 0
        lines = [json.loads(line) for line in (process.stdout or ()).readlines()]
    assert any("nats-server" in str(line.get("hint")) for line in lines), "the wait for NATS says what to do"
    assert all({"ts", "level", "service", "event"} <= line.keys() for line in lines)


async def test_failing_handler_ends_the_process_with_code_1(nats_server: NatsServer) -> None:
    port = free_port()
    with service(NATS_URL=nats_server.url, HTTP_PORT=str(port)) as process:

        async def is_ready() -> bool:
            return await ready(port) == 200

        await eventually(is_ready)
        nc = await nats.connect(nats_server.url)
        await nc.publish(TICKS.of("sim", "POISON"), msgspec.json.encode(tick_frame(symbol="POISON", seq=1)))
        await nc.close()
        assert process.wait(timeout=10) == 1


def test_wrong_settings_end_with_code_2_and_name_every_fault() -> None:
    with service(NATS_URL="x", SHARD_COUNT="0", LOG_LEVEL="LOUD") as process:
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert all(name in errors for name in ("NATS_URL", "SHARD_COUNT", "LOG_LEVEL"))


def test_taken_port_ends_with_code_1_and_says_what_to_do(nats_server: NatsServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with service(NATS_URL=nats_server.url, HTTP_PORT=str(port)) as process:
            output, _ = process.communicate(timeout=10)
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in output
    assert "HTTP_PORT" in output


async def test_service_that_waits_for_nats_can_be_stopped() -> None:
    port = free_port()
    with service(NATS_URL=f"nats://127.0.0.1:{free_port()}", HTTP_PORT=str(port)) as process:

        async def is_waiting() -> bool:
            return await ready(port) == 503

        await eventually(is_waiting)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
