"""The text of a record: what comes back, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.market.recording import BadLine, Record, RecordKind
from foretick.market.recording.lines import MAX_LINE_BYTES, decode_line, encode_line

_BARE = [kind for kind in RecordKind if kind not in (RecordKind.REST, RecordKind.LISTING)]

T0 = 1_786_309_548_026_294_000


@given(
    st.binary(),
    st.sampled_from(_BARE),
    st.integers(0, 10**9 - 1),
)
def test_any_payload_comes_back_byte_for_byte(payload, kind, connection):
    record = Record(T0, "binance-usdm", connection, kind, payload)
    line = encode_line(record)
    assert line.count(b"\n") == 1
    assert decode_line(line[:-1], "s", 1) == record


@given(st.binary(), st.sampled_from(["", "BTCUSDT", "XBT/USD"]), st.integers(100, 599))
def test_any_rest_body_comes_back_byte_for_byte(body, symbol, status):
    record = Record(T0, "kraken", 0, RecordKind.REST, body, "https://h/0/public/Depth?pair=XBT/USD", symbol, status)
    assert decode_line(encode_line(record)[:-1], "s", 1) == record


@given(st.binary())
def test_listing_comes_back_with_its_symbol(listing):
    record = Record(T0, "kraken", 0, RecordKind.LISTING, listing, symbol="XBT/USD")
    assert decode_line(encode_line(record)[:-1], "s", 1) == record


def test_frame_stands_in_its_line_as_it_was():
    record = Record(T0, "coinbase", 2, RecordKind.RECEIVED, b'{"channel": "l2_data"}')
    assert encode_line(record) == b'1786309548026294000 coinbase 2 recv {"channel": "l2_data"}\n'


def test_line_feed_in_a_frame_is_escaped_and_marked():
    record = Record(T0, "kraken", 1, RecordKind.RECEIVED, b'{\n "a": "\\n"}')
    assert encode_line(record) == b'1786309548026294000 kraken 1 recv\\ {\\n "a": "\\\\n"}\n'


@pytest.mark.parametrize("venue", ["", "two words", "UPPER", "new\nline", "ü"])
def test_impossible_venue_is_refused(venue):
    with pytest.raises(ValueError, match="venue"):
        encode_line(Record(T0, venue, 1, RecordKind.RECEIVED, b"{}"))


def test_address_with_a_space_is_refused():
    with pytest.raises(ValueError, match="space"):
        encode_line(Record(T0, "kraken", 0, RecordKind.REST, b"{}", "https://h/a b"))


def test_record_over_the_limit_is_refused():
    with pytest.raises(ValueError, match="limit"):
        encode_line(Record(T0, "kraken", 1, RecordKind.RECEIVED, bytes(MAX_LINE_BYTES)))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b'1786309548026294000 {"stream": "x"}',
        b"1786309548 binance 1 recv {}",
        b"x binance 1 recv {}",
        b"1786309548026294000 Binance! 1 recv {}",
        b"1786309548026294000 binance one recv {}",
        b"1786309548026294000 binance -1 recv {}",
        b"1786309548026294000 binance 1 heard {}",
        b"1786309548026294000 binance 1 recv\\ a\\x",
        b"1786309548026294000 binance 1 recv\\ a\\",
        b"1786309548026294000 binance 0 rest 200 - body",
        b"1786309548026294000 binance 0 rest 2OO - https://h {}",
        b"1786309548026294000 binance 0 listing {}",
        b"1786309548026294000 binance 0 rest ok - https://h {}",
        b"1786309548026294000 binance 0 rest 200 - https://\xff {}",
    ],
)
def test_bad_line_is_told_with_its_file_and_number(line):
    fault = decode_line(line, "file.zst", 7)
    assert isinstance(fault, BadLine)
    assert fault.line == 7
    assert "file.zst: line 7" in str(fault)
