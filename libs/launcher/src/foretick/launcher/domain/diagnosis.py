"""What the facts about a machine mean for Foretick: each finding says what to do."""

from dataclasses import dataclass, field
from enum import StrEnum

GIB = 1024**3
PYTHON_FLOOR = (3, 11)
NODE_FLOOR = (20, 19)
DISK_FAIL_BYTES = 1 * GIB
DISK_WARN_BYTES = 6 * GIB
MEMORY_WARN_BYTES = 2 * GIB
CLOCK_WARN_S = 0.05
CLOCK_FLOOR_YEAR = 2024


class Grade(StrEnum):
    """How grave a finding is; only ``fail`` keeps Foretick from running."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``foretick doctor``."""

    grade: Grade
    topic: str
    text: str
    remedy: str = ""

    def line(self) -> str:
        """Return the finding as text.

        >>> Finding(Grade.OK, "python", "3.11.7").line()
        'ok    python      3.11.7'
        """
        remedy = f"\n      {'':<12}-> {self.remedy}" if self.remedy else ""
        return f"{self.grade:<4}  {self.topic:<12}{self.text}{remedy}"


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a start would need. ``owner``: who has it, empty when nobody is known."""

    setting: str
    number: int
    is_taken: bool
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen on the machine.

    node: what ``node --version`` printed; None where there is no Node
    clock_drift_s: how much the wall clock gained on the monotonic one while both were watched, signed
    running_pid: the launcher that runs on this data directory, or None
    has_stale_card: a launcher on this data directory was killed before it could tidy up
    reachable: for each address that is set, whether it answers, and if not why
    kernels_cached: whether the compiled kernels are in the cache
    nats_user: the user that NATS_URL names, empty for none; None where the embedded NATS runs
    """

    python: tuple[int, int, int]
    node: str | None
    cores: int
    memory_bytes: int
    disk_free_bytes: int
    data_dir: str
    is_writable: bool
    year: int
    clock_drift_s: float
    ports: tuple[Port, ...]
    running_pid: int | None
    has_stale_card: bool
    is_web_built: bool
    kernels_cached: bool
    reachable: dict[str, str | None] = field(default_factory=dict[str, str | None])
    settings_faults: tuple[str, ...] = ()
    nats_user: str | None = None


def diagnose(facts: Facts) -> list[Finding]:
    """Return the findings, in the order in which a start would meet them."""
    return [
        *(Finding(Grade.FAIL, "settings", fault, "correct it in the environment") for fault in facts.settings_faults),
        _python(facts),
        _node(facts.node, is_web_built=facts.is_web_built),
        _web(is_built=facts.is_web_built),
        _kernels(is_cached=facts.kernels_cached),
        _cores(facts.cores),
        _memory(facts.memory_bytes),
        _disk(facts),
        _clock(facts),
        _instance(facts),
        *(_port(port, is_own=facts.running_pid is not None) for port in facts.ports),
        *(_address(name, fault) for name, fault in facts.reachable.items()),
        _permissions(facts.nats_user),
    ]


def _python(facts: Facts) -> Finding:
    version = ".".join(map(str, facts.python))
    if facts.python[:2] < PYTHON_FLOOR:
        return Finding(
            Grade.FAIL, "python", f"{version} is too old", "install Python 3.11 or newer, then make clean setup"
        )
    return Finding(Grade.OK, "python", version)


def _node(printed: str | None, *, is_web_built: bool) -> Finding:
    need = ".".join(map(str, NODE_FLOOR))
    remedy = f"install Node {need} or newer with npm"
    grade = Grade.WARN if is_web_built else Grade.FAIL
    if printed is None:
        return Finding(grade, "node", "missing: the web app cannot be built", remedy)
    numbers = [int(part) for part in printed.removeprefix("v").split(".")[:2] if part.isdigit()]
    if tuple(numbers) < NODE_FLOOR:
        return Finding(grade, "node", f"{printed} is too old", remedy)
    return Finding(Grade.OK, "node", printed)


