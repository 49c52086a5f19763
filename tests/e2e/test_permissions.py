"""The whole system lives within the permissions of the subject table, and nothing of it tells a password."""

import json
import re

import nats
from nats.errors import Error as NatsError

from foretick.common.subjects import ROLES
from foretick.launcher.testing import System
from foretick.launcher.testing.processes import not_ready
from foretick.launcher.testing.system import ROLES as PROCESSES
from foretick.launcher.testing.system import run_apart, wait_until


def violations(system: System, service: str, role: str) -> float:
    found = re.search(r"^foretick_bus_permission_violations_total (\S+)$", system.metrics(service, role), re.MULTILINE)
    assert found, f"{service}.{role} does not count violations"
    return float(found[1])


async def publish_as(url: str, subject: str) -> list[str]:
    """Publish as the user in ``url``; return what the server refused."""
    refused: list[str] = []

    async def note(error: Exception) -> None:
        refused.append(str(error))

    client = await nats.connect(url, error_cb=note, allow_reconnect=False)
    try:
        await client.publish(subject, b"{}")
        for _ in range(2):  # the first ping may overtake what is buffered
            await client.flush()
    except NatsError as error:
        refused.append(str(error))
    finally:
        await client.close()
    return refused


def test_system_runs_without_one_violation_also_after_a_restart(simulated: System) -> None:
    guarded = [(service, role) for service, role in PROCESSES if f"{service}.{role}" in ROLES]
    before = {name: process.pid for name in guarded if (process := simulated.role(*name))}
    assert sorted(before) == sorted(guarded)
    for name in guarded:
        process = simulated.role(*name)
        assert process is not None
        process.terminate()

    def are_back() -> bool:
        return all(
            (process := simulated.role(*name)) is not None and process.pid != before[name] and not not_ready(process)
            for name in guarded
        )

    wait_until(are_back, 120, "every role is back and ready")
    simulated.wait_for_prediction()
    assert {name: violations(simulated, *name) for name in guarded} == dict.fromkeys(guarded, 0)
    logs = {path.stem: path.read_text() for path in (simulated.data_dir / "logs").glob("*.log")}
    assert [name for name, text in logs.items() if "refused by NATS" in text] == []


def test_role_s_own_url_does_not_open_another_s_subjects(simulated: System) -> None:
    gateway = wait_until(lambda: simulated.role("gateway", "api"), 60, "gateway process")
    url = gateway.environ()["NATS_URL"]
    assert url.startswith("nats://gateway.api:")
    assert run_apart(publish_as(url, "predictions.sim.BTCUSDT"))
    assert run_apart(publish_as(simulated.setting("NATS_URL"), "unheard.of")) == []


def test_no_log_and_no_reply_tells_a_password(simulated: System) -> None:
    path = simulated.data_dir / "nats" / "passwords.json"
    assert path.stat().st_mode & 0o077 == 0
    assert (path.parent / "nats-server.conf").stat().st_mode & 0o077 == 0
    passwords = json.loads(path.read_text()).values()
    texts = [simulated.log_path.read_text(), *(log.read_text() for log in simulated.data_dir.glob("**/*.log"))]
    texts += [simulated.metrics(service, role) for service, role in PROCESSES]
    assert not any(password in text for password in passwords for text in texts)
