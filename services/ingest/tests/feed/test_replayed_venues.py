"""Recordings of every venue through its own format: real ones, several at once, connections replaced and lost."""

import io
import json

import msgspec
import pytest
import zstandard

from foretick.common.contracts import BookFrame, Origin, TickFrame, Trust
from foretick.common.errors import Malformed
from foretick.ingest.adapters.replay.formats import FORMATS
from foretick.ingest.adapters.venues import CONNECTORS
from foretick.market.recording.lines import encode_line
from foretick.market.recording.records import Gap, GapReason, Record, RecordKind, SegmentHead, gap_record
from foretick.market.recording.segments import SegmentName

from .binance_frames import MS, T0, book, depth
from .replays import play, survey_of

REAL = {
    "recordings/binance_spot_btcusdt_20240808.gz": {"binance"},
    "recordings/binance_spot_ethusdt_20240808.gz": {"binance"},
    "recordings/binance_usdm_btcusdt_20240808.gz": {"binance-usdm"},
    "recordings/binance_usdm_ethusdt_20240808.gz": {"binance-usdm"},
    "recordings/binance_cm_btcusd_perp_20240808.gz": {"binance-coinm"},
    "venue_captures/BINANCE.jsonl.zst": {"binance"},
    "venue_captures/BINANCE_FUTURES.jsonl.zst": {"binance-usdm"},
    "venue_captures/BYBIT.jsonl.zst": {"bybit", "bybit-linear"},
    "venue_captures/COINBASE.jsonl.zst": {"coinbase"},
    "venue_captures/BITSTAMP.jsonl.zst": {"bitstamp"},
}
WITHOUT_BOOK = {"venue_captures/BITSTAMP.jsonl.zst"}
"""It holds the channel diff_order_book, which the connector does not follow: only its trades are replayed."""

BEFORE_NUMBERS = "venue_captures/OKX.jsonl.zst"
"""It holds OKX's protocol of 2022, whose books have no numbers: those are refused by that name, trades are replayed."""

REFUSED = {
    "KRAKEN": "kraken: none of its 4430 frames",  # protocol v1 of 2021, which the connector does not speak
    "GEMINI": "no connector reads venue 'gemini'",
    "DERIBIT": "no connector reads venue 'deribit'",
    "BITFINEX": "no connector reads venue 'bitfinex'",
    "KRAKEN_FUTURES": "no connector reads venue 'kraken-futures'",
}


def live_of(outlet) -> set[str]:
    return {frame.venue for frame in outlet.frames if isinstance(frame, BookFrame) and frame.trust is Trust.LIVE}


@pytest.mark.parametrize("name", REAL)
async def test_real_recording_replays_through_its_venue(shared_data, name):
    played = await play([shared_data(name)])
    assert played.outlet.rejected == []
    assert set(played.engines) == REAL[name]
    assert {frame.origin for frame in played.outlet.frames} == {Origin.REPLAY}
    if name not in WITHOUT_BOOK:
        assert live_of(played.outlet) == REAL[name]
    breaks = sum(
        feed.local.counters.chain_breaks for engine in played.engines.values() for feed in engine.feeds.values()
    )
    assert breaks == 0


async def test_books_of_an_older_protocol_are_refused_by_its_name_and_its_trades_replayed(shared_data):
    """What the capture holds is counted by plain JSON, beside the product; of its instruments one is spot."""
    path = shared_data(BEFORE_NUMBERS)
    books, trades = [], 0
    with path.open("rb") as stream, zstandard.ZstdDecompressor().stream_reader(stream) as raw:
        for line in io.TextIOWrapper(raw, encoding="utf-8"):
            entry = json.loads(line)
            message = json.loads(entry["data"]) if entry["t"] == "recv" else {}
            channel = message.get("arg", {}).get("channel") if "data" in message else ""
            books += [entry["data"].encode()] if channel == "books" else []
            told = message.get("data", []) if channel == "trades" else []
            trades += sum(each["instId"] == "BTC-USDT" for each in told)
    played = await play([path])
    assert sorted(payload for _, _, payload in played.outlet.rejected) == sorted(books) != []
    assert {reason.partition(":")[0] for _, reason, _ in played.outlet.rejected} == {
        "a book without seqId and prevSeqId"
    }
    assert live_of(played.outlet) == set()
    told = sum(frame.kinds.count("T") for frame in played.outlet.frames if isinstance(frame, TickFrame))
    assert told == trades > 0


@pytest.mark.parametrize("name", REFUSED)
def test_capture_that_no_connector_reads_is_refused_with_the_reason(shared_data, name):
    with pytest.raises(Malformed, match=REFUSED[name]):
        survey_of([shared_data(f"venue_captures/{name}.jsonl.zst")])


async def test_several_venues_are_one_sequence_by_receive_time(shared_data):
    """Coinbase was captured at 21:05, Bybit at 21:26 of one day; they are named the other way round."""
    names = ("venue_captures/BYBIT.jsonl.zst", "venue_captures/COINBASE.jsonl.zst")
    played = await play([shared_data(name) for name in names])
    assert live_of(played.outlet) == {"coinbase", "bybit", "bybit-linear"}
    venues = [frame.venue for frame in played.outlet.frames if isinstance(frame, BookFrame) and frame.trust == "LIVE"]
    last_of_coinbase = max(at for at, venue in enumerate(venues[: venues.index("bybit-linear")]) if venue == "coinbase")
    assert last_of_coinbase > 100


