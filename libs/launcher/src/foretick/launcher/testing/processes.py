"""The processes of a running system as victims: kill, freeze, and tell when they are back."""

import contextlib
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import psycopg

from foretick.launcher.testing.system import ROLES, System, wait_until

_GONE = (psutil.NoSuchProcess, psutil.ZombieProcess)


@dataclass(frozen=True, slots=True)
class Victim:
    """Something that may be killed: a role of a service, or a server, whose ``role`` is empty."""

    service: str
    role: str = ""

    @property
    def label(self) -> str:
        """Name in reports, such as ``features.serve`` or ``nats-server``."""
        return f"{self.service}.{self.role}" if self.role else self.service

    def find(self, system: System) -> psutil.Process | None:
        """Return its process, if it runs."""
        return system.role(self.service, self.role) if self.role else server_of(system, self.service)

    def trouble(self, system: System) -> str:
        """Return why it does not serve, empty when it does."""
        process = self.find(system)
        if process is None:
            return "no process"
        if self.role:
            return not_ready(process)
        if self.service == "nats-server":
            return "" if _greets(system) else "does not greet"
        return "" if _answers(system) else "does not answer"


SERVICES = tuple(Victim(*role) for role in ROLES)
SERVERS = (Victim("nats-server"), Victim("postgres"))
VICTIMS = SERVICES + SERVERS


def server_of(system: System, name: str) -> psutil.Process | None:
    """Return the process of an embedded server (of PostgreSQL the postmaster), if it runs."""
    for process in system.processes():
        with contextlib.suppress(*_GONE):
            parent = process.parent()
            if process.name() == name and (parent is None or parent.name() != name):
                return process
    return None


def not_ready(process: psutil.Process) -> str:
    """Return why the role of ``process`` is not ready by its own word, empty when it is."""
    try:
        environment = process.environ()
        with urllib.request.urlopen(f"http://127.0.0.1:{environment['HTTP_PORT']}/health/ready", timeout=2):
            return ""
    except urllib.error.HTTPError as error:
        conditions = json.load(error)["conditions"]
        return "; ".join(f"{name}: {state['detail']}" for name, state in conditions.items() if not state["ok"])
    except (OSError, KeyError, *_GONE) as error:
        return f"does not answer: {error!r}"


def troubles(system: System, victims: Sequence[Victim] = VICTIMS) -> list[str]:
    """Return what is not well, one entry for each victim that does not serve."""
    found = ((victim.label, victim.trouble(system)) for victim in victims)
    return [f"{label}: {trouble}" for label, trouble in found if trouble]


def kill(system: System, victim: Victim, deadline_s: float = 60) -> int:
    """``kill -9`` its process, waiting for one to be there; return the process id."""
    process = wait_until(lambda: victim.find(system), deadline_s, f"a process of {victim.label}")
    with contextlib.suppress(*_GONE):
        process.kill()
        process.wait(10)
    return process.pid


def is_replaced(system: System, victim: Victim, pid: int) -> bool:
    """Whether another process than ``pid`` serves as ``victim``."""
    process = victim.find(system)
    return process is not None and process.pid != pid and not victim.trouble(system)


def database_pids(system: System) -> list[int]:
    """Return PostgreSQL's postmaster and all its children."""
    postmaster = server_of(system, "postgres")
    return [] if postmaster is None else [postmaster.pid, *(child.pid for child in postmaster.children(recursive=True))]


def _greets(system: System) -> bool:
    port = int(system.setting("NATS_URL").rpartition(":")[2].strip("/"))
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            return client.makefile("rb").readline().startswith(b"INFO ")
    except OSError:
        return False


def _answers(system: System) -> bool:
    try:
        with psycopg.connect(system.setting("DATABASE_URL"), connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
