"""Lines out of a text file, whatever it is packed in: plain, gzip, zstandard, or a zip archive of one file."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

import zstandard

from foretick.market.recording.blocks import ZSTD_MAGIC
from foretick.market.recording.faults import TruncatedRecording

MAX_LINE_BYTES = 16 * 1024 * 1024

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_CHUNK_BYTES = 64 * 1024
_TORN = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError, zipfile.BadZipFile, NotImplementedError)


def read_lines(
    stream: BinaryIO, source: str, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[bytes | TruncatedRecording]:
    """Yield the lines of ``stream``, each with its line feed if it has one, and last of all why there are no more.

    ``source`` names the file in the fault, which carries the number of the line that it stands for. ``stream`` is
    seekable; nothing is closed.
    """
    number = 0
    pieces: list[bytes] = []
    try:
        for chunk in _read_chunks(stream):
            first, *others = chunk.split(b"\n")
            pieces.append(first)
            if others:
                number += len(others)
                yield b"".join(pieces) + b"\n"
                yield from (line + b"\n" for line in others[:-1])
                pieces = [others[-1]]
            if sum(map(len, pieces)) > max_line_bytes:
                yield TruncatedRecording(source, number + 1, f"a line longer than {max_line_bytes} bytes")
                return
    except _TORN as error:
        yield TruncatedRecording(source, number + 1, str(error) or type(error).__name__)
        return
    if rest := b"".join(pieces):
        yield rest


def _read_chunks(stream: BinaryIO) -> Iterator[bytes]:
    at = stream.tell()
    magic = stream.read(4)
    stream.seek(at)
    if magic.startswith(_GZIP_MAGIC):
        packed = gzip.GzipFile(fileobj=stream, mode="rb")
        while chunk := packed.read1(_CHUNK_BYTES):
            yield chunk
    elif magic == ZSTD_MAGIC:
        yield from _read_zstd(stream)
    elif magic == _ZIP_MAGIC:
        yield from _read_zip(stream)
    else:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _read_zstd(stream: BinaryIO) -> Iterator[bytes]:
    frame: zstandard.ZstdDecompressionObj | None = None
    while chunk := stream.read(_CHUNK_BYTES // 4):
        while chunk:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            yield frame.decompress(chunk)
            chunk, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
    if frame is not None:
        raise EOFError("the file ends within a zstandard frame")


def _read_zip(stream: BinaryIO) -> Iterator[bytes]:
    with zipfile.ZipFile(stream) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise zipfile.BadZipFile(f"the archive holds {len(names)} files, not one: unpack it")
        with cast("zipfile.ZipExtFile", archive.open(names[0])) as member:
            while chunk := member.read1(_CHUNK_BYTES):
                yield chunk
