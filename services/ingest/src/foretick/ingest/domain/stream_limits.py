"""What a venue allows of its connections, and how long they live."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Limits of one venue, below its own.

    symbols_per_connection: how many instruments one connection carries
    sends_per_s: requests a second that a connection may send
    connects_per_minute: connections that may be opened a minute
    connects_per_s: connections that may be opened within any second; None where the venue limits no second
    sends_per_s_together: requests that all connections together may send within any second; None where the venue counts
        each connection by itself
    idle_timeout_s: after so long without a message a connection counts as dead
    lifetime_s: a connection is replaced at this age, before the venue cuts it; None where it does not
    keepalive: what to send, and how often in s, so that the venue keeps the connection; None for nothing
    """

    symbols_per_connection: int
    sends_per_s: float
    connects_per_minute: float
    idle_timeout_s: float
    lifetime_s: float | None = None
    keepalive: tuple[bytes, float] | None = None
    connects_per_s: int | None = None
    sends_per_s_together: int | None = None
