"""Asks the record for bars."""

import asyncio

from foretick.common.contracts import Trust
from foretick.common.errors import Transient
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.health import Health
from foretick.common.runtime.store import Store
from foretick.common.units import NS_PER_S, micros_from_nanos
from foretick.gateway.domain.bars import BarData
from foretick.gateway.domain.directory import Identity
from foretick.market.bars import TIMEFRAMES_S

_PATIENCE_S = 5.0
_NEWEST = """
SELECT max(start_ns) AS start_ns FROM bar_parts_1s WHERE symbol = %s AND venue = %s AND run_id = %s
"""
_BARS = "SELECT * FROM bars(%s, %s, %s, %s, %s, %s)"
_SAME = (
    "open", "high", "low", "close", "volume_qty", "buy_volume_qty", "volume_quote", "vwap", "trades",
    "mid_open", "mid_high", "mid_low", "mid_close", "events", "live_frac",
)  # fmt: skip


class DatabaseBars:
    """Implements ``ports.BarRecord``. The gateway is ready without it: what is live it knows by itself."""

    def __init__(self, rt: Runtime, url: str) -> None:
        self._store = Store(url, f"{rt.name} bars", rt.log, Health(f"{rt.name} bars"))
        self._run_id = rt.run_id
        self._turn = asyncio.Lock()

    async def read(self, identity: Identity, timeframe: str, limit: int) -> list[BarData]:
        """Return the bars of the last ``limit`` lengths that the record has, the oldest first.

        Raises:
            Transient: the database does not answer
        """
        try:
            async with asyncio.timeout(_PATIENCE_S), self._turn:
                return await self._read(identity, timeframe, limit)
        except TimeoutError:
            raise Transient("the record does not answer") from None

    async def close(self) -> None:
        """End the connection."""
        await self._store.close()

    async def _read(self, identity: Identity, timeframe: str, limit: int) -> list[BarData]:
        venue, symbol = identity
        await self._store.connect()
        (newest,) = await self._store.fetch(_NEWEST, (symbol, venue, self._run_id))
        if newest["start_ns"] is None:
            return []
        length_ns = TIMEFRAMES_S[timeframe] * NS_PER_S
        end_ns = newest["start_ns"] - newest["start_ns"] % length_ns + length_ns
        span = (end_ns - limit * length_ns, end_ns)
        rows = await self._store.fetch(_BARS, (timeframe, self._run_id, venue, symbol, *span))
        return [
            BarData(
                start_us=micros_from_nanos(row["start_ns"]),
                end_us=micros_from_nanos(row["end_ns"]),
                asof_seq=row["last_seq"],
                is_closed=not row["is_partial"],
                trust=Trust(row["trust"]),
                **{name: row[name] for name in _SAME},
                is_whole=True,
            )
            for row in rows
        ]
