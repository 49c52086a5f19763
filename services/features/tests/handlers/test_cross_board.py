"""A vector carries the cross-section that is due and here, and names it; when one comes alters nothing else."""

import msgspec
import pytest

from foretick.common.contracts import CrossMember, FeatureVector
from foretick.common.testing import T0_NS, tick_frame
from foretick.quant.cross_section import CROSS_COUNT, CrossReason
from foretick.quant.kernel import Fault
from foretick.quant.parameters import CROSS_DELAY_S, CROSS_KEPT_S
from foretick.quant.registry import FEATURE_COUNT

SECOND_NS = 10**9
T0_S = T0_NS // SECOND_NS
KEY = ("sim", "BTCUSDT")


def due_in(frame_s: float) -> int:
    return T0_S + int(frame_s) - CROSS_DELAY_S


def vector_at(service, offset_s: float, seq: int) -> FeatureVector:
    service.frames.handle([tick_frame("C", seq=seq, start_ns=T0_NS + round(offset_s * SECOND_NS))])
    return service.vectors[-1]


NOTHING = [None] * CROSS_COUNT


def test_vector_carries_the_due_second_and_says_which(service, section, crossed):
    service.frames.cross.handle([section(second) for second in range(T0_S - 5, T0_S + 9)])
    for seq, offset_s in enumerate((0.0, 0.9, 1.0, 5.5, 8.25), 1):
        vector = vector_at(service, offset_s, seq)
        carried, named = crossed(vector)
        assert (vector.cross_seq, carried) == (due_in(offset_s), named)
        assert len(vector.values) == FEATURE_COUNT
    assert msgspec.json.decode(msgspec.json.encode(vector), type=FeatureVector) == vector


def test_without_the_due_second_values_are_missing_and_counted_and_the_vector_leaves_all_the_same(
    service, section, crossed
):
    service.frames.cross.handle([section(due_in(0.0))])
    assert vector_at(service, 0.0, 1).cross_seq == due_in(0.0)
    late = vector_at(service, 1.0, 2)
    assert (late.cross_seq, crossed(late)[0]) == (None, NOTHING)
    assert service.frames.kernel.faults[Fault.MASKED, -CROSS_COUNT:].tolist() == [1] * CROSS_COUNT
    service.frames.cross.handle([section(due_in(1.0))])
    assert vector_at(service, 1.4, 3).cross_seq == due_in(1.0)


@pytest.mark.parametrize("reason", CrossReason)
def test_instrument_without_values_has_none_in_the_vector(service, reason, section, crossed):
    member = CrossMember(venue="sim", symbol="BTCUSDT", pairs=3, reason=reason)
    service.frames.cross.handle([section(due_in(0.0), member)])
    vector = vector_at(service, 0.0, 1)
    assert (vector.cross_seq, crossed(vector)[0]) == (None, NOTHING)
    fault = Fault.WARMING if reason is CrossReason.WARMING_UP else Fault.MASKED
    assert service.frames.kernel.faults[fault, -CROSS_COUNT:].tolist() == [1] * CROSS_COUNT


@pytest.mark.parametrize(
    "fields", [{"run_id": "other"}, {"features_hash": "other"}], ids=["another run", "other features"]
)
def test_section_of_something_else_is_left_out(service, fields, section):
    service.frames.cross.handle([section(due_in(0.0), **fields)])
    service.frames.cross.restore([section(due_in(0.0), **fields)])
    assert vector_at(service, 0.0, 1).cross_seq is None


@pytest.mark.parametrize(
    "member",
    [
        CrossMember(venue="sim", symbol="BTCUSDT", pairs=600, values=[1.0]),
        CrossMember(venue="sim", symbol="BTCUSDT", pairs=600, values=[1.0] * CROSS_COUNT, reason="alone"),
        CrossMember(venue="sim", symbol="BTCUSDT", pairs=600, reason="nobody knows"),
        CrossMember(venue="sim", symbol="BTCUSDT", pairs=600),
    ],
    ids=["too few", "values and a reason", "unknown reason", "neither"],
)
def test_section_that_contradicts_itself_is_put_aside(service, member, section):
    service.frames.cross.handle([section(due_in(0.0), member)])
    assert vector_at(service, 0.0, 1).cross_seq is None
    ((source, reason),) = service.publisher.rejected
    assert source == "cross_sections"
    assert "sim:BTCUSDT" in reason


