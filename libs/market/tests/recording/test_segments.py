"""Segments: what a reader gets of a file that is whole, still being written, torn or damaged."""

import io
import random
import subprocess

import pytest
import zstandard

from foretick.market.recording import BadLine, DamagedBlock, Record, RecordKind, TruncatedRecording, WrongFormat
from foretick.market.recording.index import (
    BlockEntry,
    IndexEnd,
    IndexHead,
    compare_indexes,
    decode_index,
    encode_index_line,
)
from foretick.market.recording.lines import encode_line
from foretick.market.recording.segments import (
    SegmentName,
    build_index,
    decode_head,
    parse_segment_name,
    read_segment,
)

from .conftest import T0, CountingFile, frame, written

RECORDS = [frame(n) for n in range(2000)]


def read(data: bytes) -> list:
    return list(read_segment(io.BytesIO(data), "seg"))


def test_records_come_back_in_order():
    data, _ = written(RECORDS, 4096)
    assert read(data) == RECORDS


def test_zstd_itself_shows_the_lines(tmp_path):
    data, encoder = written(RECORDS, 4096)
    encoder.end_block()
    path = tmp_path / "a.zst"
    path.write_bytes(data + encoder.take())
    text = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True).read()
    assert text == b"".join(map(encode_line, RECORDS))
    try:
        shown = subprocess.run(["zstdcat", path], capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("no zstdcat on this machine")
    assert shown == text


def test_everything_taken_is_readable_before_the_block_ends():
    data, encoder = written(RECORDS[:100], 1 << 20)
    assert encoder.entries == []
    assert read(data) == RECORDS[:100]


def test_file_cut_anywhere_yields_a_prefix_and_never_less_than_the_last_flush_before():
    encoder_parts = []
    _, encoder = written([], 2048)
    kept = {}
    for n, record in enumerate(RECORDS[:600]):
        encoder.add(record)
        if n % 20 == 0:
            encoder_parts.append(encoder.take())
            kept[sum(map(len, encoder_parts))] = n + 1
    data = b"".join(encoder_parts)
    for cut in random.Random(1).sample(range(len(data)), 200):
        items = read(data[:cut])
        records = [item for item in items if isinstance(item, Record)]
        assert records == RECORDS[: len(records)]
        assert len(records) >= max((count for size, count in kept.items() if size <= cut), default=0)
        assert all(isinstance(item, TruncatedRecording) for item in items[len(records) :])


def test_damaged_block_is_told_and_the_others_are_read():
    data, encoder = written(RECORDS, 4096)
    broken = encoder.entries[3]
    damaged = bytearray(data)
    damaged[broken.offset_bytes + broken.size_bytes // 2] ^= 0x55
    items = read(bytes(damaged))
    faults = [item for item in items if not isinstance(item, Record)]
    assert [type(fault) for fault in faults] == [DamagedBlock]
    assert faults[0].offset_bytes == broken.offset_bytes
    before = sum(entry.lines for entry in encoder.entries[:3])
    assert [item for item in items if isinstance(item, Record)] == RECORDS[:before] + RECORDS[before + broken.lines :]


def test_any_damaged_byte_loses_no_more_than_its_block():
    data, encoder = written(RECORDS[:400], 2048)
    encoder.end_block()
    data += encoder.take()
    chance = random.Random(2)
    for _ in range(150):
        at = chance.randrange(len(data))
        damaged = bytearray(data)
        damaged[at] ^= 1 << chance.randrange(8)
        hit = next(e for e in encoder.entries if e.offset_bytes <= at < e.offset_bytes + e.size_bytes)
        number = encoder.entries.index(hit)
        first = sum(entry.lines for entry in encoder.entries[:number])
        records = [item for item in read(bytes(damaged)) if isinstance(item, Record)]
        # A bit that zstandard does not use may be flipped without harm; then nothing is lost.
        assert records in (RECORDS[:first] + RECORDS[first + hit.lines : 400], RECORDS[:400])


def test_foreign_bytes_behind_the_last_block_are_told():
    data, encoder = written(RECORDS[:10], 1 << 20)
    encoder.end_block()
    data += encoder.take()
    items = read(data + b"no block at all")
    assert items[:10] == RECORDS[:10]
    assert [type(item) for item in items[10:]] == [DamagedBlock]


def test_bad_line_is_told_with_its_number():
    content = b"".join([encode_line(RECORDS[0]), b"nonsense\n", encode_line(RECORDS[1])])
    items = read(zstandard.ZstdCompressor().compress(content))
    assert [type(item) for item in items] == [Record, BadLine, Record]
    assert items[1].line == 2


# ---- the index -------------------------------------------------------------------------------------------------------


def index_text(encoder) -> list[bytes]:
    return [encode_index_line(IndexHead(segment="seg")), *map(encode_index_line, encoder.entries)]


def test_entry_says_where_its_block_lies_and_what_it_holds():
    records = [*RECORDS[:3], frame(3, "kraken", kind=RecordKind.OPENED), frame(-5, "kraken")]
    data, encoder = written(records, 1 << 20)
    encoder.end_block()
    data += encoder.take()
    (entry,) = encoder.entries
    assert (entry.offset_bytes, entry.size_bytes, entry.lines) == (0, len(data), 5)
    assert (entry.first_ns, entry.last_ns) == (T0 - 5_000_000, T0 + 3_000_000)
    assert entry.counts == {"binance recv": 3, "kraken open": 1, "kraken recv": 1}


def test_index_made_anew_from_the_data_equals_the_one_written_along():
    data, encoder = written(RECORDS, 4096)
    stored = decode_index(index_text(encoder), "seg.idx")
    rebuilt, faults = build_index(io.BytesIO(data), "seg")
    assert faults == []
    assert len(stored.blocks) > 10
    assert rebuilt.blocks == stored.blocks
    assert compare_indexes(stored, rebuilt) == []
    assert not rebuilt.has_ended


def test_torn_last_line_of_an_index_is_passed_over():
    _, encoder = written(RECORDS, 4096)
    *lines, last = index_text(encoder)
    assert decode_index([*lines, last[:20]], "seg.idx").blocks == tuple(encoder.entries[:-1])


def test_line_that_is_none_of_an_index_is_told():
    with pytest.raises(BadLine, match=r"seg\.idx: line 2"):
        decode_index([encode_index_line(IndexHead(segment="seg")), b"{}\n"], "seg.idx")


def test_damage_shows_against_the_index():
    data, encoder = written(RECORDS, 4096)
    stored = decode_index(index_text(encoder), "seg.idx")
    damaged = bytearray(data)
    damaged[stored.blocks[2].offset_bytes + 9] ^= 0xFF
    rebuilt, faults = build_index(io.BytesIO(bytes(damaged)), "seg")
    assert [type(fault) for fault in faults] == [DamagedBlock]
    assert compare_indexes(stored, rebuilt) == [
        f"no readable block at byte {stored.blocks[2].offset_bytes}: {stored.blocks[2].lines} records are lost"
    ]


def test_block_exchanged_for_another_shows_against_the_index():
    _, encoder = written(RECORDS, 4096)
    stored = decode_index(index_text(encoder), "seg.idx")
    changed = [*RECORDS[:5], RECORDS[5]._replace(payload=b'{"n":9}'), *RECORDS[6:]]
    rebuilt, _ = build_index(io.BytesIO(written(changed, 4096)[0]), "seg")
    assert any("not the one that was written" in fault for fault in compare_indexes(stored, rebuilt))


def test_block_without_an_entry_shows_once_the_segment_has_ended():
    data, encoder = written(RECORDS, 4096)
    ended = IndexEnd(size_bytes=len(data), lines=2000)
    stored = decode_index([*index_text(encoder)[:-1], encode_index_line(ended)], "seg.idx")
    rebuilt, _ = build_index(io.BytesIO(data), "seg")
    assert compare_indexes(stored, rebuilt) == [
        f"the block at byte {encoder.entries[-1].offset_bytes} is in no line of the index"
    ]


def test_seek_reads_the_block_that_holds_the_time_and_none_before_it():
    data, encoder = written(RECORDS, 4096)
    index = decode_index(index_text(encoder), "seg.idx")
    wanted = RECORDS[1234]
    offset, lines = index.seek(wanted.recv_ns)
    file = CountingFile(data)
    records = read_segment(file, "seg", offset, lines)
    before = 0
    while next(records) != wanted:
        before += 1
    assert before < max(entry.lines for entry in encoder.entries)
    assert file.read_bytes <= 2 * 16 * 1024
    assert lines + before == 1234


def test_seek_with_a_clock_that_went_back_misses_nothing():
    records = [frame(n) for n in (0, 50, 10, 20, 60, 61)]
    _, encoder = written(records, 1)
    index = decode_index(index_text(encoder), "seg.idx")
    offset, lines = index.seek(T0 + 15_000_000)
    assert (offset, lines) == (encoder.entries[1].offset_bytes, 1)


def test_seek_beyond_the_end_gives_the_end():
    _, encoder = written(RECORDS, 4096)
    index = decode_index(index_text(encoder), "seg.idx")
    assert index.seek(T0 * 2 - T0 // 2) == (index.size_bytes, index.lines)


# ---- names and heads -------------------------------------------------------------------------------------------------


def test_name_says_when_and_by_whom():
    name = SegmentName(T0, "ingest.feed-0")
    assert parse_segment_name(name.file_name) == name
    assert SegmentName(T0 + 1, "a").file_name > name.file_name


@pytest.mark.parametrize("name", ["a.frames.zst", "20261332T000000.000000000Z_a.frames.zst", "x.gz", ""])
def test_other_names_are_no_segments(name):
    assert parse_segment_name(name) is None


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (frame(0), "does not begin with its head"),
        (Record(T0, "*", 0, RecordKind.BEGIN, b"{"), "cannot be read"),
        (Record(T0, "*", 0, RecordKind.BEGIN, b'{"producer":"a","format":"other"}'), "format is 'other'"),
        (Record(T0, "*", 0, RecordKind.BEGIN, b'{"producer":"a","version":2}'), "update foretick"),
    ],
)
def test_head_that_is_not_ours_is_told_with_what_to_do(record, reason):
    with pytest.raises(WrongFormat, match=reason):
        decode_head(record, "seg")


def test_entries_are_json_lines():
    entry = BlockEntry(offset_bytes=0, size_bytes=1, lines=1, first_ns=T0, last_ns=T0, counts={"a recv": 1}, sha256="x")
    assert encode_index_line(entry) == (
        b'{"line":"block","offset_bytes":0,"size_bytes":1,"lines":1,"first_ns":%d,"last_ns":%d,'
        b'"counts":{"a recv":1},"sha256":"x"}\n' % (T0, T0)
    )
