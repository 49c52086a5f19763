"""The cross-asset features of all instruments as of one closed second."""

from foretick.common.contracts._base import Contract, Origin


class CrossMember(Contract, frozen=True, kw_only=True, gc=False):
    """An instrument in a cross-section.

    pairs: seconds of the window in which it and the basket of all others have a return
    reason: why it has no values: ``no_price``, ``alone``, ``warming_up``, ``interrupted``; empty where it has
    values: its cross-asset features in the registry's order; none with a reason
    """

    venue: str
    symbol: str
    pairs: int
    reason: str = ""
    values: list[float] = []


class CrossSection(Contract, frozen=True, kw_only=True, gc=False):
    """What the closed one-second bars of a run, up to one second, say of how each instrument stands to all others.

    A vector carries the values of the cross-section that is due by data time, and names it (``cross_seq``).

    epoch: fencing epoch of the producer's lease; a lower one than seen before is refused
    seq: number of that second since the Unix epoch, by data time
    prev_seq: the ``seq`` of the message before this one, by whichever process; null for the first
    origins: of its instruments' data
    ts_recv_ns: end of that second
    ts_sent_ns: wall clock of the producer
    features_hash: which features these are, in which order (see the feature registry)
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
    features_hash: str
    left_out: int
    members: list[CrossMember]
