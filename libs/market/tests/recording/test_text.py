"""Lines out of packed files: the same whatever the packing, and told where they end early."""

import gzip
import io
import zipfile

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from foretick.market.recording import TruncatedRecording
from foretick.market.recording.text import read_lines

LINES = [b"line %d %s\n" % (n, b"x" * (n % 90)) for n in range(5000)]


def zipped(data: bytes, names=("a.csv",)) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return packed.getvalue()


PACKINGS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip members": lambda data: gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :]),
    "zstandard": zstandard.ZstdCompressor().compress,
    "zstandard frames": lambda data: b"".join(
        zstandard.ZstdCompressor().compress(part) for part in (data[: len(data) // 3], data[len(data) // 3 :])
    ),
    "zip": zipped,
}


def read(data: bytes, **options: int) -> list:
    return list(read_lines(io.BytesIO(data), "file", **options))


@pytest.mark.parametrize("pack", PACKINGS.values(), ids=PACKINGS)
def test_lines_are_the_same_whatever_they_are_packed_in(pack):
    assert read(pack(b"".join(LINES))) == LINES
    assert read(pack(b"".join(LINES) + b"last")) == [*LINES, b"last"]
    assert read(pack(b"")) == []


@pytest.mark.parametrize("name", ["gzip", "zstandard", "zstandard frames"])
def test_cut_file_yields_what_came_before_and_the_line(name):
    packed = PACKINGS[name](b"".join(LINES))
    *lines, fault = read(packed[: len(packed) * 2 // 3])
    assert lines == LINES[: len(lines)]
    assert len(lines) > 500
    assert isinstance(fault, TruncatedRecording)
    assert fault.line == len(lines) + 1
    assert "file" in str(fault)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped(b"".join(LINES))[:-300], "zip"),
        (zipped(b"x", ("a", "b")), "holds 2 files"),
        (b"\x1f\x8bnot gzip at all", "(?i)compression method|header"),
        (b"\x28\xb5\x2f\xfd" + bytes(range(200, 256)), "zstd"),
    ],
)
def test_damaged_archive_is_told(data, reason):
    with pytest.raises(TruncatedRecording, match=reason):
        raise read(data)[-1]


def test_endless_line_ends_the_reading():
    *lines, fault = read(b"a\n" + b"x" * 100_000, max_line_bytes=1000)
    assert lines == [b"a\n"]
    assert isinstance(fault, TruncatedRecording)
    assert fault.line == 2


@given(st.binary(max_size=300))
def test_any_bytes_are_split_at_line_feeds_only(data):
    data = b"#" + data  # not to be taken for a packing
    assert read(data) == io.BytesIO(data).readlines()
