"""A replay that begins in the middle of a real recording has the book of a whole replay at the instant wanted."""

import io
import json

import pytest

from foretick.common.contracts import Trust
from foretick.market.book import PriceGrid
from foretick.market.integrity import REQUESTED_CONTIGUOUS, Delta, LocalBook, Snapshot
from foretick.market.recording import Record, RecordKind
from foretick.market.recording.index import decode_index, encode_index_line
from foretick.market.recording.seeking import SegmentView, find_last_books, read_from, sound_start
from foretick.market.recording.sources import read_source

from .conftest import written

BTC = ("binance", "BTCUSDT")


def full_books(record: Record) -> list[tuple[str, str]]:
    return [BTC] if record.kind is RecordKind.REST else []


def levels(side) -> list[tuple[float, float]]:
    return [(float(price), float(qty)) for price, qty in side]


def book_at(records, at_ns: int) -> LocalBook:
    """Fold ``records`` up to ``at_ns`` by the venue's procedure."""
    local = LocalBook(PriceGrid(0.01, 1e-8), REQUESTED_CONTIGUOUS)
    local.distrust(Trust.STALE, "connected")
    for record in records:
        if record.recv_ns > at_ns:
            break
        body = json.loads(record.payload)
        if record.kind is RecordKind.REST:
            local.on_snapshot(Snapshot(body["lastUpdateId"], levels(body["bids"]), levels(body["asks"])))
        elif "@depth" in body.get("stream", ""):
            data = body["data"]
            local.on_delta(Delta(data["U"], data["u"], levels(data["b"]), levels(data["a"])))
    return local


@pytest.mark.recordings
@pytest.mark.parametrize("after_s", [0.5, 45, 300])
def test_replay_from_the_sound_start_has_the_book_of_a_whole_replay(shared_data, after_s):
    path = shared_data("recordings/binance_spot_btcusdt_20240808.gz")
    with path.open("rb") as stream:
        records = [item for item in read_source(stream, path.name) if isinstance(item, Record)]
    # What was received before begins with an hour of something else, so that a start at the beginning would be wrong.
    shift = 3600 * 10**9
    earlier = [r._replace(recv_ns=r.recv_ns - shift) for r in records if r.kind is RecordKind.RECEIVED]
    data, encoder = written([*earlier, *records], 1 << 20)
    segment = SegmentView(io.BytesIO(data), "seg", decode_index(map(encode_index_line, encoder.entries), "idx"))

    book_ns = next(record.recv_ns for record in records if record.kind is RecordKind.REST)
    at_ns = book_ns + int(after_s * 1e9)
    start = sound_start(find_last_books([segment], at_ns, full_books, [BTC]), at_ns, [BTC])
    assert not start.unknown
    assert records[0].recv_ns - shift < start.from_ns <= book_ns

    sought = book_at(read_from([segment], start.from_ns), at_ns)
    whole = book_at(records, at_ns)
    assert sought.trust is whole.trust is Trust.LIVE
    assert sought.last_id == whole.last_id
    assert sought.book.top(1000) == whole.book.top(1000)


@pytest.mark.recordings
def test_start_at_the_answer_itself_would_not_do(shared_data):
    """The control of the lead-in: what came before a REST answer is needed to bridge to it."""
    path = shared_data("recordings/binance_spot_btcusdt_20240808.gz")
    with path.open("rb") as stream:
        records = [item for item in read_source(stream, path.name) if isinstance(item, Record)]
    at = next(number for number, record in enumerate(records) if record.kind is RecordKind.REST)
    without = book_at(records[at:], records[-1].recv_ns)
    assert without.trust is not Trust.LIVE
