"""Looks at the machine for ``foretick doctor``."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from foretick.common.runtime.embedded import is_port_free
from foretick.launcher.domain.diagnosis import Facts, Port
from foretick.launcher.machine import ports
from foretick.launcher.machine.instance import read_card, running_pid

_CLOCK_WATCH_S = 0.3
_CONNECT_TIMEOUT_S = 3.0


def gather(
    data_dir: Path,
    web_dir: Path,
    wanted_ports: dict[str, int],
    addresses: dict[str, tuple[str, int]],
    settings_faults: Iterable[str] = (),
) -> Facts:
    """Look at everything.

    Args:
        data_dir: of the run
        web_dir: of the built web app
        wanted_ports: by the name of the setting; 0 is not looked at
        addresses: scheme-less address and default port of what is not embedded, by the name of the setting
        settings_faults: what is wrong with the settings
    """
    place = _existing(data_dir)
    pid = running_pid(data_dir)
    return Facts(
        python=sys.version_info[:3],
        node=_node_version(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=_available_memory_bytes(),
        disk_free_bytes=shutil.disk_usage(place).free,
        data_dir=str(data_dir),
        is_writable=os.access(place, os.W_OK),
        year=datetime.now(UTC).year,
        clock_drift_s=_clock_drift_s(),
        ports=tuple(_look_at_port(name, number) for name, number in wanted_ports.items() if number),
        running_pid=pid,
        has_stale_card=pid is None and read_card(data_dir) is not None,
        is_web_built=(web_dir / "index.html").is_file(),
        kernels_cached=_has_cached_kernels(),
        reachable={name: _fault_of(*address) for name, address in addresses.items()},
        settings_faults=tuple(settings_faults),
    )


def split_address(url: str, default_port: int) -> tuple[str, int]:
    """Return host and port of ``url``."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or default_port


def _existing(path: Path) -> Path:
    """Return ``path``, or the nearest directory above it that exists."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())


def _node_version() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    return subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()


def _available_memory_bytes() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _clock_drift_s() -> float:
    wall_s, steady_s = time.time(), time.monotonic()
    time.sleep(_CLOCK_WATCH_S)
    return (time.time() - wall_s) - (time.monotonic() - steady_s)


def _look_at_port(name: str, number: int) -> Port:
    if is_port_free(number):
        return Port(name, number, is_taken=False)
    owner = ports.owner_of(number)
    return Port(name, number, is_taken=True, owner=f"process {owner.pid} ({owner.command})" if owner else "")


def _has_cached_kernels() -> bool:
    import foretick.quant.registry

    package = Path(foretick.quant.registry.__file__).parent
    return any(package.rglob("*.nbi")) or any(Path(os.environ.get("NUMBA_CACHE_DIR", package)).rglob("*.nbi"))


def _fault_of(host: str, port: int) -> str | None:
    try:
        socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_S).close()
    except OSError as error:
        return f"{host}:{port} does not answer: {error.strerror or error}"
    return None
