"""Recordings of several processes with one instrument: what is replayed is what consumers heard of them then."""

import msgspec
import pytest

from foretick.common.contracts import BookEvent
from foretick.common.errors import Malformed
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.recorded_owners import RecordedOwners
from foretick.market.recording.records import Record, RecordKind

from ..conftest import build_feed
from ..recordings.conftest import records_in
from .binance_frames import MS, T0, S, book, depth, trade
from .recorded_market import listing, owned, write
from .replays import play

STEP_NS = 10 * MS
TAKEN_AT, GIVEN_AT = 300, 330
"""By step: B follows from 250 on; A is asked to hand over at 300, or does not hear of it until 330."""


class Process:
    """One live feed and what its recorder writes."""

    def __init__(self, epoch: int, begins_at: int) -> None:
        self.feed = build_feed(epoch=epoch)
        self.feed.engine.lose(["BTCUSDT"])
        self.epoch = epoch
        self.records: list[Record] = [listing("binance", begins_at * STEP_NS / S, tick=0.01)]
        self.note(begins_at, RecordKind.OPENED, b"wss://stream.binance.com:9443")
        self.feed.handler.on_connected(["BTCUSDT"], 1)

    def note(self, at: int, kind: RecordKind, payload: bytes) -> None:
        self.records.append(Record(T0 + at * STEP_NS, "binance", 1, kind, payload))

    def receive(self, received) -> None:
        kind, number = (RecordKind.RECEIVED, 1) if received.symbol is None else (RecordKind.REST, 0)
        url = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT" if number == 0 else ""
        record = Record(received.recv_ns, "binance", number, kind, received.payload, url, received.symbol or "")
        self.records.append(record)
        self.feed.handler.on_frames([received])

    def own(self, at: int, place) -> None:
        self.records.append(owned("binance", at * STEP_NS / S, self.epoch))
        self.feed.handler.take_over({"BTCUSDT": place}, self.epoch)

    def give_up(self, at: int) -> None:
        self.feed.handler.hand_over(["BTCUSDT"], "handed over")
        self.records.append(owned("binance", at * STEP_NS / S, 0))

    @property
    def told(self) -> list[tuple[int, object]]:
        return self.feed.outlet.numbered()

    @property
    def place(self):
        return self.feed.engine.feeds["BTCUSDT"].place


