"""``kill -9`` of each service in turn: it comes back, and no value that was recorded is wrong or doubled."""

import psycopg
import pytest

from foretick.common.testing.record import assert_record_is_whole_and_right, is_recorded
from foretick.launcher.testing import ROLES, System, prediction_of, wait_until


@pytest.mark.parametrize(("service", "role"), ROLES, ids=["-".join(role) for role in ROLES])
def test_killed_service_comes_back_with_new_predictions(simulated: System, service: str, role: str) -> None:
    victim = wait_until(lambda: simulated.role(service, role), 30, f"{service} {role}")
    before = prediction_of(simulated.wait_for_prediction())["asof_seq"]
    victim.kill()
    victim.wait(10)

    def is_back() -> bool:
        successor = simulated.role(service, role)
        if successor is None or successor.pid == victim.pid:
            return False
        now = prediction_of(simulated.get("/api/analytics/predictions/BTCUSDT") or {})
        return bool(now.get("probabilities")) and now["asof_seq"] > before

    wait_until(is_back, 90, f"{service} {role} back and a newer prediction\n{simulated.log_tail(30)}")


def test_after_all_kills_the_record_is_whole_and_right(simulated: System, rows: psycopg.Connection) -> None:
    run_id = simulated.setting("RUN_ID")
    last = prediction_of(simulated.wait_for_prediction())["asof_seq"]
    wait_until(lambda: is_recorded(rows, run_id, "BTCUSDT", last), 60, "the recorder has caught up")
    assert_record_is_whole_and_right(rows, run_id)
