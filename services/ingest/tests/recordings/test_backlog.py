"""The queue between feed and writer: bounded, and honest about what it drops."""

from foretick.ingest.adapters.recordings.backlog import RECORD_BYTES, RecordBacklog
from foretick.market.recording.records import GapReason, Record, RecordKind, gap_of

ROOM = 10 * (RECORD_BYTES + 10)


def record(n: int, connection: int = 1, kind: RecordKind = RecordKind.RECEIVED) -> Record:
    return Record(1_800_000_000_000_000_000 + n, "binance", connection, kind, b"%010d" % n)


def test_what_fits_comes_out_as_it_went_in():
    backlog = RecordBacklog(ROOM)
    for n in range(10):
        backlog.put(record(n))
    assert list(backlog.take()) == [record(n) for n in range(10)]
    assert (backlog.waiting_bytes, backlog.dropped_frames) == (0, 0)


def test_what_is_too_much_is_dropped_and_told_before_the_next_frame_that_is_taken():
    backlog = RecordBacklog(ROOM)
    for n in range(14):
        backlog.put(record(n, connection=1 + n % 2))
    assert backlog.waiting_bytes == ROOM
    assert [item.recv_ns for item in backlog.take()] == [record(n).recv_ns for n in range(10)]
    backlog.put(record(14))
    first, second, taken = backlog.take()
    assert taken == record(14)
    gaps = [gap_of(first), gap_of(second)]
    assert [(gap.connection, gap.frames_lost, gap.reason) for gap in gaps] == [
        (1, 2, GapReason.FELL_BEHIND), (2, 2, GapReason.FELL_BEHIND),
    ]  # fmt: skip
    assert [(gap.from_ns, gap.through_ns) for gap in gaps] == [
        (record(10).recv_ns, record(12).recv_ns), (record(11).recv_ns, record(13).recv_ns),
    ]  # fmt: skip
    assert backlog.dropped_frames == 4


def test_dropping_goes_on_until_half_of_the_room_is_free():
    backlog = RecordBacklog(ROOM)
    for n in range(11):
        backlog.put(record(n))
    taken = backlog.take()
    for _ in range(4):
        next(taken)
    backlog.put(record(11))
    assert backlog.dropped_frames == 2
    next(taken)
    backlog.put(record(12))
    assert backlog.dropped_frames == 2
    assert [item.kind for item in taken][-2:] == [RecordKind.GAP, RecordKind.RECEIVED]


def test_what_happens_to_connections_is_never_dropped():
    backlog = RecordBacklog(ROOM)
    for n in range(12):
        backlog.put(record(n))
    backlog.put(record(12, kind=RecordKind.CLOSED))
    assert [item.kind for item in backlog.take()][-1] is RecordKind.CLOSED


def test_losses_at_the_end_are_told_on_request():
    backlog = RecordBacklog(ROOM)
    for n in range(11):
        backlog.put(record(n))
    backlog.put_losses()
    backlog.put_losses()
    *_, last = backlog.take()
    assert gap_of(last).frames_lost == 1


def test_a_frame_larger_than_all_room_is_dropped_and_told():
    backlog = RecordBacklog(ROOM)
    backlog.put(record(0)._replace(payload=bytes(ROOM)))
    backlog.put(record(1))
    gap, taken = backlog.take()
    assert gap_of(gap).frames_lost == 1
    assert taken == record(1)
