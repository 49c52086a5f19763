"""The one way every service starts, runs and ends.

Settings, logging, HTTP (alive but not ready), NATS with endless patience, streams, fencing epoch, the service's own
``build``, ready. On SIGTERM or SIGINT: not ready, the service's drain callbacks in reverse order, planes, NATS, HTTP.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import uvloop
from starlette.types import ASGIApp

from foretick.common.errors import Fatal, ForetickError, InvalidSettings
from foretick.common.runtime.bus import Bus, share_run_id
from foretick.common.runtime.data_plane import DataPlane
from foretick.common.runtime.health import Health, HttpApp
from foretick.common.runtime.http_server import HttpServer
from foretick.common.runtime.logs import Logger, configure_logging
from foretick.common.runtime.loop_lag import LoopLag
from foretick.common.runtime.metrics import Metrics
from foretick.common.runtime.sequence_metrics import SequenceMetrics
from foretick.common.runtime.settings import ServiceSettings, SettingsT, load_settings
from foretick.common.runtime.system_clock import SystemClock
from foretick.common.sequence import SequenceTally
from foretick.common.units import NS_PER_S

_DRAIN_S = 10


class Runtime:
    """What a service's ``build`` is given: identity, bus, planes, health, metrics, log, clock and supervised tasks."""

    def __init__(self, service: str, role: str, settings: ServiceSettings, log: Logger) -> None:
        self._drains: list[Callable[[], Awaitable[None]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.stopping = asyncio.Event()
        self.exit_code = 0
        self.service = service
        self.role = role
        self.name = f"{service}.{role}-{settings.shard_index}"
        self.settings = settings
        self.log = log
        self.clock = SystemClock()
        self.metrics = Metrics(service)
        self.health = Health(self.name)
        runtime_metrics = Metrics()
        runtime_metrics.gauge(
            "clock_ahead_s", "How far this process's time is ahead of the machine's clock, because that was set back"
        ).set_function(lambda: self.clock.ahead_ns / NS_PER_S)
        self.sequence = SequenceTally()
        SequenceMetrics(self.sequence, runtime_metrics)
        self.loop_lag = LoopLag(runtime_metrics)
        self.http = HttpApp(self.health, self.metrics, runtime_metrics)
        self.bus = Bus(settings.nats_url, self.name, log, self.health, runtime_metrics)
        self.data = DataPlane(self.bus, self.name, self.clock, log, runtime_metrics, self.spawn)
        self.run_id = settings.run_id or ""
        self.epoch = 0
        self._control: Any = None

    @property
    def control(self) -> Any:
        """The control plane, made on first use: FastStream is only imported by services that speak it."""
        if self._control is None:
            from foretick.common.runtime.control_plane import ControlPlane

            self._control = ControlPlane.on(
                self.settings.nats_url, self.name, self.log, self.data, self.bus.on_violation
            )
        return self._control

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        """Run ``coroutine`` as a supervised task: an exception in it ends the process, to be restarted and recover."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        return task

    def on_drain(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call ``callback`` when the service is asked to end, the latest registered first."""
        self._drains.append(callback)

    def mount(self, app: ASGIApp) -> None:
        """Serve ``app`` beside the health routes."""
        self.http.mount(app)

    def stop(self, exit_code: int = 0) -> None:
        """Ask the service to end."""
        self.exit_code = max(self.exit_code, exit_code)
        self.stopping.set()

    async def drain(self) -> None:
        """End in order; a step that fails or hangs does not keep the others from their turn."""
        self.health.set("started", ok=False, detail="draining")
        steps = [*reversed(self._drains), self.data.close]
        if self._control is not None:
            steps.insert(len(self._drains), self._control.close)
        for step in [*steps, self.bus.close]:
            try:
                await asyncio.wait_for(step(), _DRAIN_S)
            except Exception:
                self.log.exception("drain step failed", step=getattr(step, "__qualname__", repr(step)))
        for task in self._tasks:
            task.cancel()

    def _on_task_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if task.cancelled() or self.stopping.is_set():
            return
        error = task.exception()
        if error is not None:
            self.log.error("task failed", task=task.get_name(), exc_info=error)
            self.stop(exit_code=1)


Build = Callable[[Runtime, SettingsT], Awaitable[None]]


def run(
    service: str, role: str, settings_class: type[SettingsT], build: Build[SettingsT], *, needs_bus: bool = True
) -> None:
    """Run one role of a service until it is told to end; exits the process with 0, 1 (failed) or 2 (settings)."""
    try:
        settings = load_settings(settings_class)
    except InvalidSettings as error:
        print(f"{service} {role}: {error}", file=sys.stderr)  # noqa: T201 - logging needs settings
        sys.exit(error.exit_code)
    log = configure_logging(f"{service}.{role}", settings.log_level)
    sys.exit(uvloop.run(_serve(service, role, settings, build, log, needs_bus)))


async def _serve(
    service: str, role: str, settings: SettingsT, build: Build[SettingsT], log: Logger, needs_bus: bool
) -> int:
    rt = Runtime(service, role, settings, log)
    rt.loop_lag.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, rt.stop)
    server: HttpServer | None = None
    try:
        server = HttpServer(rt.http.asgi, settings.http_host, settings.http_port)
        await server.start()
        log.info("listening", host=server.host, port=server.port, role=rt.name)
        starting = rt.spawn(_start(rt, settings, build, needs_bus), "start")
        await asyncio.wait([starting, loop.create_task(rt.stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
        await rt.stopping.wait()
        starting.cancel()
    except Fatal as error:
        log.error("cannot start", error=str(error))
        rt.exit_code = error.exit_code
    log.info("stopping", exit_code=rt.exit_code)
    await rt.drain()
    if server is not None:
        await server.stop()
    return rt.exit_code


async def _start(rt: Runtime, settings: SettingsT, build: Build[SettingsT], needs_bus: bool) -> None:
    try:
        if needs_bus:
            await rt.bus.connect()
            await rt.bus.ensure_streams()
            rt.epoch = await rt.bus.next_epoch()
            rt.run_id = rt.run_id or await share_run_id(rt.bus.js, f"run-{rt.clock.now_ns() // 1_000_000}")
        await build(rt, settings)
        if rt._control is not None:
            await rt._control.start()
    except ForetickError as error:
        rt.log.error("cannot start", error=str(error))
        rt.stop(exit_code=getattr(error, "exit_code", 1))
        return
    gc.collect()
    gc.freeze()
    rt.health.set("started", ok=True)
    rt.log.info("started", run_id=rt.run_id, epoch=rt.epoch)
