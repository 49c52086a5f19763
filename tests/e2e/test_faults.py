"""Short twins of tests/prove's faults, on one system whose bus is behind a proxy and whose clock can be set."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretick.common.testing.freezing import frozen
from foretick.launcher.testing.bus_rig import WATCHED, BusRig, bus_rig
from foretick.launcher.testing.echo import Echo
from foretick.launcher.testing.fake_time import FakeTime
from foretick.launcher.testing.follower import Outage
from foretick.launcher.testing.processes import database_pids, troubles
from foretick.launcher.testing.stuck_clients import closing, frozen_session, stuck_subscriber
from foretick.launcher.testing.system import wait_until
from foretick.launcher.testing.verdict import assert_data_time_never_fell, assert_sound, wait_until_well

FAULT_S = 3.0
"""What no fault that predictions go on through may silence a client for; half of it says that one is felt."""
ENOUGH = 20
"""Predictions that say that they go on: two seconds of them."""
ROOTS = ("ticks", "books", "features", "predictions")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "ADAUSDT", "SOLUSDT", "AAPL", "GOOGL", "TSLA", "MSFT")


@pytest.fixture(scope="module")
def fake_time(tmp_path_factory: pytest.TempPathFactory) -> FakeTime:
    return FakeTime(tmp_path_factory.mktemp("time"))


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, trained_store: Path, fake_time: FakeTime) -> Iterator[BusRig]:
    folder = tmp_path_factory.mktemp("faults")
    shutil.copytree(trained_store, folder / "nats")
    with bus_rig(folder, **fake_time.settings) as rig:
        yield rig


@pytest.mark.parametrize("who", ["", "features.serve", "ingest.feed"], ids=["all", "features", "feed"])
def test_partition_is_noticed_and_healed(rig: BusRig, who: str) -> None:
    wait_until_well(rig.system, rig.follower, victims=WATCHED)
    began_s = time.monotonic()
    rig.proxy.cut(*([who] if who else []))
    wait_until(  # a partition that nobody feels is none
        lambda: rig.follower.longest_silence_s(began_s, time.monotonic()) >= FAULT_S / 2, 15, "a client that feels it"
    )
    rig.proxy.heal(reset=True)
    injected_s = time.monotonic() - began_s
    assert_sound(rig.system, rig.follower, victims=WATCHED)
    seen_s = rig.follower.longest_silence_s(began_s, time.monotonic())
    assert FAULT_S / 2 <= seen_s <= FAULT_S + 15, Outage(f"partition of {who or 'all'}", injected_s, seen_s).describe()


def test_bus_killed_and_started_again_loses_nothing_silently(rig: BusRig) -> None:
    rig.server.kill()
    wait_until(lambda: troubles(rig.system, WATCHED), 10, "somebody who notices")
    rig.server.start()
    assert_sound(rig.system, rig.follower, victims=WATCHED)


def test_frozen_database_leaves_the_feed_alone_and_loses_nothing(rig: BusRig) -> None:
    wait_until_well(rig.system, rig.follower, victims=WATCHED)
    with frozen(database_pids(rig.system)):
        began_s = time.monotonic()
        rig.follower.wait_for_more(ENOUGH)
        seen_s = rig.follower.longest_silence_s(began_s, time.monotonic())
    assert seen_s < FAULT_S, "predictions went on"
    assert_sound(rig.system, rig.follower, victims=WATCHED)


def test_consumers_that_stop_reading_leave_the_others_alone(rig: BusRig) -> None:
    wait_until_well(rig.system, rig.follower, victims=WATCHED)
    stuck = [stuck_subscriber(rig.server.url)]
    stuck += [frozen_session(rig.system.feed_url, SYMBOLS, ("books", "features", "predictions")) for _ in range(5)]
    with closing(*stuck):
        began_s = time.monotonic()
        rig.follower.wait_for_more(ENOUGH)
        assert rig.follower.longest_silence_s(began_s, time.monotonic()) < FAULT_S
    assert_sound(rig.system, rig.follower, victims=WATCHED)


def test_clock_set_back_an_hour_holds_nothing_still(rig: BusRig, fake_time: FakeTime) -> None:
    wait_until_well(rig.system, rig.follower, victims=WATCHED)
    fake_time.offset_s = -3600.0
    began_s = time.monotonic()
    rig.follower.wait_for_more(ENOUGH)
    assert rig.follower.longest_silence_s(began_s, time.monotonic()) < FAULT_S
    assert_sound(rig.system, rig.follower, victims=WATCHED)
    assert_data_time_never_fell(rig.system)


def test_messages_that_come_twice_and_late_change_nothing(rig: BusRig) -> None:
    wait_until_well(rig.system, rig.follower, victims=WATCHED)
    with Echo(rig.server.url) as echo:
        wait_until(lambda: all(echo.repeats.get(root, 0) > 100 for root in ROOTS), 60, "repeats of every subject")
        wait_until_well(rig.system, rig.follower, victims=WATCHED)
    assert_sound(rig.system, rig.follower, victims=WATCHED)
