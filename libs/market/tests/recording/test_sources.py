"""Any file as one stream: recognised by what it holds, or refused with what to do."""

import gzip
import io
import json
from collections import Counter

import msgspec
import pytest

from foretick.market.recording import BadLine, Record, RecordKind, TruncatedRecording, WrongFormat
from foretick.market.recording.records import SegmentHead
from foretick.market.recording.sources import SourceFormat, detect_format, read_source

from .conftest import T0, frame, written

STAMPED = b"".join(b'%d {"n":%d}\n' % (T0 + n, n) for n in range(50))


def segment(version: int = 1) -> bytes:
    head = SegmentHead(producer="ingest.feed-0", version=version)
    begin = Record(T0, "*", 0, RecordKind.BEGIN, msgspec.json.encode(head))
    return written([begin, *(frame(n) for n in range(20))], 1 << 20)[0]


def test_segment_under_way_is_recognised_and_read():
    stream = io.BytesIO(segment())
    assert detect_format(stream, "x.frames.zst") is SourceFormat.SEGMENT
    items = list(read_source(stream, "x.frames.zst"))
    assert [item.kind for item in items[:2]] == [RecordKind.BEGIN, RecordKind.RECEIVED]
    assert len(items) == 21


def test_segment_of_a_later_version_is_refused():
    (fault,) = read_source(io.BytesIO(segment(version=2)), "x.frames.zst")
    assert isinstance(fault, WrongFormat)
    assert "update foretick" in fault.hint


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_plain_capture_becomes_records_of_the_venue_told(pack):
    stream = io.BytesIO(pack(STAMPED))
    assert detect_format(stream, "mine.gz") is SourceFormat.STAMPED_LINES
    assert list(read_source(stream, "mine.gz", "kraken")) == [
        Record(T0 + n, "kraken", 1, RecordKind.RECEIVED, b'{"n":%d}' % n) for n in range(50)
    ]


def test_plain_capture_that_does_not_say_its_venue_is_refused():
    (fault,) = read_source(io.BytesIO(STAMPED), "mine.gz")
    assert isinstance(fault, WrongFormat)
    assert "--venue" in fault.hint


def test_rest_book_in_a_plain_capture_is_told_from_a_frame():
    data = b'%d {"lastUpdateId":5,"bids":[],"asks":[]}\n' % T0
    (record,) = read_source(io.BytesIO(data), "binance_spot_x.gz")
    assert (record.kind, record.venue, record.connection) == (RecordKind.REST, "binance", 0)


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02", b"hello\n", b"1786309548 {}\n", b"a,b,c\n1,2,3\n"])
def test_file_of_no_known_format_is_refused_with_those_that_are_read(data):
    (fault,) = read_source(io.BytesIO(data), "what.bin")
    assert isinstance(fault, WrongFormat)
    assert "what.bin: line 1" in str(fault)
    assert "Tardis" in fault.hint


def test_torn_archive_is_truncated():
    (fault,) = read_source(io.BytesIO(gzip.compress(STAMPED)[:9]), "mine.gz")
    assert isinstance(fault, TruncatedRecording)


def test_faults_stand_in_their_places():
    items = list(read_source(io.BytesIO(STAMPED[:200] + b"\nnonsense\n" + STAMPED[-100:]), "mine", "kraken"))
    assert BadLine in {type(item) for item in items}
    assert isinstance(items[-1], Record)


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("name", "venue", "counts"),
    [  # counts are those of the data's README
        ("binance_spot_btcusdt_20240808.gz", "binance", {"depth": 3451, "bookTicker": 28040, "trade": 9757}),
        ("binance_usdm_btcusdt_20240808.gz", "binance-usdm", {"depth": 6551, "bookTicker": 66089, "trade": 21313}),
    ],
)
def test_real_plain_capture_gives_every_frame(name, venue, counts, shared_data):
    path = shared_data(f"recordings/{name}")
    with path.open("rb") as stream:
        records = list(read_source(stream, path.name))
    assert {record.venue for record in records} == {venue}
    assert Counter(record.kind for record in records) == {"recv": sum(counts.values()), "rest": 1}
    streams = Counter(
        json.loads(record.payload)["stream"].split("@")[1] for record in records if record.kind is RecordKind.RECEIVED
    )
    assert streams == counts
    with gzip.open(path) as lines:
        assert [b"%d %s\n" % (record.recv_ns, record.payload) for record in records] == list(lines)
