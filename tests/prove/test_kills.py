"""Seeded ``kill -9`` of services, nats-server and PostgreSQL at random moments, also of several at once.

Nothing that was acknowledged is lost or doubled. Short twin: e2e/test_recovery.
"""

import os
import random
import time
from pathlib import Path

from foretick.launcher.testing import System, wait_until
from foretick.launcher.testing.follower import Follower, Outage
from foretick.launcher.testing.processes import VICTIMS, Victim, is_replaced, kill
from foretick.launcher.testing.verdict import assert_sound, summarise, wait_until_well
from foretick.launcher.testing.witness import Witness

from .conftest import audit_progress, tell

KILLS = int(os.environ.get("PROVE_KILLS", "200"))
SEED = int(os.environ.get("PROVE_SEED", "1"))
JUDGED_EVERY = 25
BACK_S = 60.0


def test_record_is_whole_after_random_kills(cold_system_folder: Path) -> None:
    rng = random.Random(SEED)
    outages: list[Outage] = []
    with System(cold_system_folder) as system, Follower(system) as follower, Witness(system) as witness:
        wait_until_well(system, follower)
        number = 0
        while number < KILLS:
            victims = rng.sample(VICTIMS, k=min(rng.choice((1, 1, 1, 2, 3)), KILLS - number))
            number += len(victims)
            outages.append(strike(system, follower, victims, rng))
            tell(f"{number:3} of {KILLS}  {outages[-1].describe()}")
            if number < KILLS and number // JUDGED_EVERY != (number - len(victims)) // JUDGED_EVERY:
                tell(summarise(f"{number} kills", assert_sound(system, follower, progress=audit_progress()), outages))
        report = assert_sound(system, follower, progress=audit_progress())
        witness.assert_kept()
        tell(summarise(f"{KILLS} kills, {witness.describe()}", report, outages))


def strike(system: System, follower: Follower, victims: list[Victim], rng: random.Random) -> Outage:
    """Kill ``victims`` a random moment apart, some of them while others recover; return what came of it."""
    began_s = time.monotonic()
    pids: list[tuple[Victim, int]] = []
    for victim in victims:
        time.sleep(rng.uniform(0.0, 1.5))  # the moment is what is random
        pids.append((victim, kill(system, victim)))
    wait_until(
        lambda: all(is_replaced(system, victim, pid) for victim, pid in pids), BACK_S,
        lambda: f"{[victim.label for victim in victims]} back\n{system.log_tail(30)}",
    )  # fmt: skip
    injected_s = time.monotonic() - began_s
    wait_until_well(system, follower)
    seen_s = follower.longest_silence_s(began_s, time.monotonic())
    return Outage(" + ".join(victim.label for victim in victims), injected_s, seen_s)