def test_repeat_and_replaced_writer_are_left_out_and_a_loss_is_counted(service, section, crossed):
    board = service.frames.cross
    other = CrossMember(venue="sim", symbol="BTCUSDT", pairs=600, values=[9.0] * CROSS_COUNT)
    first, due = due_in(0.0), due_in(1.0)
    board.handle([section(first, epoch=2), section(due, other, epoch=1), section(first, other, epoch=2)])
    assert [(each.refused, each.skip) for each in service.observer.crossings] == [(False, 0), (True, 1), (False, 1)]
    vector = vector_at(service, 0.0, 1)
    assert vector.cross_seq == first
    assert crossed(vector)[0] == crossed(vector)[1]
    assert vector_at(service, 1.0, 2).cross_seq is None
    board.handle([section(first + 3, epoch=2)])
    assert service.observer.crossings[-1].lost == 1


def test_stream_fills_what_live_messages_lack_and_replaces_none(service, section, crossed):
    board = service.frames.cross
    other = CrossMember(venue="sim", symbol="BTCUSDT", pairs=600, values=[9.0] * CROSS_COUNT)
    board.handle([section(due_in(1.0), epoch=2)])
    board.restore([section(due_in(0.0), epoch=1), section(due_in(1.0), other, epoch=1)])
    for seq, offset_s in enumerate((0.0, 1.0), 1):
        vector = vector_at(service, offset_s, seq)
        assert vector.cross_seq == due_in(offset_s)
        assert crossed(vector)[0] == crossed(vector)[1]


def test_instrument_that_is_adopted_later_has_what_came_before_and_only_the_latest_are_kept(
    start, store, history, section
):
    service = start(store, history)
    first = due_in(0.0)
    service.frames.cross.handle([section(first + n) for n in range(CROSS_KEPT_S + 1)])
    service.own()
    assert vector_at(service, 0.0, 1).cross_seq is None
    assert vector_at(service, 1.0, 2).cross_seq == due_in(1.0)
    service.frames.cross.restore([section(first)])  # too old to be wanted
    assert vector_at(service, 2.0, 3).cross_seq == due_in(2.0)


def test_row_of_another_instrument_is_never_read(start, store, history, section):
    eth = ("sim", "ETHUSDT")
    service = start(store, history).own(KEY, eth)
    service.frames.cross.handle([section(due_in(0.0))])
    service.frames.handle([tick_frame("C", seq=1, symbol="ETHUSDT")])
    assert service.vectors[-1].cross_seq is None
    service.frames.forget(KEY)
    service.frames.adopt(("sim", "SOLUSDT"), 1)  # in the row that is free now
    service.frames.handle([tick_frame("C", seq=1, symbol="SOLUSDT")])
    assert (service.vectors[-1].symbol, service.vectors[-1].cross_seq) == ("SOLUSDT", None)
    service.frames.cross.handle([section(due_in(1.0))])  # says nothing to a row that BTCUSDT no longer has
    service.frames.handle([tick_frame("C", seq=2, symbol="SOLUSDT", start_ns=T0_NS + SECOND_NS)])
    assert service.vectors[-1].cross_seq is None


@pytest.mark.parametrize("late", [0, 7])
async def test_restart_carries_what_an_uninterrupted_process_does(
    start, store, history, market, content, late, section, crossed
):
    """Sections come when they are due; the successor has those before from the stream."""
    frames = market(71, 2_000, per_frame=3)
    first_s, last_s = frames[0].ts_recv_ns // SECOND_NS, frames[-1].ts_recv_ns // SECOND_NS
    sections = [section(s) for s in range(first_s - CROSS_DELAY_S, last_s - CROSS_DELAY_S - late + 1)]

    def live(service, part, history):
        for frame in part:
            service.clock.ns = frame.ts_recv_ns
            due = frame.ts_recv_ns // SECOND_NS - CROSS_DELAY_S
            fresh = [s for s in sections if s.seq <= due and s not in history.sections]
            history.sections += fresh
            service.frames.cross.handle(fresh)
            history.frames.append((frame.ts_recv_ns, frame))
            service.custodian.handle([frame])

    whole = start(store, type(history)()).own()
    live(whole, frames, type(history)())
    half = len(frames) // 2
    first = await start(store, history).take_over()
    live(first, frames[:half], history)
    await first.custodian.save()
    history.vectors += first.vectors
    second = start(store, history, epoch=2)
    second.clock.ns = frames[half - 1].ts_recv_ns
    async for stored in history.read_cross_sections(0):
        second.frames.cross.restore(stored)
    await second.take_over()
    live(second, frames[half:], history)
    assert [content(v) for v in first.vectors + second.vectors] == [content(v) for v in whole.vectors]
    assert sum(vector.cross_seq is not None for vector in second.vectors) > 0
    assert all(carried == named for carried, named in map(crossed, second.vectors))
