"""The start-up as a list of stages, and how it reads on a screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_LABEL_WIDTH = 16


class Progress(StrEnum):
    """How far a stage is."""

    WAITING = "waiting"
    ACTIVE = "active"
    DONE = "done"
    FAILED = "failed"


_MARKS = {Progress.WAITING: "  ", Progress.ACTIVE: "..", Progress.DONE: "ok", Progress.FAILED: "!!"}


@dataclass(slots=True)
class Stage:
    """One line of the start-up.

    done_frac: how much of it is done, where that is known
    """

    key: str
    label: str
    progress: Progress = Progress.WAITING
    started_s: float = 0.0
    ended_s: float = 0.0
    done_frac: float | None = None
    detail: str = ""

    def seconds(self, now_s: float) -> float:
        """Return how long the stage took, or has taken until now."""
        if self.progress is Progress.WAITING:
            return 0.0
        return (self.ended_s if self.progress in (Progress.DONE, Progress.FAILED) else now_s) - self.started_s

    def line(self, now_s: float) -> str:
        """Return the stage as one line of text.

        >>> Stage("nats", "NATS", Progress.DONE, started_s=1.0, ended_s=1.25).line(9.0)
        'ok  NATS               0.2 s'
        """
        seconds = "" if self.progress is Progress.WAITING else f"{self.seconds(now_s):6.1f} s"
        percent = f"{self.done_frac:5.0%}" if self.done_frac is not None and self.progress is Progress.ACTIVE else ""
        parts = (f"{_MARKS[self.progress]}  {self.label:<{_LABEL_WIDTH}}{seconds}", percent, self.detail)
        return "  ".join(part for part in parts if part).rstrip()


class Startup:
    """The stages in the order in which they are shown; some run at the same time. Times are monotonic seconds."""

    def __init__(self, stages: Sequence[tuple[str, str]]) -> None:
        self._stages = {key: Stage(key, label) for key, label in stages}

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All stages in order."""
        return tuple(self._stages.values())

    @property
    def is_done(self) -> bool:
        """Whether every stage is done."""
        return all(stage.progress is Progress.DONE for stage in self._stages.values())

    def begin(self, key: str, now_s: float, detail: str = "") -> None:
        """Note that a stage has begun; one that has begun before goes on."""
        stage = self._stages[key]
        if stage.progress is Progress.WAITING:
            stage.progress, stage.started_s = Progress.ACTIVE, now_s
        if stage.progress is Progress.ACTIVE:
            stage.detail = detail

    def advance(self, key: str, done_frac: float, detail: str = "") -> None:
        """Note how much of an active stage is done; it never goes back."""
        stage = self._stages[key]
        stage.done_frac = max(stage.done_frac or 0.0, min(done_frac, 1.0))
        stage.detail = detail

    def finish(self, key: str, now_s: float, detail: str = "") -> bool:
        """Note that a stage is done; return False when it was already."""
        return self._end(key, Progress.DONE, now_s, detail)

    def fail(self, key: str, now_s: float, detail: str) -> bool:
        """Note that a stage has failed and why; return False when it had ended already."""
        return self._end(key, Progress.FAILED, now_s, detail)

    def lines(self, now_s: float) -> list[str]:
        """Return every stage as a line of text."""
        return [stage.line(now_s) for stage in self._stages.values()]

    def line_of(self, key: str, now_s: float) -> str:
        """Return one stage as a line of text."""
        return self._stages[key].line(now_s)

    def _end(self, key: str, progress: Progress, now_s: float, detail: str) -> bool:
        stage = self._stages[key]
        if stage.progress in (Progress.DONE, Progress.FAILED):
            return False
        if stage.progress is Progress.WAITING:
            stage.started_s = now_s
        stage.progress, stage.ended_s, stage.detail = progress, now_s, detail
        return True
