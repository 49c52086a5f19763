"""Correlations of instruments."""

from foretick.common.contracts._base import Contract, Origin, Trust


class CorrelationMember(Contract, frozen=True, kw_only=True, gc=False):
    """An instrument among those that are correlated.

    trust: of its latest second; STALE where that one did not come
    observations: its returns in the window
    reason: why it has no correlations: ``no_price``, ``warming_up``, ``constant``; empty where it has
    """

    venue: str
    symbol: str
    trust: Trust
    observations: int
    reason: str = ""


class CorrelationPairs(Contract, frozen=True, kw_only=True, gc=False):
    """Every pair of members, by column; null where one of the two has a reason.

    first, second: places in ``members``, the first the lower
    windowed, ewma: Hayashi-Yoshida correlation over the window, and exponentially weighted: not pulled to zero where
        prices are observed at different times. A matrix of them is symmetric, but need not be positive semidefinite
    realised: correlation of the returns of whole seconds: a positive semidefinite matrix, but pulled to zero by
        asynchrony
    lag_s: seconds by which the first leads the second; below zero the second leads; null where none is significant
    lag_correlation: the correlation at that lag
    lead_ratio: squared correlations where the first leads over those where the second does; above 1 the first leads
    """

    first: list[int]
    second: list[int]
    windowed: list[float | None]
    ewma: list[float | None]
    realised: list[float | None]
    lag_s: list[int | None]
    lag_correlation: list[float | None]
    lead_ratio: list[float | None]


class Correlations(Contract, frozen=True, kw_only=True, gc=False):
    """Correlation and lead-lag of the instruments of a run, from their closed one-second bars.

    epoch: fencing epoch of the producer's lease; a lower one than seen before is refused
    seq: number of the last second in it, since the Unix epoch, by data time
    prev_seq: the ``seq`` of the message before this one, by whichever process; null for the first
    origins: of its instruments' data
    ts_recv_ns: end of that second
    ts_sent_ns: wall clock of the producer
    trust: the worst of its members
    window_s, half_life_s: what the estimates look back on
    max_lag_s: how far lead and lag are looked for
    left_out: instruments beyond the limit of the setting, which are not among the members
    """

    run_id: str
    producer: str
    epoch: int
    seq: int
    prev_seq: int | None
    origins: list[Origin]
    ts_recv_ns: int
    ts_sent_ns: int
    trust: Trust
    window_s: int
    half_life_s: float
    max_lag_s: int
    left_out: int
    members: list[CorrelationMember]
    pairs: CorrelationPairs
