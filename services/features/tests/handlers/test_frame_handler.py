"""Frames in, vectors out: identity, trust, gaps, duplicates, fences and batching."""

import msgspec

from foretick.common.contracts import BookEventKind, FeatureVector, Trust
from foretick.common.testing import T0_NS, book_frame, snapshot, tick_frame
from foretick.quant.registry import FEATURE_COUNT, INDEX, SCHEMA_HASH, SCHEMA_ID

STEP_NS = 100_000_000


def values_of(vector: FeatureVector, *names: str) -> list[float | None]:
    return [vector.values[INDEX[name]] for name in names]


def test_vector_says_what_it_was_made_from(service):
    frame = tick_frame("QTQ", seq=40, spacing_ns=60_000_000)
    service.frames.handle([book_frame(seq=39), frame])
    first, second = service.vectors
    assert (first.asof_seq, first.prev_asof_seq, second.asof_seq, second.prev_asof_seq) == (39, None, 42, 39)
    assert (second.venue, second.symbol, second.origin, second.run_id) == ("sim", "BTCUSDT", frame.origin, "test")
    assert (second.producer, second.epoch, second.interval_ns) == ("features.serve-0", 1, STEP_NS)
    assert (second.ts_recv_ns, second.ts_ingest_ns) == (frame.recv_ns[2], frame.recv_ns[2])
    assert (second.step, second.ts_event_ns) == (frame.recv_ns[2] // STEP_NS, frame.event_ns[2])
    assert (second.schema_id, second.schema_hash, len(second.values)) == (SCHEMA_ID, SCHEMA_HASH, FEATURE_COUNT)
    assert (second.mid, second.trust, second.warm) == (100.0, Trust.LIVE, False)
    # bid 99.99 x 2, ask 100.01 x 3: spread 2 bps of 100, imbalance (2 - 3) / 5; three levels of 1 a side
    assert values_of(second, "queue_imbalance_l1", "depth_imbalance_l5") == [-0.2, 0.0]
    assert abs(second.values[INDEX["spread_bps"]] - 2.0) < 1e-9
    assert msgspec.json.decode(msgspec.json.encode(second), type=FeatureVector) == second


def test_vector_says_when_its_frame_was_sent_and_taken_up(service):
    frame = tick_frame("Q", ts_sent_ns=service.clock.ns - 5)
    service.frames.handle([frame])
    (vector,) = service.vectors
    assert (vector.ts_frame_sent_ns, vector.ts_frame_taken_ns) == (frame.ts_sent_ns, service.clock.ns)


def test_missing_values_are_null_never_nan(service):
    service.frames.handle([tick_frame("C")])
    (vector,) = service.vectors
    assert vector.mid is None
    assert values_of(vector, "spread_bps", "depth_imbalance_l5", "rsi") == [None, None, None]
    assert all(value is None or value == value for value in vector.values)


def test_cutting_frames_otherwise_changes_no_bit(service, start, store, history, market, content):
    service.frames.handle(market(5, 4_000, per_frame=1))
    whole = start(store, history).own()
    whole.frames.handle(market(5, 4_000, per_frame=64))
    assert len(service.vectors) > 500
    assert any(vector.warm for vector in service.vectors)
    assert [content(v) for v in whole.vectors] == [content(v) for v in service.vectors]


def test_duplicates_and_overlaps_are_folded_once(service, start, store, history, market, content):
    frames = market(6, 600, per_frame=4)
    again = start(store, history).own()
    for index, frame in enumerate(frames):
        again.frames.handle([frame, frame, *frames[max(0, index - 3) : index]])
    service.frames.handle(frames)
    assert [content(v) for v in again.vectors] == [content(v) for v in service.vectors]


def test_gap_distrusts_the_book_until_the_next_snapshot(service):
    later = T0_NS + STEP_NS
    delta = snapshot(kind=BookEventKind.DELTA, ts_ns=later + STEP_NS)
    service.frames.handle([
        book_frame(seq=1),
        tick_frame("Q", seq=5, start_ns=later),
        book_frame([delta], seq=6),
        book_frame([snapshot(ts_ns=later + 2 * STEP_NS)], seq=7),
    ])  # fmt: skip
    assert [v.trust for v in service.vectors] == [Trust.LIVE, Trust.GAP, Trust.GAP, Trust.LIVE]
    assert [v.values[INDEX["depth_imbalance_l5"]] for v in service.vectors] == [0.0, None, None, 0.0]
    assert service.observer.lost == 3


def test_gap_makes_older_quotes_void(service):
    service.frames.handle([tick_frame("Q", seq=1), tick_frame("C", seq=9, start_ns=T0_NS + STEP_NS)])
    assert [v.mid for v in service.vectors] == [100.0, None]


def test_worse_trust_of_a_tick_frame_is_passed_on(service):
    service.frames.handle([book_frame(seq=1), tick_frame("Q", seq=2, start_ns=T0_NS + STEP_NS, trust=Trust.STALE)])
    assert [v.trust for v in service.vectors] == [Trust.LIVE, Trust.STALE]


def test_replaced_writer_is_refused(service):
    service.frames.handle([tick_frame("Q", seq=1, epoch=2), tick_frame("Q", seq=2, epoch=1, start_ns=T0_NS + STEP_NS)])
    assert [v.asof_seq for v in service.vectors] == [1]
    assert [outcome.admission.refused for outcome in service.observer.outcomes] == [False, True]


def test_new_writer_that_goes_on_is_no_gap(service):
    service.frames.handle([
        book_frame(seq=1),
        tick_frame("Q", seq=2, epoch=2, start_ns=T0_NS + STEP_NS),
    ])  # fmt: skip
    assert service.vectors[-1].trust is Trust.LIVE
    assert service.observer.lost == 0


def test_frame_that_contradicts_itself_is_rejected_and_counts_as_lost(service):
    service.frames.handle([book_frame(seq=1), tick_frame("QQ", seq=2, recv_ns=[T0_NS], ts_recv_ns=T0_NS)])
    service.frames.handle([tick_frame("Q", seq=4, start_ns=T0_NS + STEP_NS)])
    assert service.publisher.rejected[0][0] == "ticks.sim.BTCUSDT"
    assert service.vectors[-1].trust is Trust.GAP


def test_level_off_the_grid_is_rejected_and_the_rest_goes_on(service):
    odd = snapshot(kind=BookEventKind.DELTA, ts_ns=T0_NS + STEP_NS, bids=[(99.995, 1.0)])
    service.frames.handle([book_frame(seq=1), book_frame([odd], seq=2)])
    assert "grid" in service.publisher.rejected[0][1]
    assert service.vectors[-1].trust is Trust.GAP


def test_frames_of_another_run_are_left_alone(service):
    service.frames.handle([tick_frame("Q", run_id="other")])
    assert service.vectors == []


def test_instrument_of_another_shard_is_left_alone(service):
    service.frames.handle([tick_frame("Q", symbol="ETHUSDT")])
    assert (service.vectors, service.observer.outcomes) == ([], [])


def test_instrument_that_comes_back_starts_from_nothing(service, start, store, history, market, content):
    frames = market(8, 900, per_frame=4)
    service.frames.handle(frames[:100])
    service.frames.forget(("sim", "BTCUSDT"))
    service.own()  # on the row of the kernel that is free again
    del service.vectors[:]
    service.frames.handle(frames[100:])
    fresh = start(store, history).own()
    fresh.frames.handle(frames[100:])
    assert len(service.frames.kernel) == 1
    assert [content(vector) for vector in service.vectors] == [content(vector) for vector in fresh.vectors]


def test_instruments_are_told_apart_by_venue_and_symbol(service):
    keys = [(venue, symbol) for venue in ("sim", "x") for symbol in ("A", "B")]
    service.own(*keys)
    service.frames.handle([tick_frame("Q", symbol=symbol, venue=venue) for venue, symbol in keys])
    assert [(v.venue, v.symbol, v.prev_asof_seq) for v in service.vectors] == [
        ("sim", "A", None), ("sim", "B", None), ("x", "A", None), ("x", "B", None),
    ]  # fmt: skip
