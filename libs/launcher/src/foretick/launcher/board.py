"""Shows the start-up: a board that is redrawn on a terminal, a line for each stage elsewhere."""

import asyncio

from foretick.launcher.domain.startup import Progress, Startup
from foretick.launcher.machine import clock
from foretick.launcher.machine.terminal import Terminal

_REDRAW_S = 0.1


class Board:
    """The start-up on the terminal. ``silent`` shows nothing, for JSON output."""

    def __init__(self, terminal: Terminal, startup: Startup, *, silent: bool = False) -> None:
        self._terminal = terminal
        self._silent = silent
        self.startup = startup

    def begin(self, key: str, detail: str = "") -> None:
        """Note that a stage has begun, or what it is at."""
        self.startup.begin(key, clock.monotonic_s(), detail)

    def advance(self, key: str, done_frac: float, detail: str = "") -> None:
        """Note how much of a stage is done."""
        self.startup.advance(key, done_frac, detail)

    def finish(self, key: str, detail: str = "") -> None:
        """Note that a stage is done."""
        now_s = clock.monotonic_s()
        if self.startup.finish(key, now_s, detail) and not (self._silent or self._terminal.is_live):
            self._terminal.line(self.startup.line_of(key, now_s))

    def fail(self, key: str, detail: str) -> None:
        """Note that a stage has failed."""
        self.startup.fail(key, clock.monotonic_s(), detail)

    def is_active(self, key: str) -> bool:
        """Whether a stage has begun and not ended."""
        return any(stage.key == key and stage.progress is Progress.ACTIVE for stage in self.startup.stages)

    async def redraw_forever(self) -> None:
        """Redraw until cancelled."""
        while True:
            if not self._silent:
                self._terminal.board(self.startup.lines(clock.monotonic_s()))
            await asyncio.sleep(_REDRAW_S)

    def settle(self) -> None:
        """Leave the board as lines that stay."""
        if self._terminal.is_live and not self._silent:
            self._terminal.board([])
            for line in self.startup.lines(clock.monotonic_s()):
                self._terminal.line(line)
