"""A step: a process of a service that does one thing, tells JSON lines of it, and ends."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from foretick.launcher.domain.plan import child_environment
from foretick.launcher.machine.child import inherited_environment
from foretick.launcher.machine.terminal import Terminal


def start_step(module: str, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start ``python -m module`` in our process group: a Ctrl-C in the terminal reaches it as well."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=child_environment(inherited_environment(), {}),
        stdout=subprocess.PIPE,
    )


def told_by(process: "subprocess.Popen[bytes]", terminal: Terminal) -> Iterator[dict[str, Any]]:
    """Yield what a step tells, see ``foretick.common.runtime.step_lines``; why it failed is shown instead."""
    assert process.stdout is not None
    for line in process.stdout:
        event = _read(line)
        if event is None:
            sys.stderr.write(line.decode(errors="replace"))
        elif event.get("event") == "failed":
            terminal.board([])
            sys.stderr.write(f"foretick: {event['message']}; {event['hint']}\n")
        else:
            yield event


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
