"""Everyone who is connected."""

from collections.abc import Callable

from foretick.common.errors import Refused
from foretick.gateway.domain.outbox import CloseCode, Outbox


class Audience:
    """The open outboxes, at most ``limit``."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._outboxes: dict[Outbox, None] = {}

    def __len__(self) -> int:
        return len(self._outboxes)

    @property
    def blocked(self) -> int:
        """How many take nothing now."""
        return sum(outbox.blocked for outbox in self._outboxes)

    @property
    def waiting(self) -> int:
        """How many messages wait for all together."""
        return sum(outbox.waiting for outbox in self._outboxes)

    def admit(self, outbox: Outbox) -> None:
        """Let one in.

        Raises:
            Refused: ``too_many_connections``.
        """
        if len(self._outboxes) >= self.limit:
            raise Refused(
                "too_many_connections",
                f"all {self.limit} connections are taken",
                "reconnect after 1000 ms; MAX_CONCURRENT_CONNECTIONS sets the limit",
            )
        self._outboxes[outbox] = None

    def leave(self, outbox: Outbox) -> None:
        """Let one go, with its subscriptions."""
        self._outboxes.pop(outbox, None)
        outbox.unsubscribe(tuple(outbox.topics))

    def beat(self, frame: bytes) -> None:
        """Send a heartbeat to all: one encoding, shared."""
        self._each(lambda outbox: outbox.beat(frame))

    def announce(self, frame: bytes) -> None:
        """Tell all what replaces every older announcement: one encoding, shared."""
        self._each(lambda outbox: outbox.announce(frame))

    def close(self, code: CloseCode, reason: str) -> None:
        """Close all."""
        self._each(lambda outbox: outbox.close(code, reason))

    def _each(self, act: Callable[[Outbox], None]) -> None:
        for outbox in tuple(self._outboxes):
            act(outbox)
