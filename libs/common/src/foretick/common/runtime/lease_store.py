"""Leases as keys of the KV bucket ``epochs``, and the call that tells whether a holder is still there.

One bucket gives every fencing epoch there is, as the revision of some key: none is ever given twice, and a later one is
higher, whether it was given to a process or to a lease.
"""

from collections.abc import Callable
from enum import Enum

import nats.errors
from nats.aio.msg import Msg
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from foretick.common.errors import Transient
from foretick.common.ownership import InstrumentKey, Lease
from foretick.common.runtime.bus import Bus, open_bucket
from foretick.common.subjects import EPOCHS, escape_token, holder_call

_CALL_S = 0.5


class Presence(Enum):
    """What a call to a holder told: it answered, it has no connection to the bus, or it stayed silent."""

    HERE = "here"
    GONE = "gone"
    SILENT = "silent"


class LeaseStore:
    """The leases and the number of shards of one service, or of a crew in it.

    All raises are those of nats-py: the bus is away.
    """

    def __init__(self, bus: Bus, service: str, crew: str = "") -> None:
        self._bus = bus
        self._service = service
        self._count_key = f"shards.{service}.{crew}" if crew else f"shards.{service}"
        self._bucket: KeyValue | None = None

    async def open(self, holder: str, on_change: Callable[[str, str], None]) -> None:
        """Answer calls to ``holder``, and call ``on_change`` once a write of a lease is stored: its name, its holder.

        The name is ``venue.symbol``, each escaped; an empty one stands for the number of shards.
        """
        prefix = f"{EPOCHS.changes}.lease.{self._service}."

        async def answer(msg: Msg) -> None:
            await msg.respond(b"")

        async def ring(msg: Msg) -> None:
            on_change(msg.subject.removeprefix(prefix), msg.data.decode(errors="replace"))

        async def ring_count(_msg: Msg) -> None:
            on_change("", "")

        nc = self._bus.nc
        await nc.subscribe(holder_call(self._service, holder), cb=answer)
        await nc.subscribe(f"{prefix}>", cb=ring)
        await nc.subscribe(f"{EPOCHS.changes}.{self._count_key}", cb=ring_count)
        await nc.flush()

    async def read(self, key: InstrumentKey) -> Lease:
        """Return the lease of instrument ``key``."""
        try:
            entry = await (await self._open_bucket()).get(self._key_of(key))
        except KeyNotFoundError:
            return Lease()
        return Lease((entry.value or b"").decode(), entry.revision or 0)

    async def write(self, key: InstrumentKey, holder: str, after: Lease) -> Lease | None:
        """Give the lease to ``holder``, or to none for an empty one, unless it changed since ``after``: then None."""
        try:
            revision = await (await self._open_bucket()).update(self._key_of(key), holder.encode(), last=after.revision)
        except KeyWrongLastSequenceError:
            return None
        return Lease(holder, revision)

    async def read_count(self) -> int | None:
        """Return the number of shards that the service is to have; None where nobody has said."""
        try:
            entry = await (await self._open_bucket()).get(self._count_key)
        except KeyNotFoundError:
            return None
        text = (entry.value or b"").decode()
        return int(text) if text.isdecimal() and int(text) > 0 else None

    async def write_count(self, count: int) -> None:
        """Say how many shards the service is to have."""
        await (await self._open_bucket()).put(self._count_key, str(count).encode())

    async def call(self, holder: str) -> Presence:
        """Ask whether ``holder`` is there."""
        try:
            await self._bus.nc.request(holder_call(self._service, holder), b"", timeout=_CALL_S)
        except nats.errors.NoRespondersError:
            return Presence.GONE
        except (TimeoutError, nats.errors.TimeoutError):
            return Presence.SILENT
        return Presence.HERE

    async def round_trip(self) -> None:
        """Return once the server has answered; whatever it sent before has arrived then.

        Raises:
            Transient: the connection is not up, or was lost meanwhile; nats-py's flush returns without an answer then.
        """
        reconnects = self._bus.nc.stats["reconnects"]
        if self._bus.is_connected:
            await self._bus.nc.flush(timeout=3)
        if not self._bus.is_connected or self._bus.nc.stats["reconnects"] != reconnects:
            raise Transient("the bus is away")

    def forget(self) -> None:
        """Open the bucket anew next time: the server may have lost it."""
        self._bucket = None

    async def _open_bucket(self) -> KeyValue:
        if self._bucket is None:
            self._bucket = await open_bucket(self._bus.js, EPOCHS.name)
        return self._bucket

    def _key_of(self, key: InstrumentKey) -> str:
        return ".".join(("lease", self._service, *(escape_token(part) for part in key)))
