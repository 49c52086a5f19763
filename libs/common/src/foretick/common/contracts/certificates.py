"""The parity certificate: whether what is published live is what the recording gives."""

from enum import StrEnum

from foretick.common.contracts._base import Contract


class ParityVerdict(StrEnum):
    """What can be said of the published vectors.

    EQUAL: all that was compared lately was equal, to the bit
    DIFFERENT: something was not, within the last hour
    UNKNOWN: nothing could be compared lately
    """

    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


class Unchecked(StrEnum):
    """Why a vector could not be compared.

    RECORDING_LOST: the recording lacks events that features had
    FEATURES_LOST: features lacked events that the recording has
    NO_START: the first event of its state is not in reach, and neither is a saved state
    OTHER_FEATURES: it is of another schema or another length of a step
    UNMARKED: its producer does not say what went into its state
    CROSS_LOST: the recording lacks the cross-section that it names
    """

    RECORDING_LOST = "recording_lost"
    FEATURES_LOST = "features_lost"
    NO_START = "no_start"
    OTHER_FEATURES = "other_features"
    UNMARKED = "unmarked"
    CROSS_LOST = "cross_lost"


class ParityDifference(Contract, frozen=True, kw_only=True, gc=False):
    """The first thing that was not equal in a vector.

    feature: its name; where the vector differs beside its values, the name of that field
    published, recomputed: as JSON spells them: a number in shortest round-trip text, ``null``, a word
    ts_found_ns: wall clock of the check
    """

    venue: str
    symbol: str
    asof_seq: int
    feature: str
    published: str
    recomputed: str
    ts_found_ns: int


class ParityCheck(Contract, frozen=True, kw_only=True, gc=False):
    """One check: vectors of one instrument, compared with the fold of its recorded events.

    first_seq, last_seq: the ``asof_seq`` of the first and the last vector that was compared
    from_start: the fold began with the first event that went into the state of features, so that it owes it nothing;
        otherwise it began with a state that features had saved
    ts_checked_ns: wall clock of the check
    """

    venue: str
    symbol: str
    first_seq: int
    last_seq: int
    vectors: int
    from_start: bool
    ts_checked_ns: int


class ParityCertificate(Contract, frozen=True, kw_only=True, gc=False):
    """What the checks of a process have found since it started.

    epoch: of the producer's start; a lower one than seen before is refused
    seq: counts the producer's messages from 1
    ts_since_ns, ts_sent_ns: wall clock of the producer's start and of this message
    equal, different, unchecked: vectors, by how their comparison ended
    from_start: how many of the compared were folded from the first event on
    reasons: of the unchecked, how many for which reason (``Unchecked``)
    last: the latest check that compared anything; null before there is one
    difference: the latest that was found; null while there is none
    """

    run_id: str
    producer: str
    epoch: int
    seq: int
    ts_since_ns: int
    ts_sent_ns: int
    verdict: ParityVerdict
    equal: int
    different: int
    unchecked: int
    from_start: int
    reasons: dict[str, int]
    last: ParityCheck | None
    difference: ParityDifference | None
