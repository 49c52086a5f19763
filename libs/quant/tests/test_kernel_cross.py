"""A vector carries the cross-section that is due by data time, or none; when it came alters nothing else."""

import numpy as np
import pytest

from foretick.quant import parameters as p
from foretick.quant.cross_section import CROSS_COUNT, CrossReading, CrossReason
from foretick.quant.events import EventArrays, EventKind
from foretick.quant.kernel import Fault, FeatureKernel, Grid, fold_history
from foretick.quant.kernel.vector import META_COLUMNS
from foretick.quant.registry import FEATURES
from foretick.quant.testing import START_NS, random_events, random_sections

GRID = Grid(interval_ns=100_000_000, window_steps=50)
START_S = START_NS // p.BAR_NS
KEY = ("sim", "A")


def reading_of(second: int, reason: CrossReason | None = None) -> CrossReading:
    values = () if reason else tuple(float(second - START_S) + 0.1 * i for i in range(CROSS_COUNT))
    return CrossReading(KEY, 600, reason, values)


def clock(*offsets_s: float) -> EventArrays:
    recv_ns = np.array([START_NS + round(offset * 1e9) for offset in offsets_s], np.int64)
    n = len(recv_ns)
    return EventArrays(np.full(n, EventKind.CLOCK, np.uint8), recv_ns, np.zeros((n, 4)), np.zeros((0, 40)))


def fold_one(kernel: FeatureKernel, row: int, offset_s: float) -> tuple[int, list[float]]:
    """The second of the cross-section in the vector at ``offset_s``, from ``START_S``, and what it carries of it."""
    assert kernel.fold(row, clock(offset_s)) == 1
    second = int(kernel.out[0, META_COLUMNS - 1])
    return second - START_S if second >= 0 else -1, kernel.out[0, -CROSS_COUNT:].tolist()


def test_cross_asset_features_are_the_last_of_the_vector():
    assert [f.group.value == "cross-asset" for f in FEATURES] == [False] * (len(FEATURES) - CROSS_COUNT) + [
        True
    ] * CROSS_COUNT


def test_vector_carries_the_second_that_is_due_and_never_a_later_one():
    kernel = FeatureKernel(GRID)
    row = kernel.add()
    for second in range(START_S - 10, START_S + 10):  # all are there, also those of the future
        kernel.put_cross(row, second, reading_of(second))
    for offset_s in (0.0, 0.95, 1.0, 2.5, 7.999):
        second, values = fold_one(kernel, row, offset_s)
        assert second == int(offset_s) - p.CROSS_DELAY_S
        assert values == list(reading_of(START_S + second).values)


def test_section_that_comes_late_counts_from_then_on_and_changes_nothing_before():
    kernel = FeatureKernel(GRID)
    row = kernel.add()
    kernel.put_cross(row, START_S + 2 - p.CROSS_DELAY_S - 1, reading_of(0))  # that of the second before
    second, values = fold_one(kernel, row, 2.0)
    assert (second, np.isnan(values).all()) == (-1, True)
    due = START_S + 2 - p.CROSS_DELAY_S
    kernel.put_cross(row, due, reading_of(due))
    assert fold_one(kernel, row, 2.4) == (2 - p.CROSS_DELAY_S, list(reading_of(due).values))
    assert fold_one(kernel, row, 3.0)[0] == -1


@pytest.mark.parametrize(
    ("reading", "fault"),
    [
        (None, Fault.MASKED),
        (reading_of(0, CrossReason.ALONE), Fault.MASKED),
        (reading_of(0, CrossReason.NO_PRICE), Fault.MASKED),
        (reading_of(0, CrossReason.INTERRUPTED), Fault.MASKED),
        (reading_of(0, CrossReason.WARMING_UP), Fault.WARMING),
        (CrossReading(KEY, 600, None, (np.nan,) * CROSS_COUNT), Fault.MISSING),
        (CrossReading(KEY, 600, None, (1e9, 1.0, 1.5, -3.0, 1.0, 2.0, -1.0)), Fault.OUTSIDE),
        (reading_of(START_S), None),
    ],
    ids=["none", "alone", "no price", "interrupted", "warming up", "a bug", "out of range", "sound"],
)
def test_what_is_missing_is_counted_by_why(reading, fault):
    kernel = FeatureKernel(GRID)
    row = kernel.add()
    if reading is not None:
        kernel.put_cross(row, START_S + 5 - p.CROSS_DELAY_S, reading)
    second, values = fold_one(kernel, row, 5.0)
    assert (second >= 0) == (reading is not None and reading.reason is None)
    counts = {f: kernel.faults[f, -CROSS_COUNT:].tolist() for f in Fault}
    outside = [False, False, True, True, False, True, True]
    wanted = outside if fault is Fault.OUTSIDE else [fault is not None] * CROSS_COUNT
    assert counts == {f: [int(each) for each in wanted] if f is fault else [0] * CROSS_COUNT for f in Fault}
    assert np.isnan(values).all() == (fault not in (None, Fault.OUTSIDE))


def test_no_other_feature_knows_of_cross_sections():
    events = random_events(1, 4_000)
    bare, full = fold_history(events, GRID), fold_history(events, GRID, sections=random_sections(1, events))
    assert bare.values[:, :-CROSS_COUNT].tobytes() == full.values[:, :-CROSS_COUNT].tobytes()
    assert np.isnan(bare.values[:, -CROSS_COUNT:]).all()
    assert np.isfinite(full.values[:, -CROSS_COUNT:]).all()
    assert (bare.cross_s == -1).all()
    assert full.cross_s.tolist() == (full.recv_ns // p.BAR_NS - p.CROSS_DELAY_S).tolist()


def test_only_the_latest_are_kept_and_the_state_has_none_of_it():
    kernel = FeatureKernel(GRID)
    row = kernel.add()
    blank = kernel.snapshot(row)
    for second in range(START_S, START_S + p.CROSS_KEPT_S + 1):
        kernel.put_cross(row, second, reading_of(second))
    assert kernel.snapshot(row) == blank
    assert fold_one(kernel, row, p.CROSS_DELAY_S)[0] == -1  # overwritten by a later one
    assert fold_one(kernel, row, p.CROSS_DELAY_S + 1.0)[0] == 1
    kernel.restore(row, blank)
    assert fold_one(kernel, row, p.CROSS_DELAY_S + 2.0)[0] == 2  # a restored state finds what lies beside it
    kernel.forget_cross(row)
    assert fold_one(kernel, row, p.CROSS_DELAY_S + 3.0)[0] == -1


def test_instruments_have_cross_sections_of_their_own_also_when_the_kernel_grows():
    kernel = FeatureKernel(GRID, capacity=1)
    first = kernel.add()
    kernel.put_cross(first, START_S, reading_of(START_S))
    second = kernel.add()
    assert fold_one(kernel, second, p.CROSS_DELAY_S)[0] == -1
    assert fold_one(kernel, first, p.CROSS_DELAY_S) == (0, list(reading_of(START_S).values))
