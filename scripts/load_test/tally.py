"""What the clients of one process have seen; adds up over processes."""

import math
from collections import Counter
from dataclasses import dataclass, field, fields

BUCKETS_PER_OCTAVE = 32
"""A quantile is exact within 1.1 %."""


@dataclass
class Latencies:
    """A histogram of latencies in us, by logarithmic buckets."""

    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, latency_us: float) -> None:
        """Count one; what is below a microsecond (a clock apart from ours) counts as one."""
        self.buckets[int(math.log2(latency_us) * BUCKETS_PER_OCTAVE) if latency_us > 1 else 0] += 1

    @property
    def count(self) -> int:
        """How many were counted."""
        return self.buckets.total()

    def quantile_ms(self, share: float) -> float | None:
        """Return the latency at or below which ``share`` of them lie, ms; None without any."""
        rank, seen = math.ceil(share * self.count), 0
        for bucket, count in sorted(self.buckets.items()):
            seen += count
            if seen >= rank:
                return 2 ** ((bucket + 0.5) / BUCKETS_PER_OCTAVE) / 1e3
        return None


@dataclass
class Tally:
    """Counts over all clients.

    connected, failed: handshakes; refused: connections that the server said it could not take
    messages, bytes: what arrived; deltas, snapshots: of them
    broken_links: deltas whose ``prev`` is not the ``seq`` that the client held, and ``seq`` that went back
    conflated: snapshots that came in place of updates, which a slow client is due
    dropped: connections that ended without our asking, by close code in ``close_codes``
    resumed, resumed_whole, unanswered: topics that a returning client resumed, got whole, or did not get at all
    of_source: from ingest reading the bytes (``ts_recv_us``) to the client, of deltas
    of_gateway: from the gateway's clock in a heartbeat to the client
    """

    connected: int = 0
    failed: int = 0
    refused: int = 0
    messages: int = 0
    bytes: int = 0
    deltas: int = 0
    snapshots: int = 0
    broken_links: int = 0
    conflated: int = 0
    errors: int = 0
    dropped: int = 0
    churned: int = 0
    frozen: int = 0
    resumed: int = 0
    resumed_whole: int = 0
    unanswered: int = 0
    close_codes: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    of_source: Latencies = field(default_factory=Latencies)
    of_gateway: Latencies = field(default_factory=Latencies)

    def add(self, other: "Tally") -> None:
        """Add the counts of another process."""
        for entry in fields(self):
            mine, theirs = getattr(self, entry.name), getattr(other, entry.name)
            if isinstance(mine, int):
                setattr(self, entry.name, mine + theirs)
            elif isinstance(mine, Latencies):
                mine.buckets.update(theirs.buckets)
            else:
                mine.update(theirs)

    @property
    def faults(self) -> list[str]:
        """What must not be: each makes the test fail."""
        found = {
            "broken links in the chain of seq and prev": self.broken_links,
            "connections failed": self.failed,
            "connections refused": self.refused,
            "connections dropped by the server": self.dropped,
            "error answers": self.errors,
            "topics not answered after a return": self.unanswered,
        }
        faults = [f"{count} {what}" for what, count in found.items() if count]
        if not self.deltas:
            faults.append("no update arrived")
        return faults
