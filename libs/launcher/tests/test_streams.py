"""``foretick streams`` and the set-up of streams and buckets from the subject table, on a real nats-server."""

import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from nats.js.api import ConsumerConfig, KeyValueConfig

from foretick.common.runtime.bus import Bus, open_bucket
from foretick.common.runtime.health import Health
from foretick.common.runtime.stream_setup import configuration_of, ensure_all
from foretick.common.subjects import (
    BUCKETS,
    EPOCHS,
    MARKET,
    MODEL_GRAPHS,
    OUTCOMES,
    STREAMS,
    TICKS,
    Bucket,
    Stream,
    owner_of,
)  # fmt: skip
from foretick.launcher import streams
from foretick.launcher.domain.stream_state import ConsumerState, Level, StreamState, line_of

EVERYTHING = {configuration_of(stream).name for stream in (*STREAMS, *BUCKETS)}


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    bus = Bus(nats_url, "test", structlog.get_logger(), Health("test"))
    await bus.connect()
    yield bus
    await bus.close()


@pytest.fixture
def show(nats_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    monkeypatch.setenv("NATS_URL", nats_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    def show(*, apply: bool = False, as_json: bool = False) -> int:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: streams.show_streams(as_json=as_json, apply=apply)).result()

    return show


async def test_set_up_makes_what_the_table_declares_with_its_limits_and_again_changes_nothing(bus: Bus) -> None:
    await bus.ensure_streams()
    await bus.ensure_streams()
    infos = {info.config.name: info.config for info in await bus.js.streams_info()}
    assert set(infos) == EVERYTHING
    for stream in (*STREAMS, *BUCKETS):
        config = infos[configuration_of(stream).name]
        assert (config.max_bytes, config.max_age or 0) == (stream.max_bytes, stream.max_age_s)
        assert 0 < config.max_bytes


async def test_limits_together_fit_the_embedded_server() -> None:
    assert sum(stream.max_bytes for stream in (*STREAMS, *BUCKETS)) < 8 * 1024**3


async def test_bucket_made_by_a_client_library_is_taken_over_with_what_it_holds(bus: Bus) -> None:
    """As an earlier version made it: without limits."""
    made = await bus.js.create_key_value(KeyValueConfig(bucket=EPOCHS.name, history=1))
    revision = await made.put("run", b"kept")
    await bus.js.create_object_store(MODEL_GRAPHS.name)
    await bus.ensure_streams()
    entry = await (await open_bucket(bus.js, EPOCHS.name)).get("run")
    assert (entry.value, entry.revision) == (b"kept", revision)
    assert (await bus.js.stream_info(MODEL_GRAPHS.stream_name)).config.max_bytes == MODEL_GRAPHS.max_bytes


async def test_bucket_that_the_server_lost_is_made_again(bus: Bus) -> None:
    await (await open_bucket(bus.js, EPOCHS.name)).put("run", b"1")
    await bus.js.delete_key_value(EPOCHS.name)
    await (await open_bucket(bus.js, EPOCHS.name)).put("run", b"2")
    assert (await bus.js.stream_info(EPOCHS.stream_name)).config.max_bytes == EPOCHS.max_bytes


async def test_objects_and_keys_work_in_what_is_set_up(bus: Bus) -> None:
    await bus.ensure_streams()
    store = await bus.js.object_store(MODEL_GRAPHS.name)
    await store.put("a", b"x" * 300_000)
    await store.put("a", b"y" * 300_000)
    assert (await store.get("a")).data == b"y" * 300_000
    await store.delete("a")
    bucket = await open_bucket(bus.js, EPOCHS.name)
    first = await bucket.put("features.serve-0", b"1")
    assert await bucket.update("features.serve-0", b"2", last=first) > first


@pytest.mark.parametrize("stream", [*STREAMS, *BUCKETS], ids=lambda stream: stream.name)
async def test_limits_are_brought_up_to_date_by_their_owner_alone(bus: Bus, stream: Stream | Bucket) -> None:
    await ensure_all(bus.js, declared=(replace(stream, max_bytes=1024**2),))
    name = configuration_of(stream).name or ""
    owner = owner_of(stream)
    stranger = "gateway.api"
    assert await ensure_all(bus.js, stranger, declared=(stream,)) == (name,)
    assert (await bus.js.stream_info(name)).config.max_bytes == 1024**2
    assert await ensure_all(bus.js, owner, declared=(stream,)) == ()
    assert (await bus.js.stream_info(name)).config.max_bytes == stream.max_bytes


async def test_streams_are_shown_with_what_they_hold_and_who_is_behind(
    bus: Bus, show: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert show() == streams.EXIT_FULL  # all are missing
    assert "missing" in capsys.readouterr().out
    assert show(apply=True) == 0
    for _ in range(3):
        await bus.js.publish(TICKS.of("sim", "BTCUSDT"), b"12345")
    await bus.js.add_consumer(MARKET.name, ConsumerConfig(durable_name="slow", ack_policy="explicit"))
    capsys.readouterr()
    assert show(as_json=True) == 0
    shown = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(shown) == EVERYTHING
    market = shown["MARKET"]
    assert (market["messages"], market["consumers"]) == (3, [{"name": "slow", "waiting": 3}])
    assert (market["held_bytes"] > 0, 0 <= market["span_s"] < 60, market["level"]) == (True, True, "fine")
    assert show() == 0
    assert "slow (3 waiting)" in capsys.readouterr().out


async def test_other_limits_than_the_table_s_are_shown_until_applied(
    bus: Bus, show: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    await bus.ensure_streams()
    await ensure_all(bus.js, declared=(replace(OUTCOMES, max_bytes=1024**2),))
    show()
    assert "not those of the subject table" in capsys.readouterr().out
    show(apply=True)
    assert "not those of the subject table" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("held_bytes", "drops_oldest", "waiting", "level"),
    [
        (79, True, 0, Level.FINE), (80, True, 0, Level.NEAR), (100, True, 0, Level.NEAR),
        (79, False, 0, Level.FINE), (80, False, 0, Level.NEAR), (95, False, 0, Level.FULL),
        (0, True, 9_999, Level.FINE), (0, True, 10_000, Level.NEAR),
    ],
)  # fmt: skip
def test_level_tells_history_that_shrinks_from_a_bucket_that_is_full(
    held_bytes: int, drops_oldest: bool, waiting: int, level: Level
) -> None:
    state = StreamState(
        "X", 100, 60, drops_oldest, messages=1, held_bytes=held_bytes, consumers=(ConsumerState("c", waiting),)
    )
    assert state.level is level
    assert f"c ({waiting:,} waiting)" in line_of(state)
