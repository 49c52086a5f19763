"""Liveness and readiness of a process, and the small HTTP application that tells them."""

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from foretick.common.runtime.metrics import Metrics


@dataclass(slots=True)
class Condition:
    """One thing that readiness depends on."""

    ok: bool
    detail: str = ""


class Health:
    """Alive: the process answers. Ready: every condition holds, so that traffic may come."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._conditions: dict[str, Condition] = {"started": Condition(False, "starting")}

    def set(self, condition: str, *, ok: bool, detail: str = "") -> None:
        """State that ``condition`` holds or not, and why; readiness needs all of them."""
        self._conditions[condition] = Condition(ok, detail)

    @property
    def ready(self) -> bool:
        """Whether every condition holds."""
        return all(condition.ok for condition in self._conditions.values())

    def report(self) -> dict[str, object]:
        """Return the state of every condition."""
        return {
            "service": self.name,
            "ready": self.ready,
            "conditions": {
                name: {"ok": condition.ok, "detail": condition.detail} for name, condition in self._conditions.items()
            },
        }


class HttpApp:
    """``/health/live``, ``/health/ready`` and ``/metrics``, and, once mounted, the service's own application."""

    def __init__(self, health: Health, metrics: Metrics, runtime_metrics: Metrics) -> None:
        self._health = health
        self._metrics = (runtime_metrics, metrics)
        self.asgi = Starlette(routes=self._routes())

    def mount(self, app: ASGIApp) -> None:
        """Serve ``app`` for every path that is not ours."""
        self.asgi.router.routes.append(Mount("/", app=app))

    def _routes(self) -> list[BaseRoute]:
        return [
            Route("/health/live", self._live),
            Route("/health/ready", self._ready),
            Route("/metrics", self._expose),
        ]

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"service": self._health.name, "live": True})

    async def _ready(self, _request: Request) -> Response:
        return JSONResponse(self._health.report(), status_code=200 if self._health.ready else 503)

    async def _expose(self, _request: Request) -> Response:
        parts = [metrics.render() for metrics in self._metrics]
        return Response(b"".join(body for body, _ in parts), headers={"content-type": parts[0][1]})
