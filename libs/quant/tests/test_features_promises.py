"""What the registry promises of every feature, held to streams of every kind of event: ranges, needs, no future."""

import numpy as np
import pytest

from foretick.quant.cross_section import CROSS_COUNT
from foretick.quant.events import BookTrust, EventArrays, EventKind
from foretick.quant.feature import Needs, WarmupUnit
from foretick.quant.kernel import Fault, FeatureKernel, Grid, fold_history
from foretick.quant.kernel.vector import META_COLUMNS
from foretick.quant.parameters import CROSS_DELAY_S
from foretick.quant.registry import FEATURES, MODEL_FEATURES
from foretick.quant.testing import StreamShape, random_events, random_sections

GRID = Grid(interval_ns=100_000_000, window_steps=150)
CUTS = 100


def wild_events(seed: int, n: int = 6_000) -> EventArrays:
    """Prices that jump by powers of ten, absurd sizes, crossed and empty tops, holes in the book, pauses."""
    rng = np.random.default_rng(seed)
    events = random_events(seed, n, StreamShape(shares=(25, 40, 25, 8, 2), mean_gap_ns=12_000_000))
    v, depth = events.v.copy(), events.depth.copy()
    trade, quote = events.kind == EventKind.TRADE, events.kind == EventKind.QUOTE
    scale = 10.0 ** np.where(rng.random(n) < 0.01, rng.integers(-9, 10, n), 0)
    v[trade, 0] *= scale[trade]
    v[trade, 1] *= 10.0 ** rng.integers(-12, 13, trade.sum())
    v[quote, 0] *= scale[quote]
    v[quote, 2] *= scale[quote]
    odd = np.flatnonzero(trade | quote)[rng.random((trade | quote).sum()) < 0.02]
    v[odd, rng.integers(0, 3, len(odd))] = rng.choice([0.0, -1.0, np.nan, np.inf, 1e300, 1e-300], len(odd))
    depth[rng.random(len(depth)) < 0.05, 5:10] = 0.0  # half a side is empty: prices, then sizes of the bids
    depth[rng.random(len(depth)) < 0.02, :] = 0.0
    depth[rng.random(len(depth)) < 0.02, 10] = 1e300
    pause = np.cumsum(np.where(rng.random(n) < 0.002, rng.integers(1, 200, n) * 1_000_000_000, 0))
    return EventArrays(events.kind, events.recv_ns + pause, v, depth)


STREAMS = {
    "ordinary": lambda: random_events(1, 8_000, StreamShape(shares=(20, 50, 24, 5, 1), mean_gap_ns=15_000_000)),
    "sparse": lambda: random_events(2, 4_000, StreamShape(shares=(5, 30, 20, 45, 0), mean_gap_ns=400_000_000)),
    "trades alone": lambda: random_events(3, 4_000, StreamShape(shares=(90, 0, 0, 10, 0), mean_gap_ns=30_000_000)),
    "wild": lambda: wild_events(4),
    "wilder": lambda: wild_events(5),
}


@pytest.fixture(scope="module", params=STREAMS)
def stream(request):
    return STREAMS[request.param]()


def test_values_are_finite_or_missing_and_in_their_range(stream):
    values = fold_history(stream, GRID, sections=random_sections(1, stream)).values
    assert np.isfinite(values).any(axis=0)[-CROSS_COUNT:].all()
    assert not np.isinf(values).any()
    for index, feature in enumerate(FEATURES):
        column = values[:, index]
        column = column[~np.isnan(column)]
        for bound, sign in ((feature.low, 1.0), (feature.high, -1.0)):
            if bound is not None and len(column):
                assert (sign * (column - bound)).min() >= -1e-9 * (1 + abs(bound)), feature.name


