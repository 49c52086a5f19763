"""The operator's connection to the bus: of a running system, or of the server at NATS_URL."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import nats.errors
import structlog

from foretick.common.errors import InvalidSettings, Refused, Transient
from foretick.common.runtime.bus import Bus, without_password
from foretick.common.runtime.health import Health
from foretick.common.runtime.settings import load_settings
from foretick.common.subjects import OPERATOR
from foretick.launcher.machine import instance
from foretick.launcher.settings import LauncherSettings

EXIT_REFUSED = 1
EXIT_USAGE = InvalidSettings.exit_code
EXIT_AWAY = 3

_CONNECT_S = 5.0


def run_as_operator(work: Callable[[LauncherSettings], int]) -> int:
    """Run ``work`` with the settings; return its exit code, or the one of what prevented it, which is told.

    1: it was refused; 2: the settings are wrong; 3: the bus is away
    """
    try:
        return work(load_settings(LauncherSettings))
    except InvalidSettings as error:
        sys.stderr.write(f"foretick: {error}\n")
        return EXIT_USAGE
    except Refused as error:
        sys.stderr.write(f"foretick: {error.message}{f'; {error.hint}' if error.hint else ''}\n")
        return EXIT_REFUSED
    except Transient as error:
        sys.stderr.write(f"foretick: {error}\n")
        return EXIT_AWAY


def nats_url_of(settings: LauncherSettings) -> str:
    """Return where the bus is: NATS_URL where it is set, else that of the system that runs on DATA_DIR.

    Raises:
        Refused: neither is there
    """
    if settings.external_nats_url is not None:
        return settings.external_nats_url
    card = instance.read_card(settings.run_data_dir)
    if instance.running_pid(settings.run_data_dir) is None or not card or not card.get("nats_url"):
        raise Refused(
            "not_running", f"Foretick does not run on {settings.run_data_dir}", "start it, or set DATA_DIR or NATS_URL"
        )
    return card["nats_url"]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Bus]:
    """Connect to the bus at ``url`` for the body.

    Raises:
        Transient: it does not answer, does not know the user, or stops answering in the body
    """
    bus = Bus(url, OPERATOR, structlog.wrap_logger(structlog.ReturnLogger(), processors=[]), Health(OPERATOR))
    try:
        await asyncio.wait_for(bus.connect(), _CONNECT_S)
        yield bus
    except (TimeoutError, OSError, nats.errors.Error) as error:
        raise Transient(f"NATS at {without_password(url)} does not answer as {OPERATOR}: {error!r}") from error
    finally:
        await bus.close()
