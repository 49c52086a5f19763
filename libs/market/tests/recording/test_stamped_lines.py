"""Reading plain captures: whole, torn, damaged."""

import gzip
import io

import pytest

from foretick.market.recording import BadLine, RecordedFrame, TruncatedRecording, read_recording

T0 = 1_723_161_253_937_085_768
LINES = b"".join(b'%d {"n":%d}\n' % (T0 + n, n) for n in range(5000))


def read(data: bytes) -> list:
    return list(read_recording(io.BytesIO(data), "test.gz"))


@pytest.mark.parametrize("compress", [False, True])
def test_whole_recording_yields_every_frame(compress):
    frames = read(gzip.compress(LINES) if compress else LINES)
    assert frames == [RecordedFrame(T0 + n, b'{"n":%d}' % n) for n in range(5000)]


def test_last_line_without_newline_is_read():
    assert read(b'%d {"n":1}' % T0) == [RecordedFrame(T0, b'{"n":1}')]


def test_empty_recording_yields_nothing():
    assert read(b"") == []
    assert read(gzip.compress(b"")) == []


def test_cut_gzip_yields_what_came_before_and_the_line():
    packed = gzip.compress(LINES)
    items = read(packed[: len(packed) // 2])
    fault = items.pop()
    assert isinstance(fault, TruncatedRecording)
    assert items == [RecordedFrame(T0 + n, b'{"n":%d}' % n) for n in range(len(items))]
    assert fault.line == len(items) + 1
    assert "test.gz" in str(fault)
    assert len(items) > 100


def test_damaged_gzip_is_reported():
    packed = bytearray(gzip.compress(LINES))
    packed[len(packed) // 2] ^= 0xFF
    assert isinstance(read(bytes(packed))[-1], TruncatedRecording)


def test_torn_last_line_is_reported():
    items = read(b'%d {"n":1}\n%d {"n"' % (T0, T0 + 1))
    assert items[0] == RecordedFrame(T0, b'{"n":1}')
    assert isinstance(items[1], TruncatedRecording)
    assert items[1].line == 2


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"x {}",
        b"12 {}",
        b"-1723161253937085768 {}",
        b"1723161253 {}",
        b"17231612539370857680000 {}",
        b"1723161253937085768 ",
    ],
)
def test_bad_line_is_reported_with_its_number_and_reading_goes_on(line):
    good = b'%d {"n":1}' % T0
    items = read(b"\n".join((good, line, good, b"")))
    assert [type(item) for item in items] == [RecordedFrame, BadLine, RecordedFrame]
    assert items[1].line == 2
    assert "line 2" in items[1].reason
