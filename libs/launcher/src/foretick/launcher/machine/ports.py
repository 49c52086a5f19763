"""TCP ports of this machine: which are free, and who has one."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from foretick.common.runtime.embedded import free_port

_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that listens on a port."""

    pid: int
    command: str


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
        if not sockets.isdisjoint(_open_files(process)):
            return Owner(int(process.name), _command_of(process))
    return None


def _open_files(process: Path) -> set[str]:
    """Return what ``process`` has open, as far as we may see it; files come and go while we look."""
    names: set[str] = set()
    try:
        for link in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                names.add(os.readlink(link))
    except OSError:  # it has ended, or is another user's
        return names
    return names


def _command_of(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes()
    except OSError:
        return "?"
    return words.replace(b"\0", b" ").decode(errors="replace").strip()[:120]


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
