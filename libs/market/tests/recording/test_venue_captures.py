"""Captures in cryptofeed's form: made ones for what can be wrong, real ones for the rest."""

import base64
import io
import json
from collections import Counter
from decimal import Decimal

import pytest
import zstandard

from foretick.market.recording import BadLine, Record, RecordKind, TruncatedRecording, WrongFormat
from foretick.market.recording.segments import SegmentEncoder, read_segment
from foretick.market.recording.sources import SourceFormat, detect_format, read_source
from foretick.market.recording.venue_captures import read_venue_capture

HEADER = b'{"t":"header","format":2,"exchange":"BINANCE_FUTURES","config":{"trades":["X"]}}\n'
NS = 1_626_992_741_062_170_000


def read(*lines: bytes) -> list:
    return list(read_venue_capture(io.BytesIO(HEADER + b"".join(lines)), "cap"))


def test_each_kind_of_entry_becomes_its_record():
    items = read(
        b'{"t":"http","conn":"B.http.sync","ts":1626992741.06217,"url":"https://h/x?a=1","data":"[]"}\n',
        b'{"t":"connect","conn":"B.ws.12","ts":1626992741.06217,"addr":"wss://h/s"}\n',
        b'{"t":"send","conn":"B.ws.12","ts":1626992741.06217,"addr":"wss://h/s","data":"{\\"op\\":1}"}\n',
        b'{"t":"recv","conn":"B.ws.12","ts":1626992741.06217,"data":"{\\"e\\":\\"\\u00e9\\"}"}\n',
        b'{"t":"recv","conn":"B.ws.12","ts":1626992741.06217,"b64":"%s"}\n' % base64.b64encode(b"\xff\x00"),
    )
    assert items == [
        Record(NS, "binance-usdm", 0, RecordKind.REST, b"[]", "https://h/x?a=1"),
        Record(NS, "binance-usdm", 12, RecordKind.OPENED, b"wss://h/s"),
        Record(NS, "binance-usdm", 12, RecordKind.SENT, b'{"op":1}'),
        Record(NS, "binance-usdm", 12, RecordKind.RECEIVED, '{"e":"é"}'.encode()),
        Record(NS, "binance-usdm", 12, RecordKind.RECEIVED, b"\xff\x00"),
    ]


def test_time_is_taken_from_its_decimal_text():
    (record,) = read(b'{"t":"recv","conn":"B.ws.1","ts":1786309548.0262941,"data":"{}"}\n')
    assert record.recv_ns == 1_786_309_548_026_294_100


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"nonsense\n", "is no entry of a capture"),
        (b'{"t":"ping","conn":"B.ws.1","ts":1786309548.0}\n', "'ping' is no kind of entry"),
        (b'{"t":"recv","conn":"B.ws.1","ts":1786309548026,"data":""}\n', "is no time in seconds"),
        (b'{"t":"recv","conn":"B.ws.1","data":""}\n', "is no time in seconds"),
        (b'{"t":"recv","conn":"B.ws.1","ts":1786309548.0,"b64":"*"}\n', "b64"),
    ],
)
def test_bad_entry_is_told_with_its_line_and_reading_goes_on(line, reason):
    good = b'{"t":"recv","conn":"B.ws.1","ts":1786309548.0,"data":"{}"}\n'
    items = read(good, line, good)
    assert [type(item) for item in items] == [Record, BadLine, Record]
    assert items[1].line == 3
    assert reason in items[1].reason


def test_torn_last_line_is_told():
    items = read(b'{"t":"recv","conn":"B.ws.1","ts":17863')
    assert [type(item) for item in items] == [TruncatedRecording]
    assert items[0].line == 2


def test_file_without_header_is_of_another_format():
    (fault,) = read_venue_capture(io.BytesIO(b'{"t":"recv"}\n'), "cap")
    assert isinstance(fault, WrongFormat)
    assert "line 1" in str(fault)


def test_venue_given_is_taken():
    data = HEADER + b'{"t":"recv","conn":"B.ws.1","ts":1786309548.0,"data":"{}"}\n'
    assert next(read_venue_capture(io.BytesIO(data), "cap", "binance-test")).venue == "binance-test"


# ---- real ones -------------------------------------------------------------------------------------------------------

FILES = {
    # counts of COINBASE and BYBIT are those of the data's README
    "BINANCE": "binance", "BINANCE_FUTURES": "binance-usdm", "BITFINEX": "bitfinex", "BITSTAMP": "bitstamp",
    "BYBIT": "bybit", "COINBASE": "coinbase", "DERIBIT": "deribit", "GEMINI": "gemini", "KRAKEN": "kraken",
    "KRAKEN_FUTURES": "kraken-futures", "OKX": "okx",
}  # fmt: skip
TYPES = {"http": "rest", "connect": "open", "send": "send", "recv": "recv"}


@pytest.mark.recordings
@pytest.mark.parametrize("name", FILES)
def test_real_capture_gives_every_entry_as_it_is(name, shared_data):
    path = shared_data(f"venue_captures/{name}.jsonl.zst")
    with path.open("rb") as stream:
        assert detect_format(stream, path.name) is SourceFormat.VENUE_CAPTURE
        records = list(read_source(stream, path.name))
    text = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True).read()
    entries = [json.loads(line, parse_float=Decimal) for line in text.splitlines()][1:]
    assert len(records) == len(entries) > 100
    for record, entry in zip(records, entries, strict=True):
        assert (record.kind, record.venue) == (TYPES[entry["t"]], FILES[name])
        assert record.recv_ns == entry["ts"] * 10**9
        assert record.url == entry.get("url", "")
        data = base64.b64decode(entry["b64"]) if "b64" in entry else entry.get("data", entry.get("addr")).encode()
        assert record.payload == data


@pytest.mark.recordings
def test_real_captures_hold_what_their_readme_says(shared_data):
    def topics(name: str, key: str) -> Counter:
        path = shared_data(f"venue_captures/{name}.jsonl.zst")
        with path.open("rb") as stream:
            frames = [json.loads(r.payload) for r in read_source(stream, name) if r.kind is RecordKind.RECEIVED]
        return Counter(str(frame.get(key, "")).partition(".")[0] for frame in frames)

    coinbase = topics("COINBASE", "channel")
    assert (coinbase["l2_data"], coinbase["market_trades"], coinbase["ticker"]) == (775, 59, 160)
    bybit = topics("BYBIT", "topic")
    assert (bybit["orderbook"], bybit["publicTrade"], bybit["tickers"]) == (2148, 120, 839)


@pytest.mark.recordings
@pytest.mark.parametrize("name", FILES)
def test_real_frames_come_back_from_a_segment(name, shared_data):
    path = shared_data(f"venue_captures/{name}.jsonl.zst")
    encoder = SegmentEncoder()
    with path.open("rb") as stream:
        records = list(read_source(stream, path.name))
    for record in records:
        encoder.add(record)
    encoder.end_block()
    assert list(read_segment(io.BytesIO(encoder.take()), "seg")) == records
