"""Messages about the system itself."""

from foretick.common.contracts._base import Contract


class DeadLetter(Contract, frozen=True, kw_only=True, gc=False):
    """Input that a service could not use, kept for inspection on ``dlq.<service>.<role>``.

    service: service and role that refused it
    source: the subject, or the outside feed, that it came from
    reason: what was wrong
    payload_base64: the first 64 KiB of it
    payload_bytes: its full length
    ts_ns: wall clock of the refusal
    """

    service: str
    source: str
    reason: str
    payload_base64: str
    payload_bytes: int
    ts_ns: int
