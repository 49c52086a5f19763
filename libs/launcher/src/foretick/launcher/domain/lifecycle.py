"""The life of one role's process: what to do when it ends, and how long to wait before the next start."""

from dataclasses import dataclass
from enum import StrEnum

EXIT_OK = 0
EXIT_INVALID_SETTINGS = 2


class State(StrEnum):
    """Where a role is in its life. FAILED: it was to run once, and did not do its job."""

    WAITING = "waiting"
    RUNNING = "running"
    BACKING_OFF = "backing off"
    STOPPING = "stopping"
    ENDED = "ended"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the n-th start in a row: exponential, capped, with jitter, forgotten after a stable run.

    base_s: before the first restart
    cap_s: never longer than this
    jitter_frac: share of the delay that chance may take away, so that several roles do not come back in step
    stable_s: a run of at least this long forgets the failures before it
    """

    base_s: float = 0.25
    cap_s: float = 15.0
    jitter_frac: float = 0.5
    stable_s: float = 30.0

    def delay_s(self, failures: int, chance_frac: float) -> float:
        """Return the seconds to wait after ``failures`` failures in a row.

        Args:
            failures: at least 1
            chance_frac: a random number in [0, 1): how much of the jitter is taken away

        >>> [Backoff().delay_s(failures, chance_frac=0.0) for failures in (1, 2, 3, 7, 60)]
        [0.25, 0.5, 1.0, 15.0, 15.0]
        """
        doublings = min(failures - 1, 32)
        return min(self.cap_s, self.base_s * 2.0**doublings) * (1.0 - self.jitter_frac * chance_frac)


@dataclass(frozen=True, slots=True)
class Restart:
    """Start the process again after ``delay_s`` seconds; ``failures`` is how often it has failed in a row."""

    delay_s: float
    failures: int


@dataclass(frozen=True, slots=True)
class Done:
    """The process is not started again: it did its job, was asked to stop, or was to run once."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The process is not started again, because another start cannot end otherwise."""

    reason: str


Decision = Restart | Done | Refuse


class Lifecycle:
    """The state machine of a role. Times are seconds of any clock that does not go back."""

    __slots__ = ("_backoff", "_one_shot", "_runs_once", "_started_s", "failures", "restarts", "state")

    def __init__(self, *, one_shot: bool = False, runs_once: bool = False, backoff: Backoff | None = None) -> None:
        self._one_shot = one_shot
        self._runs_once = runs_once
        self._backoff = backoff or Backoff()
        self._started_s = 0.0
        self.state = State.WAITING
        self.failures = 0
        self.restarts = 0

    def start(self, now_s: float) -> None:
        """Note that the process has started."""
        if self.state is State.BACKING_OFF:
            self.restarts += 1
        self._started_s = now_s
        self.state = State.RUNNING

    def ask_to_stop(self) -> None:
        """Note that whatever happens next, the role is not to run."""
        self.state = State.STOPPING if self.state is State.RUNNING else State.ENDED

    def exit(self, code: int, now_s: float, chance_frac: float) -> Decision:
        """Decide what follows the end of the process with ``code`` (negative: the signal that ended it)."""
        if self.state is State.STOPPING:
            self.state = State.ENDED
            return Done()
        if code == EXIT_INVALID_SETTINGS:
            self.state = State.REFUSED
            return Refuse("its settings are invalid")
        if self._one_shot and code == EXIT_OK:
            self.state = State.ENDED
            self.failures = 0
            return Done()
        if self._runs_once:
            self.state = State.FAILED
            return Done()
        if now_s - self._started_s >= self._backoff.stable_s:
            self.failures = 0
        self.failures += 1
        self.state = State.BACKING_OFF
        return Restart(self._backoff.delay_s(self.failures, chance_frac), self.failures)
