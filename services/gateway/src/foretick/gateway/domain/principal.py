"""Who may come in, and as whom."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a session acts for."""

    name: str
    kind: str


LOOPBACK_USER = Principal("loopback", "embedded")
"""The one user of the embedded default: whoever can reach the loopback interface."""


class Perimeter:
    """Judges a request by where it was sent (Host) and which page sent it (Origin).

    Without the Host check a foreign page could reach a loopback server under a name that it controls (DNS rebinding);
    without the Origin check it could open our WebSocket, which browsers don't hold to the same-origin policy.
    ``*`` among the hosts or origins allows every one.
    """

    def __init__(self, hosts: Collection[str] = (), origins: Collection[str] = ()) -> None:
        self._hosts = LOOPBACK_HOSTS | {host.lower() for host in hosts}
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    def host_refusal(self, host: str | None) -> str:
        """Return why a request with this Host header is refused; empty when it is not.

        >>> Perimeter().host_refusal("localhost:8000"), bool(Perimeter().host_refusal("evil.example"))
        ('', True)
        """
        if "*" in self._hosts or _hostname(f"//{host or ''}") in self._hosts:
            return ""
        return f"host {host!r} is not allowed; name it in ALLOWED_HOSTS if it is yours"

    def origin_refusal(self, origin: str | None, host: str | None) -> str:
        """Return why a request from a page of this Origin is refused; empty when it is not, or no page sent it.

        >>> Perimeter().origin_refusal("http://localhost:5173", "localhost:8000")
        ''
        """
        if origin is None or "*" in self._origins or origin.lower() in self._origins:
            return ""
        if _hostname(origin) in self._hosts or (host and origin.lower().partition("://")[2] == host.lower()):
            return ""
        return f"origin {origin!r} is not allowed; name it in ALLOWED_ORIGINS if it is yours"


def _hostname(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
