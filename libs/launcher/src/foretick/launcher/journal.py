"""What the launcher and its roles say: on the terminal for people, in a log file each for the record."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from foretick.launcher.domain.log_line import LogLine, parse_log_line, render_log_line
from foretick.launcher.machine import clock
from foretick.launcher.machine.log_file import LogFile
from foretick.launcher.machine.terminal import Terminal

LAUNCHER = "launcher"

Listener = Callable[[str, LogLine], None]


class Journal:
    """Takes every line and shows those that are at least ``level``; as JSON lines where ``as_json``.

    ``quiet_level`` takes the place of ``level`` for the roles while the start-up board is on the screen.
    """

    def __init__(self, terminal: Terminal, log_dir: Path, *, level: str = "INFO", as_json: bool = False) -> None:
        self._terminal = terminal
        self._log_dir = log_dir
        self._level = level
        self._as_json = as_json
        self._files: dict[str, LogFile] = {}
        self._listeners: list[Listener] = []
        self.quiet_level: str | None = None

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with every line of every role."""
        self._listeners.append(listener)

    def take(self, role: str, raw: bytes) -> None:
        """Take a line that ``role`` wrote, without its end."""
        self._file_of(role).write_line(raw)
        text = raw.decode(errors="replace")
        if not text.strip():
            return
        line = parse_log_line(text, clock.time_of_day())
        for listener in self._listeners:
            listener(role, line)
        if line.is_at_least(self.quiet_level or self._level):
            self._terminal.line(text if self._as_json else self._render(role, line))

    def say(self, event: str, level: str = "INFO", **fields: Any) -> None:
        """Take a line of the launcher's own."""
        entry = {"ts": clock.iso_now(), "level": level.lower(), "service": LAUNCHER, "event": event, **fields}
        raw = msgspec.json.encode(entry, enc_hook=str)
        self._file_of(LAUNCHER).write_line(raw)
        line = LogLine(clock.time_of_day(), level, event, fields)
        if line.is_at_least(self._level):
            self._terminal.line(raw.decode() if self._as_json else self._render(LAUNCHER, line))

    def close(self) -> None:
        """Close the log files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _render(self, role: str, line: LogLine) -> str:
        index = list(self._files).index(role)
        return render_log_line(role, line, colour=self._terminal.colour, role_index=index)

    def _file_of(self, role: str) -> LogFile:
        if role not in self._files:
            self._files[role] = LogFile(self._log_dir / f"{role}.log")
        return self._files[role]
