"""A service's log line, JSON as it writes it, as a person reads it."""

import json
from dataclasses import dataclass, field
from typing import Any, cast

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_OWN_FIELDS = {"ts", "level", "service", "event", "logger", "exception", "stack"}
_COLOURS = {"DEBUG": "2", "INFO": "", "WARNING": "33", "ERROR": "31", "CRITICAL": "31;1"}
_ROLE_COLOURS = ("36", "32", "35", "34", "96", "92", "95", "94")
_ROLE_WIDTH = 16


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a log line says. ``fields`` are the keyword fields of the event; ``trace`` is an exception's text."""

    clock: str
    level: str
    event: str
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    trace: str = ""

    def is_at_least(self, level: str) -> bool:
        """Whether this line is as grave as ``level``."""
        return LEVELS.index(self.level) >= LEVELS.index(level)


def parse_log_line(text: str, clock: str = "") -> LogLine:
    """Read a line of a role's output; what is not one of our JSON lines is an event of its own, at level INFO.

    Args:
        text: the line without its end
        clock: the time of day to show where the line has none

    >>> parse_log_line('{"ts":"2026-11-22T12:00:01.5Z","level":"warning","event":"gap","symbol":"BTCUSDT"}')
    LogLine(clock='12:00:01', level='WARNING', event='gap', fields={'symbol': 'BTCUSDT'}, trace='')
    """
    entry: object = None
    if text.startswith("{"):
        try:
            entry = json.loads(text)
        except ValueError:
            entry = None
    if not isinstance(entry, dict) or "event" not in entry:
        return LogLine(clock, "ERROR" if text.startswith("Traceback ") else "INFO", text)
    known = cast(dict[str, Any], entry)
    level = str(known.get("level", "info")).upper()
    instant = str(known.get("ts", ""))
    return LogLine(
        clock=instant[11:19] if len(instant) >= 19 else clock,
        level=level if level in LEVELS else "INFO",
        event=str(known["event"]),
        fields={name: value for name, value in known.items() if name not in _OWN_FIELDS},
        trace=str(known.get("exception") or ""),
    )


def render_log_line(role: str, line: LogLine, *, colour: bool, role_index: int = 0) -> str:
    """Return ``line`` as ``12:00:01  features.serve    INFO   message  key=value``, a trace on lines of its own."""
    fields = " ".join(f"{name}={_render_value(value)}" for name, value in line.fields.items())
    level = "WARN" if line.level == "WARNING" else line.level
    name, text = f"{role:<{_ROLE_WIDTH}}", f"{level:<5}  {line.event}"
    clock, fields = line.clock, f"  {fields}" if fields else ""
    if colour:
        clock, fields = _paint("2", clock), _paint("2", fields)
        name, text = _paint(_ROLE_COLOURS[role_index % len(_ROLE_COLOURS)], name), _paint(_COLOURS[line.level], text)
    trace = "".join(f"\n    {part}" for part in line.trace.splitlines())
    return f"{clock}  {name}  {text}{fields}{trace}"


def _paint(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def _render_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return value if value and " " not in value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, default=str)
