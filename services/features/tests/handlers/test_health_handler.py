"""Feature health: what was wrong within the last minute, by feature, and nothing older."""

import numpy as np

from foretick.common.contracts import FeatureFaults, FeatureHealth
from foretick.common.testing import T0_NS, ManualClock, tick_frame
from foretick.features.domain.health import HealthWindow
from foretick.features.handlers.health import HealthHandler
from foretick.features.ports import Producer
from foretick.quant.feature import Needs
from foretick.quant.kernel import Fault
from foretick.quant.kernel.health import no_faults
from foretick.quant.registry import FEATURES, INDEX

SECOND_NS = 10**9


class Outlet:
    def __init__(self) -> None:
        self.told: list[FeatureHealth] = []

    def publish_health(self, message: FeatureHealth) -> None:
        self.told.append(message)


def make(faults: np.ndarray, count) -> tuple[HealthHandler, Outlet, ManualClock]:
    clock, outlet = ManualClock(), Outlet()
    clock.ns = T0_NS
    window = HealthWindow(faults, clock.ns)
    return HealthHandler(window, count, outlet, clock, Producer("test", "features.serve-0"), 3), outlet, clock


def test_all_five_kinds_are_told_by_feature_and_leave_after_a_minute():
    faults, vectors = no_faults(), [0]
    handler, outlet, clock = make(faults, lambda: vectors[0])
    for kind, count in zip(Fault, (1, 2, 3, 4, 5), strict=True):
        faults[kind, INDEX["rsi"]] = count
    vectors[0] = 50
    clock.advance(5 * SECOND_NS)
    handler.tell()
    first = outlet.told[-1]
    assert (first.run_id, first.producer, first.epoch, first.ts_ns) == ("test", "features.serve-0", 3, clock.ns)
    assert (first.window_s, first.vectors) == (5.0, 50)
    assert first.faults == [FeatureFaults(feature="rsi", warming=1, masked=2, missing=3, outside=4, stale=5)]
    for _ in range(12):
        clock.advance(5 * SECOND_NS)
        handler.tell()
    last = outlet.told[-1]
    assert (last.window_s, last.vectors, last.faults) == (60.0, 0, [])


def test_book_that_is_not_trusted_shows_as_masked_features(service, market):
    """The counts are the kernel's, of a service that folds."""
    service.frames.handle(market(5, 400, per_frame=3))
    handler, outlet, clock = make(service.frames.kernel.faults, lambda: len(service.vectors))
    audit = service.frames.instruments["sim", "BTCUSDT"].audit
    lost = tick_frame("CC", seq=audit.next_seq + 7, start_ns=T0_NS + 30 * SECOND_NS, spacing_ns=SECOND_NS)
    service.frames.handle([lost])
    clock.advance(SECOND_NS)
    handler.tell()
    masked = {row.feature for row in outlet.told[-1].faults if row.masked}
    assert masked == {feature.name for feature in FEATURES if feature.needs is not Needs.NOTHING}
