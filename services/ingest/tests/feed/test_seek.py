"""A part of a recording: the instants that name it, sound books at its first moment, nothing behind its last."""

import gzip

import pytest

from foretick.common.contracts import BookEvent, BookEventKind, Trust
from foretick.common.errors import InvalidSettings, Malformed
from foretick.common.units import NS_PER_S
from foretick.ingest.adapters.replay.span import Span
from foretick.ingest.adapters.simulator import recording as simulated
from foretick.ingest.app.feed import build

from .replays import play
from .test_feed_on_bus import runtime

BEGIN_NS = 1_700_000_000 * NS_PER_S  # 2023-11-14T22:13:20Z
SPAN = Span(BEGIN_NS + 1, BEGIN_NS + 7200 * NS_PER_S + 1)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Four simulated seconds."""
    path = tmp_path_factory.mktemp("seek") / "BTCUSDT.gz"
    frames = simulated.frames(["BTCUSDT"], seed=3, duration_s=4.0)
    path.write_bytes(gzip.compress(b"".join(b"%d %s\n" % (frame.recv_ns, frame.payload) for frame in frames)))
    return path


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("60", 60),
        ("1:00:00", 3600),
        ("00:00:01.5", 1.5),
        ("2023-11-14T22:13:30Z", 10),
        ("2023-11-14 23:13:30+01:00", 10),
    ],
)
def test_instant_is_iso_time_or_seconds_or_hours_into_the_recording(text, second):
    from_ns = SPAN.part(text, "").from_ns
    assert from_ns - BEGIN_NS - int(second * NS_PER_S) in (0, 1)


def test_told_ends_of_the_recording_lie_in_it():
    first, last = str(SPAN).split(", ")[0].split(" to ")
    part = SPAN.part(first, last)
    assert part.from_ns == SPAN.from_ns
    assert 0 <= SPAN.to_ns - part.to_ns < 1000
    assert SPAN.part("", "") == SPAN


@pytest.mark.parametrize(
    ("from_text", "to_text", "name"),
    [
        ("7201", "", "REPLAY_FROM"), ("2023-11-14T22:13:19Z", "", "REPLAY_FROM"), ("soon", "", "REPLAY_FROM"),
        ("-1", "", "REPLAY_FROM"), ("0:61:00", "", "REPLAY_FROM"), ("", "3:00:00", "REPLAY_TO"),
        ("", "2023-11-16", "REPLAY_TO"), ("60", "30", "REPLAY_TO"), ("1e3", "", "REPLAY_FROM"),
    ],
)  # fmt: skip
def test_instant_that_is_none_or_outside_is_refused_with_the_span(from_text, to_text, name):
    with pytest.raises(Malformed, match=r"2023-11-14T22:13:20\.000000Z to 2023-11-15T00:13:20\.000000Z") as caught:
        SPAN.part(from_text, to_text)
    assert caught.value.source == name


def book_of(events: list[BookEvent]) -> tuple[dict, dict]:
    """Both sides after ``events``, folded level by level."""
    sides: tuple[dict, dict] = ({}, {})
    for event in events:
        if event.kind is BookEventKind.SNAPSHOT:
            for side in sides:
                side.clear()
        for side, levels in zip(sides, (event.bids, event.asks), strict=True):
            side.update(levels)
    return tuple({price: qty for price, qty in side.items() if qty} for side in sides)


def time_of(event) -> int:
    return event.ts_recv_ns if isinstance(event, BookEvent) else event[1]


async def test_part_begins_with_the_book_of_its_first_instant_and_goes_on_as_the_whole_does(path):
    whole = [event for _, event in (await play([path])).outlet.numbered()]
    part = (await play([path], from_text="2", to_text="3.5")).outlet.numbered()
    begin_ns = time_of(whole[0])
    from_ns, to_ns = begin_ns + 2 * NS_PER_S, begin_ns + 3 * NS_PER_S + NS_PER_S // 2
    state, image = part[0][1], part[1][1]
    assert (state.reason, image.kind, image.trust) == ("start", BookEventKind.SNAPSHOT, Trust.LIVE)
    before = [event for event in whole if isinstance(event, BookEvent) and event.ts_recv_ns < from_ns]
    assert book_of([image]) == book_of(before)
    assert book_of([image]) != book_of(before[:-1])
    rest = [event for _, event in part[2:-1]]
    assert rest == [event for event in whole if from_ns <= time_of(event) <= to_ns]
    assert len(rest) > 20
    assert part[-1][1].reason == "end of recording"
    assert [seq for seq, _ in part] == list(range(1, len(part) + 1))


async def test_part_in_which_nothing_came_shows_the_book_all_the_same(path):
    numbered = (await play([path], from_text="2.0000001", to_text="2.0000002")).outlet.numbered()
    assert [event.trust for _, event in numbered] == [Trust.RESYNC, Trust.LIVE, Trust.STALE]


async def test_feed_refuses_an_instant_outside_with_the_settings_exit_code(nats_url, path):
    async with runtime(nats_url, REPLAY=str(path), REPLAY_FROM="5") as (rt, settings):
        with pytest.raises(InvalidSettings, match="REPLAY_FROM: 5 is outside the recording") as caught:
            await build(rt, settings)
    assert caught.value.exit_code == 2
