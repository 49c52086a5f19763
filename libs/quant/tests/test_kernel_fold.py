"""How a run of events is cut, what follows it, and a snapshot in between change no bit of a vector."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretick.quant.events import EventArrays
from foretick.quant.kernel import FeatureKernel, Grid, SnapshotMismatch, fold_history
from foretick.quant.kernel.compiled import OUT_COLUMNS, arguments, fold_events
from foretick.quant.kernel.vector import META_COLUMNS
from foretick.quant.testing import START_NS, StreamShape, random_events

GRID = Grid(interval_ns=100_000_000, window_steps=50)


def collect(kernel: FeatureKernel, row: int, events: EventArrays, cuts: list[int]) -> np.ndarray:
    """Fold ``events`` cut at ``cuts``; rows of ``out`` with the event's index in the whole run."""
    parts = [np.empty((0, OUT_COLUMNS))]
    for start, stop in zip([0, *cuts], [*cuts, len(events)], strict=True):
        emitted = kernel.fold(row, events.slice(start, stop))
        part = kernel.out[:emitted].copy()
        part[:, 0] += start
        parts.append(part)
    return np.concatenate(parts)


def fold_whole(events: EventArrays) -> np.ndarray:
    kernel = FeatureKernel(GRID)
    return collect(kernel, kernel.add(), events, [])


streams = st.builds(
    lambda seed, n, gap_ms: random_events(seed, n, StreamShape(mean_gap_ns=gap_ms * 1_000_000)),
    st.integers(0, 2**32), st.integers(1, 600), st.sampled_from([1, 8, 60, 900]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(streams, st.data())
def test_any_split_gives_the_same_bits(events, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=12)))
    kernel = FeatureKernel(GRID)
    assert collect(kernel, kernel.add(), events, cuts).tobytes() == fold_whole(events).tobytes()


def test_one_event_a_call_gives_the_bits_of_one_call():
    events = random_events(7, 6_000)
    kernel = FeatureKernel(GRID)
    single = collect(kernel, kernel.add(), events, list(range(1, len(events))))
    assert single.tobytes() == fold_whole(events).tobytes()
    assert len(single) > 300


@settings(max_examples=40, deadline=None)
@given(streams, st.data())
def test_appended_future_changes_nothing(events, data):
    cut = data.draw(st.integers(0, len(events)))
    past = fold_whole(events.slice(0, cut))
    whole = fold_whole(events)
    assert whole[: len(past)].tobytes() == past.tobytes()


@settings(max_examples=40, deadline=None)
@given(streams, st.data())
def test_restored_snapshot_goes_on_as_if_nothing_happened(events, data):
    cut = data.draw(st.integers(0, len(events)))
    first = FeatureKernel(GRID)
    before = collect(first, first.add(), events.slice(0, cut), [])
    second = FeatureKernel(GRID)
    row = second.add()
    second.restore(row, first.snapshot(0))
    after = collect(second, row, events.slice(cut, len(events)), [])
    after[:, 0] += cut
    assert np.concatenate([before, after]).tobytes() == fold_whole(events).tobytes()


def test_instruments_do_not_touch_each_other():
    kernel = FeatureKernel(GRID, capacity=1)
    streams = [random_events(seed, 2_000) for seed in range(5)]
    rows = [kernel.add() for _ in streams]  # grows from one to five
    folded: dict[int, list[np.ndarray]] = {row: [] for row in rows}
    for start in range(0, 2_000, 100):
        for row, events in zip(rows, streams, strict=True):
            part = collect(kernel, row, events.slice(start, start + 100), [])
            part[:, 0] += start
            folded[row].append(part)
    for row, events in zip(rows, streams, strict=True):
        assert np.concatenate(folded[row]).tobytes() == fold_whole(events).tobytes()


def test_vector_leaves_on_first_event_at_or_after_each_boundary():
    offsets_ms = [0, 50, 99, 100, 150, 420, 499, 500]
    n = len(offsets_ms)
    recv_ns = START_NS + np.array(offsets_ms, np.int64) * 1_000_000
    events = EventArrays(np.full(n, 3, np.uint8), recv_ns, np.zeros((n, 4)), np.zeros((0, 40)))
    vectors = fold_history(events, GRID, first_seq=10)
    assert vectors.asof_seq.tolist() == [10, 13, 15, 17]
    assert vectors.step.tolist() == [START_NS // GRID.interval_ns + step for step in (0, 1, 4, 5)]
    assert vectors.recv_ns.tolist() == [int(recv_ns[index]) for index in (0, 3, 5, 7)]


def test_time_that_goes_back_is_held():
    kernel = FeatureKernel(GRID)
    row = kernel.add()
    recv_ns = np.array([START_NS + 250_000_000, START_NS, START_NS + 260_000_000], np.int64)
    columns = (np.full(3, 3, np.uint8), recv_ns, np.zeros((3, 4)), np.zeros((1, 40)))
    assert kernel.fold_buffers(row, columns, 3) == 1


def test_long_history_equals_its_chunks():
    events = random_events(3, 40_000)
    assert fold_history(events, GRID).values.tobytes() == fold_whole(events)[:, META_COLUMNS:].tobytes()


@pytest.mark.parametrize("damage", ["cut", "grid", "layout"])
def test_foreign_snapshot_is_refused(damage):
    kernel = FeatureKernel(GRID)
    snapshot = kernel.snapshot(kernel.add())
    if damage == "grid":
        other = FeatureKernel(Grid(interval_ns=200_000_000, window_steps=50))
        snapshot = other.snapshot(other.add())
    damaged = {"cut": snapshot[:-1], "grid": snapshot, "layout": b"x" + snapshot[1:]}[damage]
    with pytest.raises(SnapshotMismatch):
        kernel.restore(0, damaged)


def test_cache_key_carries_the_fingerprint_of_the_sources():
    call = arguments(GRID.interval_ns, GRID.window_steps, rows=1)
    assert fold_events(*call, -1) > 2**32


@pytest.mark.parametrize(("pause_s", "is_anew"), [(301, True), (240, False)])
def test_long_silence_starts_an_instrument_anew_and_a_short_one_does_not(pause_s, is_anew):
    events, cut = random_events(7, 12_000), 6_000
    late = events.recv_ns.copy()
    late[cut:] += pause_s * 1_000_000_000
    paused = fold_history(replace(events, recv_ns=late), GRID)
    fresh = fold_history(EventArrays(events.kind[cut:], late[cut:], events.v[cut:], events.depth), GRID)
    after = slice(len(paused) - len(fresh), None)
    assert np.array_equal(paused.values[after], fresh.values, equal_nan=True) is is_anew
    assert paused.warm[after][0] == (not is_anew)