def test_every_connector_of_its_own_has_a_format():
    assert set(FORMATS) == set(CONNECTORS)


def write_segment(folder, records):
    """A segment of one process, begun at ``T0``."""
    begin = Record(T0, "*", 0, RecordKind.BEGIN, msgspec.json.encode(SegmentHead(producer="ingest.feed-0")))
    path = folder / SegmentName(T0, "ingest.feed-0").file_name
    path.write_bytes(zstandard.compress(b"".join(map(encode_line, [begin, *records]))))
    return path


def told(n: int, kind: RecordKind, payload: bytes, connection: int = 1) -> Record:
    return Record(T0 + n * MS, "binance", connection, kind, payload)


def framed(received, connection: int = 1) -> Record:
    if received.symbol is None:
        return Record(received.recv_ns, "binance", connection, RecordKind.RECEIVED, received.payload)
    url = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT"
    return Record(received.recv_ns, "binance", 0, RecordKind.REST, received.payload, url, "BTCUSDT")


BID = [["99.00", "3.0"]]


def beginning() -> list[Record]:
    """A connection whose book is LIVE after 30 ms."""
    frames = [depth(11, 12, T0 + 10 * MS, BID), book(12, T0 + 20 * MS), depth(13, 14, T0 + 30 * MS, BID)]
    return [told(1, RecordKind.OPENED, b"wss://stream.binance.com:9443"), *map(framed, frames)]


def trusts(outlet) -> list[Trust]:
    return [event.trust for event in outlet.book_events()]


async def test_folder_of_segments_is_replayed(tmp_path):
    write_segment(tmp_path, beginning())
    played = await play([tmp_path])
    assert trusts(played.outlet)[-2:] == [Trust.LIVE, Trust.STALE]
    assert played.outlet.book_events()[-1].reason == "end of recording"


def test_folder_without_segments_is_refused(tmp_path):
    with pytest.raises(Malformed, match="holds no segment"):
        survey_of([tmp_path])


async def test_connection_that_closed_makes_the_book_stale_until_the_next_full_book(tmp_path):
    lost = [
        told(40, RecordKind.CLOSED, b"it broke"),
        told(500, RecordKind.OPENED, b"wss://stream.binance.com:9443"),
        framed(depth(21, 22, T0 + 510 * MS, BID)),
    ]
    played = await play([write_segment(tmp_path, beginning() + lost)])
    events = played.outlet.book_events()
    assert (Trust.STALE, "it broke") in [(event.trust, event.reason) for event in events]
    after = [event.trust for event in events if event.ts_recv_ns >= T0 + 40 * MS]
    assert Trust.LIVE not in after


@pytest.mark.parametrize("reason", [GapReason.FELL_BEHIND, GapReason.NOT_WRITTEN, GapReason.NOT_RUNNING])
async def test_gap_of_the_recording_is_never_silently_live(tmp_path, reason):
    """The update that was missed had the number 15; the one after the gap follows on 14 all the same."""
    everywhere = reason is not GapReason.FELL_BEHIND
    gap = Gap(
        venue="*" if everywhere else "binance", connection=0 if everywhere else 1,
        from_ns=T0 + 35 * MS, through_ns=T0 + 40 * MS, reason=reason,
    )  # fmt: skip
    after = framed(depth(15, 16, T0 + 50 * MS, BID))
    played = await play([write_segment(tmp_path, [*beginning(), gap_record(gap), after])])
    events = played.outlet.book_events()
    stale = next(event for event in events if event.trust is Trust.STALE)
    assert str(reason) in stale.reason
    assert Trust.LIVE not in trusts(played.outlet)[events.index(stale) :]


async def test_replaced_connection_leaves_no_gap(tmp_path):
    """The second connection is opened beside the first, brings what it brings, too, and takes its place."""
    both = [
        told(35, RecordKind.OPENED, b"wss://stream.binance.com:9443", 2),
        framed(depth(15, 16, T0 + 40 * MS, BID), 1),
        framed(depth(15, 16, T0 + 41 * MS, BID), 2),
        told(45, RecordKind.RETIRED, b"replaced", 1),
        framed(depth(17, 18, T0 + 50 * MS, [["99.00", "7.0"]]), 2),
    ]
    played = await play([write_segment(tmp_path, beginning() + both)])
    first_live = trusts(played.outlet).index(Trust.LIVE)
    assert set(trusts(played.outlet)[first_live:-1]) == {Trust.LIVE}
    assert trusts(played.outlet)[-1] is Trust.STALE
    assert played.engines["binance"].feeds["BTCUSDT"].local.counters.chain_breaks == 0
    assert played.engines["binance"].feeds["BTCUSDT"].local.book.top(1)[0] == [(99.0, 7.0)]


def test_unknown_venue_is_refused_by_name(tmp_path):
    path = write_segment(tmp_path, [Record(T0, "mtgox", 1, RecordKind.RECEIVED, b"{}")])
    with pytest.raises(Malformed, match="no connector reads venue 'mtgox'"):
        survey_of([path])
