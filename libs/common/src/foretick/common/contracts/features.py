"""Feature vectors."""

from foretick.common.contracts._base import Message


class FeatureVector(Message, frozen=True, kw_only=True, gc=False):
    """The features of an instrument at one step of data time.

    asof_seq: the instrument's sequence number of the last event that was folded in
    prev_asof_seq: the ``asof_seq`` of the vector published before this one, by whichever process; null for the first
    step: number of the step, ``ts_recv_ns // interval_ns``
    interval_ns: length of a step
    mid: mid price at that point, quote currency; null while no two-sided quote is known
    schema_id, schema_hash: which features these are, in which order (see the feature registry)
    values: one number a feature in the registry's order; null is missing, warming up or masked
    warm: whether the features that a model takes, unless it says otherwise, have passed their warm-up
    since_seq: the first event that went into its state; null where its producer does not know
    lost_events: how many events after that were missing when the state was made, in all; a sequence that began anew
        counts as one
    cross_seq: the ``seq`` of the cross-section whose values are in it, that of the second that was due; null where it
        has none: that one had not come yet, or says nothing of the instrument
    ts_frame_sent_ns: wall clock of ingest when it published the frame with the event ``asof_seq``
    ts_frame_taken_ns: wall clock of features when it took that frame up
    """

    asof_seq: int
    prev_asof_seq: int | None
    step: int
    interval_ns: int
    mid: float | None
    schema_id: str
    schema_hash: str
    values: list[float | None]
    warm: bool
    ts_frame_sent_ns: int | None = None
    ts_frame_taken_ns: int | None = None
    since_seq: int | None = None
    lost_events: int = 0
    cross_seq: int | None = None
