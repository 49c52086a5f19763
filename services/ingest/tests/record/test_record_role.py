"""The role as a process: it migrates, records, says it is ready, and drains on SIGTERM."""

import os
import signal
import subprocess
import sys

import httpx

from foretick.common.runtime.embedded import free_port
from foretick.common.subjects import TICKS
from foretick.common.testing import eventually, tick_frame

from .conftest import Rig


def role(**env: str) -> subprocess.Popen[str]:
    clean = {key: value for key, value in os.environ.items() if key not in ("NATS_URL", "DATABASE_URL", "RUN_ID")}
    return subprocess.Popen(
        [sys.executable, "-m", "foretick.ingest", "record"],
        env=clean | env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


async def test_role_migrates_records_and_drains(rig: Rig, nats_url: str, empty_postgres_url: str) -> None:
    port = free_port()
    process = role(
        NATS_URL=nats_url, DATABASE_URL=empty_postgres_url, HTTP_PORT=str(port), RECORD_RETENTION_DAYS="3650"
    )
    rig.database_url = empty_postgres_url
    try:

        async def is_ready() -> bool:
            async with httpx.AsyncClient() as client:
                try:
                    reply = await client.get(f"http://127.0.0.1:{port}/health/ready")
                except httpx.TransportError:
                    return False
            return reply.status_code == 200 and reply.json()["conditions"].get("recorder", {}).get("ok", False)

        await eventually(is_ready, 60)
        await rig.publish(TICKS, tick_frame("TQ", seq=1))
        await rig.publish(TICKS, tick_frame("C", seq=3))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert await rig.value("SELECT count(*) FROM ticks") == 3
    finally:
        process.kill()
        process.communicate()


def test_role_without_database_address_ends_and_says_so(nats_url: str) -> None:
    process = role(NATS_URL=nats_url, HTTP_PORT="0")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "DATABASE_URL: not set" in output
