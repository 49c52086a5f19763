"""Vectors and outcomes of an instrument's events: one kernel pass, purged by each label's own end, bad prices out."""

from dataclasses import replace

import numpy as np
import pytest

from foretick.common.errors import Refused
from foretick.predictor.domain.adequacy import Sample, leave_constant_out, refuse_too_few
from foretick.predictor.domain.targets import LabelKind, Target, targets_of
from foretick.predictor.domain.vectors import Sampling, Yield, build_panel, find_future
from foretick.quant.events import EventArrays, EventKind
from foretick.quant.kernel import Grid, fold_history
from foretick.quant.labels import label_barriers, label_vectors
from foretick.quant.registry import INDEX
from foretick.quant.testing import StreamShape, random_events

GRID = Grid(100_000_000, 200)
NAMES = ("spread_bps", "realised_volatility_bps", "rsi")
TARGETS = targets_of(5, (20,), (LabelKind.TRIPLE_BARRIER,))
SAMPLING = Sampling(GRID, TARGETS, NAMES, draws_calendar=False)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def events():
    return random_events(3, 12_000, StreamShape(shares=(20, 50, 28, 2, 0)))


@pytest.fixture(scope="module")
def built(events):
    return build_panel("X", events, SAMPLING, RNG)


def test_vectors_are_those_of_the_live_kernel(events, built):
    panel, found, leaks = built
    vectors = fold_history(events, GRID)
    whole = vectors.warm & np.isfinite(vectors.values[:, [INDEX[name] for name in NAMES]]).all(axis=1)
    assert panel.step.tolist() == vectors.step[whole].tolist()
    columns = vectors.values[whole][:, [INDEX[name] for name in NAMES]]
    assert np.array_equal(panel.features, columns.astype(np.float32))
    assert (found.vectors, found.kept, leaks) == (len(vectors), int(whole.sum()), [])
    assert found.cold == int((~vectors.warm).sum())


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_outcomes_of_every_target_are_those_of_the_labels_alone(events, built, target):
    vectors = fold_history(events, GRID)
    if target.label is LabelKind.FORWARD_RETURN:
        labels = label_vectors(vectors.step, vectors.mid, target.horizon_steps, 0.0)
    else:
        width = vectors.values[:, INDEX["realised_volatility_bps"]] * (target.horizon_steps / 10) ** 0.5
        width = np.where(width > 0, width, np.nan)
        labels = label_barriers(vectors.step, vectors.mid, width, target.horizon_steps)
    rows = built[0].rows(target)
    place = np.searchsorted(vectors.step, rows.step)
    assert np.array_equal(rows.return_bps, labels.return_bps[place])
    assert np.array_equal(rows.end_step, vectors.step[labels.end[place]])
    if target.label is LabelKind.TRIPLE_BARRIER:
        assert np.array_equal(rows.touched, labels.direction[place])


def test_a_barrier_that_is_touched_ends_the_label_before_its_horizon(built):
    rows = built[0].rows(Target(LabelKind.TRIPLE_BARRIER, 20))
    early = rows.end_step < rows.step + 20
    assert early.any()
    assert (rows.touched[early] != 1).all()
    assert (rows.touched[~early] == 1).any()


def test_cutting_the_future_off_changes_no_outcome_that_stays_known(events, built):
    past, _, _ = build_panel("X", events.slice(0, 9_000), SAMPLING, RNG)
    for target in TARGETS:
        whole, part = built[0].rows(target), past.rows(target)
        place = np.searchsorted(whole.step, part.step)
        assert np.array_equal(whole.step[place], part.step)
        assert np.array_equal(whole.return_bps[place], part.return_bps)
        assert np.array_equal(whole.end_step[place], part.end_step)
        assert np.array_equal(whole.touched[place], part.touched)


def spoil(events, kind, every, value):
    v = events.v.copy()
    v[np.flatnonzero(events.kind == kind)[::every], 0] = value
    return EventArrays(events.kind, events.recv_ns, v, events.depth)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -5.0])
@pytest.mark.parametrize("kind", [EventKind.TRADE, EventKind.QUOTE])
def test_bad_prices_never_reach_a_row(events, kind, value):
    panel, found, _ = build_panel("X", spoil(events, kind, 400, value), SAMPLING, RNG)
    assert np.isfinite(panel.features).all()
    for target in TARGETS:
        assert np.isfinite(panel.rows(target).return_bps).all()
    assert found.kept == len(panel) > 0


