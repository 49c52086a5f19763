"""A publisher of its own that knows what JetStream has acknowledged, to see whether that is kept exactly once."""

import asyncio
import threading
from types import TracebackType
from typing import Self

import nats
import nats.errors
from nats.js.api import StreamConfig
from nats.js.errors import APIError

from foretick.common.runtime.stream_reader import everything, read_stored
from foretick.common.subjects import Stream
from foretick.launcher.operator_bus import connected
from foretick.launcher.testing.system import System, run_apart, wait_until

_STREAM = Stream("WITNESS", max_age_s=0, max_bytes=-1)
_SUBJECT = "witness"
_PAUSE_S = 0.02
_RETRY_S = 0.1


class Witness:
    """Publishes numbered messages with acknowledgements, each until it has one, from a thread of its own."""

    def __init__(self, system: System) -> None:
        self._url = system.setting("NATS_URL")
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._testify(),), daemon=True)
        self.acknowledged = 0
        self.retries = 0

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.acknowledged, 30, "the witness's first acknowledgement")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def describe(self) -> str:
        """Return one line for a report."""
        return f"{self.acknowledged} publishes acknowledged, {self.retries} repeated"

    def assert_kept(self) -> None:
        """Fail unless every acknowledged number is in the stream exactly once, in order."""
        acknowledged = self.acknowledged
        wanted, kept = list(range(1, acknowledged + 1)), run_apart(self._read())
        lost, doubled = set(wanted) - set(kept), len(kept) - len(set(kept))
        assert kept[:acknowledged] == wanted, f"of {acknowledged} lost {lost}, doubled {doubled}"

    async def _testify(self) -> None:
        nc = await nats.connect(self._url, max_reconnect_attempts=-1, reconnect_time_wait=_RETRY_S, error_cb=_ignore)  # type: ignore[arg-type]
        js = nc.jetstream(timeout=1)
        await js.add_stream(StreamConfig(name=_STREAM.name, subjects=[_SUBJECT], duplicate_window=120))
        number = 1
        while not self._stop.is_set():
            try:
                await js.publish(_SUBJECT, str(number).encode(), headers={"Nats-Msg-Id": str(number)})
            except (nats.errors.Error, APIError, TimeoutError):
                self.retries += 1
                await asyncio.sleep(_RETRY_S)
                continue
            self.acknowledged = number
            number += 1
            await asyncio.sleep(_PAUSE_S)
        await nc.close()

    async def _read(self) -> list[int]:
        async with connected(self._url) as bus:
            batches = read_stored(bus, _STREAM, everything())
            return [int(payload) async for batch in batches for _, payload, _ in batch]


async def _ignore(_error: Exception) -> None:
    """The retries tell."""
