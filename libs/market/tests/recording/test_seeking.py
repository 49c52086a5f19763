"""Where a replay with sound books begins."""

import io
import json
import random

import pytest

from foretick.market.recording import Record, RecordKind
from foretick.market.recording.index import decode_index, encode_index_line
from foretick.market.recording.seeking import (
    REST_LEAD_IN_NS,
    SegmentView,
    SoundStart,
    find_last_books,
    last_books,
    read_from,
    sound_start,
)
from foretick.market.recording.sources import read_source

from .conftest import T0, CountingFile, frame, written

BTC, ETH = ("binance", "BTC"), ("binance", "ETH")
MS = 1_000_000


def books_of(record: Record) -> list[tuple[str, str]]:
    if record.payload.startswith(b"book "):
        return [("binance", record.payload[5:].decode())]
    return []


def book(n: int, symbol: str, kind: RecordKind = RecordKind.RECEIVED) -> Record:
    return frame(n, kind=kind)._replace(payload=b"book " + symbol.encode())


def view(records, block_bytes: int = 300, ended: bool = False) -> tuple[SegmentView, CountingFile]:
    data, encoder = written(records, block_bytes)
    if ended:
        encoder.end_block()
        data += encoder.take()
    index = decode_index(map(encode_index_line, encoder.entries), "idx")
    file = CountingFile(data)
    return SegmentView(file, "seg", index), file


RECORDS = [frame(n) for n in range(1000)]
RECORDS[100] = book(100, "BTC")
RECORDS[150] = book(150, "ETH")
RECORDS[600] = book(600, "BTC")


def test_last_book_at_or_before_the_instant_counts():
    assert last_books(RECORDS, T0 + 599 * MS, books_of) == {BTC: T0 + 100 * MS, ETH: T0 + 150 * MS}
    assert last_books(RECORDS, T0 + 600 * MS, books_of) == {BTC: T0 + 600 * MS, ETH: T0 + 150 * MS}
    assert last_books(RECORDS, T0 + 99 * MS, books_of) == {}


def test_book_over_rest_is_read_with_what_came_while_it_was_asked_for():
    records = [book(50, "BTC", RecordKind.REST)]
    assert last_books(records, T0 + 60 * MS, books_of) == {BTC: T0 + 50 * MS - REST_LEAD_IN_NS}


@pytest.mark.parametrize("ended", [False, True])
def test_books_found_backwards_are_those_found_by_reading_everything(ended):
    segment, _ = view(RECORDS, ended=ended)
    for at in (0, 99, 100, 149, 150, 599, 600, 999):
        found = find_last_books([segment], T0 + at * MS, books_of, [BTC, ETH])
        expected = last_books(RECORDS, T0 + at * MS, books_of)
        assert {key: found.get(key) for key in (BTC, ETH)} == {key: expected.get(key) for key in (BTC, ETH)}


def test_search_goes_back_over_segments():
    first, _ = view(RECORDS[:500], ended=True)
    second, _ = view(RECORDS[500:], ended=True)
    found = find_last_books([first, second], T0 + 700 * MS, books_of, [BTC, ETH])
    assert found == {BTC: T0 + 600 * MS, ETH: T0 + 150 * MS}


def test_search_reads_no_further_back_than_it_must():
    segment, file = view([*RECORDS, *(frame(n) for n in range(1000, 20_000)), book(20_000, "BTC")], 4096)
    find_last_books([segment], T0 + 30_000 * MS, books_of, [BTC])
    assert file.read_bytes < len(file.getvalue()) / 3


def test_start_is_at_the_oldest_book_wanted_and_tells_which_are_unknown():
    begins = {BTC: T0 + 600, ETH: T0 + 150}
    assert sound_start(begins, T0 + 999, [BTC]) == SoundStart(T0 + 600, frozenset())
    assert sound_start(begins, T0 + 999, [BTC, ETH]) == SoundStart(T0 + 150, frozenset())
    sol = ("binance", "SOL")
    assert sound_start(begins, T0 + 999, [BTC, sol]) == SoundStart(T0 + 600, frozenset([sol]))
    assert sound_start({}, T0 + 999, [sol]) == SoundStart(T0 + 999, frozenset([sol]))


def test_reading_begins_with_the_first_record_not_before_the_time():
    first, _ = view(RECORDS[:500], ended=True)
    second, _ = view(RECORDS[500:])
    for at in random.Random(3).sample(range(1000), 40):
        assert list(read_from([first, second], T0 + at * MS)) == RECORDS[at:]
    assert list(read_from([first, second], T0 + 2000 * MS)) == []


@pytest.mark.recordings
def test_start_in_a_real_capture_is_the_snapshot_of_each_product(shared_data):
    """Coinbase sends the whole book of a product as the ``snapshot`` event of its channel ``l2_data``."""

    def full_books(record: Record) -> list[tuple[str, str]]:
        if record.kind is not RecordKind.RECEIVED or b'"snapshot"' not in record.payload[:300]:
            return []
        frame = json.loads(record.payload)
        events = frame["events"] if frame["channel"] == "l2_data" else []
        return [("coinbase", event["product_id"]) for event in events if event["type"] == "snapshot"]

    path = shared_data("venue_captures/COINBASE.jsonl.zst")
    with path.open("rb") as stream:
        records = list(read_source(stream, path.name))
    snapshots = {key: record.recv_ns for record in records for key in full_books(record)}
    assert set(snapshots) == {("coinbase", "BTC-USD"), ("coinbase", "ETH-USD")}
    segment, _ = view(records, 1 << 20)
    at_ns = records[-1].recv_ns
    found = find_last_books([segment], at_ns, full_books, snapshots)
    assert found == snapshots
    start = sound_start(found, at_ns, snapshots)
    read = list(read_from([segment], start.from_ns))
    assert read == [record for record in records if record.recv_ns >= min(snapshots.values())]
    assert full_books(read[0])


def test_view_of_an_empty_segment_gives_nothing():
    segment = SegmentView(io.BytesIO(), "seg", decode_index([], "idx"))
    assert list(read_from([segment], T0)) == []
    assert find_last_books([segment], T0, books_of, [BTC]) == {}
