"""How well feature values are: what was not as the registry says, lately."""

from foretick.common.contracts._base import Contract


class FeatureFaults(Contract, frozen=True, kw_only=True, gc=False):
    """Values of one feature that were not as they should be, of all instruments of the producer.

    warming: missing before every feature has passed its warm-up
    masked: missing, for the book, the quotes or the basket that it needs are not there or not trusted
    missing: missing for no such reason
    outside: beyond the range that the registry says
    stale: there, but made from quotes or a book of long ago
    """

    feature: str
    warming: int
    masked: int
    missing: int
    outside: int
    stale: int


class FeatureHealth(Contract, frozen=True, kw_only=True, gc=False):
    """What a process of features counted in the latest ``window_s`` seconds of its wall clock.

    epoch: of the producer's start
    ts_ns: wall clock of the producer
    vectors: how many it made
    faults: of the features that had any, in the registry's order
    """

    run_id: str
    producer: str
    epoch: int
    ts_ns: int
    window_s: float
    vectors: int
    faults: list[FeatureFaults]
