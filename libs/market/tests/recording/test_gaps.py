"""When a recording was not listening."""

import io

import pytest

from foretick.common.errors import Malformed
from foretick.market.recording import Gap, GapReason, Record, RecordKind
from foretick.market.recording.gaps import GapAudit, GapLedger, missed_at_end
from foretick.market.recording.records import gap_of, gap_record
from foretick.market.recording.segments import build_index

from .conftest import T0, frame, written

MS = 1_000_000


def at(ms: int, kind: RecordKind, payload: bytes = b"", connection: int = 1) -> Record:
    return Record(T0 + ms * MS, "binance", connection, kind, payload)


def seen(records) -> list[Gap]:
    ledger = GapLedger()
    return [gap for gap in map(ledger.see, records) if gap is not None]


def missed(from_ms: int, through_ms: int, detail: str, connection: int = 1) -> Gap:
    return Gap(
        venue="binance", connection=connection, from_ns=T0 + from_ms * MS, through_ns=T0 + through_ms * MS,
        reason=GapReason.DISCONNECTED, detail=detail,
    )  # fmt: skip


def test_connection_that_closed_is_missed_from_its_last_frame_to_its_next():
    records = [
        at(0, RecordKind.OPENED), frame(1), frame(5), at(35, RecordKind.CLOSED, b"silent for 30 s"),
        at(40, RecordKind.OPENED), at(41, RecordKind.SENT), frame(44), frame(45),
    ]  # fmt: skip
    assert seen(records) == [missed(5, 44, "silent for 30 s")]


def test_several_failed_attempts_are_one_gap():
    records = [frame(1), at(2, RecordKind.CLOSED, b"reset"), at(3, RecordKind.CLOSED, b"refused"), frame(9)]
    assert seen(records) == [missed(1, 9, "reset")]


def test_retired_connection_is_not_missed():
    records = [frame(1), at(2, RecordKind.OPENED, connection=2), at(3, RecordKind.RETIRED), frame(9, connection=2)]
    ledger = GapLedger()
    assert [ledger.see(record) for record in records] == [None] * 4
    assert ledger.end_all(T0 + 20 * MS) == []


def test_connections_are_told_apart():
    records = [frame(1), frame(2, connection=2), at(3, RecordKind.CLOSED, b"reset"), frame(4, connection=2), frame(6)]
    assert seen(records) == [missed(1, 6, "reset")]


def test_what_is_missed_at_the_end_is_told():
    ledger = GapLedger()
    for record in (frame(1), at(3, RecordKind.CLOSED, b"reset")):
        ledger.see(record)
    assert ledger.end_all(T0 + 8 * MS) == [missed(1, 8, "reset")]
    assert ledger.end_all(T0 + 9 * MS) == []


def test_gap_comes_back_from_its_record():
    gap = missed(1, 8, "reset")
    record = gap_record(gap)
    assert (record.recv_ns, record.venue, record.connection, record.kind) == (
        gap.through_ns, "binance", 1, RecordKind.GAP,
    )  # fmt: skip
    assert gap_of(record) == gap


def test_gap_that_is_none_is_told():
    with pytest.raises(Malformed, match="a gap that cannot be read"):
        gap_of(at(0, RecordKind.GAP, b"{}"))


@pytest.mark.parametrize("block_bytes", [1 << 20, 200])
def test_killed_segment_tells_its_end_and_which_connections_were_closed(block_bytes):
    records = [
        at(0, RecordKind.OPENED), at(0, RecordKind.OPENED, connection=2), *(frame(n) for n in range(1, 50)),
        at(50, RecordKind.CLOSED, b"reset"), *(frame(n, connection=2) for n in range(51, 100)),
        at(100, RecordKind.CLOSED, b"gone", connection=2), at(101, RecordKind.OPENED, connection=2),
        frame(150, connection=2),
    ]  # fmt: skip
    data, _ = written(records, block_bytes)
    stream = io.BytesIO(data)
    index, _ = build_index(stream, "seg")
    assert len(index.blocks) == 0 if block_bytes > 1000 else len(index.blocks) > 5
    gaps, last_ns = missed_at_end(stream, "seg", index)
    assert last_ns == T0 + 150 * MS
    assert gaps == [missed(50, 150, "reset")]


def test_empty_segment_has_no_end():
    assert missed_at_end(io.BytesIO(), "seg", build_index(io.BytesIO(), "seg")[0]) == ([], 0)


def audited(records) -> list[Gap]:
    audit = GapAudit()
    for record in records:
        audit.see(record)
    return audit.untold()


def test_gap_that_is_told_is_in_order_and_one_that_is_not_shows():
    lost = [frame(1), at(2, RecordKind.CLOSED, b"reset")]
    gap = missed(1, 9, "reset")
    assert audited([*lost, gap_record(gap), frame(9)]) == []
    assert audited([*lost, frame(9)]) == [gap]
    assert audited([*lost, gap_record(missed(3, 9, "reset")), frame(9)]) == [gap], "too short"
    assert audited([*lost, gap_record(missed(1, 9, "reset", connection=2)), frame(9)]) == [gap], "of another connection"


def test_connection_that_is_closed_when_the_segment_stops_must_be_told_too():
    lost = [frame(1), at(2, RecordKind.CLOSED, b"reset")]
    stopped = at(9, RecordKind.END, b'{"reason":"stopped"}')
    assert audited([*lost, stopped]) == [missed(1, 9, "reset")]
    assert audited([*lost, gap_record(missed(1, 9, "reset")), stopped]) == []
    assert audited([*lost, at(9, RecordKind.END, b'{"reason":"rotated"}')]) == []
