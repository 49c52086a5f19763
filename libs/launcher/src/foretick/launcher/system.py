"""The whole system on one machine: the order in which it comes up, and goes down."""

import asyncio
import sys
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foretick.common.permissions import users
from foretick.common.runtime.embedded import NatsServer, PostgresServer, is_port_free
from foretick.common.subjects import FEATURE_VECTORS, OPERATOR, PREDICTION_MESSAGES, TICKS, Subject
from foretick.launcher import database
from foretick.launcher.board import Board
from foretick.launcher.domain import plan
from foretick.launcher.domain.plan import Addresses, Role, Run
from foretick.launcher.domain.training import Wanted
from foretick.launcher.journal import Journal
from foretick.launcher.machine import ports
from foretick.launcher.machine.child import inherited_environment
from foretick.launcher.servers import Servers
from foretick.launcher.settings import LauncherSettings
from foretick.launcher.supervisor import Launch, Supervisor
from foretick.launcher.trainer import Trainer
from foretick.launcher.watch import BusWatch, health_of

_POLL_S = 0.1
_LATE_S = 60.0
_STOP_S = 12.0
_STOP_ONE_SHOT_S = 0.5  # a training that is cut off has published nothing
_LOW_PRIORITY = ("nice", "-n", "10")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run is made of besides its settings."""

    journal: Journal
    board: Board
    supervisor: Supervisor
    servers: Servers


class System:
    """One run: ``start`` returns when predictions flow, ``stop`` when nothing is left."""

    def __init__(self, settings: LauncherSettings, run: Run, wanted: Wanted, parts: Parts) -> None:
        self._settings = settings
        self._run = run
        self._parts = parts
        self._board = parts.board
        self._bus = BusWatch()
        self._roles = plan.plan_roles(
            simulated=settings.runs_simulator, consolidated=settings.consolidates,
            feed_processes=settings.feed_processes, shards=settings.shards,
        )  # fmt: skip
        numbers = iter(ports.distinct_free_ports(len(self._roles) + 4))
        self._addresses = Addresses(
            nats_url=settings.external_nats_url or "",
            api_port=settings.api_port or next(numbers),
            simulator_port=next(numbers) if plan.SIMULATE in self._roles else 0,
            websocket_port=settings.websocket_port or next(numbers),
        )
        self._http_ports = {role: next(numbers) for role in (*self._roles, plan.TRAIN)}
        self._http_ports[plan.GATEWAY] = self._addresses.api_port
        self._database_url = settings.database_url
        self._trainer = Trainer(
            self._bus.known_models, wanted, self._launch_of(plan.TRAIN),
            replace(self._launch_of(plan.TRAIN, _LOW_PRIORITY), runs_once=True),
        )  # fmt: skip
        self._nats_is_up = asyncio.Event()
        self._background: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """The dashboard's address."""
        return f"http://{self._settings.http_host}:{self._addresses.api_port}"

    async def start(self) -> None:
        """Bring everything up and return once the dashboard serves predictions.

        Raises:
            ForetickError: something cannot run; the message says why and what to do.
        """
        late = asyncio.create_task(self._say_when_late())
        try:
            await together(self._bring_up_market(), self._bring_up_storage())
        finally:
            late.cancel()
        self._spawn(self._trainer.train_when_asked(self._parts.supervisor, self._parts.journal))

    async def stop(self) -> None:
        """End every process, consumers before producers and the recorder last of all, then the servers."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._bus.close()
        feeds = (role.name for role in self._roles if role.user == plan.FEED.user)
        await self._parts.supervisor.stop(last=(*feeds, plan.SIMULATE.name, plan.RECORD.name))
        await self._parts.servers.stop()

    async def describe(self) -> str:
        """Return what is running in a few words, such as ``simulated market, 8 instruments``."""
        count = await self._bus.count_instruments()
        if self._run.replay is not None:
            speed = f"{self._settings.replay_speed:g}x" if self._settings.replay_speed else "full speed"
            ends = {"from": self._settings.replay_from, "to": self._settings.replay_to}
            part = "".join(f" {word} {text}" for word, text in ends.items() if text)
            market = f"REPLAY of {', '.join(Path(name).name for name in self._settings.replay)}{part} at {speed}"
        else:
            market = " and ".join(plan.SIMULATED_VENUES.get(venue, venue) for venue in self._run.venues)
        return f"{market}, {count} instrument{'' if count == 1 else 's'}"

    def card(self) -> dict[str, Any]:
        """Return what ``foretick status`` shows."""
        roles = {
            name: {
                "pid": role.pid,
                "state": role.lifecycle.state.value,
                "restarts": role.lifecycle.restarts,
                "http_port": next((port for known, port in self._http_ports.items() if known.name == name), 0),
            }
            for name, role in self._parts.supervisor.roles.items()
        }
        return {
            "run_id": self._run.run_id,
            "url": self.url,
            "nats_url": self._addresses.nats_url_of(OPERATOR),
            "database_url": self._database_url,
            "roles": roles,
            "servers": self._parts.servers.cards(),
        }

    async def _bring_up_market(self) -> None:
        await self._start_nats()
        self._launch(needing_database=False)
        self._board.finish("nats")
        await together(
            self._see_exchange(),
            self._see("feed", TICKS, plan.FEED),
            self._see("features", FEATURE_VECTORS, plan.FEATURES),
            self._have_model(),
            self._see("predictions", PREDICTION_MESSAGES, plan.PREDICTOR),
        )

    async def _bring_up_storage(self) -> None:
        if self._database_url is None:
            self._board.begin("postgres")
            server = PostgresServer(self._data_dir / "postgres", self._settings.postgres_port)
            self._database_url = await self._parts.servers.start(server)
            self._board.finish("postgres")
        self._board.begin("migrations")
        self._board.finish("migrations", await database.migrate(self._database_url, self._parts.journal))
        await self._nats_is_up.wait()  # its address is part of what every role is told
        self._launch(needing_database=True)
        await self._see_ready("dashboard", plan.GATEWAY)

    async def _start_nats(self) -> None:
        self._board.begin("nats")
        if not self._addresses.nats_url:
            (monitoring_port,) = ports.distinct_free_ports(1)
            server = NatsServer(
                self._data_dir / "nats", self._settings.nats_port, monitoring_port=monitoring_port, users=users()
            )
            url = await self._parts.servers.start(server)
            urls = {user: server.url_of(user) for user in users()}
            self._addresses = replace(self._addresses, nats_url=url, nats_urls=urls)
        await self._bus.connect(self._addresses.nats_url_of(OPERATOR))
        if self._addresses.nats_urls:
            await self._bus.ensure_streams()
        if self._run.replay is None and self._settings.run_id is None:  # a replay begins at the beginning
            self._run = replace(self._run, run_id=await self._bus.share_run_id(self._run.run_id))
        self._nats_is_up.set()
        self._spawn(self._parts.servers.watch())

    async def _see_exchange(self) -> None:
        if plan.SIMULATE in self._roles:
            await self._see_ready("exchange", plan.SIMULATE)

    async def _see_ready(self, stage: str, role: Role) -> None:
        self._board.begin(stage)
        while True:
            ready, detail = await health_of(self._http_ports[role])
            if ready:
                break
            self._board.begin(stage, detail)
            await asyncio.sleep(_POLL_S)
        self._board.finish(stage)

    async def _see(self, stage: str, subject: Subject, role: Role) -> None:
        """Wait for the first message of ``subject``; meanwhile say what its producer is waiting for."""
        self._board.begin(stage)
        seen = asyncio.create_task(self._bus.first(subject))
        try:
            while not (await asyncio.wait([seen], timeout=5 * _POLL_S))[0]:
                _, detail = await health_of(self._http_ports[role])
                self._board.begin(stage, self._bus.withheld if subject is PREDICTION_MESSAGES else detail)
            seen.result()
        finally:
            seen.cancel()
        self._board.finish(stage)

    async def _have_model(self) -> None:
        self._board.begin("model")
        if await self._trainer.has_model(self._parts.journal):
            self._board.finish("model", "in the store")
            return
        await self._trainer.train_first(self._parts.supervisor)
        self._board.finish("model", "trained")

    async def _say_when_late(self) -> None:
        while True:
            await asyncio.sleep(_LATE_S)
            missing = [stage.label for stage in self._board.startup.stages if not stage.ended_s]
            self._parts.journal.say(
                "still starting", "WARNING", waiting_for=", ".join(missing),
                hint=f"the roles' logs are in {self._data_dir / 'logs'}; foretick doctor checks this machine",
            )  # fmt: skip

    def _launch(self, *, needing_database: bool) -> None:
        for role in self._roles:
            if role.needs_database is needing_database:
                self._parts.supervisor.start(self._launch_of(role))

    def _launch_of(self, role: Role, prefix: tuple[str, ...] = ()) -> Launch:
        command = (*prefix, sys.executable, "-m", f"foretick.{role.service}", role.role)
        return Launch(
            role.name, command, lambda: self._environment_of(role), one_shot=role.one_shot,
            stop_timeout_s=_STOP_ONE_SHOT_S if role.one_shot else _STOP_S,
        )  # fmt: skip

    def _environment_of(self, role: Role) -> dict[str, str]:
        port = self._http_ports[role]
        if not role.serves_web and not is_port_free(port):  # taken since it was chosen: a restart need not fail for it
            port = self._http_ports[role] = ports.distinct_free_ports(1)[0]
        told = plan.environment_of(role, self._run, self._addresses, port, self._database_url)
        return plan.child_environment(inherited_environment(), told)

    @property
    def _data_dir(self) -> Path:
        return Path(self._run.data_dir)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=work.__qualname__)
        task.add_done_callback(self._tell_failure)
        self._background.append(task)

    def _tell_failure(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._parts.journal.say(
                "part of the launcher failed", "ERROR", part=task.get_name(), error=repr(error),
                hint="what runs goes on; start foretick up again to have it whole",
            )  # fmt: skip


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Run ``works`` at the same time; the first to fail ends the others, and its exception is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