def test_a_gap_is_crossed_by_no_horizon(events):
    """An hour is missing: no label may begin before it and end after it."""
    recv_ns = events.recv_ns.copy()
    recv_ns[6_000:] += 3_600 * 10**9
    panel, found, _ = build_panel("X", replace(events, recv_ns=recv_ns), SAMPLING, RNG)
    for target in TARGETS:
        rows = panel.rows(target)
        assert (rows.end_step - rows.step < 2 * target.horizon_steps).all()
        assert found.unknown[str(target)] > 0


def test_calendar_that_is_drawn_says_nothing_of_the_hour(events):
    names = ("hour_sin", "hour_cos")
    drawn, _, _ = build_panel("X", events, Sampling(GRID, TARGETS, names), np.random.default_rng(1))
    told, _, _ = build_panel("X", events, Sampling(GRID, TARGETS, names, draws_calendar=False), RNG)
    assert told.features.std(axis=0).max() < 0.02
    assert drawn.features.std(axis=0).min() > 0.5


def test_kernel_knows_nothing_of_the_future(events):
    assert find_future(events, GRID) == []


def still(n=6_000):
    events = random_events(3, n, StreamShape(shares=(20, 50, 28, 2, 0)))
    v, depth = events.v.copy(), events.depth.copy()
    v[events.kind == EventKind.TRADE, 0] = 100.0
    quote = events.kind == EventKind.QUOTE
    v[quote, 0], v[quote, 2] = 99.99, 100.01
    depth[:] = depth[0]
    return EventArrays(events.kind, events.recv_ns, v, depth)


def sample_of(*parts):
    return Sample(parts[0][0], tuple(part[1] for part in parts))


def test_history_that_never_moves_is_refused_by_name():
    with pytest.raises(Refused, match="price of S never moves") as refusal:
        leave_constant_out(sample_of(build_panel("S", still(), replace(SAMPLING, feature_names=("spread_bps",)), RNG)))
    assert refusal.value.code == "constant_series"
    assert refusal.value.hint


def test_instrument_that_never_moves_is_left_out_beside_one_that_does(events, built):
    from foretick.predictor.domain.dataset import join_panels

    quiet = build_panel("S", still(), replace(SAMPLING, feature_names=("spread_bps",)), RNG)
    moving = build_panel("X", events, replace(SAMPLING, feature_names=("spread_bps",)), RNG)
    both = Sample(join_panels([quiet[0], moving[0]]), (quiet[1], moving[1]))
    kept = leave_constant_out(both)
    assert set(kept.panel.symbol) == {"X"}
    assert kept.left_out == ("S: never moves",)


def test_history_within_the_warm_up_is_refused_with_what_to_do(events):
    short = build_panel("X", events.slice(0, 200), SAMPLING, RNG)
    with pytest.raises(Refused, match="all within the warm-up") as refusal:
        leave_constant_out(sample_of(short))
    assert refusal.value.code == "too_little_history"
    assert "TRAIN_DURATION" in refusal.value.hint


def test_history_without_the_source_of_a_feature_names_it(events):
    """Without trades there is no VWAP, and the warm-up never ends; the spread is there."""
    silent = events.kind == EventKind.TRADE
    kind = np.where(silent, EventKind.CLOCK, events.kind).astype(np.uint8)
    untraded = EventArrays(kind, events.recv_ns, np.where(silent[:, None], 0.0, events.v), events.depth)
    names = ("spread_bps", "vwap_deviation_bps")
    with pytest.raises(Refused, match="warm-up; 1 features still lack numbers: vwap_deviation_bps") as refusal:
        leave_constant_out(sample_of(build_panel("X", untraded, replace(SAMPLING, feature_names=names), RNG)))
    assert "with trades" in refusal.value.hint


def test_history_that_loses_a_feature_after_its_warm_up_names_it():
    """Of 90 warm vectors none is whole: all lack ``b``, a third lacks ``a``."""
    lost = Yield("X", 500, 100, 10, {"a": 30, "b": 90}, {}, 0, 0)
    blank = build_panel("X", random_events(3, 10), SAMPLING, RNG)[0]
    with pytest.raises(Refused, match=r"no vector of 90 has all features; missing in all: b$") as refusal:
        leave_constant_out(Sample(blank, (lost,)))
    assert refusal.value.code == "features_missing"


def test_too_few_rows_are_refused_with_how_many_are_needed(built):
    sample = Sample(built[0], (built[1],))
    count = len(built[0].rows(TARGETS[0]))
    refuse_too_few(sample, TARGETS[0], count, "to learn from")
    with pytest.raises(Refused, match=f"{count} rows of forward_return_5 to learn from, {count + 1} are needed"):
        refuse_too_few(sample, TARGETS[0], count + 1, "to learn from")
