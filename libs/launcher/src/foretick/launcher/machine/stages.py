"""Steps one after the other, with what they tell on the terminal."""

from typing import Any

from foretick.launcher.machine.step import start_step, told_by
from foretick.launcher.machine.terminal import Terminal


class Stages:
    """Runs steps that tell JSON lines, and shows what they tell: redrawn on a terminal, a line a stage elsewhere."""

    def __init__(self, terminal: Terminal) -> None:
        self.about = ""
        self._terminal = terminal
        self._stage = ""

    def run(self, module: str, arguments: list[str]) -> dict[str, Any] | None:
        """Return what the step says at its end; None where it failed, which has been shown then."""
        process = start_step(module, arguments)
        finished: dict[str, Any] | None = None
        with process:
            for event in told_by(process, self._terminal):
                kind = event.get("event")
                if kind == "progress":
                    self._show(event)
                elif kind == "finished":
                    finished = event
        self._terminal.board([])
        return finished if process.returncode == 0 else None

    def _show(self, event: dict[str, Any]) -> None:
        about = f"{self.about}: " if self.about else ""
        stage = f"{about}{event['stage']}"
        if self._terminal.is_live:
            self._terminal.board([f"{event['done']:4.0%}  {stage}"])
        elif stage != self._stage:
            self._terminal.line(f"{event['done']:4.0%}  {stage}")
        self._stage = stage
