"""A server as a child process that leaves nothing behind."""

import fcntl
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from foretick.common.errors import Fatal

LOOPBACK = "127.0.0.1"
_FIRST_PORT = 10_000
_FIRST_HANDED_OUT = 32_768
"""Where the ports begin that Linux gives to outgoing connections; other systems begin higher."""

_POLL_S = 0.01
_PORT_ATTEMPTS = 5
_LOCK_WAIT_S = 20.0
_ROOM_BYTES = 256 * 1024**2
_ROOM_FRAC = 0.2

# Waits for the end of its standard input, which is the end of the process that holds the other side of the pipe. Then
# it asks the server to stop, and after 20 s it stops asking. Unlike PR_SET_PDEATHSIG it works on every Unix, does not
# depend on which thread started the server and needs no code between fork and exec.
_WATCHDOG = """
read -r _
kill -s "$1" "$2" 2>/dev/null || exit 0
for _ in $(seq 200); do kill -0 "$2" 2>/dev/null || exit 0; sleep 0.1; done
kill -s KILL "$2"
"""


class PortTaken(Fatal):
    """Another process listens on the port that this server was told to use."""

    def __init__(self, server: str, port: int) -> None:
        super().__init__(
            f"{server}: port {port} on {LOOPBACK} is taken: stop the process that uses it or choose another"
        )
        self.port = port


class DirectoryInUse(Fatal):
    """Another server runs on the same data directory."""

    def __init__(self, server: str, directory: Path, owner: str) -> None:
        super().__init__(
            f"{server}: {directory} is in use by {owner or 'another process'}: is Foretick running already?"
        )


class StartFailed(Fatal):
    """The server ended, or did not get ready in time; the message ends with the last lines of its log."""

    def __init__(self, server: str, what: str, log_path: Path) -> None:
        lines = log_path.read_text(errors="replace").splitlines()[-12:] if log_path.exists() else []
        super().__init__("\n".join((f"{server} {what}; the end of {log_path}:", *lines)))


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now, other than at the last call most likely.

    It is none of those that systems hand out by themselves, to connections and to who asks for any port: what listens
    on it later, or again after a restart, does not find a stranger there.
    """
    while True:
        port = _FIRST_PORT + secrets.randbelow(_FIRST_HANDED_OUT - _FIRST_PORT)
        if is_port_free(port):
            return port


def is_port_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on ``host:port`` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


class EmbeddedServer(ABC):
    """What the embedded servers share: ports, the lock on the data directory, start, stop, kill and the watchdog.

    Args:
        data_dir: where the server keeps its data and its log; made if absent
        port: to listen on, loopback only; 0 picks a free one at the first start, and restarts keep it
        start_timeout_s: how long a start may take, recovery of its data included
    """

    name: str
    stop_signal: signal.Signals

    def __init__(self, data_dir: Path | str, port: int = 0, *, start_timeout_s: float = 60.0) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.log_path = self.data_dir / f"{self.name}.log"
        self.port = port
        self._any_port = port == 0
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data directory and the configuration ready; called under the lock before each start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line of the server in the foreground."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Tell whether the server answers now; must not block for long nor raise."""

    def _account(self) -> pwd.struct_passwd | None:
        """The account to run the server as; ``None`` is this process's own."""
        return None

    def fault(self) -> str:
        """Return why the running server cannot do its work until it is started anew, empty when it can."""
        return ""

    @property
    def bulk_dir(self) -> Path:
        """Where most of what it writes goes."""
        return self.data_dir

    @property
    def has_room(self) -> bool:
        """Whether the disk under ``bulk_dir`` has room for more than a moment."""
        disk = shutil.disk_usage(self.bulk_dir)
        return disk.free >= min(_ROOM_BYTES, disk.total * _ROOM_FRAC)

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    def start(self) -> Self:
        """Start the server and return when it answers.

        Raises:
            PortTaken: somebody else listens on the port
            DirectoryInUse: another server runs on this data directory
            StartFailed: the server ended or did not answer in time
        """
        if self.running:
            return self
        self.data_dir.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self.port = self.port or free_port()
            try:
                self._start_once()
            except PortTaken:
                # The free port was taken between the choice and the start.
                if not self._any_port or attempt == _PORT_ATTEMPTS:
                    raise
                self.port = 0
            else:
                self._any_port = False
                return self
        raise AssertionError("unreachable")

    def _start_once(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        lock = self._lock_directory()
        try:
            if not is_port_free(self.port):
                raise PortTaken(self.name, self.port)
            self._prepare()
            self._process = self._spawn(lock)
            os.pwrite(lock, f"process {self._process.pid}\n".encode().ljust(32), 0)
        finally:
            # The server inherited the lock and holds it for as long as it lives.
            os.close(lock)
        self._watchdog = _watch(self._process.pid, self.stop_signal)
        while not self._is_ready():
            if not self.running or time.monotonic() > deadline:
                what = "did not get ready in time" if self.running else f"ended with code {self._process.returncode}"
                self.kill()
                if "in use" in "".join(self.log_path.read_text(errors="replace").splitlines(keepends=True)[-12:]):
                    raise PortTaken(self.name, self.port)
                raise StartFailed(self.name, what, self.log_path)
            time.sleep(_POLL_S)

    def _lock_directory(self) -> int:
        """Take the lock that the previous server on this directory held until its end; wait for that a little."""
        lock = os.open(self.data_dir / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + _LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            except BlockingIOError:
                if time.monotonic() > deadline:
                    owner = os.pread(lock, 64, 0).decode(errors="replace").strip()
                    os.close(lock)
                    raise DirectoryInUse(self.name, self.data_dir, owner) from None
                time.sleep(_POLL_S)

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        with self.log_path.open("ab") as log:
            return subprocess.Popen[bytes](
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
                # A Ctrl-C in the terminal goes to the parent alone, which stops its servers in order.
                start_new_session=True,
                **identity(self._account()),
            )

    def stop(self, timeout_s: float = 20.0) -> None:
        """Stop the server in good order; kill it when that takes longer than ``timeout_s``."""
        self._end(self.stop_signal, timeout_s)

    def kill(self) -> None:
        """End the server at once, as a crash would, and return when its own children have ended too."""
        was_running = self.running
        self._end(signal.SIGKILL, 20.0)
        if was_running:
            # A backend of PostgreSQL notices that its postmaster died a moment later, and until then goes on to answer.
            os.close(self._lock_directory())

    def _end(self, how: signal.Signals, timeout_s: float) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.communicate()
            self._watchdog = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def identity(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """Return the arguments of ``subprocess`` that run a command as ``account``."""
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _watch(pid: int, stop_signal: signal.Signals) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCHDOG, "foretick-watchdog", stop_signal.name.removeprefix("SIG"), str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
