"""Keeps the roles running: starts each as a process, restarts what crashes, ends all in good order."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from foretick.launcher.domain.lifecycle import Backoff, Decision, Lifecycle, Refuse, Restart
from foretick.launcher.journal import Journal
from foretick.launcher.machine import clock
from foretick.launcher.machine.child import Child
from foretick.launcher.machine.guard import Guard

_READ_REST_S = 1.0


@dataclass(frozen=True, slots=True)
class Launch:
    """How to run a role.

    environment: called at each start, because a restart may need another port
    one_shot: exit code 0 is success and the end
    runs_once: any exit code is the end
    stop_timeout_s: how long it may take to end before it is killed; the services drain within 10 s
    """

    name: str
    command: tuple[str, ...]
    environment: Callable[[], Mapping[str, str]]
    one_shot: bool = False
    runs_once: bool = False
    stop_timeout_s: float = 12.0


@dataclass(slots=True)
class Supervised:
    """A role under supervision. ``task`` ends when the role does not run again."""

    launch: Launch
    lifecycle: Lifecycle
    child: Child | None = None
    task: "asyncio.Task[None] | None" = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self.child.pid if self.child is not None else None


class Supervisor:
    """The roles of one run.

    Args:
        guard: ends the roles when this process is killed
        journal: gets their output and what happens to them
        backoff: between restarts
    """

    def __init__(self, guard: Guard, journal: Journal, backoff: Backoff | None = None) -> None:
        self._guard = guard
        self._journal = journal
        self._backoff = backoff or Backoff()
        self._stopping = False
        self.roles: dict[str, Supervised] = {}
        self.refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def start(self, launch: Launch) -> Supervised:
        """Start a role and keep it running. A one-shot that has ended may be started again."""
        role = Supervised(
            launch, Lifecycle(one_shot=launch.one_shot, runs_once=launch.runs_once, backoff=self._backoff)
        )
        self.roles[launch.name] = role
        if not self._stopping:
            role.task = asyncio.create_task(self._keep_running(role), name=f"role-{launch.name}")
        return role

    async def stop(self, last: Sequence[str] = ()) -> None:
        """End the roles one after the other: the last started first, but those of ``last`` after all others."""
        self._stopping = True
        names = [name for name in reversed(self.roles) if name not in last]
        for name in (*names, *(name for name in last if name in self.roles)):
            await self._stop_role(self.roles[name])

    def kill(self) -> None:
        """End every role at once."""
        self._stopping = True
        for role in self.roles.values():
            if role.child is not None:
                role.child.kill()

    async def _stop_role(self, role: Supervised) -> None:
        role.lifecycle.ask_to_stop()
        role.wake.set()
        if role.child is not None:
            role.child.terminate()
        if role.task is None:
            return
        _, late = await asyncio.wait([role.task], timeout=role.launch.stop_timeout_s)
        if late and role.child is not None:
            if not role.launch.one_shot:
                self._journal.say("did not stop in time, killed", "WARNING", role=role.launch.name)
            role.child.kill()
            await asyncio.wait([role.task])

    async def _keep_running(self, role: Supervised) -> None:
        name = role.launch.name
        while not self._stopping:
            code = await self._run_once(role)
            decision = role.lifecycle.exit(code, clock.monotonic_s(), clock.chance_frac())
            self._report(name, code, decision)
            if isinstance(decision, Refuse) and not self.refused.done():
                self.refused.set_result(f"{name}: {decision.reason}")
            if not isinstance(decision, Restart):
                return
            try:
                await asyncio.wait_for(role.wake.wait(), decision.delay_s)
            except TimeoutError:
                continue

    async def _run_once(self, role: Supervised) -> int:
        """Start the process, take its lines until it ends, leave nothing of its group, and return its exit code."""
        child = await Child.start(role.launch.command, role.launch.environment())
        self._guard.hold(child.pid)
        role.child = child
        role.lifecycle.start(clock.monotonic_s())
        if self._stopping:
            role.lifecycle.ask_to_stop()
            child.terminate()
        reader = asyncio.create_task(self._take_lines(role.launch.name, child))
        code = await child.wait()
        child.kill()  # whatever of its children is left, which may also hold its output open
        role.child = None
        self._guard.drop(child.pid)
        await asyncio.wait([reader], timeout=_READ_REST_S)
        reader.cancel()
        return code

    async def _take_lines(self, name: str, child: Child) -> None:
        async for line in child.lines():
            self._journal.take(name, line)

    def _report(self, name: str, code: int, decision: Decision) -> None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if isinstance(decision, Restart):
            self._journal.say(
                "ended, starts again", "WARNING", role=name, how=how, failures=decision.failures,
                delay_s=round(decision.delay_s, 2),
            )  # fmt: skip
        elif isinstance(decision, Refuse):
            self._journal.say("ended for good", "ERROR", role=name, how=how, reason=decision.reason)
