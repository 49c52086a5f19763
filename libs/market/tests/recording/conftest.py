"""What the tests of recordings share."""

import io

from foretick.market.recording import Record, RecordKind
from foretick.market.recording.segments import SegmentEncoder

T0 = 1_786_309_548_026_294_000


def frame(n: int, venue: str = "binance", connection: int = 1, kind: RecordKind = RecordKind.RECEIVED) -> Record:
    return Record(T0 + n * 1_000_000, venue, connection, kind, b'{"n":%d}' % n)


def written(records, block_bytes: int, flush_every: int = 7) -> tuple[bytes, SegmentEncoder]:
    """Return what an encoder makes of ``records``, flushed every so often, its last block not ended."""
    encoder = SegmentEncoder(block_bytes)
    parts = []
    for number, record in enumerate(records):
        encoder.add(record)
        if number % flush_every == 0:
            parts.append(encoder.take())
    return b"".join([*parts, encoder.take()]), encoder


class CountingFile(io.BytesIO):
    """A file that counts what is read of it."""

    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data