def test_no_feature_changes_when_the_future_is_appended():
    """A hundred cuts; the future after each is another one, not merely a longer one."""
    events, other = STREAMS["ordinary"](), random_events(9, 2_000)
    sections = random_sections(2, events)
    whole = fold_history(events, GRID, sections=sections)
    for cut in np.random.default_rng(0).integers(1, len(events), CUTS).tolist():
        shifted = other.recv_ns - other.recv_ns[0] + events.recv_ns[cut - 1]
        future = other.v.copy()
        future[other.kind == EventKind.DEPTH, 0] += len(events.depth)
        joined = EventArrays(
            np.concatenate([events.kind[:cut], other.kind]), np.concatenate([events.recv_ns[:cut], shifted]),
            np.concatenate([events.v[:cut], future]), np.concatenate([events.depth, other.depth]),
        )  # fmt: skip
        past = int(np.searchsorted(whole.asof_seq, cut, side="right"))
        known = {s: reading for s, reading in sections.items() if s <= events.recv_ns[cut - 1] // 10**9 - CROSS_DELAY_S}
        folded = fold_history(joined, GRID, sections=random_sections(3, joined) | known)
        assert folded.values[:past].tobytes() == whole.values[:past].tobytes()


def after(
    events: EventArrays,
    kind: EventKind,
    values: tuple[float, ...],
    kernel: FeatureKernel,
    row: int,
    section: bool = True,
) -> np.ndarray:
    """The vector after one more event, a step later; with the cross-section that is due if ``section``."""
    v = np.zeros((1, 4))
    v[0, : len(values)] = values
    recv_ns = events.recv_ns[-1:] + GRID.interval_ns
    kernel.forget_cross(row)
    if section:
        put_sections(kernel, row, recv_ns)
    assert kernel.fold(row, EventArrays(np.array([kind], np.uint8), recv_ns, v, np.zeros((0, 40)))) == 1
    return kernel.out[0, META_COLUMNS:].copy()


def put_sections(kernel: FeatureKernel, row: int, recv_ns: np.ndarray) -> None:
    times = EventArrays(
        np.full(len(recv_ns), EventKind.CLOCK, np.uint8), recv_ns, np.zeros((len(recv_ns), 4)), np.zeros((0, 40))
    )
    for second, reading in random_sections(6, times).items():
        kernel.put_cross(row, second, reading)


LONG = StreamShape(shares=(30, 40, 25, 5, 0), mean_gap_ns=12_000_000)


@pytest.mark.parametrize(
    ("kind", "values", "masked"),
    [
        (EventKind.CLOCK, (), set()),
        (EventKind.CLOCK, (), {Needs.BASKET}),
        (EventKind.STATE, (BookTrust.STALE,), {Needs.BOOK}),
        (EventKind.STATE, (BookTrust.CROSSED,), {Needs.BOOK}),
        (EventKind.STATE, (BookTrust.GAP,), {Needs.BOOK, Needs.TOP}),
        (EventKind.QUOTE, (101.0, 1.0, 100.0, 1.0), {Needs.TOP}),
        (EventKind.QUOTE, (np.nan, 1.0, 100.0, 1.0), {Needs.TOP}),
    ],
)
def test_what_is_masked_is_what_the_registry_says(kind, values, masked):
    events = random_events(5, 8_000, LONG)
    kernel = FeatureKernel(GRID)
    row = kernel.add()
    kernel.fold(row, events)
    has_basket = Needs.BASKET not in masked
    missing = {
        f.name
        for f, value in zip(FEATURES, after(events, kind, values, kernel, row, has_basket), strict=True)
        if value != value
    }
    assert missing == {feature.name for feature in FEATURES if feature.needs in masked}


def test_every_warm_up_is_the_registrys():
    events = random_events(4, 9_000, LONG)
    vectors = fold_history(events, GRID)
    elapsed_s = (vectors.recv_ns - events.recv_ns[0]) / 1e9
    closed_bars = vectors.recv_ns // 10**9 - events.recv_ns[0] // 10**9
    elapsed_steps = vectors.step - vectors.step[np.isfinite(vectors.mid)][0]
    progress = {WarmupUnit.SECONDS: elapsed_s, WarmupUnit.BARS: closed_bars, WarmupUnit.STEPS: elapsed_steps}
    present = ~np.isnan(vectors.values)
    for index, feature in enumerate(FEATURES):
        if feature.warmup.unit in progress:
            reached = progress[feature.warmup.unit] >= feature.warmup.count
            assert present[:, index].tolist() == reached.tolist(), feature.name
    inputs = [FEATURES.index(feature) for feature in MODEL_FEATURES]
    assert vectors.warm.any()
    assert vectors.warm.tolist() == present[:, inputs].all(axis=1).tolist()


def test_faults_are_counted_by_what_is_wrong():
    events = random_events(5, 8_000, LONG)
    kernel = FeatureKernel(GRID, kept_s=200)
    row = kernel.add()
    put_sections(kernel, row, events.recv_ns)
    kernel.fold(row, events)
    assert kernel.faults[Fault.WARMING].sum() > 0
    assert kernel.faults[[Fault.MASKED, Fault.MISSING, Fault.OUTSIDE, Fault.STALE]].sum() == 0
    kernel.faults[:] = 0
    after(events, EventKind.STATE, (BookTrust.RESYNC,), kernel, row)
    masked = np.array([feature.needs is Needs.BOOK for feature in FEATURES])
    assert kernel.faults[Fault.MASKED].tolist() == masked.astype(int).tolist()
    kernel.faults[:] = 0
    later = EventArrays(events.kind[-1:], events.recv_ns[-1:] + 20 * 10**9, events.v[-1:], events.depth)
    clock = EventArrays(np.array([EventKind.CLOCK], np.uint8), later.recv_ns, np.zeros((1, 4)), np.zeros((0, 40)))
    kernel.fold(row, clock)
    stale = np.array([feature.needs is Needs.TOP for feature in FEATURES])
    there = ~np.isnan(kernel.out[0, META_COLUMNS:])
    assert kernel.faults[Fault.STALE].tolist() == (stale & there).astype(int).tolist()