def _web(*, is_built: bool) -> Finding:
    if not is_built:
        return Finding(Grade.WARN, "web app", "not built: the API works, the dashboard does not", "make web")
    return Finding(Grade.OK, "web app", "built")


def _kernels(*, is_cached: bool) -> Finding:
    if not is_cached:
        return Finding(Grade.WARN, "kernels", "not compiled yet: the first start takes longer", "make setup")
    return Finding(Grade.OK, "kernels", "compiled")


def _cores(cores: int) -> Finding:
    if cores < 2:
        return Finding(Grade.WARN, "cores", f"{cores}: training and serving will share it", "give the machine 2 cores")
    return Finding(Grade.OK, "cores", str(cores))


def _memory(memory_bytes: int) -> Finding:
    text = f"{memory_bytes / GIB:.1f} GiB available"
    if memory_bytes < MEMORY_WARN_BYTES:
        return Finding(
            Grade.WARN, "memory", text, "the default takes 1.5 GiB: close something, or set fewer DEFAULT_SYMBOLS"
        )
    return Finding(Grade.OK, "memory", text)


def _disk(facts: Facts) -> Finding:
    text = f"{facts.disk_free_bytes / GIB:.1f} GiB free for {facts.data_dir}"
    if not facts.is_writable:
        return Finding(Grade.FAIL, "disk", f"{facts.data_dir} is not writable", "set DATA_DIR to a directory of yours")
    if facts.disk_free_bytes < DISK_FAIL_BYTES:
        return Finding(Grade.FAIL, "disk", text, "free some, or set DATA_DIR to a larger disk")
    if facts.disk_free_bytes < DISK_WARN_BYTES:
        return Finding(Grade.WARN, "disk", text, "a day of 8 symbols takes up to 5 GiB")
    return Finding(Grade.OK, "disk", text)


def _clock(facts: Facts) -> Finding:
    remedy = "let the system keep the time (systemd-timesyncd, chrony): ages and latencies are measured with it"
    if facts.year < CLOCK_FLOOR_YEAR:
        return Finding(Grade.FAIL, "clock", f"the year is {facts.year}", remedy)
    if abs(facts.clock_drift_s) > CLOCK_WARN_S:
        return Finding(Grade.WARN, "clock", f"jumped by {facts.clock_drift_s:+.3f} s while it was watched", remedy)
    return Finding(Grade.OK, "clock", "steady")


def _instance(facts: Facts) -> Finding:
    if facts.running_pid is not None:
        return Finding(Grade.OK, "instance", f"running on {facts.data_dir} (process {facts.running_pid})")
    if facts.has_stale_card:
        text = f"the last one on {facts.data_dir} was killed"
        return Finding(Grade.WARN, "instance", text, "nothing to do: the next start recovers")
    return Finding(Grade.OK, "instance", f"none running on {facts.data_dir}")


def _port(port: Port, *, is_own: bool) -> Finding:
    if not port.is_taken:
        return Finding(Grade.OK, "port", f"{port.setting} {port.number} is free")
    who = port.owner or "another process"
    if is_own:
        return Finding(Grade.OK, "port", f"{port.setting} {port.number} is taken by {who}; Foretick is running")
    text = f"{port.setting} {port.number} is taken by {who}"
    return Finding(Grade.FAIL, "port", text, f"stop it, or choose another: {port.setting}={port.number + 10} make run")


def _permissions(nats_user: str | None) -> Finding:
    if nats_user is None:
        return Finding(Grade.OK, "permissions", "the embedded NATS holds each role to the subject table")
    if not nats_user:
        return Finding(
            Grade.WARN, "permissions", "NATS_URL names no user: nothing holds the roles to the subject table",
            "foretick nats-permissions prints the users for your server; see docs/runbooks/permissions.md",
        )  # fmt: skip
    text = f"every role started here connects as {nats_user}; your server says what it may do"
    return Finding(Grade.OK, "permissions", text)


def _address(name: str, fault: str | None) -> Finding:
    if fault is not None:
        return Finding(Grade.FAIL, name, fault, f"start it, correct {name}, or unset it to use the embedded one")
    return Finding(Grade.OK, name, "answers")
