"""What was wrong with features, as metrics: by feature, all instruments together."""

from foretick.common.testing import T0_NS, book_frame, tick_frame
from foretick.features.adapters.metrics.client import FoldMetrics
from foretick.quant.feature import Needs
from foretick.quant.kernel import Fault
from foretick.quant.registry import FEATURES

STEP_NS = 100_000_000


def test_faults_of_values_are_counted_by_feature(service, fake_runtime):
    FoldMetrics(fake_runtime.metrics, fake_runtime.log, fake_runtime.sequence, service.frames.kernel.faults)
    get = fake_runtime.metrics.registry.get_sample_value

    def counted(name: str, fault: Fault) -> float | None:
        group = next(feature.group.value for feature in FEATURES if feature.name == name)
        labels = {"feature": name, "group": group, "fault": fault.name.lower()}
        return get("foretick_features_values_total", labels)

    assert counted("spread_bps", Fault.MASKED) is None
    service.frames.handle([tick_frame("C", seq=1)])
    assert counted("spread_bps", Fault.MASKED) == 1
    assert counted("depth_imbalance_l5", Fault.MASKED) == 1
    assert counted("rsi", Fault.WARMING) == 1
    service.frames.handle([book_frame(seq=2), tick_frame("Q", seq=3, start_ns=T0_NS + STEP_NS)])
    assert counted("spread_bps", Fault.MASKED) == 1
    old = tick_frame("C", seq=4, start_ns=T0_NS + 20_000_000_000)
    service.frames.handle([old])
    assert counted("spread_bps", Fault.STALE) == 1
    assert counted("hour_sin", Fault.STALE) is None


def test_masked_features_are_those_that_need_a_book_or_a_basket(service):
    service.frames.handle([tick_frame("Q", seq=1)])
    masked = service.frames.kernel.faults[Fault.MASKED]
    assert [FEATURES[at].name for at in masked.nonzero()[0]] == [
        f.name for f in FEATURES if f.needs in (Needs.BOOK, Needs.BASKET)
    ]
