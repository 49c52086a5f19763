"""Delivered messages -> what a commit takes from one stream."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from foretick.common import subjects
from foretick.common.contracts import UNDECODABLE, Message
from foretick.common.errors import Malformed
from foretick.ingest.domain.rows import Rows
from foretick.ingest.domain.stream import Delivered, Offset

RECORDED = (subjects.INSTRUMENTS, subjects.MARKET, subjects.FEATURES, subjects.PREDICTIONS, subjects.OUTCOMES)
"""The streams that are recorded."""

_DECODERS = {
    subject.root: msgspec.json.Decoder(subject.contract) for subject in subjects.TABLE if subject.stream in RECORDED
}


@dataclass(frozen=True, slots=True)
class Part:
    """What a commit takes from one stream.

    offset: how far the stream is recorded once ``rows`` are committed
    fresh: the messages that were not recorded before
    rejected: those of them that cannot be used, with the reason
    """

    rows: Rows
    offset: Offset
    fresh: list[Delivered]
    rejected: list[tuple[Delivered, str]]


def fold(before: Offset, delivered: Sequence[Delivered], sample_interval_ns: int) -> Part:
    """Turn what was ``delivered`` after ``before`` into rows; what is recorded already is left out."""
    rows = Rows(before.positions.copy(), sample_interval_ns)
    fresh: list[Delivered] = []
    last_seq = before.last_seq
    for each in delivered:
        if each.seq > last_seq:
            fresh.append(each)
            last_seq = each.seq
    rejected: list[tuple[Delivered, str]] = []
    for each in fresh:
        try:
            rows.add(_decode(each))
        except (*UNDECODABLE, Malformed) as error:
            rejected.append((each, str(error)))
    if not fresh:
        return Part(rows, before, fresh, rejected)
    last = fresh[-1]
    after = replace(before, last_seq=last.seq, last_stored_ns=last.stored_ns, positions=rows.positions)
    return Part(rows, after, fresh, rejected)


def pass_by(before: Offset, only: Delivered, reason: str) -> Part:
    """Return a part without rows that moves past ``only``, a message that the database refuses."""
    after = replace(before, last_seq=only.seq, last_stored_ns=only.stored_ns)
    return Part(Rows(before.positions, sample_interval_ns=1), after, [only], [(only, reason)])


def _decode(delivered: Delivered) -> Message:
    message = _DECODERS[delivered.subject.partition(".")[0]].decode(delivered.data)
    assert isinstance(message, Message)  # all that travels on these subjects is about an instrument
    return message
