"""How well feature values are, over all processes of features."""

from collections import Counter

from foretick.common.contracts import Contract, FeatureFaults, FeatureHealth
from foretick.common.subjects import FEATURE_HEALTHS
from foretick.common.units import NS_PER_MS
from foretick.gateway.domain.freshness import age_ms_of

_KINDS = ("warming", "masked", "missing", "outside", "stale")


class HealthData(Contract, frozen=True, kw_only=True, gc=False):
    """What was wrong with feature values in the last minute; kinds as on the bus.

    producers: processes of features that were heard of within the time to live; with none nothing is known
    age_ms: of the oldest of their counts; null with none
    vectors: that they made in ``window_s`` seconds, the longest of theirs
    warming, masked, missing, outside, stale: values, over all features
    faults: by feature, of those that had any
    """

    producers: int
    age_ms: int | None
    window_s: float
    vectors: int
    warming: int
    masked: int
    missing: int
    outside: int
    stale: int
    faults: list[FeatureFaults]


class HealthBoard:
    """The latest counts of each process; one that is not heard of any more counts no longer."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[FeatureHealth, int]] = {}

    def fold(self, message: FeatureHealth, arrived_ns: int) -> None:
        """Fold one message that arrived at ``arrived_ns`` (wall clock); an older one than the last says nothing."""
        held = self._told.get(message.producer)
        if held is None or (message.epoch, message.ts_ns) >= (held[0].epoch, held[0].ts_ns):
            self._told[message.producer] = message, arrived_ns

    def data(self, now_ns: int) -> HealthData:
        """Return the sums over the processes that are heard of at ``now_ns``."""
        oldest_ns = now_ns - (FEATURE_HEALTHS.ttl_ms or 0) * NS_PER_MS
        self._told = {name: held for name, held in self._told.items() if held[1] >= oldest_ns}
        messages = [message for message, _ in self._told.values()]
        by_feature: dict[str, Counter[str]] = {}
        for row in (row for message in messages for row in message.faults):
            by_feature.setdefault(row.feature, Counter()).update({kind: getattr(row, kind) for kind in _KINDS})
        faults = [
            FeatureFaults(feature=name, **{kind: counts[kind] for kind in _KINDS})
            for name, counts in sorted(by_feature.items())
        ]
        ages_ms = [age_ms_of(arrived_ns, now_ns) or 0 for _, arrived_ns in self._told.values()]
        return HealthData(
            producers=len(messages),
            age_ms=max(ages_ms, default=None),
            window_s=max((message.window_s for message in messages), default=0.0),
            vectors=sum(message.vectors for message in messages),
            **{kind: sum(getattr(row, kind) for row in faults) for kind in _KINDS},
            faults=faults,
        )
