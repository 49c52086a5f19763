"""The supervisor on real processes: tiny Python programs in place of the roles."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest

from foretick.common.testing import eventually
from foretick.launcher.domain.lifecycle import Backoff, State
from foretick.launcher.journal import Journal
from foretick.launcher.machine.child import inherited_environment
from foretick.launcher.machine.guard import Guard
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.supervisor import Launch, Supervisor

QUICK = Backoff(base_s=0.02, cap_s=0.2, jitter_frac=0.0, stable_s=60.0)

SERVE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("drained", flush=True), sys.exit(0)))
print("serving", flush=True)
while True: time.sleep(60)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("serving", flush=True)
while True: time.sleep(60)
"""
WITH_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
time.sleep(600)
"""


class Stage:
    """A supervisor and what it wrote."""

    def __init__(self, directory: Path, guard: Guard) -> None:
        self.directory = directory
        self.screen = StringIO()
        self.journal = Journal(Terminal(self.screen), directory / "logs")
        self.supervisor = Supervisor(guard, self.journal, QUICK)

    def start(self, name: str, program: str, *, one_shot: bool = False):
        command = (sys.executable, "-c", program)
        return self.supervisor.start(
            Launch(name, command, inherited_environment, one_shot=one_shot, stop_timeout_s=1.0)
        )

    def log(self, name: str) -> list[str]:
        path = self.directory / "logs" / f"{name}.log"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    with Guard() as guard:
        stage = Stage(tmp_path, guard)
        yield stage
        stage.supervisor.kill()
        await stage.supervisor.stop()
        stage.journal.close()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


async def test_killed_role_comes_back_as_another_process(stage: Stage):
    role = stage.start("a.serve", SERVE)
    await eventually(lambda: stage.log("a.serve") == ["serving"])
    first = role.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: stage.log("a.serve") == ["serving"] * 2)
    assert role.pid not in (None, first)
    assert role.lifecycle.restarts == 1
    assert "signal 9" in stage.screen.getvalue()


async def test_role_that_keeps_crashing_is_started_with_growing_pauses(stage: Stage):
    stage.start("a.serve", "raise SystemExit(3)")
    await eventually(lambda: stage.screen.getvalue().count("starts again") >= 5)
    told = [json.loads(line) for line in stage.log("launcher")]
    assert [line["delay_s"] for line in told[:5]] == [0.02, 0.04, 0.08, 0.16, 0.2]


async def test_one_shot_that_succeeds_is_not_started_again(stage: Stage):
    role = stage.start("a.train", "print('trained')", one_shot=True)
    assert role.task is not None
    await role.task
    assert role.lifecycle.state is State.ENDED
    assert stage.log("a.train") == ["trained"]


async def test_invalid_settings_of_a_role_are_reported_and_not_tried_again(stage: Stage):
    role = stage.start("a.serve", "print('API_PORT: wrong'); raise SystemExit(2)")
    assert await asyncio.wait_for(stage.supervisor.refused, 20) == "a.serve: its settings are invalid"
    assert role.lifecycle.restarts == 0
    assert stage.log("a.serve") == ["API_PORT: wrong"]


async def test_stop_drains_in_reverse_order_but_the_last_ones_last(stage: Stage):
    for name in ("a.record", "b.feed", "c.api"):
        stage.start(name, SERVE)
        await eventually(lambda name=name: stage.log(name))
    ended: list[str] = []
    stage.journal.listen(lambda role, line: ended.append(role) if line.event == "drained" else None)
    await stage.supervisor.stop(last=("a.record",))
    assert ended == ["c.api", "b.feed", "a.record"]
    assert all(role.pid is None for role in stage.supervisor.roles.values())


async def test_role_deaf_to_sigterm_is_killed_after_its_deadline(stage: Stage):
    role = stage.start("a.serve", DEAF)
    await eventually(lambda: stage.log("a.serve"))
    pid = role.pid
    await stage.supervisor.stop()
    assert pid is not None
    assert not is_alive(pid)
    assert "did not stop in time" in stage.screen.getvalue()


async def test_stop_while_backing_off_does_not_start_it_again(stage: Stage):
    stage.supervisor._backoff = Backoff(base_s=60.0, cap_s=60.0, jitter_frac=0.0)
    role = stage.start("a.serve", "raise SystemExit(1)")
    await eventually(lambda: role.lifecycle.state is State.BACKING_OFF)
    await asyncio.wait_for(stage.supervisor.stop(), 5)
    assert role.pid is None


async def test_child_of_a_role_that_died_does_not_stay_behind(stage: Stage):
    role = stage.start("a.serve", WITH_CHILD)
    await eventually(lambda: stage.log("a.serve"))
    child = int(stage.log("a.serve")[0].split()[1])
    assert role.pid is not None
    os.kill(role.pid, signal.SIGKILL)
    await eventually(lambda: not is_alive(child))


LAUNCHER = """
import asyncio, io, pathlib, sys
from foretick.launcher.journal import Journal
from foretick.launcher.machine.child import inherited_environment
from foretick.launcher.machine.guard import Guard
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.supervisor import Launch, Supervisor

async def main():
    with Guard() as guard:
        journal = Journal(Terminal(), pathlib.Path(sys.argv[1]))
        supervisor = Supervisor(guard, journal)
        for name in ("a.one", "a.two"):
            supervisor.start(Launch(name, (sys.executable, "-c", sys.argv[2]), inherited_environment))
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_killed_launcher_leaves_no_process_behind(tmp_path: Path):
    program = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"
    launcher = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LAUNCHER, str(tmp_path), program, stdout=asyncio.subprocess.DEVNULL
    )
    logs = [tmp_path / "a.one.log", tmp_path / "a.two.log"]
    try:
        await eventually(lambda: all(log.exists() and log.read_text().endswith("\n") for log in logs), 20)
        pids = [int(log.read_text().split()[1]) for log in logs]
        assert all(is_alive(pid) for pid in pids)
    finally:
        launcher.kill()
        await launcher.wait()
    await eventually(lambda: not any(is_alive(pid) for pid in pids))
