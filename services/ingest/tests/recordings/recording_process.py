"""A process that records until it is killed: ``python recording_process.py FOLDER``; says each frame that it told."""

import asyncio
import sys
from pathlib import Path

import structlog

from foretick.common.runtime.system_clock import SystemClock
from foretick.ingest.adapters.recordings.folder import RecordingFolder, RecordingLimits
from foretick.ingest.adapters.recordings.sink import ConnectionEvent
from foretick.ingest.adapters.recordings.writer import RecordingWriter
from foretick.ingest.domain.events import Received


async def main() -> None:
    clock = SystemClock()
    folder = RecordingFolder(Path(sys.argv[1]), RecordingLimits(min_free_bytes=0))
    writer = RecordingWriter(folder, "ingest.feed-0", "run", clock, structlog.stdlib.get_logger())
    writer.start()
    writer.on_connection_event("binance", 1, ConnectionEvent.OPENED, "wss://h")
    writer.on_connection_event("binance", 2, ConnectionEvent.OPENED, "wss://h")
    writer.on_connection_event("binance", 2, ConnectionEvent.CLOSED, "reset")
    n = 0
    while True:
        for _ in range(20):
            n += 1
            writer.on_received("binance", 1, Received(clock.now_ns(), b'{"n":%d}' % n))
        sys.stdout.write(f"{n} {clock.now_ns()}\n")
        sys.stdout.flush()
        await asyncio.sleep(0.01)


asyncio.run(main())
