"""Seeded ``kill -9`` of random services: each comes back, the record is whole. Short twin: e2e/test_recovery."""

import os
import random
from pathlib import Path

import psycopg

from foretick.common.testing.record import assert_record_is_whole_and_right, is_recorded
from foretick.launcher.testing import ROLES, System, prediction_of, wait_until

KILLS = int(os.environ.get("PROVE_KILLS", "30"))
SEED = int(os.environ.get("PROVE_SEED", "1"))


def test_record_is_whole_after_random_kills(cold_system_folder: Path) -> None:
    rng = random.Random(SEED)
    with System(cold_system_folder) as system:
        for number in range(KILLS):
            service, role = rng.choice(ROLES)
            before = prediction_of(system.wait_for_prediction())["asof_seq"]
            victim = wait_until(lambda service=service, role=role: system.role(service, role), 60, f"{service} {role}")
            victim.kill()
            print(f"kill {number + 1} of {KILLS}: {service} {role}", flush=True)

            def newer(before: int = before) -> bool:
                return prediction_of(system.wait_for_prediction())["asof_seq"] > before

            wait_until(newer, 120, f"a newer prediction after {service} {role} was killed")
        run_id = system.setting("RUN_ID")
        last = prediction_of(system.wait_for_prediction())["asof_seq"]
        with psycopg.connect(system.setting("DATABASE_URL"), autocommit=True) as rows:
            wait_until(lambda: is_recorded(rows, run_id, "BTCUSDT", last), 60, "the recorder has caught up")
            assert_record_is_whole_and_right(rows, run_id)
