"""``foretick dlq`` on a real nats-server: list, show, replay once, drop, and what it refuses."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import structlog

from foretick.common.contracts import DeadLetter
from foretick.common.errors import Refused
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.health import Health
from foretick.common.subjects import DEAD_LETTERS, TICKS
from foretick.common.testing import eventually
from foretick.common.testing.builders import tick_frame
from foretick.launcher.cli import build_parser
from foretick.launcher.dead_letters.commands import run_dlq
from foretick.launcher.dead_letters.store import DeadLetterStore
from foretick.launcher.domain.dead_letter import Wanted
from foretick.launcher.operator_bus import EXIT_AWAY, EXIT_REFUSED, EXIT_USAGE

SOURCE = TICKS.of("sim", "BTCUSDT")
FRAME = msgspec.json.encode(tick_frame())
NOW_NS = 1_700_000_000_000_000_000


def letter(
    payload: bytes = FRAME, *, source: str = SOURCE, service: str = "features.serve-0", cut: int = 0
) -> DeadLetter:
    return DeadLetter(
        service=service, source=source, reason="was not liked", ts_ns=NOW_NS, payload_bytes=len(payload),
        payload_base64=base64.b64encode(payload[: len(payload) - cut]).decode(),
    )  # fmt: skip


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    bus = Bus(nats_url, "test", structlog.get_logger(), Health("test"))
    await bus.connect()
    await bus.ensure_streams()
    yield bus
    await bus.close()


@pytest.fixture
async def bury(bus: Bus) -> Callable[[DeadLetter], object]:
    async def bury(content: DeadLetter) -> int:
        service, _, role = content.service.partition("-")[0].partition(".")
        return (await bus.js.publish(DEAD_LETTERS.of(service, role), msgspec.json.encode(content))).seq

    return bury


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(nats_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``foretick dlq`` with arguments; return its exit code and what it printed."""
    monkeypatch.setenv("NATS_URL", nats_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    def run(*arguments: str, answer: str | None = None) -> tuple[int, str]:
        options = build_parser().parse_args(["dlq", *arguments])
        ask = None if answer is None else lambda _question: answer
        with ThreadPoolExecutor(1) as thread:
            code = thread.submit(run_dlq, options, ask=ask).result()
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


async def heard(bus: Bus, subject: str = SOURCE) -> list[bytes]:
    """What was published on ``subject`` and kept."""
    info = await bus.js.stream_info("MARKET", subjects_filter=subject)
    return [(await bus.js.get_msg("MARKET", n)).data or b"" for n in range(1, info.state.messages + 1)]


async def test_letters_are_listed_by_service_source_and_age(bus, bury, run: Run) -> None:
    first = await bury(letter())
    second = await bury(letter(source="binance.depth", service="ingest.feed-0"))
    code, printed = run("--json")
    rows = [json.loads(line) for line in printed.splitlines()]
    assert code == 0
    assert [(row["id"], row["service"], row["source"]) for row in rows] == [
        (first, "features.serve-0", SOURCE), (second, "ingest.feed-0", "binance.depth"),
    ]  # fmt: skip
    assert rows[0]["bytes"] == len(FRAME)
    assert rows[0]["reason"] == "was not liked"
    for arguments, expected in (
        (("--service", "ingest"), {second}), (("--service", "features.serve"), {first}), (("--service", "feat"), set()),
        (("list", "--source", "ticks.*"), {first}), (("--since", "1s"), set()),
        (("--service", "ingest", "list"), {second}),
    ):  # fmt: skip
        _, printed = run(*arguments, "--json")
        assert {json.loads(line)["id"] for line in printed.splitlines()} == expected, arguments


async def test_no_letters_is_said(bus, run: Run) -> None:
    assert run() == (0, "no dead letters\n")


async def test_letter_shows_its_payload_its_reason_and_whether_it_can_be_replayed(bus, bury, run: Run) -> None:
    number = await bury(letter())
    code, printed = run("show", str(number))
    assert code == 0
    assert "was not liked" in printed
    assert f"possible, on {SOURCE}" in printed
    assert '"symbol": "BTCUSDT"' in printed


async def test_letter_is_published_again_once(bus, bury, run: Run) -> None:
    number = await bury(letter())
    assert run("replay", str(number), "--dry-run")[0] == 0
    assert await heard(bus) == []
    assert run("replay", str(number))[0] == 0
    assert await heard(bus) == [FRAME]
    code, printed = run("replay", str(number))
    assert (code, "replayed already" in printed) == (EXIT_REFUSED, True)
    assert await heard(bus) == [FRAME]
    assert json.loads(run("--json")[1])["state"] == "replayed"
    assert run("replay", str(number), "--force")[0] == 0
    assert await heard(bus) == [FRAME, FRAME]


async def test_two_operators_publish_a_letter_once(bus, bury) -> None:
    store = await DeadLetterStore.open(bus)
    seen = await store.get(await bury(letter()))
    await store.replay(seen)
    with pytest.raises(Refused, match="somebody else"):
        await store.replay(seen)  # as it was seen before the other began
    assert await heard(bus) == [FRAME]


async def test_interrupted_replay_is_not_repeated_by_itself(bus, bury, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await DeadLetterStore.open(bus)
    number = await bury(letter())

    async def lose(*_arguments: object, **_options: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as away:
        away.setattr(bus.js, "publish", _only_marks(bus, lose))
        with pytest.raises(TimeoutError):
            await store.replay(await store.get(number))
    with pytest.raises(Refused, match="interrupted"):
        await store.replay(await store.get(number))
    assert await store.replay(await store.get(number), is_forced=True) == SOURCE
    assert await heard(bus) == [FRAME]


def _only_marks(bus: Bus, lose: Callable[..., object]) -> Callable[..., object]:
    publish = bus.js.publish
    return lambda subject, *rest, **options: (publish if subject.startswith("$KV.") else lose)(
        subject, *rest, **options
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (letter(source="binance.depth"), "no subject of the bus"),
        (letter(source="dlq.features.serve"), "no subject of the bus"),
        (letter(source="ticks.sim.BTCUSDT.more"), "no subject of the bus"),
        (letter(source="ticks.*.*"), "no subject of the bus"),
        (letter(b'{"seq": "x"}'), "still is no TickFrame"),
        (letter(cut=1), f"only {len(FRAME) - 1:,} of its {len(FRAME):,} bytes"),
        (letter(b""), "still is no TickFrame"),
    ],
)
async def test_letter_that_cannot_be_used_is_refused_with_the_reason(
    bus, bury, run: Run, content: DeadLetter, reason: str
) -> None:
    number = await bury(content)
    code, printed = run("replay", str(number), "--force")
    assert code == EXIT_REFUSED
    assert reason in printed
    assert (await bus.js.stream_info("MARKET")).state.messages == 0
    assert reason in run("show", str(number))[1]


async def test_letter_of_another_run_is_refused(bus, bury, run: Run) -> None:
    await bus.js.publish(SOURCE, msgspec.json.encode(tick_frame(run_id="the-next-run")))
    number = await bury(letter())
    code, printed = run("replay", str(number), "--force")
    assert code == EXIT_REFUSED
    assert "its subject is at run the-next-run" in printed
    assert len(await heard(bus)) == 1


async def test_all_letters_of_a_service_are_published_after_a_yes(bus, bury, run: Run) -> None:
    for _ in range(3):
        await bury(letter())
    other = await bury(letter(service="gateway.api-0"))
    chosen = ("replay", "--all", "--service", "features")
    assert run(*chosen)[0] == EXIT_REFUSED  # nobody can answer
    assert run(*chosen, answer="n")[0] == EXIT_REFUSED
    assert await heard(bus) == []
    assert run(*chosen, answer="y")[0] == 0
    assert await heard(bus) == [FRAME] * 3
    assert run(*chosen, "--yes") == (0, "0 of 0 replayed\n")
    assert run("replay", str(other), "--all")[0] == EXIT_USAGE
    assert run("replay")[0] == EXIT_USAGE


async def test_dropped_letter_is_gone_and_cannot_be_dropped_twice(bus, bury, run: Run) -> None:
    number = await bury(letter())
    kept = await bury(letter())
    assert run("drop", str(number))[0] == 0
    code, printed = run("drop", str(number))
    assert (code, f"there is no letter {number}" in printed) == (EXIT_REFUSED, True)
    assert run("show", str(number))[0] == EXIT_REFUSED
    assert run("drop", "999")[0] == EXIT_REFUSED
    store = await DeadLetterStore.open(bus)
    assert [found.id async for found in store.find(Wanted())] == [kept]


async def test_mark_of_another_letter_with_the_same_number_counts_for_nothing(bus, bury) -> None:
    store = await DeadLetterStore.open(bus)
    await store.replay(await store.get(await bury(letter())))
    await bus.js.delete_stream("DLQ")
    await bus.ensure_streams()
    number = await bury(msgspec.structs.replace(letter(), ts_ns=NOW_NS + 1))
    assert number == 1
    assert (await store.get(number)).state == ""
    assert await store.replay(await store.get(number)) == SOURCE


async def test_bus_that_is_away_and_arguments_that_cannot_be_have_their_own_codes(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foretick.launcher.operator_bus._CONNECT_S", 0.3)
    monkeypatch.setenv("NATS_URL", "nats://someone:hidden@127.0.0.1:1")
    code, printed = run()
    assert code == EXIT_AWAY
    assert "hidden" not in printed
    monkeypatch.delenv("NATS_URL")
    code, printed = run()
    assert (code, "does not run" in printed) == (EXIT_REFUSED, True)
    for arguments in (("show", "zero"), ("show", "0"), ("--since", "1 fortnight")):
        with pytest.raises(SystemExit, match="2"):
            run(*arguments)


async def test_letters_of_a_service_arrive_where_dlq_looks(bus, fake_runtime) -> None:
    """The shape that services write is the one that is read here."""
    from foretick.common.runtime.bootstrap import Runtime
    from foretick.common.runtime.settings import ServiceSettings

    rt = Runtime("features", "serve", ServiceSettings(nats_url=bus.nc.connected_url.geturl()), fake_runtime.log)
    await rt.bus.connect()
    rt.data.reject(SOURCE, "was not liked", FRAME)
    store = await DeadLetterStore.open(bus)

    async def arrived() -> bool:
        return (await bus.js.stream_info("DLQ")).state.messages == 1

    await eventually(arrived)
    (found,) = [found async for found in store.find(Wanted(service="features.serve"))]
    assert (found.content.source, found.payload, found.is_whole) == (SOURCE, FRAME, True)
    await rt.drain()
