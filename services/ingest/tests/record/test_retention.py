"""The bound on the record's size: the oldest days go, today never, and both log and metric say so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import psycopg
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from foretick.common.errors import Transient
from foretick.common.subjects import TICKS
from foretick.common.testing import eventually, tick_frame
from foretick.ingest.domain.retention import Retention, days_over

from .conftest import LIMITS, Rig

DAY_NS = 86_400 * 10**9
TODAY = date(2026, 3, 10)
SIZES = st.dictionaries(st.integers(-9, 1).map(lambda back: TODAY + timedelta(days=back)), st.integers(0, 50))


@given(sizes=SIZES, max_bytes=st.integers(0, 300))
def test_no_more_days_go_than_must_and_never_today(sizes: dict[date, int], max_bytes: int) -> None:
    over = days_over(sizes, max_bytes, TODAY)
    kept = {day: size for day, size in sizes.items() if day not in over}
    assert over == sorted(sizes)[: len(over)]
    assert all(day < TODAY for day in over)
    assert sum(kept.values()) <= max_bytes or all(day >= TODAY for day in kept)
    if over:
        assert sum(kept.values()) + sizes[over[-1]] > max_bytes


def now_ns(rig: Rig) -> int:
    with psycopg.connect(rig.database_url) as connection:
        row = connection.execute("SELECT (extract(epoch FROM now()) * 1e9)::bigint").fetchone()
    assert row is not None
    return row[0]


async def symbols(rig: Rig) -> list[str]:
    return [row["symbol"] for row in await rig.fetch("SELECT DISTINCT symbol FROM ticks ORDER BY symbol")]


async def test_housekeeping_that_was_disturbed_is_done_again_within_a_minute(rig: Rig) -> None:
    """As when a job of the database held what was to go: the next turn of the hour would leave the disk to fill."""
    keep_house, asked = rig.record.keep_house, []

    async def disturbed(now_ns: int, retention: Retention) -> object:
        asked.append(now_ns)
        if len(asked) == 1:
            raise Transient("deadlock detected")
        return await keep_house(now_ns, retention)

    rig.record.keep_house = disturbed  # type: ignore[method-assign, assignment]
    rig.rt.clock.ns = now_ns(rig)
    rig.start()
    await eventually(lambda: len(asked) == 1 and rig.is_recording)
    rig.rt.clock.ns += 60_000_000_001
    await eventually(lambda: len(asked) == 2)
    recorder = rig.recorder
    assert recorder is not None
    await eventually(lambda: recorder._next_housekeeping_ns == asked[1] + 3600 * 10**9)


@pytest.mark.parametrize(("max_bytes", "kept"), [(10**12, ["BACK0", "BACK1", "BACK2"]), (1, ["BACK0"])])
async def test_oldest_days_go_when_the_record_is_too_large(
    make_rig: Callable[..., Rig], max_bytes: int, kept: list[str]
) -> None:
    rig = make_rig(limits=replace(LIMITS, retention=Retention(36_500, 36_500, max_bytes)))
    rig.rt.clock.ns = now_ns(rig)
    rig.start()
    await eventually(lambda: rig.recorder is not None and rig.recorder._next_housekeeping_ns > 0)
    for back in range(3):
        await rig.publish(TICKS, tick_frame("T", symbol=f"BACK{back}", ts_ingest_ns=rig.rt.clock.ns - back * DAY_NS))

    async def is_recorded() -> bool:
        return await symbols(rig) == ["BACK0", "BACK1", "BACK2"]

    await eventually(is_recorded)
    due_ns = rig.recorder._next_housekeeping_ns if rig.recorder else 0
    empty_bytes = rig.rt.metric("record_size_bytes")
    with structlog.testing.capture_logs() as logs:
        rig.rt.clock.ns = due_ns + 1
        sized = max_bytes == 1
        await eventually(lambda: rig.rt.metric("record_size_bytes") != empty_bytes)  # housekeeping is over
        assert rig.rt.metric("record_days_dropped_total") >= (2 if sized else 0)

        async def is_kept() -> bool:
            return await symbols(rig) == kept

        await eventually(is_kept)
        told = [
            "oldest days dropped: the record was larger than it may be",
            "today alone is larger than the record may be",
        ]
        heard = lambda: [entry["event"] for entry in logs if entry["log_level"] in ("warning", "error")]  # noqa: E731
        await eventually(lambda: heard() == (told if sized else []))
    assert rig.rt.metric("record_size_bytes") > 0
    assert sized or rig.rt.metric("record_days_dropped_total") == 0