def live(*, overlaps: bool) -> tuple[Process, Process, int]:
    """Play a handover from A to B to both; return them and how many events A told that nobody heard any more."""
    a = Process(5, 0)
    b: Process | None = None
    a.own(0, Place())
    unheard = 0
    for at in range(1, 400):
        if at == 250:
            b = Process(6, at)
        update = depth(
            2 * at - 1, 2 * at, T0 + at * STEP_NS, [["99.00", f"{at % 7}.0"]], [[f"{101 + at % 3}.00", "1.0"]]
        )
        for process in (a, b):
            if process is None:
                continue
            process.receive(update)
            if at % 9 == 0:
                process.receive(trade(at // 9, T0 + at * STEP_NS))
            if at in (2, 252) and process.feed.engine.live_count == 0:
                process.receive(book(2 * at, T0 + at * STEP_NS))
        if at == TAKEN_AT and b is not None:
            place = a.place
            if not overlaps:
                a.give_up(at)
                place = a.place
            b.own(at, place._replace(data_ns=T0 + at * STEP_NS))
            unheard = len(a.told)
        if at == GIVEN_AT and overlaps:
            a.give_up(at)
            unheard = len(a.told) - unheard
    assert b is not None
    return a, b, unheard if overlaps else 0


def plain(event: object) -> object:
    """An event without what its process alone counts."""
    return msgspec.structs.replace(event, counts=None) if isinstance(event, BookEvent) else event


def heard(a: Process, b: Process) -> list[tuple[int, object]]:
    """What a consumer hears: it refuses a lower epoch once it has seen a higher one."""
    before = [(seq, event) for seq, event in a.told if seq < b.told[0][0]]
    return [(seq, plain(event)) for seq, event in [*before, *b.told]]


@pytest.mark.parametrize("overlaps", [False, True], ids=["handed over", "overlapping"])
async def test_folder_of_two_processes_replays_what_was_heard_live(tmp_path, overlaps):
    a, b, unheard = live(overlaps=overlaps)
    write(tmp_path, "ingest.feed-0", a.records)
    write(tmp_path, "ingest.feed-1", b.records)
    played = await play([tmp_path])
    replayed = [(seq, plain(event)) for seq, event in played.outlet.numbered()]
    expected = heard(a, b)
    assert replayed[: len(expected)] == expected
    assert [event.reason for _, event in replayed[len(expected) :] if isinstance(event, BookEvent)] == [
        "end of recording"
    ]
    assert [seq for seq, _ in replayed] == list(range(1, len(replayed) + 1))
    refused = played.joined["binance"].publisher.count_refused()
    assert sum(refused.values()) == unheard
    assert (unheard > 30) == overlaps


async def test_same_folder_twice_gives_equal_frames_at_any_speed(tmp_path):
    a, b, _ = live(overlaps=True)
    write(tmp_path, "ingest.feed-0", a.records)
    write(tmp_path, "ingest.feed-1", b.records)
    fast, paced = await play([tmp_path]), await play([tmp_path], speed=40)
    assert fast.outlet.frames == paced.outlet.frames != []


async def test_later_epoch_decides_and_not_the_later_process(tmp_path):
    """The control: with the epochs turned round, B is never heard."""
    a, b, _ = live(overlaps=True)
    records = [
        owned("binance", (each.recv_ns - T0) / S, 4) if each.kind is RecordKind.OWNED else each for each in b.records
    ]
    write(tmp_path, "ingest.feed-0", a.records)
    write(tmp_path, "ingest.feed-1", records)
    events = [plain(event) for _, event in (await play([tmp_path])).outlet.numbered()]
    of_a = [plain(event) for _, event in a.told]
    assert events == of_a


async def test_recordings_that_do_not_tell_whose_an_instrument_was_are_refused(tmp_path):
    a, b, _ = live(overlaps=False)
    for name, process in (("ingest.feed-0", a), ("ingest.feed-1", b)):
        write(tmp_path, name, [each for each in process.records if each.kind is not RecordKind.OWNED])
    with pytest.raises(Malformed, match="several recordings of one symbol: binance BTCUSDT"):
        await play([tmp_path])


async def test_part_of_it_begins_with_whoever_is_heard_then(tmp_path):
    """It is read from its beginning: which of two books is the one that counts, no index tells."""
    a, b, _ = live(overlaps=True)
    write(tmp_path, "ingest.feed-0", a.records)
    write(tmp_path, "ingest.feed-1", b.records)
    from_s = (TAKEN_AT + 10) * STEP_NS / S
    played = await play([tmp_path], from_text=f"{from_s:.3f}")
    assert played.part.start is None
    events = [plain(event) for _, event in played.outlet.numbered()]
    of_b = [plain(event) for _, event in b.told if isinstance(event, tuple) and event[1] >= T0 + int(from_s * S)]
    assert [event for event in events if isinstance(event, tuple)] == of_b != []


def test_owner_is_who_a_consumer_hears():
    owners = RecordedOwners()
    assert owners.owner("A") is None
    owners.claim("A", 0, 5)
    assert (owners.owner("A"), owners.owner("B")) == (0, None)
    owners.claim("A", 1, 6)
    assert (owners.owner("A"), owners.refused("A")) == (1, [0])
    owners.claim("A", 1, 0)  # given up: what has a lower epoch is refused nevertheless
    assert (owners.owner("A"), owners.refused("A")) == (None, [0])
    owners.claim("A", 0, 7)
    assert (owners.owner("A"), owners.refused("A")) == (0, [])
    owners.claim("A", 1, 6)  # a claim that came late
    assert (owners.owner("A"), owners.refused("A")) == (0, [1])


def test_ownership_stands_in_every_segment(tmp_path):
    a, _, _ = live(overlaps=True)
    write(tmp_path, "ingest.feed-0", a.records, segment_bytes=500)
    told = [
        (each.payload, each.kind) for each in records_in(tmp_path) if each.kind in (RecordKind.BEGIN, RecordKind.OWNED)
    ]
    segments = sum(kind is RecordKind.BEGIN for _, kind in told)
    assert segments > 3
    claims = [msgspec.json.decode(payload)["epoch"] for payload, kind in told if kind is RecordKind.OWNED]
    assert claims.count(5) >= segments - 2
    assert claims.count(0) == 1
