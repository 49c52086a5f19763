"""TCP ports of this machine: which are free, and who has one."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from foretick.common.runtime.embedded import free_port

_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that listens on a port."""

    pid: int
    command: str


def is_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a server could not listen on ``host:port`` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def distinct_free_ports(count: int) -> list[int]:
    """Return ``count`` different free ports of the loopback interface."""
    ports: list[int] = []
    while len(ports) < count:
        port = free_port()
        if port not in ports:
            ports.append(port)
    return ports


def owner_of(port: int) -> Owner | None:
    """Return who listens on ``port``; None where the system does not tell (no /proc, or another user's process)."""
    sockets = _listening_sockets(port)
    if not sockets:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = [os.readlink(link) for link in (process / "fd").iterdir()]
            if not sockets.isdisjoint(links):
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return Owner(int(process.name), words[:120])
        except OSError:
            continue
    return None


def _listening_sockets(port: int) -> set[str]:
    """Return the names, as /proc writes them, of the sockets that listen on ``port``."""
    names: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                names.add(f"socket:[{columns[9]}]")
    return names
